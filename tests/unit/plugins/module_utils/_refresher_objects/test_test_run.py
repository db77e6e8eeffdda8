# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The test run with a fake API server: what it creates, when it ends, and what counts as a success."""

from __future__ import annotations

import base64
import copy
import dataclasses
from typing import Any

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.api import READ_ONE_BY_ONE
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects import manifests, test_run
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.settings import (
    CRONJOB,
    Places,
    Settings,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.test_run import (
    UNPROVEN,
    RunOutcome,
    job,
)
from support.refresher_settings import CASES
from unit.plugins.module_utils._refresher_objects.server import (
    BEFORE,
    CRONJOB_PATH,
    JOBS,
    LATER,
    LISTED,
    OWN,
    SUCCEEDED,
    Server,
)

Object = dict[str, Any]
SELECTOR = CASES["selector"]


def failed_pod(message: str) -> Object:
    end = {"exitCode": 1, "reason": "Error", "message": message}
    status = {"phase": "Failed", "containerStatuses": [{"name": "refresh", "state": {"terminated": end}}]}
    return {"pods": [{"metadata": {"name": "p"}, "status": status}]}


def listed(*namespaces: str) -> Settings:
    return dataclasses.replace(LISTED, places=Places(listed=namespaces))


# --- The Job


def test_the_job_is_the_cronjob_s_and_renews_all() -> None:
    cronjob = manifests.cron_job(LISTED)
    cronjob["metadata"]["uid"] = "c"
    template = cronjob["spec"]["jobTemplate"]
    template["metadata"] |= {"annotations": {"queue": "q"}}
    template["metadata"]["labels"] = {"theirs": "x", **template["metadata"]["labels"]}
    template["spec"]["template"]["spec"]["containers"].append({"name": "sidecar", "env": [{"name": "A", "value": "b"}]})
    before = copy.deepcopy(cronjob)
    made = job(cronjob, "test-1", LISTED.labels)
    assert cronjob == before
    assert made["metadata"] == {
        "name": "test-1",
        "namespace": LISTED.namespace,
        "labels": {"theirs": "x", **LISTED.labels},
        "annotations": {"queue": "q", "cronjob.kubernetes.io/instantiate": "manual"},
        "ownerReferences": [
            {"apiVersion": "batch/v1", "kind": "CronJob", "name": CRONJOB, "uid": "c", "controller": True}
        ],
    }
    made["spec"]["template"]["spec"]["containers"][0]["env"].remove({"name": "FORCE_RENEW", "value": "1"})
    assert made["spec"] == {**template["spec"], "backoffLimit": 0}


@pytest.mark.parametrize("env", [None, [], [{"name": "FORCE_RENEW", "value": ""}]], ids=str)
def test_the_variable_is_there_once(env: Any) -> None:
    cronjob = manifests.cron_job(LISTED)
    cronjob["metadata"]["uid"] = "c"
    cronjob["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]["env"] = env
    container = job(cronjob, "test-1", {})["spec"]["template"]["spec"]["containers"][0]
    assert container["env"] == [{"name": "FORCE_RENEW", "value": "1"}]


# --- Success


def test_the_cronjob_is_unproven_until_a_success() -> None:
    server = Server(LISTED).add("team-a", "team-b")
    assert server.run() == RunOutcome("succeeded", "test-1", "", 2)
    assert [made["kind"] for made in server.created] == ["Job"]
    assert server.annotated == ["true", None]


def test_it_stays_unproven_after_a_failure() -> None:
    server = Server(LISTED).add("team-a")
    assert server.cronjob
    server.renew = lambda: None
    assert server.run().outcome == "failed"
    assert server.annotated == ["true"]
    methods = [request.method for request in server.requests]
    assert methods.index("PATCH") < methods.index("POST")


def test_it_is_annotated_once() -> None:
    server = Server(LISTED).add("team-a")
    assert server.cronjob
    server.cronjob["metadata"]["annotations"] = {UNPROVEN: "true"}
    assert server.run().outcome == "succeeded"
    assert server.annotated == [None]


def test_a_job_whose_creation_was_not_confirmed_is_not_created_twice() -> None:
    server = Server(LISTED).add("team-a")
    server.lost.append("POST")
    assert server.run() == RunOutcome("succeeded", "test-1", "", 1)
    assert [made["metadata"]["name"] for made in server.created] == ["test-1", "test-1"]


def test_it_waits_for_the_job() -> None:
    pending: Object = {"pods": [{"metadata": {"name": "p"}, "status": {"phase": "Pending"}}]}
    server = Server(LISTED, {}, pending, pending, SUCCEEDED).add("team-a")
    assert server.run().outcome == "succeeded"
    assert server.clock == 106


@pytest.mark.parametrize("count", [READ_ONE_BY_ONE, READ_ONE_BY_ONE + 1])
@pytest.mark.parametrize("rejected", [False, True])
def test_many_secrets_are_read_with_one_list_where_that_is_allowed(count: int, rejected: bool) -> None:
    names = [f"n{number}" for number in range(count)]
    server = Server(listed(*names)).add(*names, "another")
    server.reject = {"GET /api/v1/secrets": 403} if rejected else {}
    assert server.run() == RunOutcome("succeeded", "test-1", "", count)
    lists = [request for request in server.requests if request.path == "/api/v1/secrets"]
    assert len(lists) == (2 if count > READ_ONE_BY_ONE else 0)


# --- What counts as renewed


def fleet(count: int) -> list[str]:
    return [f"n{number:02}" for number in range(count)]


SECRETS: dict[str, tuple[Object, Object | None, bool | None]] = {
    "later": ({}, {"expires_at": LATER}, True),
    "the same": ({}, {}, False),
    "earlier": ({}, {"expires_at": "2025-01-01T00:00:00Z"}, False),
    "another object": ({}, {"expires_at": LATER, "uid": "x"}, False),
    "no token": ({}, {"auths": {}, "expires_at": None}, False),
    "modified": ({}, {"expires_at": LATER, "fingerprint": "x"}, False),
    "deleted": ({}, None, False),
    "filled": ({"auths": {}, "expires_at": None}, {"expires_at": LATER}, True),
    "modified before": ({"fingerprint": "x"}, {"expires_at": LATER}, True),
    "unmanaged": ({"managed": False}, {"managed": False}, None),
    "no JSON": ({"raw": "{"}, {}, None),
    "no time": ({"expires_at": "soon"}, {}, None),
}


@pytest.mark.parametrize("case", SECRETS)
def test_each_managed_secret_must_be_the_same_object_with_a_later_expiry(case: str) -> None:
    before, after, renewed = SECRETS[case]
    server = Server(LISTED).add("team-a").add("team-b", **before)

    def renew() -> None:
        server.add("team-a", expires_at=LATER)
        del server.stored["team-b"]
        if after is not None:
            changes = dict(after)
            uid = changes.pop("uid", None)
            server.add("team-b", **changes)
            server.stored["team-b"]["metadata"] |= {"uid": uid} if uid else {}

    server.renew = renew
    found = server.run()
    assert (found.outcome, found.renewed) == (("failed", 1) if renewed is False else ("succeeded", 2 if renewed else 1))
    assert ("or are not the same objects as before: team-b. Find out" in found.msg) is (renewed is False)
    assert server.annotated == (["true"] if renewed is False else ["true", None])


def test_only_some_names_are_in_the_message() -> None:
    server = Server(listed(*fleet(30))).add(*fleet(30))
    server.renew = lambda: None
    assert f"as before: {', '.join(fleet(30)[: test_run.MOST_NAMES])} and 20 more." in server.run().msg


@pytest.mark.parametrize("gone", [True, False])
def test_a_namespace_that_is_deleted_during_the_run_is_no_failure(gone: bool) -> None:
    server = Server(LISTED).add("team-a", "team-b")

    def renew() -> None:
        server.add("team-a", expires_at=LATER)
        del server.stored["team-b"]
        server.selected.remove("team-b")
        server.terminating |= set() if gone else {"team-b"}

    server.renew = renew
    assert server.run() == RunOutcome("succeeded", "test-1", "", 1)


@pytest.mark.parametrize("before", [{}, {"managed": False}, None], ids=["managed", "unmanaged", "none"])
def test_without_a_managed_secret_there_is_nothing_to_renew(before: Object | None) -> None:
    server = Server(listed("team-c") if before == {} else LISTED)
    if before is not None:
        server.add("team-a", **before)
    found = server.run()
    assert (found.outcome, found.job, found.renewed) == ("nothing_to_renew", "", 0)
    assert "has a managed secret named ecr-public-secret" in found.msg
    assert server.created == []


# --- With a selector


def selecting(*polls: Object, **places: Any) -> Server:
    changed = dataclasses.replace(SELECTOR.places, **places)
    return Server(dataclasses.replace(SELECTOR, places=changed), *polls)


@pytest.mark.parametrize("created", [True, False])
def test_each_selected_namespace_must_have_a_secret_afterwards(created: bool) -> None:
    server = selecting().add("team-a", "not-selected")
    renewed = ["team-a", "team-b"] if created else ["team-a"]

    def renew() -> None:
        server.add(*renewed, expires_at=LATER)

    server.renew = renew
    found = server.run()
    assert found.outcome == ("succeeded" if created else "failed")
    assert found.renewed == len(renewed)
    assert ("before: team-b." in found.msg) is not created


def test_globs_and_namespaces_that_are_being_deleted_or_not_selected_any_more_are_left_out() -> None:
    server = selecting(globs=("team-*",), exclude=("team-x",))
    server.selected += ["team-c", "team-x", "other", "team-going"]
    server.terminating, server.others = {"team-going"}, {"team-c"}
    server.add("team-going", expires_at=BEFORE)

    def renew() -> None:
        server.add("team-a", "team-b", expires_at=LATER)
        server.selected.remove("team-c")
        server.selected.append("team-new")

    server.renew = renew
    assert server.run() == RunOutcome("succeeded", "test-1", "", 2)


def test_no_selected_namespace_is_no_failure() -> None:
    server = selecting()
    server.selected = []
    assert server.run() == RunOutcome("succeeded", "test-1", "", 0)


# --- Failures


def test_a_failure_has_the_reason_and_the_end_of_the_log() -> None:
    server = Server(LISTED, failed_pod("2 failed")).add("team-a")
    server.log = "x" * 2 * test_run.LOG_BYTES + "\nlast line\n"
    found = server.run()
    assert found.outcome == "failed"
    assert found.job == "test-1"
    assert found.msg.startswith("The test run of the refresher failed. Pod p failed. Container refresh ended with")
    assert found.msg.endswith("xxx\nlast line")
    assert test_run.LOG_BYTES < len(found.msg) < test_run.LOG_BYTES + 1000
    query = dict(next(request for request in server.requests if request.path.endswith("/log")).query)
    assert (query["container"], query["tailLines"]) == ("refresh", "20")


def test_a_failure_has_the_log_of_the_sidecar_too() -> None:
    """Only that log has what IAM Roles Anywhere returned."""
    failed = failed_pod("Roles Anywhere returned no session")
    sidecar = {"name": "roles-anywhere", "state": {"terminated": {"exitCode": 2}}}
    failed["pods"][0]["status"]["initContainerStatuses"] = [sidecar]
    server = Server(CASES["roles-anywhere"], failed).add("team-a")
    found = server.run()
    assert found.msg.endswith(
        "\nThe end of its log:\none line\nThe end of the log of its container roles-anywhere:\none line"
    )
    logs = [dict(each.query)["container"] for each in server.requests if each.path.endswith("/log")]
    assert logs == ["refresh", "roles-anywhere"]


@pytest.mark.parametrize(
    ("code", "words"),
    [(None, "Its log is empty."), (404, "Its pod and the log were deleted"), (403, "Could not read the log of Pod")],
)
def test_a_log_that_cannot_be_read_does_not_hide_the_reason(code: int | None, words: str) -> None:
    server = Server(LISTED, failed_pod("2 failed")).add("team-a")
    server.log = ""
    server.reject = {f"GET {OWN}/pods/p/log": code} if code else {}
    found = server.run()
    assert "2 failed. " in found.msg
    assert words in found.msg


QUEUED: Object = {"job": {"spec": {"suspend": True}}}


def test_a_job_that_cannot_start_fails_by_the_clock() -> None:
    server = Server(LISTED, QUEUED).add("team-a")
    assert "is suspended. A queue such as Kueue" in server.run().msg
    assert 130 <= server.clock < 133


def test_a_job_that_never_ends_fails_after_its_deadline() -> None:
    server = Server(LISTED, {}).add("team-a")
    found = server.run()
    assert "has not ended after 660 s. Job own/test-1 has no pod yet." in found.msg
    assert 760 < server.clock < 764


def test_without_permission_for_events_it_works() -> None:
    server = Server(LISTED).add("team-a")
    server.reject = {f"GET {OWN}/events": 403}
    assert server.run().outcome == "succeeded"


REJECTED: dict[str, tuple[str, str]] = {
    "the CronJob": (f"GET {CRONJOB_PATH}", "get CronJob"),
    "the secrets": (f"GET /api/v1/namespaces/team-a/secrets/{LISTED.renewal.secret}", "get secret team-a/"),
    "the Job's creation": (f"POST {JOBS}", "create Job"),
    "the Job": (f"GET {JOBS}/test-1", "get Job"),
    "its pods": (f"GET {OWN}/pods", "list pods with job-name=test-1"),
    "the annotation": (f"PATCH {CRONJOB_PATH}", "patch CronJob"),
}


@pytest.mark.parametrize("what", REJECTED)
def test_a_rejected_request_ends_the_run(what: str) -> None:
    request, words = REJECTED[what]
    server = Server(LISTED).add("team-a")
    server.reject = {request: 403}
    found = server.run()
    assert found.outcome == "failed"
    assert f"could not be completed. Could not {words}" in found.msg
    assert bool(found.job) is (what in ("the Job", "its pods"))


@pytest.mark.parametrize("state", ["does not exist", "is being deleted"])
def test_without_a_cronjob_there_is_no_run(state: str) -> None:
    server = Server(LISTED).add("team-a")
    assert server.cronjob
    server.cronjob["metadata"]["deletionTimestamp"] = BEFORE
    server.cronjob = None if state == "does not exist" else server.cronjob
    found = server.run()
    assert (found.outcome, found.job) == ("failed", "")
    assert f"/{CRONJOB} {state}. Install the refresher first" in found.msg


def test_a_job_that_is_deleted_is_a_failure() -> None:
    server = Server(LISTED, {"job": None}).add("team-a")
    assert "Job ecr-public-refresher/test-1 was deleted" in server.run().msg


# --- Secrets


def test_no_message_contains_an_aws_key() -> None:
    """Not even a part of a key, if a long text is cut."""
    key = LISTED.aws.secret_key
    secret = manifests.aws_secret(LISTED)
    assert secret
    forms = [key, base64.b64encode(key.encode()).decode(), secret["data"]["credentials"]]
    for before in range(0, 1000 - 20, 7):
        server = Server(LISTED, failed_pod("m" * before + " ".join(forms))).add("team-a")
        server.log = "\n".join(forms)
        found = server.run()
        assert found.outcome == "failed"
        assert not [form for form in forms if form[:8] in found.msg]
    assert found.msg.endswith("********\n********\n********")


def test_a_key_at_the_end_of_a_log_that_is_cut_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(test_run, "_LOG_READ", 30)
    server = Server(LISTED, failed_pod("x")).add("team-a")
    server.log = f"whole line\nkey: {LISTED.aws.secret_key}"[:30]
    found = server.run()
    assert found.msg.endswith("whole line")


def test_a_rejection_does_not_show_a_key_either() -> None:
    server = Server(dataclasses.replace(LISTED, aws=dataclasses.replace(LISTED.aws, secret_key=JOBS))).add("team-a")
    server.reject = {f"POST {JOBS}": 403}
    assert "no: ********" in server.run().msg
