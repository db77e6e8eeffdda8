# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The removal of a refresher, with all permissions and with those of push mode."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes import kinds
from ansible_collections.freshpull.ecr_public.plugins.modules import ecr_public_refresher
from unit.plugins.modules.refreshers import (
    BINDINGS,
    CRONJOB_PATH,
    KEYS_PATH,
    OWN,
    STORED,
    former,
    of,
    own,
    path,
    with_a_user_s_secret,
)
from unit.plugins.modules.scripted import CONNECTION, DRY_RUN, HOST, Call, Result, Runner, error, listed

Object = dict[str, Any]


@pytest.fixture
def remove(run: Runner) -> Any:
    """The module with the state absent, against the script's cluster."""
    run.secrets.append(of(STORED, "Secret")[0]["data"]["credentials"])

    def call(options: Object, *calls: Call, **modes: bool) -> Result:
        return run(ecr_public_refresher, {**CONNECTION, "state": "absent", **options}, *calls, **modes)

    return call


def without_secrets() -> list[Call]:
    """The search for secrets whose owner is released."""
    return [
        call
        for name in ("team-a", "team-b")
        for call in (
            Call("GET", kinds.path("Namespace", "", name), body={"metadata": {"name": name}}),
            error("GET", kinds.path("Secret", name, "ecr-public-secret"), 404),
        )
    ]


def test_check_mode_of_a_removal_writes_nothing(remove: Any) -> None:
    deleted = [body for body in STORED if body["kind"] != "Namespace"]
    calls = [Call("DELETE", path(body), query=dict([DRY_RUN])) for body in deleted]
    result = remove({}, *former(STORED), *calls, *without_secrets(), own(None), check_mode=True)
    assert (result.returncode, result.values["changed"], result.writes) == (0, True, [])
    assert len(result.values["objects"]) == len(deleted)
    # An API server that is given a body reads the dry run from there.
    assert {json.dumps(each.body["dryRun"]) for each in result.sent if each.method == "DELETE"} == {'["All"]'}


def test_a_refresher_is_removed_its_permissions_and_keys_first(remove: Any) -> None:
    deleted = [body for body in STORED if body["kind"] != "Namespace"]
    calls = [Call("DELETE", path(body)) for body in deleted]
    gone = error("GET", CRONJOB_PATH, 404)
    result = remove({}, *former(STORED), *calls, gone, *without_secrets(), own(None))
    assert (result.returncode, result.values["changed"], result.values["complete"]) == (0, True, True)
    assert result.values["owner"] == OWN
    assert {each["action"] for each in result.values["objects"]} == {"removed"}
    order = [each.path for each in result.writes]
    bindings = [order.index(path(body)) for body in of(STORED, *BINDINGS)]
    assert max(*bindings, order.index(KEYS_PATH)) < order.index(CRONJOB_PATH)
    uids = {path(body): body["metadata"]["uid"] for body in deleted}
    assert {each.path: each.body["preconditions"]["uid"] for each in result.writes} == uids
    assert result.values["fail_open_before"] is None


def test_a_secret_of_the_same_name_that_a_user_created_is_not_removed(remove: Any) -> None:
    calls = [Call("DELETE", path(body)) for body in STORED if body["kind"] not in ("Namespace", "Secret")]
    gone = error("GET", CRONJOB_PATH, 404)
    result = remove({}, *former(with_a_user_s_secret()), *calls, gone, *without_secrets(), own(None))
    assert (result.returncode, KEYS_PATH in [each.path for each in result.writes]) == (0, False)


def test_with_its_owner_given_no_secret_is_released(remove: Any) -> None:
    calls = [Call("DELETE", path(body)) for body in STORED if body["kind"] != "Namespace"]
    gone = error("GET", CRONJOB_PATH, 404)
    result = remove({"owner": OWN}, *former(STORED), *calls, gone, own(None))
    assert (result.returncode, result.values["complete"], result.values["owner"]) == (0, True, OWN)


def test_another_owner_removes_nothing(remove: Any) -> None:
    result = remove({"owner": "them"}, *former(STORED))
    assert (result.returncode, result.writes) == (1, [])
    assert f"owner: 'them' is not the owner of the refresher in namespace {OWN}" in result.values["msg"]


def test_the_record_can_stay_until_the_secrets_are_removed(remove: Any) -> None:
    deleted = [body for body in STORED if body["kind"] not in ("Namespace", "ConfigMap")]
    gone = error("GET", CRONJOB_PATH, 404)
    calls = [Call("DELETE", path(body)) for body in deleted]
    result = remove({"keep_record": True}, *former(STORED), *calls, gone)
    assert (result.returncode, result.values["changed"], result.values["complete"]) == (0, True, False)
    assert "ConfigMap" not in {each["kind"] for each in result.values["objects"]}


def test_a_second_removal_changes_nothing(remove: Any) -> None:
    result = remove({}, *former(), own(None))
    assert (result.returncode, result.values["changed"], result.values["objects"]) == (0, False, [])
    assert (result.values["complete"], result.values["host"]) == (True, HOST)


def forbidden(calls: list[Call], *allowed: str) -> list[Call]:
    """Let an account without permissions make the calls. allowed: the paths that it can read."""
    return [
        call if call.path in allowed else error("GET", call.path, 403, f"forbidden: {call.path}", **call.query)
        for call in calls
    ]


READABLE = (kinds.path("ConfigMap", OWN), CRONJOB_PATH)


@pytest.mark.parametrize("allowed", [(), READABLE], ids=["nothing", "a part"])
def test_without_permission_to_read_there_is_no_refresher_in_push_mode(remove: Any, allowed: tuple[str, ...]) -> None:
    for record in ({}, {"keep_record": True}, {"record_only": True}):
        options = {"unreadable_is_absent": True, **record}
        result = remove(options, *forbidden(former(), *allowed))
        assert (result.returncode, result.values["changed"], result.values["objects"]) == (0, False, [])
        assert (result.values["complete"], result.values["served"], result.values["owner"]) == (True, [], "")
        assert (result.warnings, result.writes) == ([], [])


@pytest.mark.parametrize("kind", ["CronJob", "ConfigMap", "RoleBinding", "ClusterRoleBinding"])
def test_a_refresher_that_is_only_partly_readable_is_an_error(remove: Any, kind: str) -> None:
    """Removing the part that is readable would leave the permissions or the AWS keys."""
    stored = of(STORED, kind)
    readable = {path(stored[0]), kinds.path(kind, OWN), kinds.path(kind)}
    result = remove({"unreadable_is_absent": True}, *forbidden(former(stored), *readable))
    assert (result.returncode, result.writes) == (1, [])
    assert "forbidden: " in result.values["msg"]


def test_without_the_option_a_removal_needs_permission_to_read(remove: Any) -> None:
    result = remove({}, *forbidden(former(), *READABLE))
    assert (result.returncode, result.writes) == (1, [])
    assert "forbidden: " in result.values["msg"]


def test_only_a_lack_of_permission_counts_as_no_refresher(remove: Any) -> None:
    calls = [error("GET", call.path, 400, "broken", **call.query) for call in former()]
    result = remove({"unreadable_is_absent": True}, *calls)
    assert (result.returncode, result.writes) == (1, [])
    assert "broken" in result.values["msg"]


def test_where_all_can_be_read_the_namespace_must_be_readable_too(remove: Any) -> None:
    calls = forbidden([own(None)])
    result = remove({"unreadable_is_absent": True}, *former(), *calls)
    assert (result.returncode, result.writes) == (1, [])


def test_a_namespace_with_unmanaged_objects_stays(remove: Any) -> None:
    (namespace,) = of(STORED, "Namespace")
    resource = {"name": "configmaps", "kind": "ConfigMap", "namespaced": True, "verbs": ["list", "delete"]}
    calls = [
        own(namespace),
        Call("GET", "/apis", body={"kind": "APIGroupList", "groups": []}),
        Call("GET", "/api/v1", body={"kind": "APIResourceList", "resources": [resource]}),
        listed(kinds.path("ConfigMap", OWN), {"metadata": {"name": "theirs"}}),
    ]
    result = remove({}, *former(), *calls)
    assert (result.returncode, result.values["complete"], result.writes) == (0, False, [])
    assert ["theirs" in warning for warning in result.warnings] == [True]
