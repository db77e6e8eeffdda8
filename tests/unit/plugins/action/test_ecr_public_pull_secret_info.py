# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action plugin: one run of the module, with the control node's kubeconfig."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleActionFail

from ansible_collections.freshpull.ecr_public.plugins.action import ecr_public_pull_secret_info
from unit.plugins.action.scripted import TOKEN, Play, Run

FOUND = {"changed": False, "namespaces": []}


@pytest.mark.parametrize("check_mode", [False, True])
def test_the_module_runs_once(play: Play, check_mode: bool) -> None:
    args = {"namespaces": ["a"], "renew_before": "9h"}
    assert play.run(ecr_public_pull_secret_info, args, FOUND, check_mode=check_mode) == FOUND
    assert play.runs == [Run(args, check_mode)]
    assert play.lookup.requests == 0


def test_it_accepts_the_options_of_the_module_and_keeps_secrets_on_the_control_node(play: Play) -> None:
    secret = {"aws": {"secret_key": "never-shown"}, "token": TOKEN, "token_shared": True}
    args = {"namespaces": ["a"], "verify": True, **secret}
    assert play.run(ecr_public_pull_secret_info, args, FOUND) == FOUND
    assert play.runs[0].args == {"namespaces": ["a"], "verify": True}
    assert (play.lookup.requests, play.tried) == (0, [])


def test_the_kubeconfig_is_found_as_files_are(play: Play) -> None:
    (play.directory / "kubeconfig").write_text("{}")
    play.transport = "local"
    play.run(ecr_public_pull_secret_info, {"kubeconfig": "kubeconfig"}, FOUND)
    assert play.runs[0].args == {"kubeconfig": str(play.directory / "kubeconfig")}


def test_async_is_rejected(play: Play) -> None:
    with pytest.raises(AnsibleActionFail, match="async"):
        play.run(ecr_public_pull_secret_info, {}, async_val=10)
