# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compare the guide to logins, the module's documentation and the playbook with the code."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from ansible_collections.freshpull.ecr_public.plugins.module_utils._login import options, status
from ansible_collections.freshpull.ecr_public.plugins.module_utils._login.task import RECORD
from ansible_collections.freshpull.ecr_public.plugins.modules import ecr_public_login, ecr_public_login_info
from unit.cases import login

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "docs/docsite/rst/guide_logins.rst").read_text(encoding="utf-8")
JOBS = (ROOT / "docs/docsite/rst/guide_ci.rst").read_text(encoding="utf-8")
MODULE = "freshpull.ecr_public.ecr_public_login"
# A variable of the playbook, not of the module.
HOSTS = "login_hosts"


def decided() -> set[tuple[str, str]]:
    """Return action and reason of every row of the guide's table."""
    return set(re.findall(r"^   \* - ``(\w+)``\n     - ``(\w+)``$", GUIDE, re.MULTILINE))


def playbook() -> dict[str, Any]:
    (play,) = yaml.safe_load((ROOT / "playbooks/login.yml").read_text(encoding="utf-8"))
    options: dict[str, Any] = play["tasks"][0][MODULE]
    return options


def test_the_guide_lists_what_the_table_of_cases_has() -> None:
    assert decided() == {case.expect for case in login.CASES}


def test_the_module_s_documentation_names_every_action_and_reason() -> None:
    returned = yaml.safe_load(ecr_public_login.RETURN)
    for place, name in enumerate(("action", "reason")):
        documented = set(re.findall(r"V\((\w+)\)", str(returned[name]["description"])))
        assert documented == {row[place] for row in decided()}


@pytest.mark.parametrize(("module", "spec"), [(ecr_public_login, options.LOGIN), (ecr_public_login_info, options.INFO)])
def test_every_option_is_in_an_example(module: ModuleType, spec: dict[str, Any]) -> None:
    name = f"freshpull.ecr_public.{module.__name__.rpartition('.')[2]}"
    assert {option for task in examples(module) for option in task.get(name) or {}} == set(spec)


def test_the_info_module_s_documentation_names_every_status() -> None:
    (registries,) = yaml.safe_load(ecr_public_login_info.RETURN).values()
    documented = set(re.findall(r"V\((\w+)\)", str(registries["contains"]["status"]["description"])))
    assert documented == set(re.findall(r'"(valid|expired|unknown|missing|error)"', inspect.getsource(status)))


def examples(module: ModuleType) -> list[dict[str, Any]]:
    tasks = yaml.safe_load(module.EXAMPLES)
    return [*tasks, *(inner for task in tasks for part in ("block", "always") for inner in task.get(part, []))]


def test_the_playbook_has_every_option_but_the_token() -> None:
    assert set(playbook()) == set(options.LOGIN) - {"token"}
    for name, value in playbook().items():
        empty = {"list": "[]", "dict": "{}"}.get(options.LOGIN[name]["type"])
        # The variable may be a text.
        typed = f"freshpull.ecr_public.typed('{options.LOGIN[name]['type']}', 'login_{name}') | default(omit, true)"
        converted = f"default({empty}) | {typed}" if empty else "default(omit)"
        assert value == f"{{{{ login_{name} | {converted} }}}}"


def test_the_guide_names_the_playbook_s_variables() -> None:
    assert set(re.findall(r"\blogin_[a-z_]*[a-z]\b", JOBS)) == {f"login_{name}" for name in playbook()} | {HOSTS}


@pytest.mark.parametrize("text", [GUIDE, ecr_public_login.DOCUMENTATION], ids=["guide", "module"])
def test_the_expiry_record_has_its_name(text: str) -> None:
    assert f".config.json.{RECORD}" in text
