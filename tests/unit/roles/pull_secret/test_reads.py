# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nothing in the role reads a variable that may be a text, except the one expression that converts it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jinja2
import pytest
import yaml
from jinja2 import nodes

ROOT = Path(__file__).parents[4]
ROLE = ROOT / "roles/pull_secret"
OPTIONS: dict[str, Any] = yaml.safe_load((ROLE / "meta/argument_specs.yml").read_text())["argument_specs"]["main"][
    "options"
]
UNCONVERTED = {name for name, option in OPTIONS.items() if option["type"] != "str"}
CONVERTING = "_pull_secret_typed_"
# Keys of a task with expressions, which need no braces.
CONDITIONS = {"when", "that", "failed_when", "changed_when", "until", "var"}
# They read a variable whose name is computed.
INDIRECT = {"vars", "varnames"}
JINJA = jinja2.Environment(extensions=["jinja2.ext.do", "jinja2.ext.loopcontrols"])


def read_by(template: str) -> Iterator[str]:
    """Yield the variables and attributes of a template, and its texts that are or may become names of variables."""
    for node in JINJA.parse(template).find_all((nodes.Name, nodes.Getattr, nodes.Const)):
        if isinstance(node, nodes.Name):
            yield node.name
        elif isinstance(node, nodes.Getattr):
            yield node.attr
        elif isinstance(node, nodes.Const) and isinstance(node.value, str):
            yield node.value.rpartition(".")[2] if node.value.startswith("ansible.builtin.") else node.value


def problems(content: Any, key: str = "") -> Iterator[str]:
    """Yield what reads an unconverted variable in a file of YAML. key: that of the content."""
    if isinstance(content, dict):
        for name, value in content.items():
            yield from problems(name)
            yield from problems(value, str(name))
    elif isinstance(content, list):
        for value in content:
            yield from problems(value, key)
    elif isinstance(content, str):
        template = f"{{{{ {content} }}}}" if key.rpartition(".")[2] in CONDITIONS and "{{" not in content else content
        converted = f"pull_secret_{key.removeprefix(CONVERTING)}" if key.startswith(CONVERTING) else ""
        for name in read_by(template):
            if name != converted and (
                name in UNCONVERTED | INDIRECT or (re.match("pull_secret_", name) and name not in OPTIONS)
            ):
                yield f"{key}: {name}"


def contents(path: Path) -> Any:
    return yaml.safe_load(path.read_text()) if path.suffix in (".yml", ".yaml") else path.read_text()


# Set by the role for its user.
RESULT = {"pull_secret_result", "pull_secret_hosts"}
FILES = [
    path for path in sorted(ROLE.rglob("*")) if path.is_file() and path.name not in ("README.md", "argument_specs.yml")
]


@pytest.mark.parametrize(
    "path",
    [*FILES, *sorted(path for path in (ROOT / "playbooks").rglob("*") if path.is_file())],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_only_a_conversion_reads_an_unconverted_variable(path: Path) -> None:
    assert [each for each in problems(contents(path)) if each.partition(": ")[2] not in RESULT] == []


def test_no_default_depends_on_a_variable() -> None:
    assert "{{" not in (ROLE / "defaults/main.yml").read_text()


@pytest.mark.parametrize("name", sorted(UNCONVERTED))
def test_no_plugin_reads_a_variable_of_the_role(name: str) -> None:
    """An action plugin gets all variables of the play."""
    readers = [path for path in (ROOT / "plugins").rglob("*.py") if re.search(rf"['\"]{name}['\"]", path.read_text())]
    assert readers == []


READING = {
    "a condition": {"when": "pull_secret_fail_open | bool"},
    "a list of conditions": {"when": ["a", "not (b or pull_secret_fail_open)"]},
    "an assertion": {"ansible.builtin.assert": {"that": ["pull_secret_workers > 1"]}},
    "the end of a task": {"failed_when": "r.rc > pull_secret_workers"},
    "a repetition": {"until": "pull_secret_workers"},
    "a variable to show": {"ansible.builtin.debug": {"var": "pull_secret_workers"}},
    "a template": {"a": "x {{ y | default(pull_secret_labels) }}"},
    "a statement": {"a": "{% if pull_secret_verify %}x{% endif %}"},
    "a loop": {"loop": "{{ pull_secret_namespaces }}"},
    "a key": {"{{ pull_secret_name ~ pull_secret_workers }}": "x"},
    "the variables of a task": {"vars": {"a": {"b": ["{{ pull_secret_aws }}"]}}},
    "all variables": {"a": "{{ vars['pull_secret_aws'] }}"},
    "all variables, with a name in parts": {"a": "{{ vars['pull_' ~ 'secret_aws'] }}"},
    "a lookup": {"a": "{{ lookup('vars', 'pull_secret_aws') }}"},
    "a lookup with a name in parts": {"a": "{{ query('ansible.builtin.vars', prefix ~ 'aws') }}"},
    "another host": {"a": "{{ hostvars[host].pull_secret_aws }}"},
    "another host, by a text": {"a": "{{ hostvars[host]['pull_secret_aws'] }}"},
    "another host, with a name in parts": {"a": "{{ hostvars[host]['pull_secret_' ~ name] }}"},
    "a conversion of another variable": {"_pull_secret_typed_verify": "{{ pull_secret_adopt | typed('bool', 'x') }}"},
}


@pytest.mark.parametrize("case", READING)
def test_a_variable_is_found_however_it_is_read(case: str) -> None:
    assert list(problems([READING[case]])) != []


def test_a_text_that_names_a_variable_does_not_read_it() -> None:
    assert (
        list(problems({"fail_msg": "pull_secret_workers: use {{ pull_secret_name }}", "name": "pull_secret_aws"})) == []
    )
