# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action plugin: gives the module the program that the pod runs."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleActionFail

from ansible_collections.freshpull.ecr_public.plugins.action import ecr_public_refresher
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.options import PROGRAM
from support.refresher_settings import FILES
from unit.plugins.action.scripted import Play

DONE = {"changed": True, "objects": []}


@pytest.mark.parametrize("check_mode", [False, True])
def test_the_module_runs_once_and_gets_the_program(play: Play, check_mode: bool) -> None:
    args = {"namespaces": ["a"], "aws_auth": "pod_identity"}
    assert play.run(ecr_public_refresher, args, DONE, check_mode=check_mode) == DONE
    (run,) = play.runs
    assert run.args == {**args, PROGRAM: FILES}
    assert run.check_mode is check_mode


def test_a_program_that_the_user_gives_is_replaced(play: Play) -> None:
    play.run(ecr_public_refresher, {PROGRAM: {"_refresher/main.py": "print()"}}, DONE)
    assert play.runs[0].args == {PROGRAM: FILES}


def test_async_is_rejected(play: Play) -> None:
    with pytest.raises(AnsibleActionFail, match="async"):
        play.run(ecr_public_refresher, {}, async_val=10)
