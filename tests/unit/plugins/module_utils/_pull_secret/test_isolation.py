# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever a secret holds, it costs at most its own namespace: nothing raises, and the time stays linear."""

from __future__ import annotations

import base64
import datetime as dt
import json
import tracemalloc
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _docker_config
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret import (
    bodies,
    decision,
    managed_metadata,
    other_managers,
    service_accounts,
    status,
    task,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.decision import (
    Policy,
    decide,
    not_managed,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.manager_warnings import ManagerWarnings
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.report import Outcome
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.stored import Stored
from ansible_collections.freshpull.ecr_public.plugins.module_utils._time import format_time, parse_time
from ansible_collections.freshpull.ecr_public.plugins.module_utils._token import Token
from unit.cases import any_secret
from unit.cases import decide as cases
from unit.linear_time import assert_linear_time
from unit.plugins.module_utils._pull_secret.memory import MemoryCluster, result, run
from unit.plugins.module_utils._pull_secret.test_status import ReadOnlyCluster, inspect

NOW = parse_time(cases.DEFAULT_NOW)
TOKEN = Token(NOW + dt.timedelta(hours=12), "AWS", cases.NEW)
LONGEST_MESSAGE = 8_000
"""Bytes of what a result shows of one namespace, whatever its secret holds."""
LONGEST_DIFF = 40_000
POLICIES = st.builds(
    Policy,
    name=st.just("ecr-public-secret"),
    state=st.sampled_from(["present", "present", "absent", "orphaned"]),
    registries=st.sampled_from([("public.ecr.aws",), ("public.ecr.aws", "ecr-public.aws.com")]),
    force_renew=st.booleans(),
    adopt=st.booleans(),
    recreate=st.booleans(),
    placeholder=st.booleans(),
    service_accounts=st.just(("*",)),
)


def unmanaged_auths(secret: dict[str, Any], policy: Policy) -> dict[str, Any]:
    stored = Stored(secret)
    return {
        key: entry
        for key, entry in stored.auths.items()
        if key not in stored.managed_entries and _docker_config.kubelet_key(key) not in policy.registries
    }


def process(secret: dict[str, Any], policy: Policy, token: Token | None, outage: bool = False) -> str:
    """Do all that module, info and refresher do with a secret. Return the action."""
    plan = decide(secret, policy, NOW, token, outage=outage)
    warnings = ManagerWarnings(policy.name)
    warnings.add(Outcome(secret["metadata"]["namespace"], plan, managers=other_managers.of_secret(secret)))
    shown = [plan.action, plan.reason, plan.msg, *warnings.texts(), status.health(secret, policy, NOW).owner]
    assert len(json.dumps(shown).encode()) <= LONGEST_MESSAGE
    assert len(json.dumps(bodies.diff(secret, policy, plan)).encode()) <= LONGEST_DIFF
    service_accounts.is_usable(secret, policy, NOW)
    if plan.writes and not plan.deletes and (token or not plan.needs_token):
        if plan.action == "recreated":
            body = bodies.successor(secret, policy, plan.change)
        else:
            body = bodies.merge_patch(secret, plan.change)
        text = body.get("data", {}).get(_docker_config.DATA_KEY)
        if text:
            after = {**secret, "data": {_docker_config.DATA_KEY: text}, "type": _docker_config.DOCKERCONFIG_TYPE}
            assert not Stored(after).malformed
            assert unmanaged_auths(after, policy) == unmanaged_auths(secret, policy)
    return plan.action


@given(any_secret.secrets(), POLICIES, st.sampled_from([None, TOKEN]), st.booleans())
def test_any_secret_is_decided_about(secret: dict[str, Any], policy: Policy, token: Token | None, outage: bool) -> None:
    process(secret, policy, token, outage)


@given(any_secret.secrets(owner="us"), POLICIES, st.booleans(), st.sampled_from([0, 1, 3600, None]))
def test_without_a_token_no_token_stays_that_has_expired(
    secret: dict[str, Any], policy: Policy, expired_only: bool, ago: int | None
) -> None:
    """ago: the seconds since the expiry; None for the one of the secret."""
    if ago is not None and secret["metadata"]["annotations"] is not None:
        expires_at = format_time(NOW - dt.timedelta(seconds=ago))
        secret["metadata"]["annotations"][managed_metadata.EXPIRES_AT] = expires_at
    policy = replace(policy, state="present", owner="us", placeholder=False, expired_only=expired_only)
    stored = Stored(secret, policy.registries)
    expired = stored.expires_at is not None and stored.expires_at <= NOW
    # An expiry that is not known counts as past, unless the options of the task are the reason.
    removes = stored.managed_entries and (expired or (stored.expires_at is None and not expired_only))
    usable = not not_managed(stored, policy) and stored.type == _docker_config.DOCKERCONFIG_TYPE
    if removes and usable and not (stored.immutable and not policy.recreate):
        plan = decide(secret, policy, NOW, outage=True)
        assert plan.action == "failed_open"
        assert set(plan.change.auths) == set(stored.managed_entries)
        assert all(entry is None for entry in plan.change.auths.values())


@given(any_secret.secrets("odd"), st.booleans(), st.booleans())
def test_a_neighbour_is_renewed_whatever_another_namespace_holds(
    secret: dict[str, Any], adopt: bool, recreate: bool
) -> None:
    cluster = MemoryCluster(["a", "odd", "z"])
    for name in ("a", "z"):
        cluster.stored[name] = cases.secret(namespace=name)
    cluster.stored["odd"] = secret
    found = result(run(cluster, "*", adopt=adopt, recreate=recreate))
    assert (found["a"], found["z"]) == (("renewed", "expired"), ("renewed", "expired"))
    assert cluster.calls["patch secret"] <= 3


@given(any_secret.secrets("odd", "us"), st.booleans(), st.sampled_from(["present", "absent"]))
def test_a_neighbour_is_served_whatever_an_orphan_holds(secret: dict[str, Any], prune: bool, state: str) -> None:
    cluster = MemoryCluster(["a", "odd", "z"])
    for name in ("a", "z"):
        cluster.stored[name] = cases.secret(namespace=name, owner="us")
    cluster.stored["odd"] = secret
    found = result(run(cluster, "a", "z", *MANY, owner="us", prune=prune, state=state))
    expected = ("renewed", "expired") if state == "present" else ("removed", "managed")
    assert (found["a"], found["z"]) == (expected, expected)


MANY = tuple(f"n{number}" for number in range(9))
"""So many names that the secrets are listed."""


@given(any_secret.secrets("odd", "us"), any_secret.service_accounts("odd"), st.booleans())
def test_info_reports_a_neighbour_whatever_a_namespace_holds(
    secret: dict[str, Any], account: dict[str, Any], selected: bool
) -> None:
    cluster = ReadOnlyCluster(*MANY, "a", "odd", "z", secrets={"a": cases.secret(namespace="a", owner="us")})
    cluster.stored["odd"] = secret
    cluster.objects = [account]
    policy = Policy("ecr-public-secret", owner="us", service_accounts=("*",))
    names = (*MANY, "a", *(["odd"] if selected else []), "z")
    findings = inspect(cluster, *names, policy=policy)
    assert len(json.dumps([findings.to_result(), findings.warnings])) < 50_000
    found = {entry["namespace"]: entry for entry in findings.to_result()["namespaces"]}
    assert (found["a"]["status"], found["z"]["status"]) == ("expired", "missing")
    assert found["a"]["planned_action"] == "renewed"


@pytest.mark.parametrize("kind", any_secret.LARGEST)
def test_the_largest_secrets_are_as_large_as_the_api_server_accepts(kind: str) -> None:
    large = any_secret.LARGEST[kind](any_secret.MAX_DATA)
    assert len(base64.b64decode(large["data"][_docker_config.DATA_KEY])) <= any_secret.MAX_DATA
    assert sum(map(len, large["metadata"]["annotations"].values())) <= any_secret.MAX_ANNOTATIONS


@pytest.mark.parametrize("kind", any_secret.LARGEST)
@pytest.mark.parametrize("state", ["present", "absent", "orphaned"])
def test_the_largest_secrets_take_linear_time(kind: str, state: str) -> None:
    policy = Policy("ecr-public-secret", state=state, adopt=True, recreate=True)
    assert_linear_time(lambda secret: process(secret, policy, TOKEN), any_secret.LARGEST[kind], any_secret.MAX_DATA)


@pytest.mark.parametrize("kind", any_secret.LARGEST)
def test_large_secrets_take_linear_memory(kind: str) -> None:
    size = any_secret.MAX_DATA // 16
    secret, policy = any_secret.LARGEST[kind](size), Policy("ecr-public-secret", adopt=True, recreate=True)
    tracemalloc.start()
    try:
        process(secret, policy, TOKEN)
        _now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 64 * size


def test_the_secret_with_most_listed_entries_has_thousands() -> None:
    secret = any_secret.LARGEST["entries that are all listed"](any_secret.MAX_DATA)
    assert len(Stored(secret).managed_entries) > 16_000


@pytest.mark.parametrize("kind", any_secret.LARGEST_ACCOUNTS)
@pytest.mark.parametrize("attach", [False, True])
def test_the_largest_service_accounts_take_linear_time(kind: str, attach: bool) -> None:
    make = any_secret.LARGEST_ACCOUNTS[kind]
    assert 0.9 < len(json.dumps(make(any_secret.MAX_DATA), separators=(",", ":"))) / any_secret.MAX_DATA < 1.1
    assert_linear_time(lambda item: process_account(item, attach), make, any_secret.MAX_DATA)


def process_account(item: dict[str, Any], attach: bool) -> None:
    """Do all that module, info and refresher do with a service account. Fails if a text of the result is too long."""
    secret = "ecr-public-secret"
    policy = Policy(secret, service_accounts=("default", "d*"), state="present" if attach else "absent")
    account = service_accounts.Account.from_object(item)
    wanted = service_accounts.Wanted(policy.service_accounts, attach=attach, every_user=not attach)
    plans = service_accounts.decide(service_accounts.Found({account.name: account}), wanted, secret)
    (plan,) = plans
    outcome = Outcome("team-a", decide(cases.secret(), policy, NOW, TOKEN), accounts=plans)
    warnings = ManagerWarnings(secret)
    warnings.add(outcome)
    warnings.add_account("team-a", account)
    assert len(json.dumps([outcome.to_result(), warnings.texts(), plan.diff()]).encode()) <= LONGEST_MESSAGE
    if plan.writes:
        kept = [entry for entry in item["imagePullSecrets"] if attach or entry.get("name") != secret]
        written = service_accounts.merge_patch(plan)["imagePullSecrets"]
        assert written == [*kept, *([{"name": secret}] if attach else [])]
    cluster = ReadOnlyCluster("team-a", "z", secrets={"team-a": cases.secret()})
    cluster.objects = [item]
    assert len(json.dumps(inspect(cluster, "team-a", "z", policy=policy).to_result())) <= LONGEST_MESSAGE


LONG = "x" * (any_secret.MAX_ANNOTATIONS - 1000)


def referenced(*references: dict[str, str]) -> dict[str, Any]:
    secret = cases.secret()
    secret["metadata"]["ownerReferences"] = list(references)
    return secret


LONG_TEXTS: dict[str, dict[str, Any]] = {
    "its type": cases.secret(type=LONG),
    "the namespace that it was written for": cases.secret(written_for=LONG),
    "a Helm release": cases.secret(annotations={"meta.helm.sh/release-name": LONG}),
    "an Argo CD application": cases.secret(annotations={"argocd.argoproj.io/tracking-id": LONG}),
    "its owner references": referenced({"kind": LONG, "name": LONG}),
    "many owner references": referenced(*({"kind": "A", "name": f"a{number}"} for number in range(10_000))),
}


@pytest.mark.parametrize("kind", LONG_TEXTS)
@pytest.mark.parametrize("adopt", [False, True])
def test_a_long_text_in_a_secret_is_shortened_in_messages(kind: str, adopt: bool) -> None:
    process(LONG_TEXTS[kind], Policy("ecr-public-secret", adopt=adopt, recreate=adopt), TOKEN)


@pytest.mark.parametrize("moment", any_secret.TIMES)
def test_an_odd_time_fails_no_decision(moment: str) -> None:
    for secret in (cases.secret(expires_at=moment), cases.secret(renewed_at=moment)):
        assert process(secret, Policy("ecr-public-secret"), TOKEN) in ("renewed", "unchanged")


@pytest.mark.parametrize("prune", [False, True])
def test_a_bug_in_a_namespace_that_is_not_selected_costs_no_other(prune: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail_once(stored: Stored, policy: Policy) -> Any:
        if stored.namespace == "odd":
            raise RecursionError("new-never-shown")
        return decision.not_managed(stored, policy)

    monkeypatch.setattr(task, "not_managed", fail_once)
    cluster = MemoryCluster(["a", "odd", "z", *MANY])
    for name in ("a", "odd", "z"):
        cluster.stored[name] = cases.secret(namespace=name)
    report = run(cluster, "a", "z", *MANY, prune=prune)
    found = result(report)
    assert found.pop("odd") == ("failed", "internal_error")
    assert (found["a"], found["z"]) == (("renewed", "expired"), ("renewed", "expired"))
    assert cluster.stored["odd"] == cases.secret(namespace="odd")


@pytest.mark.parametrize("place", ["decide", "merge_patch"])
def test_a_bug_costs_only_the_namespace_that_meets_it(place: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module: Any = decision if place == "decide" else bodies
    genuine = getattr(module, place)

    def fail_once(secret: dict[str, Any], *arguments: Any, **options: Any) -> Any:
        if secret["metadata"]["namespace"] == "odd":
            raise RecursionError("new-never-shown")
        return genuine(secret, *arguments, **options)

    monkeypatch.setattr(module, place, fail_once)
    cluster = MemoryCluster(["a", "odd", "z"])
    for name in cluster.present:
        cluster.stored[name] = cases.secret(namespace=name)
    report = run(cluster, "*")
    found = result(report)
    assert found == {"a": ("renewed", "expired"), "odd": ("failed", "internal_error"), "z": ("renewed", "expired")}
    (failed,) = report.failures
    assert "failed with an unexpected RecursionError in test_isolation.py, line " in failed.plan.msg
    assert "never-shown" not in failed.plan.msg


def test_the_spellings_that_stay_in_a_secret_that_fails_open_are_a_warning() -> None:
    cluster = MemoryCluster(["a"])
    auths = {"public.ecr.aws": "old", "https://public.ecr.aws": "old"}
    cluster.stored["a"] = cases.secret(namespace="a", auths=auths, registries=["public.ecr.aws"])
    report = run(cluster, "a", token=None, outage="AWS is down.")
    assert result(report) == {"a": ("failed_open", "expired")}
    (warning,) = report.warnings
    assert "keeps unmanaged entries" in warning
    assert "a (https://public.ecr.aws)" in warning
