# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import base64
import datetime as dt
import json
from typing import Any

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _dockerconfig, _marks
from ansible_collections.freshpull.ecr_public.plugins.module_utils._bodies import (
    diff,
    merge_patch,
    new_secret,
    successor,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret import Policy, decide
from ansible_collections.freshpull.ecr_public.plugins.module_utils._stored import Secret, Stored
from ansible_collections.freshpull.ecr_public.plugins.module_utils._token import Token, parse_duration, parse_time
from unit.cases import decide as cases

CASES = cases.load()
BY_NAME = {case.name: case for case in CASES}


def policy_of(case: cases.Case) -> Policy:
    options: dict[str, Any] = {"name": "ecr-public-secret", **case.policy}
    if "renew_before" in options:
        options["renew_before"] = parse_duration(options["renew_before"])
    if "registries" in options:
        options["registries"] = tuple(options["registries"])
    return Policy(**options)


def token_of(case: cases.Case) -> Token | None:
    return Token.from_mapping(case.token) if case.token else None


def apply(secret: Secret, patch: dict[str, Any]) -> Secret:
    """What the API server makes of a JSON merge patch (RFC 7386)."""
    out = dict(secret)
    for key, value in patch.items():
        if value is None:
            out.pop(key, None)
        elif isinstance(value, dict):
            out[key] = apply(out.get(key) or {}, value)
        else:
            out[key] = value
    return out


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_decide(case: cases.Case) -> None:
    plan = decide(case.secret, policy_of(case), parse_time(case.now), token_of(case))
    assert (plan.action, plan.reason) == (case.expect["action"], case.expect["reason"])
    assert plan.needs_token == case.expect.get("needs_token", False)
    if plan.action == "failed":
        assert plan.msg, "a failure says what to do next"
        assert not plan.change


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_a_plan_writes_is_then_unchanged(case: cases.Case) -> None:
    policy, now = policy_of(case), parse_time(case.now)
    token = token_of(case) or Token(expires_at=now + dt.timedelta(hours=12), username="AWS", password="new")
    plan = decide(case.secret, policy, now, token)
    if policy.state == "absent" or not plan.writes:
        return
    if case.secret is None:
        after = new_secret("team-a", policy, plan.change)
    elif plan.action == "recreated":
        after = successor(case.secret, policy, plan.change)
        assert "immutable" not in after
    else:
        after = apply(case.secret, merge_patch(case.secret, plan.change))
    again = decide(after, policy, now, token)
    assert (again.action, again.reason) in (
        ("unchanged", "fresh"),
        ("unchanged", "not_later"),
        ("unchanged", "exists"),
    )
    if plan.needs_token:
        stored = Stored(after)
        assert stored.expires_at == token.expires_at
        assert stored.registries == policy.registries
        assert all(stored.auths[registry] == token.entry for registry in policy.registries)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_diff_never_shows_a_password(case: cases.Case) -> None:
    policy = policy_of(case)
    plan = decide(case.secret, policy, parse_time(case.now), token_of(case))
    shown = json.dumps(diff(case.secret, policy, plan))
    for password in (cases.OLD, cases.NEW, cases.THEIRS):
        entry = _dockerconfig.auth_entry("AWS", password)
        assert entry["auth"] not in shown
        assert f'"{password}"' not in shown.replace('"note": "old"', "").replace('"note": "new"', "")


def test_a_diff_hides_foreign_annotations() -> None:
    secret = cases.secret(annotations={"kubectl.kubernetes.io/last-applied-configuration": "holds a token"})
    policy = Policy(name="ecr-public-secret", force_renew=True)
    plan = decide(secret, policy, parse_time(cases.DEFAULT_NOW))
    assert "holds a token" not in json.dumps(diff(secret, policy, plan))


def test_without_a_token_the_diff_says_unknown() -> None:
    case = BY_NAME["less life left, no token yet"]
    before, after = diff(case.secret, policy_of(case), decide(case.secret, policy_of(case), parse_time(case.now)))
    assert before["annotations"][_marks.EXPIRES_AT] == "2026-01-01T12:00:00Z"
    assert after["annotations"][_marks.EXPIRES_AT] == "unknown"
    assert after["registries"] == {"public.ecr.aws": "unknown"}


def test_a_patch_is_bound_to_what_was_read() -> None:
    secret = cases.secret()
    plan = decide(secret, Policy(name="x", force_renew=True), parse_time(cases.DEFAULT_NOW), _later())
    patch = merge_patch(secret, plan.change)
    assert patch["metadata"]["uid"] == secret["metadata"]["uid"]
    assert patch["metadata"]["resourceVersion"] == "100"


def test_renewal_keeps_what_others_put_into_the_secret() -> None:
    secret = cases.secret(auths={"public.ecr.aws": "old", "other.example": "theirs"}, registries=["public.ecr.aws"])
    config = json.loads(base64.b64decode(secret["data"][_marks.DATA_KEY]))
    config["credsStore"] = "theirs"
    config["auths"]["https://public.ecr.aws"] = {"auth": "QQ=="}
    secret["data"][_marks.DATA_KEY] = base64.b64encode(json.dumps(config).encode()).decode()
    secret["data"]["extra"] = "eA=="
    secret["metadata"]["labels"]["theirs"] = "x"
    plan = decide(secret, Policy(name="x"), parse_time(cases.DEFAULT_NOW), _later())
    after = Stored(apply(secret, merge_patch(secret, plan.change)))
    assert after.config["credsStore"] == "theirs"
    assert after.auths["other.example"] == config["auths"]["other.example"]
    assert after.auths["https://public.ecr.aws"] == {"auth": "QQ=="}
    assert after.data["extra"] == "eA=="
    assert after.labels["theirs"] == "x"


def test_removal_from_a_shared_secret_leaves_the_rest() -> None:
    secret = cases.secret(
        created=False,
        auths={"public.ecr.aws": "old", "other.example": "theirs"},
        registries=["public.ecr.aws"],
        labels={"theirs": "x"},
        annotations={"theirs": "y"},
    )
    plan = decide(secret, Policy(name="x", state="absent"), parse_time(cases.DEFAULT_NOW))
    after = apply(secret, merge_patch(secret, plan.change))
    assert after["metadata"]["labels"] == {"theirs": "x"}
    assert after["metadata"]["annotations"] == {"theirs": "y"}
    assert set(Stored(after).auths) == {"other.example"}


def test_the_legacy_format_is_carried_over_when_made_anew() -> None:
    secret = cases.secret(type=_marks.LEGACY_TYPE)
    legacy = {"other.example": _dockerconfig.auth_entry("u", "theirs")}
    secret["data"] = {_marks.LEGACY_DATA_KEY: base64.b64encode(json.dumps(legacy).encode()).decode()}
    policy = Policy(name="x", recreate=True)
    plan = decide(secret, policy, parse_time(cases.DEFAULT_NOW), _later())
    after = successor(secret, policy, plan.change)
    assert set(after["data"]) == {_marks.DATA_KEY}
    assert set(Stored(after).auths) == {"other.example", "public.ecr.aws"}


def _later() -> Token:
    return Token(expires_at=parse_time("2026-01-01T18:00:00Z"), username="AWS", password="new")
