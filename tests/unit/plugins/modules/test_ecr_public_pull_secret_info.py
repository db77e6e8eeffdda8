# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module as a whole, from its options to its result, over a script of calls to the API server: it only reads."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from ansible.module_utils import basic

from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret import info_options
from ansible_collections.freshpull.ecr_public.plugins.module_utils._time import parse_time
from ansible_collections.freshpull.ecr_public.plugins.modules import ecr_public_pull_secret_info
from unit.plugins.modules.pull_secrets import (
    NAME,
    OLD,
    OTHER,
    SECRETS,
    account,
    accounts,
    hours,
    path,
    reads,
    secret,
)
from unit.plugins.modules.scripted import CONNECTION, HOST, Call, Result, Runner, error, listed

IMAGE = "public.ecr.aws/team/app:1"


@pytest.fixture
def info(run: Runner) -> Any:
    """The module against the script's cluster."""
    run.secrets = SECRETS

    def call(options: dict[str, Any], *calls: Call, **modes: bool) -> Result:
        return run(ecr_public_pull_secret_info, {**CONNECTION, **options}, *calls, **modes)

    return call


# Options and a secret -> status, planned action, reason, and hours of remaining lifetime.
STATUSES: dict[str, tuple[dict[str, Any], dict[str, Any] | None, tuple[str, str, str], float | None]] = {
    "fresh": ({}, secret(), ("fresh", "unchanged", "fresh"), 11),
    "due": ({}, secret(1), ("due", "renewed", "due"), 1),
    "due by the option": ({"renew_before": "11h30m"}, secret(7), ("due", "renewed", "due"), 7),
    "expired": ({}, secret(-1), ("expired", "renewed", "expired"), -1),
    "missing": ({}, None, ("missing", "created", "missing"), None),
    "unmanaged": ({}, secret(managed=False), ("unmanaged", "failed", "unmanaged"), None),
    "unmanaged, to adopt": ({"adopt": True}, secret(managed=False), ("unmanaged", "adopted", "unmanaged"), None),
    "another type": ({}, secret(type="Opaque"), ("wrong_type", "failed", "wrong_type"), 11),
    "malformed": ({}, secret(raw=f"{{{OLD}"), ("malformed", "failed", "malformed"), None),
    "changed by another tool": ({}, secret(fingerprint="sha256:0"), ("unknown_expiry", "renewed", "modified"), None),
    "entries removed": (
        {},
        secret(auths={}, annotations={"ecr-public.freshpull/failed-open-at": hours(-1)}),
        ("failed_open", "renewed", "restored"),
        None,
    ),
    "to remove": ({"state": "absent"}, secret(), ("fresh", "removed", "managed"), 11),
}


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize("case", STATUSES)
def test_a_status_and_the_planned_action(info: Any, case: str, check_mode: bool) -> None:
    options, stored, expected, left = STATUSES[case]
    # For a removal, the service accounts that name the secret are listed once more.
    lists = [listed(accounts())] * (2 if expected[1] == "removed" else 1)
    result = info(options, *reads(stored), *lists, check_mode=check_mode)
    assert (result.returncode, result.values["changed"], result.values["host"]) == (0, False, HOST)
    (found,) = result.values["namespaces"]
    assert (found["status"], found["planned_action"], found["reason"]) == expected
    assert found["expires_at"] == (None if left is None else hours(left))
    assert found["secret_uid"] == (stored and stored["metadata"]["uid"])
    if left is None:
        assert found["remaining_seconds"] is None
    else:
        remaining = parse_time(hours(left)) - dt.datetime.now(dt.timezone.utc)
        assert abs(found["remaining_seconds"] - remaining.total_seconds()) < 30
    assert result.values["summary"] == {expected[0]: 1}
    assert bool(found["msg"]) == (expected[1] == "failed")
    assert {each.method for each in result.sent} == {"GET"}


def test_the_service_accounts_that_name_the_secret_are_listed(info: Any) -> None:
    found = listed(accounts(), account("default", NAME), account("build", "theirs"), account("ci", "theirs", NAME))
    result = info({}, *reads(secret()), found)
    assert result.values["namespaces"][0]["service_accounts"] == ["default", "ci"]


def test_service_accounts_that_cannot_be_listed_are_a_warning(info: Any) -> None:
    result = info({}, *reads(secret()), error("GET", accounts(), 403, limit="500"))
    assert result.values["namespaces"][0]["service_accounts"] is None
    assert ["serviceaccounts" in warning and "default" in warning for warning in result.warnings] == [True]


def test_a_secret_that_cannot_be_read_is_forbidden(info: Any) -> None:
    namespace, _secret = reads(None)
    result = info({}, namespace, error("GET", path(), 403, "not for you"), listed(accounts()))
    (found,) = result.values["namespaces"]
    assert (result.returncode, found["status"], found["planned_action"]) == (0, "forbidden", "failed")
    assert "not for you" in found["msg"]


def test_a_namespace_that_does_not_exist_is_missing(info: Any) -> None:
    result = info({"namespaces": ["gone"]}, error("GET", "/api/v1/namespaces/gone", 404))
    (found,) = result.values["namespaces"]
    assert (found["status"], found["planned_action"], found["reason"]) == ("missing", "failed", "missing_namespace")
    assert found["service_accounts"] == []


def test_a_namespace_that_is_being_deleted_is_terminating(info: Any) -> None:
    metadata = {"name": "default", "deletionTimestamp": hours(-1)}
    ending = Call("GET", "/api/v1/namespaces/default", body={"metadata": metadata})
    result = info({}, ending, listed(accounts()))
    (found,) = result.values["namespaces"]
    assert (found["status"], found["planned_action"]) == ("terminating", "failed")


@pytest.mark.parametrize("prune", [False, True])
def test_an_orphan_is_shown(info: Any, prune: bool) -> None:
    names = [f"n{number}" for number in range(9)]
    calls = (
        listed("/api/v1/namespaces", *({"metadata": {"name": name}} for name in names)),
        listed("/api/v1/secrets", secret(3, "former", owner="us"), fieldSelector=f"metadata.name={NAME}"),
        listed("/api/v1/serviceaccounts"),
        *([listed(accounts("former"))] if prune else []),
    )
    result = info({"namespaces": names, "prune": prune, "owner": "us"}, *calls)
    (orphan,) = (each for each in result.values["namespaces"] if each["namespace"] == "former")
    assert (orphan["status"], orphan["reason"]) == ("orphaned", "orphaned")
    assert orphan["owner"] == "us"
    assert orphan["planned_action"] == ("removed" if prune else "unchanged")
    assert (orphan["expires_at"], result.values["expires_at"]) == (hours(3), hours(3))
    assert result.values["summary"] == {"missing": 9, "orphaned": 1}


OPTIONS: dict[str, tuple[dict[str, Any], str]] = {
    "no duration": ({"renew_before": "8 hours"}, "renew_before"),
    "no registry": ({"registries": []}, "registries"),
    "no workers": ({"workers": 0}, "workers"),
    "no namespace": ({"namespaces": []}, "namespaces"),
    "prune and absent without an owner": ({"state": "absent", "prune": True}, "prune"),
    "an unknown option": ({"renew_after": "8h"}, "renew_after"),
    "an image alone": ({"image": IMAGE}, "image"),
    "a pod and an account": ({"pod": "web", "service_account": "ci", "image": IMAGE}, "pod"),
    "an account alone": ({"service_account": "ci"}, "image"),
    "no namespace of a refresher": ({"refresher_namespace": "a*"}, "refresher_namespace"),
    "no pod's name": ({"pod": "team/web"}, "pod"),
}


@pytest.mark.parametrize("case", OPTIONS)
def test_a_bad_option_is_named_and_the_cluster_not_contacted(info: Any, case: str) -> None:
    options, name = OPTIONS[case]
    result = info(options)
    assert (result.returncode, result.contacted) == (1, False)
    assert name in result.values["msg"]
    assert "host" not in result.values


def test_it_accepts_every_option_of_the_module(info: Any) -> None:
    """One dict of options serves both. Its action plugin removes aws and token."""
    values: dict[str, Any] = {
        **{name: spec["default"] for name, spec in info_options.PULL_SECRET_INFO.items() if "default" in spec},
        "namespaces": ["default"],
        "namespace_selector": ["a=b"],
        "owner": "us",
        "aws": {"profile": "ci"},
        "token": {"password": OLD, "expires_at": hours(11)},
        "pod": "",
        "service_account": "",
        "image": "",
        "refresher_namespace": "",
    }
    assert values.keys() == info_options.PULL_SECRET_INFO.keys()
    listing = listed("/api/v1/namespaces", {"metadata": {"name": "default"}}, labelSelector="a=b")
    _namespace, read = reads(secret(owner="us"))
    result = info(values, listing, read, listed(accounts()))
    (entry,) = result.values["namespaces"]
    assert (entry["status"], entry["owner"], entry["planned_action"]) == ("fresh", "us", "unchanged")
    aliases = {"namespace": ["default"], "label_selectors": ["a=b"], "owner": "us"}
    assert info(aliases, listing, read, listed(accounts())).returncode == 0


def test_the_runs_of_the_refresher(info: Any) -> None:
    where = "/apis/batch/v1/namespaces/refresher/cronjobs/refresh-ecr-public-token"
    status = {"lastSuccessfulTime": hours(-1)}
    cronjob = Call("GET", where, body={"metadata": {}, "spec": {"schedule": "@hourly"}, "status": status})
    result = info({"refresher_namespace": "refresher"}, *reads(secret()), listed(accounts()), cronjob)
    assert result.values["refresher"]["last_success_at"] == hours(-1)
    assert "refresher" not in info({}, *reads(secret()), listed(accounts())).values


def test_a_secret_states_when_it_was_renewed(info: Any) -> None:
    for changes, expected in (
        ({}, hours(-1)),
        ({"managed": False}, None),
        ({"renewed_at": "x" * 1000}, None),
    ):
        result = info({}, *reads(secret(11, **changes)), listed(accounts()))
        assert result.values["namespaces"][0]["renewed_at"] == expected, changes


OWN_STATUS: dict[str, tuple[dict[str, Any], tuple[str, str, str, str]]] = {
    "another owner": ({"owner": "them"}, ("other_owner", "them", "failed", "other_owner")),
    "a copy": ({"owner": "us", "written_for": "x"}, ("copy", "", "failed", "copy")),
    "being deleted": ({"owner": "us", "terminating": True}, ("terminating", "us", "skipped", "terminating")),
}


@pytest.mark.parametrize("case", OWN_STATUS)
def test_a_secret_that_the_task_does_not_renew_has_a_status_of_its_own(info: Any, case: str) -> None:
    changes, expected = OWN_STATUS[case]
    result = info({"owner": "us"}, *reads(secret(**changes)), listed(accounts()))
    (entry,) = result.values["namespaces"]
    assert (entry["status"], entry["owner"], entry["planned_action"], entry["reason"]) == expected


def test_the_plan_without_a_token_is_that_of_the_module(info: Any) -> None:
    options = {"token_unavailable": "AWS is down.", "fail_open_before": "2h", "find_orphans": True, "verify": True}
    namespace, _secret = reads(None)
    listing = listed("/api/v1/secrets", secret(1), fieldSelector=f"metadata.name={NAME}")
    result = info(options, namespace, listing, listed(accounts()))
    (entry,) = result.values["namespaces"]
    assert (entry["status"], entry["planned_action"], entry["reason"]) == ("due", "failed_open", "due")


def test_a_cluster_that_cannot_be_read_is_named(info: Any) -> None:
    result = info({}, error("GET", "/api/v1/namespaces/default", 401, "Unauthorized"))
    assert (result.returncode, result.values["host"]) == (1, HOST)
    assert HOST in result.values["msg"]
    assert "namespaces" not in result.values


# --- Pulls


def pod(*secrets: str, **metadata: Any) -> dict[str, Any]:
    """Build a pod that got its list from its service account."""
    manager = {"manager": "kubectl", "fieldsV1": {"f:spec": {"f:containers": {}}}}
    return {
        "metadata": {"name": "web", "namespace": "default", "managedFields": [manager], **metadata},
        "spec": {
            "serviceAccountName": "default",
            "containers": [{"name": "app", "image": IMAGE}],
            "imagePullSecrets": [{"name": name} for name in secrets],
        },
    }


def read_pod(found: dict[str, Any] | None) -> Call:
    pods = "/api/v1/namespaces/default/pods/web"
    return error("GET", pods, 404) if found is None else Call("GET", pods, body=found)


@pytest.mark.parametrize("check_mode", [False, True])
def test_a_pull_is_replayed(info: Any, check_mode: bool) -> None:
    by_hand = secret(managed=False, name="by-hand", auths={"https://public.ecr.aws": OTHER})
    calls = (
        *reads(secret(-1)),
        read_pod(pod(NAME, "by-hand")),
        listed(accounts(), account("default", NAME)),
        Call("GET", path(name="by-hand"), body=by_hand),
    )
    result = info({"pod": "web"}, *calls, check_mode=check_mode)
    assert (result.returncode, result.values["changed"]) == (0, False)
    (entry,) = result.values["namespaces"]
    assert (entry["status"], entry["service_accounts"], entry["pull_msg"]) == ("expired", ["default"], "")
    (pull,) = entry["pull"]
    assert (pull["pod"], pull["image"], pull["outcome"]) == ("web", IMAGE, "authenticated")
    assert [(link["secret"], link["state"]) for link in pull["chain"]] == [
        (NAME, "expired"),
        ("by-hand", "unknown_expiry"),
    ]
    assert pull["credential"] == pull["chain"][1]
    assert [one["code"] for one in pull["findings"]] == ["expired_first", "older_than_account"]
    assert "no credentials of its own" in result.values["assumption"]
    assert {each.method for each in result.sent} == {"GET"}


def test_a_pod_that_would_be_created_now(info: Any) -> None:
    options = {"service_account": "ci", "image": IMAGE}
    result = info(options, *reads(secret()), listed(accounts(), account("ci", NAME), account("default")))
    (pull,) = result.values["namespaces"][0]["pull"]
    assert (pull["pod"], pull["service_account"], pull["outcome"]) == (None, "ci", "authenticated")


def test_a_pod_that_does_not_exist_is_a_warning(info: Any) -> None:
    result = info({"pod": "web"}, *reads(secret()), read_pod(None), listed(accounts()))
    assert (result.values["namespaces"][0]["pull"], result.returncode) == ([], 0)
    assert result.warnings == ["pod: 'web' matches no pod of the selected namespaces."]


def test_nothing_is_returned_of_pulls_without_the_options(info: Any) -> None:
    result = info({}, *reads(secret()), listed(accounts()))
    assert not {"pull", "pull_msg"} & set(result.values["namespaces"][0])
    assert "assumption" not in result.values


# --- The secrets of a kubeconfig


def kubeconfig_with(user: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "default",
        "clusters": [{"name": "default", "cluster": {"server": HOST}}],
        "contexts": [{"name": "default", "context": {"cluster": "default", "user": "default"}}],
        "users": [{"name": "default", "user": user}],
        **more,
    }


def test_a_kubeconfig_as_a_dict_is_redacted_and_nothing_else(run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not in the result at any verbosity, and not in the target's system log. Names in it stay readable."""
    logged: list[str] = []
    monkeypatch.setattr(basic.AnsibleModule, "log", lambda _self, msg, **more: logged.append(f"{msg} {more}"))
    run.secrets = [*SECRETS, "kubeconfig-never-shown"]
    kubeconfig = kubeconfig_with({"token": "kubeconfig-never-shown"})
    calls = (
        *reads(secret()),
        listed(accounts()),
    )
    result = run(ecr_public_pull_secret_info, {"kubeconfig": kubeconfig}, *calls)
    assert (result.values["host"], result.values["namespaces"][0]["namespace"]) == (HOST, "default")
    shown = result.values["invocation"]["module_args"]["kubeconfig"]
    assert shown == kubeconfig_with({"token": "********"})
    assert "kubeconfig-never-shown" not in "".join(logged)
    assert any("kubeconfig" in line for line in logged)


def test_a_kubeconfig_that_is_no_yaml_is_named_by_its_line(run: Runner, tmp_path: Path) -> None:
    run.secrets = [*SECRETS, "kubeconfig-never-shown"]
    (tmp_path / "config").write_text("apiVersion: v1\ntoken: 'kubeconfig-never-shown\n")
    result = run(ecr_public_pull_secret_info, {"kubeconfig": str(tmp_path / "config")})
    assert result.returncode == 1
    assert "the kubeconfig is not YAML, in line " in result.values["msg"]


def test_no_secret_is_shown_if_the_options_have_another_shape(run: Runner) -> None:
    """Ansible then does not know which values have no_log."""
    options = {
        "api_key": "api-key-never-shown",
        "password": "password-never-shown",
        "token": {"password": "token-never-shown", "expires_at": "2026-01-01T00:00:00Z"},
        "proxy_headers": {"authorization": "header-never-shown"},
        "apikey": "misspelt-never-shown",
    }
    run.secrets = ["never-shown"]
    result = run(ecr_public_pull_secret_info, {"host": HOST, **options})
    assert result.returncode == 1
    assert result.values["invocation"]["module_args"]["host"] == HOST
    assert result.values["invocation"]["module_args"]["apikey"] == "********"
