# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tier core equals the table of CONTRIBUTING.md: each test of a promise is in it, and no other."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
TABLE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").partition("| promise |")[2].partition("\n\n")[0]


def _is_core(node: ast.expr) -> bool:
    return any(ast.unparse(part) == "pytest.mark.core" for part in ast.walk(node) if isinstance(part, ast.expr))


def marked_tests(path: Path) -> set[str]:
    """Return the tests of a file that have the marker themselves or by the file."""
    body = ast.parse(path.read_text(encoding="utf-8")).body
    whole = any(
        isinstance(node, ast.Assign) and "pytestmark" in ast.unparse(node) and _is_core(node.value) for node in body
    )
    tests = [node for node in body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")]
    return {test.name for test in tests if whole or any(map(_is_core, test.decorator_list))}


def tier_of(scenario: Path) -> str:
    return str(yaml.safe_load(scenario.read_text(encoding="utf-8"))["platforms"][0]["tier"])


def test_the_marked_tests_are_those_of_the_table() -> None:
    marked = {f"{path.name}::{name}" for path in (ROOT / "tests/e2e").glob("test_*.py") for name in marked_tests(path)}
    assert marked == set(re.findall(r"`(test_\w+\.py::test_\w+)`", TABLE))


def test_the_marked_scenarios_are_those_of_the_table() -> None:
    tiers = {path.parent.name: tier_of(path) for path in (ROOT / "extensions/molecule").glob("*/molecule.yml")}
    assert set(tiers.values()) == {"core", "full"}
    assert {name for name, tier in tiers.items() if tier == "core"} == set(re.findall(r"molecule `(\w+)`", TABLE))


def test_the_integration_targets_are_those_of_the_table() -> None:
    targets = {path.name for path in (ROOT / "tests/integration/targets").iterdir()}
    assert set(re.findall(r"integration `(\w+)`", TABLE)) <= targets


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("import pytest\npytestmark = [pytest.mark.node, pytest.mark.core]\ndef test_a() -> None: ...", {"test_a"}),
        ("import pytest\npytestmark = pytest.mark.node\n@pytest.mark.core\ndef test_a() -> None: ...", {"test_a"}),
        ("import pytest\npytestmark = pytest.mark.node\ndef test_a() -> None: ...", set()),
    ],
)
def test_markers_are_found(tmp_path: Path, content: str, expected: set[str]) -> None:
    path = tmp_path / "test_it.py"
    path.write_text(content, encoding="utf-8")
    assert marked_tests(path) == expected
