# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import base64
import dataclasses
import datetime as dt
import json
from typing import Any

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _docker_config
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret import managed_metadata
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.bodies import (
    diff,
    merge_patch,
    new_secret,
    successor,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.decision import Plan, Policy, decide
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.stored import Secret, Stored
from ansible_collections.freshpull.ecr_public.plugins.module_utils._time import parse_duration, parse_time
from ansible_collections.freshpull.ecr_public.plugins.module_utils._token import Token
from unit.cases import decide as cases

CASES = cases.load()
BY_NAME = {case.name: case for case in CASES}
TOKEN = Token(expires_at=parse_time("2026-01-02T00:00:00Z"), username="AWS", password="new")


def policy_of(case: cases.Case) -> Policy:
    options: dict[str, Any] = {"name": "ecr-public-secret", **case.policy}
    for duration in ("renew_before", "fail_open_before"):
        if duration in options:
            options[duration] = parse_duration(options[duration])
    if "registries" in options:
        options["registries"] = tuple(options["registries"])
    return Policy(**options)


def token_of(case: cases.Case) -> Token | None:
    return Token.from_mapping(case.token) if case.token else None


def apply(secret: Secret, patch: dict[str, Any]) -> Secret:
    """Return the result of a JSON merge patch (RFC 7386), as the API server computes it."""
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
    plan = decide(
        case.secret,
        policy_of(case),
        parse_time(case.now),
        token_of(case),
        outage=case.outage,
        clocks_agree=case.clocks_agree,
    )
    assert (plan.action, plan.reason) == (case.expect["action"], case.expect["reason"])
    assert plan.needs_token == case.expect.get("needs_token", False)
    assert bool(plan.msg) == (plan.action in ("failed", "failed_open")), "a failure says what to do next"
    if plan.action == "failed":
        assert not plan.change


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_a_plan_writes_is_then_unchanged(case: cases.Case) -> None:
    policy, now = policy_of(case), parse_time(case.now)
    token = token_of(case) or Token(expires_at=now + dt.timedelta(hours=12), username="AWS", password="new")
    plan = decide(case.secret, policy, now, token)
    if policy.state == "absent" or not plan.writes or case.outage:
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
        ("unchanged", "orphaned"),
        ("unchanged", "terminating"),
        ("skipped", "terminating"),
        ("unchanged", "fresh"),
        ("unchanged", "not_later"),
        ("unchanged", "exists"),
    )
    if plan.needs_token:
        stored = Stored(after)
        assert stored.expires_at == token.expires_at
        assert stored.registries == policy.registries
        assert all(stored.auths[registry] == token.entry for registry in policy.registries)


@pytest.mark.parametrize("name", ["metadata is kept in a renewal too", "a new secret has its metadata"])
def test_kept_metadata(name: str) -> None:
    case = BY_NAME[name]
    change = decide(case.secret, policy_of(case), parse_time(case.now), TOKEN).change
    assert ("team" in change.labels) == (case.secret is None)
    assert change.annotations[managed_metadata.EXPIRES_AT]


def test_an_orphan_stays_managed() -> None:
    case = BY_NAME["orphaned, with another registry's entry"]
    assert case.secret
    plan = decide(case.secret, policy_of(case), parse_time(case.now))
    after = Stored(apply(case.secret, merge_patch(case.secret, plan.change)))
    assert (after.managed, list(after.auths), after.registries) == (True, ["other.example"], ())
    assert not {managed_metadata.EXPIRES_AT, managed_metadata.FINGERPRINT} & set(after.annotations)


def test_a_terminating_secret_that_is_not_managed_is_not_adopted() -> None:
    for case in CASES:
        if case.name.startswith("terminating, ") and "to be" in case.name:
            assert not _planned(case, outage=False).writes, case.name


FAILING_OPEN = [case for case in CASES if case.expect["action"] == "failed_open"]


@pytest.mark.parametrize("case", FAILING_OPEN, ids=lambda case: case.name)
def test_failing_open_removes_managed_entries_once_and_the_next_token_restores_them(case: cases.Case) -> None:
    assert case.secret
    policy, now, before = policy_of(case), parse_time(case.now), Stored(case.secret)
    plan = decide(case.secret, policy, now, outage=True)
    if plan.recreates:
        failed_open = successor(case.secret, policy, plan.change)
        failed_open["metadata"].update(uid="new", resourceVersion="200")
    else:
        failed_open = apply(case.secret, merge_patch(case.secret, plan.change))
    after = Stored(failed_open)
    assert after.auths == {name: entry for name, entry in before.auths.items() if name not in before.registries}
    assert after.labels == before.labels
    assert after.annotations[managed_metadata.FAILED_OPEN_AT] == case.now
    assert not {managed_metadata.EXPIRES_AT, managed_metadata.FINGERPRINT} & set(after.annotations)
    assert (after.managed, after.created, after.failed_open, after.registries) == (True, before.created, True, ())

    again = decide(failed_open, policy, now + dt.timedelta(hours=2), outage=True)
    assert (again.action, again.reason, again.writes) == ("failed", "token_unavailable", False)

    token = Token(expires_at=now + dt.timedelta(hours=12), username="AWS", password="new")
    plan_to_restore = decide(failed_open, dataclasses.replace(policy, force_renew=False), now, token)
    assert (plan_to_restore.action, plan_to_restore.reason) == ("renewed", "restored")
    restored = Stored(apply(failed_open, merge_patch(failed_open, plan_to_restore.change)))
    assert restored.managed_entries == dict.fromkeys(policy.registries, token.entry)
    assert restored.expires_at == token.expires_at
    assert managed_metadata.FAILED_OPEN_AT not in restored.annotations
    assert {**restored.auths, **before.managed_entries} == before.auths


def test_in_an_outage_no_plan_needs_a_token() -> None:
    assert not [case.name for case in CASES if _planned(case, outage=True).needs_token]


def test_an_outage_changes_nothing_if_no_token_is_needed() -> None:
    for case in CASES:
        plan = _planned(case, outage=False)
        if not plan.needs_token:
            assert _planned(case, outage=True) == plan, case.name


def _planned(case: cases.Case, outage: bool) -> Plan:
    return decide(case.secret, policy_of(case), parse_time(case.now), outage=outage)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_diff_never_shows_a_password(case: cases.Case) -> None:
    policy = policy_of(case)
    plan = decide(case.secret, policy, parse_time(case.now), token_of(case), outage=case.outage)
    shown = json.dumps(diff(case.secret, policy, plan))
    for password in (cases.OLD, cases.NEW, cases.THEIRS):
        entry = _docker_config.auth_entry("AWS", password)
        assert entry["auth"] not in shown
        assert f'"{password}"' not in shown.replace('"note": "old"', "").replace('"note": "new"', "")


def test_a_diff_hides_unmanaged_annotations() -> None:
    secret = cases.secret(annotations={"kubectl.kubernetes.io/last-applied-configuration": "holds a token"})
    policy = Policy(name="ecr-public-secret", force_renew=True)
    plan = decide(secret, policy, parse_time(cases.DEFAULT_NOW))
    assert "holds a token" not in json.dumps(diff(secret, policy, plan))


def test_without_a_token_the_diff_shows_unknown() -> None:
    case = BY_NAME["less remaining lifetime, no token yet"]
    before, after = diff(case.secret, policy_of(case), decide(case.secret, policy_of(case), parse_time(case.now)))
    assert before["annotations"][managed_metadata.EXPIRES_AT] == "2026-01-01T12:00:00Z"
    assert after["annotations"][managed_metadata.EXPIRES_AT] == "unknown"
    assert after["registries"] == {"public.ecr.aws": "unknown"}


def test_a_patch_is_bound_to_what_was_read() -> None:
    secret = cases.secret()
    plan = decide(secret, Policy(name="x", force_renew=True), parse_time(cases.DEFAULT_NOW), _later())
    patch = merge_patch(secret, plan.change)
    assert patch["metadata"]["uid"] == secret["metadata"]["uid"]
    assert patch["metadata"]["resourceVersion"] == "100"


def test_renewal_keeps_unmanaged_content() -> None:
    secret = cases.secret(auths={"public.ecr.aws": "old", "other.example": "theirs"}, registries=["public.ecr.aws"])
    config = json.loads(base64.b64decode(secret["data"][_docker_config.DATA_KEY]))
    config["credsStore"] = "theirs"
    config["auths"]["https://public.ecr.aws"] = {"auth": "QQ=="}
    secret["data"][_docker_config.DATA_KEY] = base64.b64encode(json.dumps(config).encode()).decode()
    secret["data"]["extra"] = "eA=="
    secret["metadata"]["labels"]["theirs"] = "x"
    plan = decide(secret, Policy(name="x"), parse_time(cases.DEFAULT_NOW), _later())
    after = Stored(apply(secret, merge_patch(secret, plan.change)))
    assert json.loads(after.text)["credsStore"] == "theirs"
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


def test_the_entries_of_the_legacy_format_are_kept_when_recreated() -> None:
    secret = cases.secret(type=_docker_config.LEGACY_TYPE)
    legacy = {"other.example": _docker_config.auth_entry("u", "theirs")}
    secret["data"] = {_docker_config.LEGACY_DATA_KEY: base64.b64encode(json.dumps(legacy).encode()).decode()}
    policy = Policy(name="x", recreate=True)
    plan = decide(secret, policy, parse_time(cases.DEFAULT_NOW), _later())
    after = successor(secret, policy, plan.change)
    assert set(after["data"]) == {_docker_config.DATA_KEY}
    assert set(Stored(after).auths) == {"other.example", "public.ecr.aws"}


RECREATED: dict[str, tuple[dict[str, Any], bool, str]] = {
    "wrong type": ({"type": "Opaque"}, False, "wrong_type"),
    "immutable": ({"immutable": True}, False, "immutable"),
    "immutable, and no token available": ({"immutable": True}, True, "immutable"),
}


@pytest.mark.parametrize("case", RECREATED)
def test_a_secret_whose_deletion_would_not_end_is_not_recreated(case: str) -> None:
    changes, outage, reason = RECREATED[case]
    policy, token = Policy(name="x", recreate=True), None if outage else _later()
    secret = cases.secret(**changes)
    secret["metadata"]["ownerReferences"] = [{"kind": "Application", "name": "a", "uid": "u"}]
    plan = decide(secret, policy, parse_time("2026-01-01T13:00:00Z"), token, outage=outage)
    assert plan.recreates
    after = successor(secret, policy, plan.change)
    assert after["metadata"]["ownerReferences"] == secret["metadata"]["ownerReferences"]

    secret["metadata"]["finalizers"] = ["example.com/held"]
    held = decide(secret, policy, parse_time("2026-01-01T13:00:00Z"), token, outage=outage)
    assert (held.action, held.reason, held.writes) == ("failed", reason, False)
    assert "its finalizers (example.com/held)" in held.msg


WITH_LABELS_ONLY = ("present", "absent", "orphaned", "outage")


@pytest.mark.parametrize("state", WITH_LABELS_ONLY)
def test_the_option_names_the_managed_entries_where_no_annotation_does(state: str) -> None:
    """Some tools copy a secret with its labels and without its annotations. No token may stay in it."""
    secret = cases.secret(auths={"public.ecr.aws": "old", "other.example": "theirs"})
    secret["metadata"]["annotations"] = {}
    policy = Policy(name="ecr-public-secret", state="present" if state == "outage" else state)
    now, outage = parse_time(cases.DEFAULT_NOW), state == "outage"
    plan = decide(secret, policy, now, None if outage else _later(), outage=outage)
    expected = {
        "present": ("renewed", "modified"),
        "absent": ("removed", "shared"),
        "orphaned": ("removed", "orphaned"),
        "outage": ("failed_open", "modified"),
    }
    assert (plan.action, plan.reason) == expected[state]
    before, _after = diff(secret, policy, plan)
    assert before["registries"] == {"public.ecr.aws": "modified"}
    after = Stored(apply(secret, merge_patch(secret, plan.change)))
    assert after.auths.pop("public.ecr.aws", None) == (_later().entry if state == "present" else None)
    assert after.auths == {"other.example": _docker_config.auth_entry("AWS", "theirs")}
    other = Policy(name="ecr-public-secret", state="absent", registries=("ecr-public.aws.com",))
    assert set(decide(secret, other, now).change.auths) == set()


SPELLINGS = {"https://public.ecr.aws": "theirs", "public.ecr.aws/v1/": "theirs", "public.ecr.aws/team": "theirs"}


def test_an_adopted_secret_loses_the_other_spellings_of_its_registries() -> None:
    secret = cases.secret(managed=False, auths={**SPELLINGS, "other.example": "theirs"})
    policy = Policy(name="x", adopt=True)
    plan = decide(secret, policy, parse_time(cases.DEFAULT_NOW), _later())
    after = Stored(apply(secret, merge_patch(secret, plan.change)))
    assert set(after.auths) == {"public.ecr.aws", "public.ecr.aws/team", "other.example"}
    before, shown = diff(secret, policy, plan)
    assert before["registries"] == {"https://public.ecr.aws": "unmanaged", "public.ecr.aws/v1/": "unmanaged"}
    assert set(shown["registries"]) == {"public.ecr.aws"}


def test_a_secret_that_fails_open_keeps_and_names_spellings_that_were_added_later() -> None:
    secret = cases.secret(auths={"public.ecr.aws": "old", **SPELLINGS}, registries=["public.ecr.aws"])
    plan = decide(secret, Policy(name="x"), parse_time("2026-01-01T13:00:00Z"), outage=True)
    assert (plan.action, plan.other_spellings) == ("failed_open", ("https://public.ecr.aws", "public.ecr.aws/v1/"))
    # The refresher prints this message and no warnings.
    assert "keeps unmanaged entries for the same registry: https://public.ecr.aws, public.ecr.aws/v1/." in plan.msg
    assert set(Stored(apply(secret, merge_patch(secret, plan.change))).auths) == set(SPELLINGS)


def test_a_malformed_config_in_the_legacy_format_is_not_recreated() -> None:
    secret = cases.secret(type=_docker_config.LEGACY_TYPE)
    secret["data"] = {_docker_config.LEGACY_DATA_KEY: base64.b64encode(b'{"other.example": 5}').decode()}
    plan = decide(secret, Policy(name="x", recreate=True), parse_time(cases.DEFAULT_NOW), _later())
    assert (plan.action, plan.reason) == ("failed", "malformed")


def _later() -> Token:
    return Token(expires_at=parse_time("2026-01-01T18:00:00Z"), username="AWS", password="new")
