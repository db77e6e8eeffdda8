# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the role reads from the settings of the refresher: how its secrets were called before, and where they are."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.playbook import Ansible

VARS = Path(__file__).parents[4] / "roles/pull_secret/vars/main.yml"
NAMED = {"name": "old-name.1", "registries": ["a.example"], "labels": {"name": "no-name"}}
LISTED = {"policy.json": json.dumps(NAMED), "namespaces": "team-a\nteam-b\n"}
SELECTED = {"policy.json": json.dumps({**NAMED, "selector": "a=b"}), "namespaces": "\n"}

# The ConfigMaps that are there, and the name and the namespaces that they tell.
CASES: dict[str, tuple[list[dict[str, Any]], tuple[str, list[str]]]] = {
    "none": ([], ("", [])),
    "listed": ([{"data": LISTED}], ("old-name.1", ["team-a", "team-b"])),
    "selected": ([{"data": SELECTED}], ("old-name.1", ["*"])),
    "emptied by hand": ([{"metadata": {}}], ("", [])),
    "broken by hand": ([{"data": {"policy.json": "{name: x"}}], ("", [])),
}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    names = {
        name: value
        for name, value in yaml.safe_load(VARS.read_text()).items()
        if name.startswith("_pull_secret_former")
    }
    found = {
        "told": "{{ told | default({}) | combine({case: [_pull_secret_former_name, _pull_secret_former_places]}) }}"
    }
    tasks: list[dict[str, Any]] = [
        {
            "name": case,
            "ansible.builtin.set_fact": found,
            "vars": {**names, "case": case, "_pull_secret_settings": {"resources": resources}},
        }
        for case, (resources, _expected) in CASES.items()
    ]
    tasks.append({"name": "Show", "ansible.builtin.debug": {"var": "told"}, "register": "shown"})
    run = Ansible(tmp_path_factory.mktemp("renamed"), kubeconfig="").tasks(tasks).ok()
    shown: dict[str, Any] = run.results["shown"]["told"]
    return shown


@pytest.mark.parametrize("case", CASES)
def test_what_they_were_called(told: dict[str, Any], case: str) -> None:
    _resources, (name, places) = CASES[case]
    assert told[case] == [name, places]
