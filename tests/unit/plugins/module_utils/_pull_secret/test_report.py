# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A task's result, message and diff."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils._names import SHOWN, some
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.decision import Change, Plan, Policy
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.reasons import Reason
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.report import (
    DIFFS,
    Outcome,
    Report,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.selection import Selection
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.service_accounts import AccountPlan
from ansible_collections.freshpull.ecr_public.plugins.module_utils._token import Token

POLICY = Policy("ecr-public-secret")
SELECTION = Selection(("a",))
AT = dt.datetime(2026, 1, 1, 12, tzinfo=dt.timezone.utc)
LATER = AT + dt.timedelta(hours=6)
WRITTEN = Change(auths={"public.ecr.aws": {"auth": "bmV2ZXItc2hvd24="}})


def failed(namespace: str, reason: Reason = "forbidden", **fields: Any) -> Outcome:
    return Outcome(namespace, Plan("failed", reason, f"why {namespace} failed"), **fields)


def test_a_result_has_each_namespace_and_the_earliest_expiry() -> None:
    created = Outcome("a", Plan("created", "missing", change=WRITTEN, needs_token=True, expires_at=LATER), uid="u")
    report = Report([created, Outcome("b", Plan("unchanged", "fresh", expires_at=AT))], [])
    result = report.to_result(POLICY, Token(LATER, "AWS", "never-shown"))
    assert (result["changed"], result["summary"]) == (True, {"created": 1, "unchanged": 1})
    assert result["expires_at"] == "2026-01-01T12:00:00Z"
    assert result["fingerprint"].startswith("sha256:")
    assert result["namespaces"][0] == {
        "namespace": "a",
        "action": "created",
        "reason": "missing",
        "expires_at": "2026-01-01T18:00:00Z",
        "secret_uid": "u",
        "service_accounts": [],
        "msg": "",
    }
    assert "never-shown" not in json.dumps(result)


def test_an_expiry_that_only_a_token_has_is_unknown() -> None:
    report = Report([Outcome("a", Plan("created", "missing", change=WRITTEN, needs_token=True))], [])
    result = report.to_result(POLICY, None)
    assert result["namespaces"][0]["expires_at"] == "unknown"
    assert (result["expires_at"], result["fingerprint"]) == (None, None)


def test_a_service_account_alone_changes_its_namespace() -> None:
    account = AccountPlan("build", "attached")
    outcome = Outcome("a", Plan("unchanged", "fresh", expires_at=AT), accounts=(account,))
    assert Report([outcome], []).changed
    assert outcome.overall.action != "unchanged"
    assert outcome.to_result()["service_accounts"] == [account.to_result()]
    shown = Report([outcome], []).diff(POLICY)
    assert shown["after"].keys() == {"a/serviceaccount/build"}


def test_a_service_account_that_failed_fails_its_namespace() -> None:
    account = AccountPlan("build", "failed", reason="forbidden", msg="why build failed")
    outcome = Outcome("a", Plan("renewed", "due", change=WRITTEN), accounts=(account,))
    report = Report([outcome], [])
    assert report.failures == [outcome]
    assert "why build failed" in report.problem(POLICY, SELECTION)


def test_an_orphan_is_reported_as_orphaned() -> None:
    outcome = Outcome("a", Plan("removed", "managed"), orphan=True)
    assert (outcome.overall.action, outcome.overall.reason) == ("removed", "orphaned")


PROBLEMS: dict[str, tuple[Report, tuple[str, ...]]] = {
    "none": (Report([Outcome("a", Plan("unchanged", "fresh"))], []), ()),
    "one namespace": (Report([failed("a"), Outcome("b", Plan("created", "missing"))], []), ("1 of 2", "a: forbidden")),
    "no token": (
        Report([failed("a", "kept"), Outcome("b", Plan("failed_open", "due"))], [], outage="AWS is down."),
        ("AWS is down.", "1 of 2 namespaces", ": a.", ": b."),
    ),
    "no token, and something else": (
        Report([failed("a", "token_unavailable"), failed("b")], [], outage="AWS is down."),
        ("AWS is down.", "b: forbidden: why b failed"),
    ),
    "not pruned": (Report([Outcome("a", Plan("unchanged", "fresh"))], [], unpruned="Nothing was pruned."), ("pruned",)),
    "clocks": (
        Report([Outcome("a", Plan("renewed", "due"))], [], clocks="The clocks differ."),
        ("The clocks differ.",),
    ),
    "no namespace": (Report([], []), ("namespaces", "exclude_namespaces")),
}


@pytest.mark.parametrize("case", PROBLEMS)
def test_why_a_task_fails(case: str) -> None:
    report, words = PROBLEMS[case]
    problem = report.problem(POLICY, SELECTION)
    assert bool(problem) == bool(words)
    assert [each for each in words if each not in problem] == []


@pytest.mark.parametrize(
    ("policy", "selection"), [(Policy("a", state="absent"), SELECTION), (POLICY, Selection(("*",), (), "a=b"))]
)
def test_no_namespace_is_no_failure_of_a_removal_or_with_a_selector(policy: Policy, selection: Selection) -> None:
    assert Report([], []).problem(policy, selection) == ""


def test_an_outage_that_no_namespace_needs_a_token_in_is_no_problem() -> None:
    report = Report([Outcome("a", Plan("unchanged", "fresh"))], [], outage="AWS is down.")
    assert report.problem(POLICY, SELECTION) == ""


def test_many_failures_are_counted_and_the_first_named() -> None:
    report = Report([failed(f"n{number:02}") for number in range(SHOWN + 3)], [])
    problem = report.problem(POLICY, SELECTION)
    assert f"{SHOWN + 3} of {SHOWN + 3}" in problem
    assert f"n{SHOWN - 1:02}: forbidden" in problem
    assert f"n{SHOWN:02}: forbidden" not in problem
    assert "3 more" in problem


def test_many_diffs_are_cut() -> None:
    outcomes = [Outcome(f"n{number:03}", Plan("created", "missing", change=WRITTEN)) for number in range(DIFFS + 2)]
    shown = Report(outcomes, []).diff(POLICY)
    assert len(shown["before"]) == DIFFS
    assert [name for name in shown["after"] if "2 more" in name] != []
    assert "bmV2ZXItc2hvd24=" not in json.dumps(shown)


def test_some_names() -> None:
    assert some(["a", "b"]) == "a, b"
    assert some([str(number) for number in range(SHOWN + 1)]).endswith("9 and 1 more")
