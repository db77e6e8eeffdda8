# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module as a whole, from its options to its result, over a script of calls to the API server."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils._docker_config import auth_entry
from ansible_collections.freshpull.ecr_public.plugins.modules import ecr_public_pull_secret
from unit.plugins.modules.pull_secrets import (
    NAME,
    NEW,
    OLD,
    OTHER,
    REGISTRY,
    SECRETS,
    TOKEN,
    account,
    accounts,
    created,
    entries,
    hours,
    patched,
    path,
    reads,
    secret,
)
from unit.plugins.modules.scripted import CONNECTION, HOST, Call, Result, Runner, error, listed

OUTAGE = "AWS is down."
"""The option aws, as the action plugin gives it where AWS returned no token."""


@pytest.fixture
def task(run: Runner) -> Any:
    """The module against the script's cluster."""
    run.secrets = SECRETS

    def call(options: dict[str, Any], *calls: Call, **modes: bool) -> Result:
        return run(ecr_public_pull_secret, {**CONNECTION, **options}, *calls, **modes)

    return call


# --- What is written


def test_a_missing_secret_is_created(task: Any) -> None:
    result = task({"token": TOKEN}, *reads(None), created())
    (write,) = result.writes
    assert entries(write.body) == {REGISTRY: auth_entry("AWS", NEW)}
    assert dict(write.query) == {"fieldManager": "freshpull"}
    assert write.body["metadata"]["annotations"]["ecr-public.freshpull/expires-at"] == TOKEN["expires_at"]
    assert (result.returncode, result.values["changed"], result.values["host"]) == (0, True, HOST)
    assert result.actions == {"default": ("created", "missing")}
    assert result.values["namespaces"][0]["secret_uid"] == "new-uid"
    assert result.values["expires_at"] == TOKEN["expires_at"]
    assert result.values["summary"] == {"created": 1}
    assert result.values["fingerprint"].startswith("sha256:")
    assert result.warnings == []


def test_a_secret_whose_token_expires_soon_is_renewed_in_place(task: Any) -> None:
    stored = secret(1)
    result = task({"token": TOKEN}, *reads(stored), patched())
    (write,) = result.writes
    assert write.content_type == "application/merge-patch+json"
    identity = {key: write.body["metadata"][key] for key in ("uid", "resourceVersion")}
    assert identity == {key: stored["metadata"][key] for key in ("uid", "resourceVersion")}
    assert entries(write.body) == {REGISTRY: auth_entry("AWS", NEW)}
    assert (result.returncode, result.actions) == (0, {"default": ("renewed", "due")})
    assert result.values["expires_at"] == TOKEN["expires_at"]


def test_a_fresh_secret_is_unchanged(task: Any) -> None:
    result = task({"token": TOKEN}, *reads(secret()))
    assert (result.returncode, result.values["changed"]) == (0, False)
    assert result.actions == {"default": ("unchanged", "fresh")}
    assert result.values["expires_at"] == hours(11)


def test_force_renew_renews_a_fresh_secret(task: Any) -> None:
    result = task({"token": TOKEN, "force_renew": True}, *reads(secret()), patched())
    assert result.actions == {"default": ("renewed", "forced")}


def test_an_unmanaged_secret_is_left_without_adopt(task: Any) -> None:
    stored = secret(managed=False, auths={"other.example": OTHER})
    result = task({"token": TOKEN}, *reads(stored))
    assert (result.returncode, result.values["changed"]) == (1, False)
    assert result.actions == {"default": ("failed", "unmanaged")}
    result = task({"token": TOKEN, "adopt": True}, *reads(stored), patched())
    assert entries(result.writes[0].body).keys() == {"other.example", REGISTRY}
    assert (result.returncode, result.actions) == (0, {"default": ("adopted", "unmanaged")})


def test_a_managed_secret_is_removed(task: Any) -> None:
    stored = secret()
    calls = (*reads(stored), listed(accounts()), Call("DELETE", path()))
    result = task({"state": "absent"}, *calls)
    (write,) = result.writes
    assert write.body["preconditions"] == {key: stored["metadata"][key] for key in ("uid", "resourceVersion")}
    assert (result.returncode, result.values["changed"]) == (0, True)
    assert result.actions == {"default": ("removed", "managed")}
    assert result.values["namespaces"][0]["secret_uid"] is None


def test_a_secret_with_unmanaged_entries_loses_only_the_managed_ones(task: Any) -> None:
    stored = secret(auths={REGISTRY: OLD, "other.example": OTHER}, registries=[REGISTRY])
    result = task({"state": "absent"}, *reads(stored), patched())
    assert entries(result.writes[0].body).keys() == {"other.example"}
    assert result.actions == {"default": ("removed", "shared")}


def test_a_second_removal_changes_nothing(task: Any) -> None:
    result = task({"state": "absent"}, *reads(None))
    assert (result.returncode, result.values["changed"]) == (0, False)
    assert result.actions == {"default": ("unchanged", "missing")}


def test_a_placeholder_needs_no_token(task: Any) -> None:
    result = task({"placeholder": True}, *reads(None), created())
    assert entries(result.writes[0].body) == {}
    assert result.actions == {"default": ("reserved", "missing")}


def test_a_service_account_gets_the_secret_and_keeps_its_others(task: Any) -> None:
    calls = (
        Call("GET", accounts(name="build"), body=account("build", "theirs")),
        Call("PATCH", accounts(name="build")),
    )
    result = task({"token": TOKEN, "service_accounts": ["build"]}, *reads(secret()), *calls)
    (write,) = result.writes
    assert [each["name"] for each in write.body["imagePullSecrets"]] == ["theirs", NAME]
    assert write.body["metadata"]["resourceVersion"] == "7"
    (shown,) = result.values["namespaces"][0]["service_accounts"]
    assert (shown["name"], shown["action"]) == ("build", "attached")


def test_an_orphan_is_pruned(task: Any) -> None:
    """Orphans are found only if the secrets of all namespaces are listed."""
    orphan, found = secret(namespace="former", owner="us"), secret(owner="us")
    namespace, _secret = reads(None)
    calls = (
        namespace,
        listed("/api/v1/secrets", found, orphan, fieldSelector=f"metadata.name={NAME}"),
        listed(accounts("former")),
        Call("DELETE", path("former")),
    )
    result = task({"token": TOKEN, "prune": True, "owner": "us"}, *calls)
    assert result.actions == {"default": ("unchanged", "fresh"), "former": ("removed", "orphaned")}


def test_globs_are_resolved_by_a_list_of_the_namespaces(task: Any) -> None:
    names = listed("/api/v1/namespaces", *({"metadata": {"name": name}} for name in ("team-a", "team-b", "other")))
    _unused, found = reads(secret(namespace="team-a"), "team-a")
    options = {"token": TOKEN, "namespaces": ["team-*", "x-*"], "exclude_namespaces": ["team-b"]}
    result = task(options, names, found)
    assert result.actions == {"team-a": ("unchanged", "fresh")}
    assert ["'x-*'" in warning for warning in result.warnings] == [True]


def test_a_selector_selects_the_namespaces(task: Any) -> None:
    names = listed("/api/v1/namespaces", {"metadata": {"name": "team-a"}}, labelSelector="a=b,c")
    _unused, found = reads(secret(namespace="team-a"), "team-a")
    assert task({"token": TOKEN, "namespace_selector": ["a=b", "c"]}, names, found).actions.keys() == {"team-a"}


def test_a_selector_that_the_api_server_cannot_parse_is_named(task: Any) -> None:
    path, query = "/api/v1/namespaces", {"labelSelector": "a in b", "limit": "500"}
    rejected = error("GET", path, 400, "unable to parse requirement: found 'b', expected: '('", **query)
    result = task({"token": TOKEN, "namespace_selector": ["a in b"]}, rejected)
    assert (result.returncode, result.values["host"]) == (1, HOST)
    assert result.values["msg"].startswith("namespace_selector: 'a in b' is not in the syntax of kubectl -l. ")
    assert "expected: '('" in result.values["msg"]


# --- Check mode


CHECKED: dict[str, tuple[dict[str, Any], dict[str, Any] | None, tuple[str, str], str | None]] = {
    "created": ({}, None, ("created", "missing"), "unknown"),
    "created with a token": ({"token": TOKEN}, None, ("created", "missing"), TOKEN["expires_at"]),
    "renewed": ({}, secret(1), ("renewed", "due"), "unknown"),
    "unchanged": ({}, secret(), ("unchanged", "fresh"), hours(11)),
    "adopted": ({"adopt": True}, secret(managed=False), ("adopted", "unmanaged"), "unknown"),
    "failed": ({}, secret(managed=False), ("failed", "unmanaged"), None),
    "failed open": ({"token_unavailable": OUTAGE}, secret(0.5), ("failed_open", "due"), None),
    "removed": ({"state": "absent"}, secret(created=False), ("removed", "shared"), None),
}


@pytest.mark.parametrize("case", CHECKED)
def test_check_mode_reads_only(task: Any, case: str) -> None:
    options, stored, expected, expires_at = CHECKED[case]
    result = task(options, *reads(stored), check_mode=True)
    assert result.actions == {"default": expected}
    assert result.values["namespaces"][0]["expires_at"] == expires_at
    assert result.values["changed"] == (expected[0] not in ("unchanged", "failed"))
    assert result.returncode == (1 if expected[0] in ("failed", "failed_open") else 0)
    assert {each.method for each in result.sent} == {"GET"}


def test_check_mode_removes_nothing(task: Any) -> None:
    result = task({"state": "absent"}, *reads(secret()), listed(accounts()), check_mode=True)
    assert (result.values["changed"], result.actions) == (True, {"default": ("removed", "managed")})


# --- The diff

DIFFERENT: dict[str, tuple[dict[str, Any], dict[str, Any] | None, tuple[Call, ...]]] = {
    "created": ({"token": TOKEN}, None, (created(),)),
    "renewed": ({"token": TOKEN}, secret(1), (patched(),)),
    "adopted": ({"token": TOKEN, "adopt": True}, secret(managed=False, auths={"other.example": OTHER}), (patched(),)),
    "failed open": ({"token_unavailable": OUTAGE}, secret(-1), (patched(),)),
    "removed": ({"state": "absent"}, secret(), (listed(accounts()), Call("DELETE", path()))),
}


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize("case", DIFFERENT)
def test_a_diff_shows_only_expiry_and_fingerprints(task: Any, case: str, check_mode: bool) -> None:
    """The runner checks that the output has no secret."""
    options, stored, calls = DIFFERENT[case]
    made = [call for call in calls if not check_mode or call.method == "GET"]
    shown = task(options, *reads(stored), *made, check_mode=check_mode, diff=True).values["diff"]
    before, after = (shown[side][f"default/{NAME}"] for side in ("before", "after"))
    assert bool(before) == (stored is not None)
    assert bool(after) == (case != "removed")
    assert before != after
    digests = [digest for side in (before, after) for digest in side.get("registries", {}).values()]
    assert [digest for digest in digests if not digest.startswith("sha256:")] == []


def test_there_is_no_diff_unless_it_is_wanted(task: Any) -> None:
    assert "diff" not in task({"token": TOKEN}, *reads(None), created()).values


# --- No token

WITHOUT_TOKEN: dict[str, tuple[dict[str, Any], dict[str, Any] | None, tuple[str, str]]] = {
    "a long remaining lifetime": ({}, secret(5), ("failed", "kept")),
    "a short one": ({}, secret(0.5), ("failed_open", "due")),
    "expired": ({}, secret(-1), ("failed_open", "expired")),
    "expired, not allowed": ({"fail_open": False}, secret(-1), ("failed", "fail_open_disabled")),
    "changed by another tool": ({}, secret(5, fingerprint="sha256:0"), ("failed_open", "modified")),
    "missing": ({}, None, ("failed", "token_unavailable")),
    "unmanaged": ({"adopt": True}, secret(managed=False), ("failed", "token_unavailable")),
}


@pytest.mark.parametrize("case", WITHOUT_TOKEN)
def test_without_a_token_the_task_fails_and_states_why(task: Any, case: str) -> None:
    options, stored, expected = WITHOUT_TOKEN[case]
    opens = expected[0] == "failed_open"
    result = task({"token_unavailable": OUTAGE, **options}, *reads(stored), *([patched()] if opens else []))
    assert (result.returncode, result.actions) == (1, {"default": expected})
    assert result.values["changed"] is opens
    assert OUTAGE in result.values["msg"]
    assert result.values["host"] == HOST
    if opens:
        (write,) = result.writes
        assert entries(write.body) == {}
        assert "ecr-public.freshpull/failed-open-at" in write.body["metadata"]["annotations"]


def test_without_a_token_a_fresh_secret_is_no_failure(task: Any) -> None:
    result = task({"token_unavailable": OUTAGE}, *reads(secret()))
    assert (result.returncode, result.actions) == (0, {"default": ("unchanged", "fresh")})


def test_the_next_token_restores_the_entries(task: Any) -> None:
    stored = secret(auths={}, annotations={"ecr-public.freshpull/failed-open-at": hours(-1)})
    result = task({"token": TOKEN}, *reads(stored), patched())
    (write,) = result.writes
    assert entries(write.body) == {REGISTRY: auth_entry("AWS", NEW)}
    assert write.body["metadata"]["annotations"]["ecr-public.freshpull/failed-open-at"] is None
    assert result.actions == {"default": ("renewed", "restored")}


# --- Options

OPTIONS: dict[str, tuple[dict[str, Any], str]] = {
    "no duration": ({"renew_before": "8 hours"}, "renew_before"),
    "no duration for fail open": ({"fail_open_before": "soon"}, "fail_open_before"),
    "fail open before the renewal": ({"renew_before": "1h", "fail_open_before": "2h"}, "fail_open_before"),
    "no registry": ({"registries": []}, "registries"),
    "a registry with a path": ({"registries": ["public.ecr.aws/a"]}, "registries"),
    "no namespace": ({"namespaces": []}, "namespaces"),
    "no name of a secret": ({"name": "-a"}, "name"),
    "no workers": ({"workers": 0}, "workers"),
    "a managed label": ({"labels": {"ecr-public.freshpull/managed": "true"}}, "labels"),
    "a key that no label has": ({"labels": {"a b": "x"}}, "labels: 'a b' cannot be a key"),
    "a value that no label has": ({"labels": {"a": "b c"}}, "labels: 'b c' cannot be the value of 'a'"),
    "an annotation that is a number": ({"annotations": {"a": 1}}, "annotations"),
    "a key that no annotation has": ({"annotations": {"/a": ""}}, "annotations: '/a' cannot be a key"),
    "no name of a service account": ({"service_accounts": ["Default"]}, "service_accounts"),
    "prune and absent without an owner": ({"state": "absent", "prune": True}, "prune"),
    "placeholder and absent": ({"state": "absent", "placeholder": True}, "placeholder"),
    "a token without a password": ({"token": {"expires_at": hours(1)}}, "password"),
    "a token with an empty password": ({"token": {"password": "", "expires_at": hours(1)}}, "token"),
    "a token without a time": ({"token": {"password": NEW, "expires_at": "soon"}}, "expires_at"),
    "no state": ({"state": "here"}, "state"),
}


@pytest.mark.parametrize("case", OPTIONS)
def test_a_bad_option_is_named_and_the_cluster_not_contacted(task: Any, case: str) -> None:
    options, name = OPTIONS[case]
    result = task(options)
    assert (result.returncode, result.contacted) == (1, False)
    assert name in result.values["msg"]
    assert "host" not in result.values


def test_a_token_that_has_expired_is_rejected_before_any_write(task: Any) -> None:
    """The later of two clocks counts: the API server's comes with its first response."""
    namespace, _secret = reads(None)
    result = task({"token": {**TOKEN, "expires_at": hours(-1)}}, namespace)
    assert (result.returncode, result.values["host"]) == (1, HOST)
    assert hours(-1) in result.values["msg"]


def test_a_kubeconfig_that_does_not_exist_is_named(run: Runner) -> None:
    result = run(ecr_public_pull_secret, {"kubeconfig": "/nowhere/kubeconfig"})
    assert (result.returncode, result.contacted) == (1, False)
    assert "kubeconfig" in result.values["msg"]


def test_a_certificate_that_is_not_verified_is_a_warning(task: Any) -> None:
    result = task({"validate_certs": False}, *reads(secret()))
    assert [HOST in warning and "validate_certs" in warning for warning in result.warnings] == [True]


# --- The API server


def test_credentials_that_are_rejected_end_the_task(task: Any) -> None:
    result = task({"token": TOKEN}, error("GET", "/api/v1/namespaces/default", 401, "Unauthorized"))
    assert (result.returncode, result.values["host"]) == (1, HOST)
    assert f"get namespace default at {HOST}: Unauthorized (HTTP 401)" in result.values["msg"]


def test_a_write_that_is_rejected_is_its_namespace_s_failure(task: Any) -> None:
    rejected = error("POST", "/api/v1/namespaces/default/secrets", 403, "no secrets here")
    result = task(
        {"token": TOKEN, "namespaces": ["default", "b"]}, *reads(None), *reads(None, "b"), rejected, created("b")
    )
    assert (result.returncode, result.values["changed"], result.values["host"]) == (1, True, HOST)
    assert result.actions == {"default": ("failed", "forbidden"), "b": ("created", "missing")}
    assert "no secrets here" in result.values["msg"]
    assert result.values["summary"] == {"failed": 1, "created": 1}


def test_a_namespace_that_does_not_exist_fails_alone(task: Any) -> None:
    gone = error("GET", "/api/v1/namespaces/gone", 404)
    result = task({"token": TOKEN, "namespaces": ["default", "gone"]}, *reads(secret()), gone)
    assert result.returncode == 1
    assert result.actions == {"default": ("unchanged", "fresh"), "gone": ("failed", "missing_namespace")}
    assert task({"state": "absent", "namespaces": ["gone"]}, gone).actions == {
        "gone": ("unchanged", "missing_namespace")
    }


def test_an_api_server_that_restarts_is_waited_for(task: Any) -> None:
    away = error("POST", "/api/v1/namespaces/default/secrets", 503)
    result = task({"token": TOKEN}, *reads(None), away, created())
    assert (result.returncode, result.actions) == (0, {"default": ("created", "missing")})


def test_an_unconfirmed_write_is_detected(task: Any) -> None:
    """The first create succeeded, so the retry is a conflict."""
    lost = Call("POST", "/api/v1/namespaces/default/secrets", lost=True)
    conflict = error("POST", "/api/v1/namespaces/default/secrets", 409, "already exists")
    written = secret(12, auths={REGISTRY: NEW})
    result = task({"token": TOKEN}, *reads(None), lost, conflict, Call("GET", path(), body=written))
    assert len(result.writes) == 2
    assert result.returncode == 0
    assert result.values["namespaces"][0]["secret_uid"] == written["metadata"]["uid"]
