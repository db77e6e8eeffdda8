# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Detect whether a write succeeded although its response was lost."""

from __future__ import annotations

import copy
import datetime as dt
from typing import Any

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret import bodies, decision
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.decision import Plan, Policy
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.stored import Secret
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.unconfirmed import is_carried_out
from ansible_collections.freshpull.ecr_public.plugins.module_utils._token import Token
from unit.cases import decide as cases

NOW = dt.datetime(2026, 1, 1, 12, tzinfo=dt.timezone.utc)
TOKEN = Token(expires_at=NOW + dt.timedelta(hours=12), username="AWS", password="new")
OTHER = Token(expires_at=NOW + dt.timedelta(hours=12), username="AWS", password="other")
POLICY = Policy(name="ecr-public-secret", labels={"team": "a"})
SHARED = {"public.ecr.aws": "old", "other.example": "theirs"}


def merged(target: dict[str, Any], patch: dict[str, Any]) -> dict[str, Any]:
    """Return the result of a merge patch (RFC 7386), as the API server computes it."""
    result = copy.deepcopy(target)
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key) or {}, value) if isinstance(value, dict) else value
    return result


def plan(secret: Secret | None, token: Token = TOKEN, **changes: Any) -> Plan:
    made = decision.decide(secret, Policy(name=POLICY.name, labels=POLICY.labels, **changes), NOW, token)
    assert made.writes
    return made


PATCHED: dict[str, tuple[Secret, dict[str, Any]]] = {
    "renewed": (cases.secret(namespace="a"), {}),
    "adopted": (cases.secret(namespace="a", managed=False, auths=SHARED), {"adopt": True}),
    "removed": (cases.secret(namespace="a", auths=SHARED, registries=["public.ecr.aws"]), {"state": "absent"}),
}


@pytest.mark.parametrize("action", PATCHED)
def test_a_patch_is_detected_by_its_result(action: str) -> None:
    before, policy = PATCHED[action]
    wanted = plan(before, **policy)
    assert wanted.action == action
    assert not is_carried_out(wanted, before)
    after = merged(before, bodies.merge_patch(before, wanted.change))
    assert is_carried_out(wanted, after)
    # A later change by another client does not hide it.
    assert is_carried_out(wanted, merged(after, {"metadata": {"labels": {"theirs": "new"}}}))


def test_a_create_is_detected_by_its_token() -> None:
    wanted = plan(None)
    assert is_carried_out(wanted, bodies.new_secret("a", POLICY, wanted.change))
    assert not is_carried_out(wanted, bodies.new_secret("a", POLICY, plan(None, token=OTHER).change))
    assert not is_carried_out(wanted, None)


def test_a_deletion_is_detected_by_the_missing_secret() -> None:
    before = cases.secret(namespace="a", created=True)
    wanted = plan(before, state="absent")
    assert (wanted.action, bool(wanted.change)) == ("removed", False)
    assert is_carried_out(wanted, None)
    assert not is_carried_out(wanted, before)


def test_a_removal_of_entries_is_no_deletion() -> None:
    before = cases.secret(namespace="a", auths=SHARED, registries=["public.ecr.aws"])
    assert not is_carried_out(plan(before, state="absent"), None)
