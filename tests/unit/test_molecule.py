# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role's molecule scenarios: each has all steps of a test, and CONTRIBUTING.md explains it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
SCENARIOS = {path.parent.name: path.parent for path in sorted((ROOT / "extensions/molecule").glob("*/molecule.yml"))}
STEPS = ["syntax", "create", "check", "converge", "idempotence", "check", "verify", "destroy"]
OPTIONAL = ("prepare", "side_effect")


def sequence(name: str) -> list[str]:
    text = (SCENARIOS[name] / "molecule.yml").read_text(encoding="utf-8")
    return list(yaml.safe_load(text)["scenario"]["test_sequence"])


@pytest.mark.parametrize("name", SCENARIOS)
def test_each_has_all_steps(name: str) -> None:
    assert [step for step in sequence(name) if step not in OPTIONAL] == STEPS


@pytest.mark.parametrize("name", SCENARIOS)
def test_each_runs_the_playbooks_that_it_has(name: str) -> None:
    assert [(SCENARIOS[name] / f"{step}.yml").exists() for step in OPTIONAL] == [
        step in sequence(name) for step in OPTIONAL
    ]


@pytest.mark.parametrize("name", SCENARIOS)
def test_each_verifies_the_prediction_of_check_mode(name: str) -> None:
    assert "../shared/tasks/look.yml" in (SCENARIOS[name] / "verify.yml").read_text(encoding="utf-8")


def test_all_are_explained() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    section = text.partition("The scenarios of `make molecule`")[2].partition("\n\nA test that")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE)) == set(SCENARIOS)
