# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan for service accounts, as a table."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret import (
    managed_metadata,
    service_accounts,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.decision import Change, Plan, Policy
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.reasons import Reason
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.service_accounts import (
    Account,
    AccountPlan,
    Found,
    Wanted,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._time import parse_time
from unit.cases import decide as cases

NAME = "ecr-public-secret"


def account(name: str, *secrets: str, refresher: bool = False) -> dict[str, Any]:
    """Build a v1 ServiceAccount as the API returns it."""
    labels = {managed_metadata.REFRESHER_LABEL: "ecr-public-refresher"} if refresher else None
    metadata = {"name": name, "namespace": "a", "uid": f"uid-{name}", "resourceVersion": "7", "labels": labels}
    entries = [{"name": secret} for secret in secrets]
    return {"metadata": metadata, **({"imagePullSecrets": entries} if entries else {})}


def found(*accounts: dict[str, Any], **failed: tuple[Reason, str]) -> Found:
    read = [Account.from_object(item) for item in accounts]
    return Found({one.name: one for one in read}, {name.replace("ALL", "*"): why for name, why in failed.items()})


REFRESHER = account("r", refresher=True)
NO: tuple[Reason, str] = ("forbidden", "no")
ONLY_B = {"b": ("attached", [NAME])}

ATTACH: dict[str, tuple[list[str], Found, dict[str, tuple[str, list[str]]]]] = {
    # The option, the existing accounts, and account -> (action, its list afterwards).
    "to an empty list": (["a"], found(account("a")), {"a": ("attached", [NAME])}),
    "after unmanaged entries": (["a"], found(account("a", "x", "y")), {"a": ("attached", ["x", "y", NAME])}),
    "already attached": (["a"], found(account("a", "x", NAME, "y")), {"a": ("unchanged", ["x", NAME, "y"])}),
    "beside one whose name begins so": (["a"], found(account("a", "ecr")), {"a": ("attached", ["ecr", NAME])}),
    "to those that are named only": (["a"], found(account("a"), account("b")), {"a": ("attached", [NAME])}),
    "by a glob": (["a*"], found(account("a1"), account("b")), {"a1": ("attached", [NAME])}),
    "by a glob and by name, once": (["a*", "a1"], found(account("a1")), {"a1": ("attached", [NAME])}),
    "case counts": (["A*"], found(account("a1")), {}),
    "one that is missing": (["a"], found(), {"a": ("failed", [])}),
    "default does not exist yet": (["default"], found(), {"default": ("attached", [NAME])}),
    "by a glob, too": (["*"], found(account("a")), {"a": ("attached", [NAME]), "default": ("attached", [NAME])}),
    "default is there": (["d*"], found(account("default", "x")), {"default": ("attached", ["x", NAME])}),
    "never a refresher's by a glob": (["r*"], found(REFRESHER, account("r2")), {"r2": ("attached", [NAME])}),
    "a refresher's by name is rejected": (["r"], found(REFRESHER), {"r": ("failed", [])}),
    "one that cannot be read": (["a", "b"], found(account("b"), a=NO), {"a": ("failed", []), **ONLY_B}),
    "a list that was denied": (["a*", "b"], found(account("b"), ALL=NO), {"a*": ("failed", []), **ONLY_B}),
}  # fmt: skip

DETACH: dict[str, tuple[Wanted, Found, dict[str, tuple[str, list[str]]]]] = {
    "from those that are listed": (
        Wanted(("a", "c*"), attach=False),
        found(account("a", "x", NAME, "y"), account("b", NAME), account("c1", NAME)),
        {"a": ("detached", ["x", "y"]), "c1": ("detached", [])},
    ),
    "twice in a list": (Wanted(("a",), attach=False), found(account("a", NAME, "x", NAME)), {"a": ("detached", ["x"])}),
    "not attached": (Wanted(("a",), attach=False), found(account("a", "x")), {"a": ("unchanged", ["x"])}),
    "one that is missing is fine": (Wanted(("a", "default"), attach=False), found(), {}),
    "from every account that names it": (
        Wanted(("a",), attach=False, every_user=True),
        found(account("a"), account("b", NAME), account("c", "x")),
        {"a": ("unchanged", []), "b": ("detached", [])},
    ),
    "from a refresher's, too": (
        Wanted((), attach=False, every_user=True),
        found(account("r", NAME, refresher=True)),
        {"r": ("detached", [])},
    ),
    "a search that was denied": (Wanted((), attach=False, every_user=True), found(ALL=NO), {}),
}


def decided(plans: tuple[AccountPlan, ...]) -> dict[str, tuple[str, list[str]]]:
    return {plan.name: (plan.action, [entry["name"] for entry in plan.entries]) for plan in plans}


@pytest.mark.parametrize("case", ATTACH)
def test_attach(case: str) -> None:
    listed, there, expected = ATTACH[case]
    plans = service_accounts.decide(there, Wanted(tuple(listed)), NAME)
    assert decided(plans) == expected
    assert [plan.name for plan in plans] == sorted(expected)
    assert all(plan.msg and plan.reason for plan in plans if plan.action == "failed")


@pytest.mark.parametrize("case", DETACH)
def test_detach(case: str) -> None:
    wanted, there, expected = DETACH[case]
    assert decided(service_accounts.decide(there, wanted, NAME)) == expected


def test_a_patch_is_bound_to_what_was_read_and_keeps_all_of_an_entry() -> None:
    there = account("a", "x")
    there["imagePullSecrets"][0]["future"] = 1
    (plan,) = service_accounts.decide(found(there), Wanted(("a",)), NAME)
    assert service_accounts.merge_patch(plan) == {
        "metadata": {"uid": "uid-a", "resourceVersion": "7"},
        "imagePullSecrets": [{"name": "x", "future": 1}, {"name": NAME}],
    }


def test_an_account_that_does_not_exist_yet_has_no_patch() -> None:
    (plan,) = service_accounts.decide(found(), Wanted(("default",)), NAME)
    with pytest.raises(ValueError, match="was not read"):
        service_accounts.merge_patch(plan)


CHANGE = Change(labels={"a": None})
REACH: dict[str, tuple[Plan, dict[str, Any], Wanted | None]] = {
    "a secret that is created": (Plan("created", "missing"), {}, Wanted(("a",))),
    "a secret that is fresh": (Plan("unchanged", "fresh"), {}, Wanted(("a",))),
    "a secret that failed": (Plan("failed", "unmanaged"), {}, None),
    "a namespace that is skipped": (Plan("skipped", "terminating"), {}, None),
    "an option that is empty": (Plan("created", "missing"), {"service_accounts": ()}, None),
    "a secret that is deleted": (
        Plan("removed", "managed"),
        {"state": "absent"},
        Wanted(("a",), attach=False, every_user=True),
    ),
    "a secret whose managed entries are removed": (
        Plan("removed", "shared", change=CHANGE),
        {"state": "absent"},
        Wanted(("a",), attach=False),
    ),
    "a secret that was gone before": (Plan("unchanged", "missing"), {"state": "absent"}, Wanted(("a",), attach=False)),
    "an unmanaged secret": (Plan("unchanged", "unmanaged"), {"state": "absent"}, None),
    "a namespace that is gone": (Plan("unchanged", "missing_namespace"), {"state": "absent"}, None),
    "nothing listed, nothing deleted": (
        Plan("unchanged", "missing"),
        {"state": "absent", "service_accounts": ()},
        None,
    ),
    "nothing listed, the secret is deleted": (
        Plan("removed", "managed"),
        {"state": "absent", "service_accounts": ()},
        Wanted((), attach=False, every_user=True),
    ),
    "removed, though the state is present": (
        Plan("removed", "managed"),
        {},
        Wanted(("a",), attach=False, every_user=True),
    ),
}


@pytest.mark.parametrize("case", REACH)
def test_reach(case: str) -> None:
    plan, options, expected = REACH[case]
    policy = Policy(**{"name": NAME, "service_accounts": ("a",), **options})
    assert service_accounts.wanted(plan, policy) == expected
    if policy.state == "present" and plan.action != "removed":
        assert service_accounts.wanted(plan, policy, usable=False) is None


@pytest.mark.parametrize(("managed", "usable"), [(True, True), (False, False)])
def test_a_placeholder_run_attaches_no_unmanaged_secret(managed: bool, usable: bool) -> None:
    now = parse_time(cases.DEFAULT_NOW)
    policy = Policy(name=NAME, placeholder=True)
    assert service_accounts.is_usable(cases.secret(managed=managed), policy, now) is usable
    assert service_accounts.is_usable(None, policy, now)
    assert service_accounts.is_usable(cases.secret(managed=managed), Policy(name=NAME), now)


def test_the_namespace_as_a_whole() -> None:
    attached, unchanged = AccountPlan("a", "attached"), AccountPlan("b", "unchanged")
    missing = service_accounts.missing("c")
    fresh, renewed, failed = Plan("unchanged", "fresh"), Plan("renewed", "due"), Plan("failed", "unmanaged", "theirs")
    assert service_accounts.overall(fresh, ()) == fresh
    assert service_accounts.overall(fresh, (unchanged,)) == fresh
    assert service_accounts.overall(renewed, (attached,)) == renewed
    assert service_accounts.overall(failed, (missing,)) == failed
    updated = service_accounts.overall(fresh, (unchanged, attached))
    assert (updated.action, updated.reason) == ("updated", "service_accounts")
    reported = service_accounts.overall(renewed, (attached, missing))
    assert (reported.action, reported.reason) == ("failed", "missing_service_account")
    assert "The secret: renewed (due)." in reported.msg
    assert "c does not exist. Create it" in reported.msg


@pytest.mark.parametrize("attach", [False, True])
def test_the_diff_of_a_long_list_shows_only_what_changes(attach: bool) -> None:
    theirs = [{"name": f"s{number}"} for number in range(10_000)]
    mine = {"name": NAME}
    entries = [*theirs, {"name": "x" * 100_000}] if attach else [*theirs[:5], mine, *theirs[5:]]
    account = Account("a", entries=tuple(entries))
    before, after = service_accounts.decide_account(account, attach, NAME).diff()
    kept = [f"and {10_001 if attach else 10_000} more"]
    shown = [*kept, NAME]
    assert before == {"imagePullSecrets": kept if attach else shown}
    assert after == {"imagePullSecrets": shown if attach else kept}


def test_the_diff_of_a_list_shows_a_repeated_name_once() -> None:
    theirs = [{"name": f"s{number}"} for number in range(20)]
    account = Account("a", entries=(*theirs, *[{"name": NAME}] * 10_000))
    before, after = service_accounts.decide_account(account, False, NAME).diff()
    assert (before, after) == ({"imagePullSecrets": ["and 20 more", NAME]}, {"imagePullSecrets": ["and 20 more"]})


def test_the_diff_of_a_short_list_shows_it_in_order() -> None:
    account = Account("a", entries=({"name": "x" * 1000}, {}, {"name": "b"}))
    before, after = service_accounts.decide_account(account, True, NAME).diff()
    long = "x" * 200 + "... (1000 characters)"
    assert before == {"imagePullSecrets": [long, "", "b"]}
    assert after == {"imagePullSecrets": [long, "", "b", NAME]}
