# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The task's AWS variables override the process's; those of two principals are never mixed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.freshpull.ecr_public.plugins.plugin_utils._task_environment import applied, merge, names
from support.aws import FakeAws
from support.playbook import LOGIN, Ansible

PROCESS = {"HOME": "/root", "AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "a", "AWS_SESSION_TOKEN": "t"}
CASES: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "nothing": ({}, PROCESS),
    "other variables": ({"HOME": "/home", "HTTPS_PROXY": "x"}, PROCESS),
    "an endpoint": ({"AWS_ENDPOINT_URL": "x"}, {**PROCESS, "AWS_ENDPOINT_URL": "x"}),
    "other keys": (
        {"AWS_ACCESS_KEY_ID": "B", "AWS_SECRET_ACCESS_KEY": "b"},
        {"HOME": "/root", "AWS_ACCESS_KEY_ID": "B", "AWS_SECRET_ACCESS_KEY": "b"},
    ),
    "a profile": ({"AWS_PROFILE": "ci"}, {"HOME": "/root", "AWS_PROFILE": "ci"}),
    "a number": ({"AWS_MAX_ATTEMPTS": 3}, {**PROCESS, "AWS_MAX_ATTEMPTS": "3"}),
}


@pytest.mark.parametrize("case", CASES)
def test_the_task_s_variables_override_the_process_s(case: str) -> None:
    task, expected = CASES[case]
    assert merge(PROCESS, task) == expected


def test_only_aws_variables_are_returned() -> None:
    assert names({"AWS_PROFILE": "ci", "HOME": "/home", "AWS_CA_BUNDLE": "x", "MY_AWS_": ""}) == [
        "AWS_CA_BUNDLE",
        "AWS_PROFILE",
    ]


def test_the_environment_of_the_process_is_restored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "before")
    before = dict(os.environ)
    with applied({"AWS_ACCESS_KEY_ID": "B"}):
        assert "AWS_PROFILE" not in os.environ
        assert os.environ["AWS_ACCESS_KEY_ID"] == "B"
    assert dict(os.environ) == before


@pytest.mark.parametrize("where", ["play", "task"])
def test_a_token_is_requested_as_the_task_s_principal(fake: FakeAws, tmp_path: Path, where: str) -> None:
    """The process has credentials of another principal with a session token, which AWS would reject."""
    variables = {"AWS_ACCESS_KEY_ID": "{{ access_key }}", "AWS_SECRET_ACCESS_KEY": fake.secret_key}
    login = {"path": str(tmp_path / "config.json"), "aws": {"endpoint_url": fake.endpoint_url}}
    task: dict[str, Any] = {"name": "Log in", LOGIN: login}
    play: dict[str, Any] = {
        "hosts": "localhost",
        "connection": "local",
        "gather_facts": False,
        "vars": {"access_key": fake.access_key},
    }
    (play if where == "play" else task)["environment"] = variables
    process = {"AWS_ACCESS_KEY_ID": "AKIAOTHER", "AWS_SECRET_ACCESS_KEY": "other", "AWS_SESSION_TOKEN": "other"}
    Ansible(tmp_path, kubeconfig="").play([{**play, "tasks": [task]}], env=process).ok()
    assert fake.calls == {"GetAuthorizationToken": 1}
    assert len(fake.tokens) == 1
