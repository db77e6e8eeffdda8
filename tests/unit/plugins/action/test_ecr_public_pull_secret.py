# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action plugin: one run of the module where that is enough, otherwise a plan, a token and a second run."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleActionFail, AnsibleError

from ansible_collections.freshpull.ecr_public.plugins.action import ecr_public_pull_secret
from ansible_collections.freshpull.ecr_public.plugins.module_utils._aws_errors import AwsError
from ansible_collections.freshpull.ecr_public.plugins.plugin_utils._play_defaults import AWS_GROUP, CLUSTER_GROUP
from unit.plugins.action.scripted import TOKEN, Play, Run, caused

pytestmark = pytest.mark.usefixtures("each_connection")

HOST = "https://cluster.example"


def planned(action: str = "renewed", expires_at: str = "unknown", **more: Any) -> dict[str, Any]:
    """Build the module's result in check mode."""
    entry = {"namespace": "default", "action": action, "reason": "due", "expires_at": expires_at}
    return {"changed": action not in ("unchanged", "failed"), "host": HOST, "namespaces": [entry], **more}


DONE = {"changed": True, "host": HOST}


def test_a_token_is_requested_after_the_plan_and_before_the_second_run(play: Play) -> None:
    args = {"namespaces": ["a"], "aws": {"profile": "ci"}}
    assert play.run(ecr_public_pull_secret, args, planned(), DONE) == DONE
    assert play.runs == [
        Run({"namespaces": ["a"]}, check_mode=True),
        Run({"namespaces": ["a"], "token": TOKEN}, check_mode=False),
    ]
    assert (play.lookup.requests, play.lookup.options) == (1, {"profile": "ci"})
    assert play.task.check_mode is False


# One run of the module is enough: args, fields of the task, the result.
ONCE: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "check mode": ({}, {"check_mode": True}, planned()),
    "check mode with a token to verify": ({"token": TOKEN, "verify": True}, {"check_mode": True}, planned()),
    "absent": ({"state": "absent"}, {}, DONE),
    "a token that is given": ({"token": TOKEN}, {}, DONE),
    "a token that is given, and a text for verify": ({"token": TOKEN, "verify": "no"}, {}, DONE),
    "a plan without a change": ({}, {}, planned("unchanged", "2030-01-01T00:00:00Z")),
    "a plan that fails": ({}, {}, {"failed": True, "msg": "renew_before: no duration"}),
}


@pytest.mark.parametrize("case", ONCE)
def test_the_module_runs_once(play: Play, case: str) -> None:
    args, fields, result = ONCE[case]
    assert play.run(ecr_public_pull_secret, {**args, "aws": {"profile": "ci"}}, result, **fields) == result
    assert [run.args for run in play.runs] == [args]
    planning = "plan" in case or "check mode" in case
    assert [run.check_mode for run in play.runs] == [planning]
    assert (play.lookup.requests, play.tried) == (0, [])


def test_a_change_that_needs_no_token_requests_none(play: Play) -> None:
    plan = planned("updated", "2030-01-01T00:00:00Z")
    assert play.run(ecr_public_pull_secret, {"registries": ["public.ecr.aws"]}, plan, DONE) == DONE
    assert play.lookup.requests == 0
    assert [run.check_mode for run in play.runs] == [True, False]
    assert "token" not in play.runs[1].args


# --- AWS returned no token


def test_without_a_token_the_second_run_fails_open(play: Play) -> None:
    play.lookup.outcome = caused(AnsibleError("No token. AWS is down."), AwsError("AWS is down."))
    result = {"changed": True, "failed": True, "msg": "AWS is down. 1 of 1 namespaces ..."}
    assert play.run(ecr_public_pull_secret, {"aws": {"profile": "ci"}}, planned(), result) == result
    second = play.runs[1]
    assert second.args.keys() == {"token_unavailable"}
    assert "AWS is down." in second.args["token_unavailable"]
    assert second.check_mode is False


def test_a_plan_without_a_write_is_no_change(play: Play) -> None:
    play.lookup.outcome = AnsibleError("There is no option profil.")
    nothing_expired = {"changed": False, "namespaces": [{"namespace": "a", "action": "failed", "reason": "kept"}]}
    result = play.run(ecr_public_pull_secret, {"aws": {"profil": "ci"}}, planned(), nothing_expired)
    assert (result["failed"], result["changed"], result["host"]) == (True, False, HOST)
    assert (result["namespaces"], result["planned"]) == (planned()["namespaces"], True)
    assert "There is no option profil." in result["msg"]


# --- The play's AWS variables and options


def test_aws_variables_of_the_environment_are_used_and_reported(play: Play) -> None:
    play.environment = [{"AWS_ACCESS_KEY_ID": "AKIA", "OTHER": "x"}]
    result = play.run(ecr_public_pull_secret, {}, planned(), DONE)
    assert result == {**DONE, "aws_from_play": True}
    # The variables of the process's principal are removed; variables that name no principal stay.
    assert play.lookup.environment == {"AWS_ACCESS_KEY_ID": "AKIA", "AWS_REGION": "eu-central-1"}


def test_the_default_of_the_play_is_used_and_reported(play: Play) -> None:
    play.defaults = [{AWS_GROUP: {"aws": {"profile": "play"}}}]
    assert play.run(ecr_public_pull_secret, {}, planned(), DONE) == {**DONE, "aws_from_play": True}
    assert play.lookup.options == {"profile": "play"}


def test_the_option_wins_over_the_default_of_the_play(play: Play) -> None:
    play.defaults = [{AWS_GROUP: {"aws": {"profile": "play"}}}]
    assert play.run(ecr_public_pull_secret, {"aws": {"profile": "task"}}, planned(), DONE) == DONE
    assert play.lookup.options == {"profile": "task"}


def test_the_cluster_of_the_play_is_given_to_both_runs(play: Play) -> None:
    play.defaults = [{CLUSTER_GROUP: {"host": HOST}}]
    play.run(ecr_public_pull_secret, {"name": "a"}, planned(), DONE)
    assert [run.args["host"] for run in play.runs] == [HOST, HOST]


@pytest.mark.parametrize("aws", ["profile=ci", ["profile"], 1])
def test_an_option_aws_that_is_no_dict_is_rejected_before_the_module_runs(play: Play, aws: Any) -> None:
    with pytest.raises(AnsibleActionFail, match="aws"):
        play.run(ecr_public_pull_secret, {"aws": aws})
    assert play.runs == []


def test_an_empty_option_aws_is_an_empty_dict(play: Play) -> None:
    assert play.run(ecr_public_pull_secret, {"aws": None}, planned(), DONE) == DONE
    assert play.lookup.options == {}


def test_async_is_rejected(play: Play) -> None:
    with pytest.raises(AnsibleActionFail, match="async"):
        play.run(ecr_public_pull_secret, {}, async_val=10)
