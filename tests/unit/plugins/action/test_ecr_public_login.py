# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action plugin: a plan, a token if one is needed, and a second run that never fails open."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleActionFail, AnsibleError

from ansible_collections.freshpull.ecr_public.plugins.action import ecr_public_login
from ansible_collections.freshpull.ecr_public.plugins.module_utils._aws_errors import AwsError
from unit.plugins.action.scripted import TOKEN, Play, Run, caused

pytestmark = pytest.mark.usefixtures("each_connection")

PATH = "/home/builder/.docker/config.json"
DONE = {"changed": True, "path": PATH, "action": "renewed"}


def planned(reason: str = "due", expires_at: str = "unknown") -> dict[str, Any]:
    entry = {"registry": "public.ecr.aws", "action": "renewed", "reason": reason, "expires_at": expires_at}
    return {"changed": True, "path": PATH, "action": "renewed", "reason": reason, "registries": [entry]}


def test_a_token_is_requested_after_the_plan_and_before_the_second_run(play: Play) -> None:
    assert play.run(ecr_public_login, {"path": PATH, "aws": {"profile": "ci"}}, planned(), DONE) == DONE
    assert play.runs == [
        Run({"path": PATH}, check_mode=True),
        Run({"path": PATH, "token": TOKEN}, check_mode=False),
    ]
    assert play.lookup.options == {"profile": "ci"}


def test_a_fresh_login_requests_no_token(play: Play) -> None:
    plan = {**planned("fresh", "2030-01-01T00:00:00Z"), "changed": False}
    assert play.run(ecr_public_login, {}, plan) == plan
    assert play.lookup.requests == 0


@pytest.mark.parametrize("args", [{"state": "absent"}, {"token": TOKEN}])
def test_a_logout_and_a_token_that_is_given_need_one_run(play: Play, args: dict[str, Any]) -> None:
    assert play.run(ecr_public_login, args, DONE) == DONE
    assert play.runs == [Run(args, check_mode=False)]


def test_check_mode_needs_one_run(play: Play) -> None:
    assert play.run(ecr_public_login, {"aws": {"profile": "ci"}}, planned(), check_mode=True) == planned()
    assert play.runs == [Run({}, check_mode=True)]


@pytest.mark.parametrize(("reason", "advised"), [("due", False), ("expired", True)])
def test_without_a_token_the_login_stays_and_an_expired_one_is_named(play: Play, reason: str, advised: bool) -> None:
    play.lookup.outcome = caused(AnsibleError("No token. AWS is down."), AwsError("AWS is down."))
    result = play.run(ecr_public_login, {}, planned(reason))
    assert (result["failed"], result["path"], len(play.runs)) == (True, PATH, 1)
    assert "changed" not in result
    assert "AWS is down." in result["msg"]
    assert (f"{PATH} has expired" in result["msg"]) is advised
    assert ("state: absent" in result["msg"]) is advised


def test_async_is_rejected(play: Play) -> None:
    with pytest.raises(AnsibleActionFail, match="async"):
        play.run(ecr_public_login, {}, async_val=10)
