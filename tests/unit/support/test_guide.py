# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guide to migration has every step for every source, as the tests on a cluster read them."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from support.guide import Guide, Shell
from support.playbook import Ansible

GUIDE = Guide("guide_migration")
SOURCES = GUIDE.table("Migration")
COMMON = [("All steps", step) for step in ("Adopt", "Verify")]
# The first step removes commands from places outside of the cluster.
BY_HAND = {("A shell command", "Suspend"), ("docker login", "Suspend")}
STEPS = [*COMMON, *((source, step) for source in SOURCES for step in ("Suspend", "Delete", "Roll back"))]


def test_the_table_names_the_sources() -> None:
    assert len(SOURCES) == 5
    assert set(map(tuple, SOURCES.values())) == {("0", "none", "tried")}


@pytest.mark.parametrize(("section", "step"), [each for each in STEPS if each not in BY_HAND])
def test_each_step_has_commands(section: str, step: str) -> None:
    commands = GUIDE.commands(section, step)
    assert commands.startswith(("kubectl ", "ansible-playbook ", "aws "))
    done = subprocess.run(["bash", "-n"], input=commands, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(("section", "step"), sorted(BY_HAND))
def test_the_other_steps_are_explained(section: str, step: str) -> None:
    assert f"1. **{step}**: remove the command" in GUIDE.section(section)


def test_the_files_are_those_that_the_text_names() -> None:
    guide = Guide("guide_testing")
    scenario = [f"molecule/default/{name}.yml" for name in ("molecule", "prepare", "converge", "verify", "cleanup")]
    assert list(guide.files("The playbook")) == ["pull_secret.yml", "requirements.yml"]
    assert list(guide.files("The scenario")) == scenario
    assert list(guide.files("A fake endpoint")) == ["fake_ecr_public.py"]
    assert guide.files("The scenario")[scenario[2]].endswith("import_playbook: ../../pull_secret.yml\n")


def test_commands_get_the_names_of_the_test_and_stop_at_the_first_failure(tmp_path: Path) -> None:
    shell = Shell(Ansible(tmp_path, ""), {"ops": "t1-ops", "ecr-login": "other"}, {}, {})
    assert (
        shell.run("echo ops ecr-login ecr-login-now job/ops-x drops") == "t1-ops other ecr-login-now job/ops-x drops\n"
    )
    assert shell.run("false\necho more", status=1) == ""
    assert shell.run("false | cat", status=1) == ""
