# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module as a whole, from its options to its result, over a script of calls to the API server."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes import kinds
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.options import PROGRAM
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.settings import (
    AWS_SECRET,
    CRONJOB,
)
from ansible_collections.freshpull.ecr_public.plugins.modules import ecr_public_refresher
from support.refresher_settings import FILES, KEYS
from unit.plugins.modules.pull_secrets import secret
from unit.plugins.modules.refreshers import (
    ALWAYS_TRIED,
    BINDINGS,
    CRONJOB_PATH,
    GIVEN,
    JOBS,
    KEYS_PATH,
    OWN,
    POD_PATH,
    STORED,
    TRIED_POD,
    applied,
    former,
    of,
    own,
    path,
    selected,
    tried,
    unchanged,
    until_the_job,
    with_a_user_s_secret,
)
from unit.plugins.modules.scripted import CONNECTION, DRY_RUN, HOST, Call, Result, Runner, error, listed

Object = dict[str, Any]


@pytest.fixture
def task(run: Runner) -> Any:
    """The module against the script's cluster."""
    run.secrets += [KEYS["aws_secret_key"], of(STORED, "Secret")[0]["data"]["credentials"]]

    def call(options: Object, *calls: Call, **modes: bool) -> Result:
        return run(ecr_public_refresher, {**CONNECTION, PROGRAM: FILES, **options}, *calls, **modes)

    return call


def actions(result: Result) -> dict[str, set[str]]:
    """Kind to actions."""
    found: dict[str, set[str]] = {}
    for each in result.values["objects"]:
        found.setdefault(each["kind"], set()).add(each["action"])
    return found


# --- Installation


def test_a_refresher_is_created(task: Any) -> None:
    calls = [*selected(), *former(), own(None), *tried(*STORED), TRIED_POD, *applied(*STORED)]
    result = task(GIVEN, *calls)
    assert (result.returncode, result.values["changed"], result.values["host"]) == (0, True, HOST)
    assert {action for found in actions(result).values() for action in found} == {"created"}
    assert len(result.values["objects"]) == len(STORED)
    assert (result.values["complete"], result.values["unbound"], result.values["may_create_pods"]) == (True, [], True)
    assert result.values["test_run"] == {"due": True, "outcome": "", "job": "", "msg": ""}
    assert result.values["fail_open_before"] == "8400s"


def test_no_object_of_the_namespace_is_written_before_all_were_tried(task: Any) -> None:
    calls = [*selected(), *former(), own(None), *tried(*STORED), TRIED_POD, *applied(*STORED)]
    sent = task(GIVEN, *calls).sent
    written = [
        number
        for number, each in enumerate(sent)
        if each.path in (KEYS_PATH, CRONJOB_PATH) and DRY_RUN not in each.query
    ]
    last_try = max(number for number, each in enumerate(sent) if DRY_RUN in each.query)
    assert min(number for number in written if sent[number].method == "PATCH") > last_try


def test_a_refresher_without_differences_is_unchanged(task: Any) -> None:
    result = task(GIVEN, *unchanged())
    assert (result.returncode, result.values["changed"], result.values["complete"]) == (0, False, True)
    assert result.writes == []
    assert {action for found in actions(result).values() for action in found} == {"unchanged"}
    assert result.values["served"] == ["team-a", "team-b"]
    assert result.values["test_run"]["due"] is False


def test_what_differs_is_changed_and_nothing_else(task: Any) -> None:
    (cronjob,) = of(STORED, "CronJob")
    result = task({**GIVEN, "history": 2}, *unchanged(), *applied(cronjob))
    assert [each.path for each in result.writes] == [CRONJOB_PATH]
    assert result.writes[0].body["spec"]["failedJobsHistoryLimit"] == 2
    assert actions(result)["CronJob"] == {"changed"}
    assert (result.values["changed"], result.values["test_run"]["due"]) == (True, True)


def test_a_refresher_is_suspended(task: Any) -> None:
    (cronjob,) = of(STORED, "CronJob")
    result = task({**GIVEN, "state": "suspended"}, *unchanged(), JOBS, *applied(cronjob))
    assert result.writes[0].body["spec"]["suspend"] is True
    assert result.values["test_run"]["due"] is False


def test_a_deferred_test_run_is_recorded_in_the_cron_job(task: Any) -> None:
    (cronjob,) = of(STORED, "CronJob")
    calls = [*unchanged(), *applied(cronjob), Call("GET", CRONJOB_PATH, body=cronjob), Call("PATCH", CRONJOB_PATH)]
    result = task({**GIVEN, "history": 2, "test_run": "deferred"}, *calls)
    annotations = result.writes[-1].body["metadata"]["annotations"]
    assert list(annotations.values()) == ["true"]
    assert (result.values["test_run"]["due"], result.values["test_run"]["outcome"]) == (True, "")


def test_aws_keys_that_are_no_longer_wanted_are_removed_last(task: Any) -> None:
    without = [body for body in ALWAYS_TRIED if body["kind"] != "Secret"]
    (namespace,), (cronjob,) = of(STORED, "Namespace"), of(STORED, "CronJob")
    settings = next(body for body in STORED if body["metadata"]["name"] == f"{CRONJOB}-settings")
    calls = [*selected(), *former(STORED), own(namespace), *tried(*without), TRIED_POD, JOBS]
    options = {key: value for key, value in GIVEN.items() if key not in KEYS}
    result = task(
        {**options, "aws_auth": "pod_identity"}, *calls, *applied(settings, cronjob), Call("DELETE", KEYS_PATH)
    )
    assert [each.path for each in result.writes][-1] == KEYS_PATH
    assert actions(result)["Secret"] == {"removed"}


def test_a_secret_of_the_same_name_that_a_user_created_is_not_overwritten(task: Any) -> None:
    result = task(GIVEN, *selected(), *former(with_a_user_s_secret()))
    assert (result.returncode, result.writes) == (1, [])
    assert f"Secret {OWN}/{AWS_SECRET} exists, and this refresher did not create it" in result.values["msg"]


def test_a_secret_of_the_same_name_that_a_user_created_is_not_removed(task: Any) -> None:
    options = {key: value for key, value in GIVEN.items() if key not in KEYS}
    without = [body for body in ALWAYS_TRIED if body["kind"] != "Secret"]
    (namespace,), (cronjob,) = of(STORED, "Namespace"), of(STORED, "CronJob")
    settings = next(body for body in STORED if body["metadata"]["name"] == f"{CRONJOB}-settings")
    calls = [*selected(), *former(with_a_user_s_secret()), own(namespace), *tried(*without), TRIED_POD, JOBS]
    result = task({**options, "aws_auth": "pod_identity"}, *calls, *applied(settings, cronjob))
    assert (result.returncode, {each.method for each in result.writes}) == (0, {"PATCH"})


# --- Which namespaces


def test_globs_and_missing_namespaces_are_warnings(task: Any) -> None:
    names = [{"metadata": {"name": name}} for name in ("team-a", "team-b", "other")]
    calls = [listed("/api/v1/namespaces", *names), *unchanged()[2:]]
    result = task({**GIVEN, "namespaces": ["team-*", "gone", "x-*"]}, *calls)
    assert (result.returncode, result.values["changed"]) == (0, False)
    assert ["x-*" in result.warnings[0], "gone" in result.warnings[1]] == [True, True]


def test_namespaces_that_cannot_be_read_count_as_existing(task: Any) -> None:
    rejected = error("GET", "/api/v1/namespaces/team-a", 403)
    assert task(GIVEN, rejected, *unchanged()[2:]).values["changed"] is False


def test_without_a_namespace_nothing_is_read_or_written(task: Any) -> None:
    result = task({**GIVEN, "namespaces": ["gone"]}, error("GET", "/api/v1/namespaces/gone", 404))
    assert (result.returncode, result.values["objects"]) == (1, [])
    assert "namespaces" in result.values["msg"]


# --- The test run


def test_a_test_run_without_a_managed_secret_is_a_warning(task: Any) -> None:
    result = task({**GIVEN, "test_run": "always"}, *unchanged(), *until_the_job(None, None))
    assert (result.returncode, result.values["test_run"]["outcome"]) == (0, "nothing_to_renew")
    assert ["ecr-public-secret" in warning for warning in result.warnings] == [True]


def test_a_test_run_whose_job_is_rejected_fails_the_task(task: Any) -> None:
    calls = [*unchanged(), *until_the_job(secret(1, "team-a", owner=OWN), secret(1, "team-b", owner=OWN))]
    rejected = error("POST", kinds.path("Job", OWN), 403, "no jobs")
    result = task({**GIVEN, "test_run": "always"}, *calls, rejected)
    assert (result.returncode, result.values["complete"]) == (1, True)
    assert (result.values["test_run"]["outcome"], result.values["test_run"]["job"]) == ("failed", "")
    assert "no jobs" in result.values["msg"]


# --- Check mode


def test_check_mode_of_an_installation_tries_and_writes_nothing(task: Any) -> None:
    (namespace,) = of(STORED, "Namespace")
    calls = [*selected(), *former(), own(namespace), *tried(*STORED), TRIED_POD]
    result = task(GIVEN, *calls, check_mode=True)
    assert (result.returncode, result.values["changed"], result.writes) == (0, True, [])
    assert actions(result)["CronJob"] == {"created"}


def test_check_mode_without_the_namespace_states_what_it_could_not_try(task: Any) -> None:
    outside = [body for body in STORED if body["metadata"].get("namespace") != OWN and body["kind"] not in BINDINGS]
    result = task(GIVEN, *selected(), *former(), own(None), *tried(*outside), check_mode=True)
    assert (result.returncode, result.values["changed"], result.writes) == (0, True, [])
    assert [OWN in warning for warning in result.warnings] == [True]


# --- The diff


def test_a_diff_shows_no_aws_key(task: Any) -> None:
    """The runner checks that the output has no secret."""
    (keys,) = of(STORED, "Secret")
    other = {**GIVEN, "aws_secret_key": "other-key/never-shown"}
    result = task(other, *unchanged(), *applied(keys), diff=True)
    assert "other-key" not in result.text
    (shown,) = result.values["diff"]
    assert shown["before_header"] == f"Secret {OWN} {AWS_SECRET}"
    assert shown["before"]["data"] != shown["after"]["data"]
    assert shown["before"]["data"].keys() == {"credentials"}


# --- Options

OPTIONS: dict[str, tuple[Object, str]] = {
    "no AWS access": ({"aws_auth": None}, "aws_auth"),
    "temporary AWS keys": ({"aws_access_key": "ASIA" + "A" * 16}, "aws_access_key"),
    "no ARN": ({"role_arn": "ecr-public-pull"}, "role_arn"),
    "no schedule": ({"schedule": "17 * * *"}, "schedule"),
    "a schedule with long gaps": ({"schedule": "0 */8 * * *"}, "renew_before"),
    "no duration": ({"renew_before": "8 hours"}, "renew_before"),
    "no time zone": ({"time_zone": "Mars/Base"}, "time_zone"),
    "a short deadline": ({"active_deadline": 100}, "active_deadline"),
    "no image": ({"image": "aws-cli"}, "image"),
    "no namespace": ({"namespace": "Team"}, "namespace"),
    "a proxy with a password": ({"aws_proxy": "http://me:never-shown@proxy.example.com"}, "aws_proxy"),
    "no selector": ({"namespace_selector": "a>1"}, "namespace_selector"),
    "no state": ({"state": "there"}, "state"),
    "no program": ({PROGRAM: {}}, "program"),
}


@pytest.mark.parametrize("case", OPTIONS)
def test_a_bad_option_is_named_and_the_cluster_not_contacted(task: Any, case: str) -> None:
    options, name = OPTIONS[case]
    result = task({**GIVEN, **options})
    assert (result.returncode, result.contacted) == (1, False)
    assert name in result.values["msg"]
    assert "host" not in result.values


# --- The API server


def test_credentials_that_are_rejected_end_the_task(task: Any) -> None:
    result = task(GIVEN, error("GET", "/api/v1/namespaces/team-a", 401, "Unauthorized"))
    assert (result.returncode, result.values["host"], result.values["objects"]) == (1, HOST, [])
    assert "Unauthorized" in result.values["msg"]
    assert result.values["complete"] is False


def test_an_object_that_is_rejected_stops_before_anything_changes(task: Any) -> None:
    calls = [call for call in unchanged() if (call.method, call.path) != ("PATCH", CRONJOB_PATH) and call is not JOBS]
    rejected = error("PATCH", CRONJOB_PATH, 422, "no such time zone", **dict([DRY_RUN]))
    result = task({**GIVEN, "history": 2}, *calls, rejected)
    assert (result.returncode, result.values["host"], result.writes) == (1, HOST, [])
    assert "no such time zone" in result.values["msg"]
    assert result.values["complete"] is False


def test_a_rejection_that_quotes_an_aws_key_is_withheld(task: Any) -> None:
    calls = [call for call in unchanged() if (call.method, call.path) != ("PATCH", KEYS_PATH) and call is not JOBS]
    rejected = error("PATCH", KEYS_PATH, 403, f"denied: {KEYS['aws_secret_key']}", **dict([DRY_RUN]))
    result = task(GIVEN, *calls, rejected, masked=True)
    assert (result.returncode, result.writes) == (1, [])
    assert "denied: ***" in result.values["msg"]


def test_a_namespace_that_rejects_the_permissions_is_returned(task: Any) -> None:
    (binding, *_others) = of(STORED, "RoleBinding")
    there = [body for body in STORED if body is not binding]
    (namespace,) = of(STORED, "Namespace")
    calls = [*selected(), *former(there), own(namespace), *tried(*ALWAYS_TRIED, binding), TRIED_POD, JOBS]
    result = task(GIVEN, *calls, error("PATCH", path(binding), 403, "not in this namespace"))
    assert (result.returncode, result.values["unbound"], result.values["complete"]) == (1, ["team-a"], True)
    assert "not in this namespace" in result.values["msg"]


def test_without_permission_to_create_pods_the_task_warns(task: Any) -> None:
    calls = [call for call in unchanged() if call is not TRIED_POD]
    rejected = error("POST", POD_PATH, 403, 'cannot create resource "pods"', **dict([DRY_RUN]))
    result = task(GIVEN, *calls, rejected)
    assert (result.returncode, result.values["may_create_pods"]) == (0, False)
    assert ["pods" in warning for warning in result.warnings] == [True]
