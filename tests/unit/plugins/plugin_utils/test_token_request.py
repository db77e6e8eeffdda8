# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A module's second run: with a token, with the reason why there is none, or no second run at all."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleError, AnsibleOptionsError

from ansible_collections.freshpull.ecr_public.plugins.action import ecr_public_login, ecr_public_pull_secret
from ansible_collections.freshpull.ecr_public.plugins.module_utils._aws_errors import (
    AwsError,
    EcrPublicError,
    LibraryError,
    OptionsError,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._registry import RejectedError, UnverifiedError
from unit.plugins.action.scripted import TOKEN, Play, Run, caused

pytestmark = pytest.mark.usefixtures("each_connection")

REGISTRY, OTHER = "public.ecr.aws", "ecr-public.aws.com"
PLAN: dict[str, Any] = {
    "changed": True,
    "path": "/config.json",
    "reason": "due",
    "namespaces": [{"namespace": "a", "action": "renewed", "expires_at": "unknown"}],
    "registries": [{"registry": REGISTRY, "action": "renewed", "expires_at": "unknown"}],
}
DONE = {"changed": True}
GIVEN = {"token": {**TOKEN, "password": "given-never-shown"}}


def no_token(cause: Exception) -> AnsibleError:
    """The error of the lookup."""
    return caused(AnsibleError(f"No token. {cause}"), cause)


# --- Which error leads to which second run

AWS_ERRORS = [AwsError, *AwsError.__subclasses__()]
# No second run: AWS was not at fault.
OTHERS: dict[str, AnsibleError] = {
    "options of the lookup": no_token(OptionsError("There is no option profil.")),
    "no boto3": no_token(LibraryError("boto3 is missing.")),
    "the base of both": no_token(EcrPublicError("?")),
    "an option of a wrong type": AnsibleOptionsError("No token."),
    "an error without a cause": AnsibleError("No token."),
    "an error of the control node": no_token(OSError("No space left on device")),
}


@pytest.mark.parametrize("error", AWS_ERRORS, ids=lambda error: error.__name__)
def test_an_error_of_aws_leads_to_a_second_run_that_fails_open(play: Play, error: type[AwsError]) -> None:
    play.lookup.outcome = no_token(error("AWS is down."))
    assert play.run(ecr_public_pull_secret, {"name": "a", "aws": {"profile": "ci"}}, PLAN, DONE) == DONE
    second = play.runs[1].args
    assert second.keys() == {"name", "token_unavailable"}
    assert "AWS is down." in second["token_unavailable"]


NOTHING_EXPIRED = {"changed": False, "namespaces": [{"namespace": "a", "action": "failed", "reason": "kept"}]}


@pytest.mark.parametrize("case", OTHERS)
def test_any_other_error_writes_nothing(play: Play, case: str) -> None:
    play.lookup.outcome = OTHERS[case]
    result = play.run(ecr_public_pull_secret, {"aws": {"profile": "ci"}}, PLAN, NOTHING_EXPIRED)
    assert [run.check_mode for run in play.runs] == [True, True]
    assert (result["failed"], result["changed"]) == (True, False)
    assert "No token." in result["msg"]


@pytest.mark.parametrize("case", OTHERS)
def test_a_token_that_has_expired_is_removed_after_any_error(play: Play, case: str) -> None:
    play.lookup.outcome = OTHERS[case]
    expired = {
        **PLAN,
        "namespaces": [{"namespace": "a", "action": "renewed", "reason": "expired", "expires_at": "unknown"}],
    }
    assert play.run(ecr_public_pull_secret, {"aws": {"profile": "ci"}}, expired, DONE) == DONE
    second = play.runs[1].args
    assert second["expired_only"] is True
    assert "No token." in second["token_unavailable"]


def written(reason: str) -> dict[str, Any]:
    action = {"forced": "renewed", "immutable": "recreated"}.get(reason, "failed")
    return {**PLAN, "namespaces": [{"namespace": "a", "action": action, "reason": reason, "expires_at": "unknown"}]}


@pytest.mark.parametrize("reason", ["forced", "immutable", "missing_service_account", "forbidden"])
@pytest.mark.parametrize("expired", [False, True])
def test_a_token_that_has_expired_is_removed_whatever_else_is_a_reason_to_write_one(
    play: Play, reason: str, expired: bool
) -> None:
    """These reasons do not show whether the token has expired. Another plan does."""
    play.lookup.outcome = OTHERS["options of the lookup"]
    second = {"changed": expired, "namespaces": [{"namespace": "a", "action": "failed_open" if expired else "failed"}]}
    result = play.run(ecr_public_pull_secret, {"force_renew": True}, written(reason), second, *([DONE] * expired))
    assert [run.check_mode for run in play.runs] == [True, True, *([False] * expired)]
    assert all(run.args["expired_only"] is True for run in play.runs[1:])
    # A service account that fails would hide the secret's own action.
    assert play.runs[1].args["service_accounts"] == []
    assert all("service_accounts" not in run.args for run in play.runs[2:])
    assert all("No token." in run.args["token_unavailable"] for run in play.runs[1:])
    assert (result == DONE) is expired
    if not expired:
        assert (result["failed"], result["planned"], result["namespaces"][0]["reason"]) == (True, True, reason)


def test_a_second_plan_that_fails_is_no_reason_to_write(play: Play) -> None:
    play.lookup.outcome = OTHERS["options of the lookup"]
    result = play.run(ecr_public_pull_secret, {}, written("forced"), {"failed": True, "msg": "unreachable"})
    assert (result["failed"], result["planned"]) == (True, True)


@pytest.mark.parametrize("error", [*AWS_ERRORS, OptionsError], ids=lambda error: error.__name__)
def test_a_module_that_does_not_fail_open_has_no_second_run(play: Play, error: type[EcrPublicError]) -> None:
    play.lookup.outcome = no_token(error("AWS is down."))
    result = play.run(ecr_public_login, {}, PLAN)
    assert result["failed"] is True
    assert "AWS is down." in result["msg"]


def test_a_mistake_is_raised_and_leads_to_no_second_run(play: Play) -> None:
    play.lookup.outcome = RuntimeError("a mistake")
    with pytest.raises(RuntimeError, match="a mistake"):
        play.run(ecr_public_pull_secret, {}, PLAN)
    assert len(play.runs) == 1


def test_the_task_is_restored_when_the_plan_cannot_be_made(play: Play) -> None:
    with pytest.raises(AnsibleError, match="no connection"):
        play.run(ecr_public_pull_secret, {}, AnsibleError("no connection"))
    assert play.task.check_mode is False
    assert play.runs == [Run({}, check_mode=True)]


# --- The shape of a given token

SHAPES: dict[str, tuple[Any, str]] = {
    "the password alone": ("never-shown", "returns: a dict of texts"),
    "a password that looks like an assignment": ("never-shown=", "returns: a dict of texts"),
    "the response of AWS": ({"authorizationData": {"authorizationToken": "never-shown"}}, "returns: a dict of texts"),
    "a list": ([{"password": "never-shown"}], "returns: a dict of texts"),
    "another key": ({**TOKEN, "secret": "never-shown"}, "no other keys"),
    "a number as the password": ({**TOKEN, "password": 5}, "a dict of texts"),
    "no expiry": ({"password": "never-shown"}, "with password and expires_at"),
    "no time": ({"password": "never-shown", "expires_at": "never-shown"}, "expires_at is not a time such as 2026"),
}


@pytest.mark.parametrize("case", SHAPES)
def test_a_token_of_another_shape_is_rejected_without_its_values(play: Play, case: str) -> None:
    token, words = SHAPES[case]
    with pytest.raises(AnsibleError, match=words) as caught:
        play.run(ecr_public_pull_secret, {"token": token}, DONE)
    assert "never-shown" not in str(caught.value)
    assert play.runs == []


# --- A token of a fleet


def test_a_token_that_another_host_has_requested_is_used(play: Play) -> None:
    shared = {**TOKEN, "password": "shared-never-shown"}
    args = {"token": shared, "token_shared": True, "aws": {"profile": "ci"}}
    play.run(ecr_public_pull_secret, args, DONE)
    assert play.runs[0].args == {"token": shared, "token_shared": True}
    assert play.lookup.requests == 0


def test_if_another_host_got_no_token_none_is_requested(play: Play) -> None:
    play.run(ecr_public_pull_secret, {"token_unavailable": "AWS is down.", "verify": True}, DONE)
    assert play.runs == [Run({"token_unavailable": "AWS is down.", "verify": True}, check_mode=False)]
    assert play.lookup.requests == 0


# --- The try on a registry


def test_each_registry_is_tried_before_the_second_run(play: Play) -> None:
    aws = {"validate_certs": False, "aws_ca_bundle": "/ca.pem"}
    args = {"verify": True, "registries": [REGISTRY, OTHER]}
    assert play.run(ecr_public_pull_secret, {**args, "aws": aws}, PLAN, DONE) == DONE
    trust = {"validate_certs": False, "ca_file": "/ca.pem"}
    assert play.tried == [(registry, TOKEN["password"], trust) for registry in (REGISTRY, OTHER)]
    assert play.runs[1].args == {**args, "token": TOKEN}


def test_a_given_token_is_tried_even_if_a_service_account_fails(play: Play) -> None:
    failed = {
        "namespace": "a",
        "action": "failed",
        "reason": "missing_service_account",
        "expires_at": TOKEN["expires_at"],
    }
    plan = {**PLAN, "namespaces": [failed]}
    play.run(ecr_public_pull_secret, {**GIVEN, "verify": True}, plan, DONE)
    assert len(play.tried) == 1
    other = {**PLAN, "namespaces": [{**failed, "reason": "malformed", "expires_at": None}]}
    play.run(ecr_public_pull_secret, {**GIVEN, "verify": True}, other, DONE)
    assert len(play.tried) == 1


@pytest.mark.parametrize("registries", [None, []])
def test_the_default_registry_is_tried_where_none_is_given(play: Play, registries: Any) -> None:
    play.run(ecr_public_login, {"verify": "yes", "registries": registries}, PLAN, DONE)
    assert [registry for registry, _password, _trust in play.tried] == [REGISTRY]


def test_a_registry_given_as_text_is_tried_as_the_module_reads_it(play: Play) -> None:
    play.run(ecr_public_login, {"verify": True, "registries": f"{REGISTRY},{OTHER}"}, PLAN, DONE)
    assert [registry for registry, _password, _trust in play.tried] == [REGISTRY, OTHER]


def test_a_new_token_that_a_registry_rejects_counts_as_none(play: Play) -> None:
    play.rejections = {OTHER: RejectedError("HTTP 403")}
    args = {"verify": True, "registries": [REGISTRY, OTHER]}
    assert play.run(ecr_public_pull_secret, args, PLAN, DONE) == DONE
    second = play.runs[1].args
    assert "token" not in second
    assert "HTTP 403" in second["token_unavailable"]
    assert TOKEN["password"] not in str(second)


def test_a_token_of_the_fleet_that_a_registry_rejects_counts_as_none_too(play: Play) -> None:
    play.rejections = {REGISTRY: RejectedError("HTTP 403")}
    play.run(ecr_public_pull_secret, {"verify": True, "token": TOKEN, "token_shared": True}, PLAN, DONE)
    second = play.runs[1].args
    assert "token" not in second
    assert "HTTP 403" in second["token_unavailable"]


@pytest.mark.parametrize("plugin", [ecr_public_pull_secret, ecr_public_login], ids=["pull_secret", "login"])
def test_a_token_that_was_given_and_is_rejected_is_not_written(play: Play, plugin: Any) -> None:
    play.rejections = {REGISTRY: RejectedError("HTTP 403")}
    plans = [PLAN, NOTHING_EXPIRED] if plugin is ecr_public_pull_secret else [PLAN]
    result = play.run(plugin, {**GIVEN, "verify": True}, *plans)
    assert all(run.check_mode for run in play.runs)
    assert result["failed"] is True
    assert "HTTP 403" in result["msg"]
    assert play.tried[0][1] == GIVEN["token"]["password"]
    assert play.lookup.requests == 0


def test_a_login_with_a_new_token_that_is_rejected_is_not_written(play: Play) -> None:
    play.rejections = {REGISTRY: RejectedError("HTTP 403")}
    assert "HTTP 403" in play.run(ecr_public_login, {"verify": True}, PLAN)["msg"]


@pytest.mark.parametrize("before", [[], ["of the module"]])
def test_a_registry_that_does_not_respond_is_a_warning(play: Play, before: list[str]) -> None:
    play.rejections = {OTHER: UnverifiedError("timed out")}
    done = {**DONE, "warnings": before} if before else DONE
    result = play.run(ecr_public_pull_secret, {"verify": True, "registries": [OTHER, REGISTRY]}, PLAN, done)
    assert result["warnings"][: len(before)] == before
    assert ["timed out" in warning for warning in result["warnings"][len(before) :]] == [True]
    assert play.runs[1].args["token"] == TOKEN
    assert [registry for registry, _password, _trust in play.tried] == [OTHER, REGISTRY]


# Actions of the plan -> whether the token that is given would be written, so that it is tried.
WRITING = {"created": True, "renewed": True, "adopted": True, "recreated": True, "updated": False, "removed": False}


@pytest.mark.parametrize("action", WRITING)
def test_a_token_that_was_given_is_tried_only_if_it_would_be_written(play: Play, action: str) -> None:
    entry = {"namespace": "a", "action": action, "expires_at": GIVEN["token"]["expires_at"]}
    args = {**GIVEN, "verify": True}
    assert play.run(ecr_public_pull_secret, args, {"changed": True, "namespaces": [entry]}, DONE) == DONE
    assert bool(play.tried) is WRITING[action]
    assert play.runs[1].args == args


def test_an_option_verify_that_is_no_boolean_is_left_to_the_module(play: Play) -> None:
    rejected = {"failed": True, "msg": "verify is no boolean"}
    assert play.run(ecr_public_pull_secret, {**GIVEN, "verify": "perhaps"}, rejected) == rejected
    assert play.runs[0].args["verify"] == "perhaps"
    assert play.tried == []
