# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The results of all cells in tests/matrix.json, and the tables in README.md, which show those that passed."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from .cells import Cell
from .run import Result

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "tests/matrix.json"
README = ROOT / "README.md"
BEGIN, END = "<!-- Written by `make matrix`. -->\n", "<!-- The end of what `make matrix` writes. -->\n"

# The columns of each table: the names of versions and their headings.
_LIBRARY = {"kubernetes": "kubernetes (Python)"}
_COLUMNS = {
    "ansible-core": {name: name for name in ("ansible-core", "Python", "amazon.aws", "kubernetes.core", "boto3")}
    | _LIBRARY,
    "target": {"Python": "Python of target hosts"} | _LIBRARY,
    "kubernetes": {"Kubernetes": "Kubernetes"},
}


def results() -> dict[str, Result]:
    """Return the committed results."""
    stored = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else []
    return {entry["cell"]: Result(**entry) for entry in stored}


def merge(cells: Sequence[Cell], committed: dict[str, Result], now: Iterable[Result]) -> list[Result]:
    """Return the result of each cell that has one: the newer one, except that no cell loses a result by not running."""
    newer = {each.cell: each for each in now if each.outcome in ("passed", "failed") or each.cell not in committed}
    every = committed | newer
    return [every[cell.name] for cell in cells if cell.name in every]


def write(found: Sequence[Result]) -> None:
    """Write the results, and the tables of README.md."""
    text = json.dumps([dataclasses.asdict(each) for each in found], indent=2)
    RESULTS.write_text(text + "\n", encoding="utf-8")
    readme = README.read_text(encoding="utf-8")
    before, _begin, rest = readme.partition(BEGIN)
    _old, end, after = rest.partition(END)
    if not end:
        raise SystemExit(f"{README} has no lines {BEGIN.strip()} and {END.strip()}: restore them.")
    README.write_text(f"{before}{BEGIN}\n{tables(found)}{end}{after}", encoding="utf-8")


def tables(found: Sequence[Result]) -> str:
    """Return the tables in Markdown, with the cells that passed."""
    return "".join(_table(columns, [each for each in found if each.kind == kind]) for kind, columns in _COLUMNS.items())


def _table(columns: dict[str, str], found: Sequence[Result]) -> str:
    passed = [each for each in found if each.outcome == "passed"]
    if not passed:
        return ""
    rows = sorted(([each.versions[name] for name in columns] + [_tests(each)] for each in passed), key=_in_order)
    lines = [[*columns.values(), "Tests"], ["---"] * (len(columns) + 1), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines) + "\n"


def _tests(result: Result) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in result.tests.items())


def _in_order(row: Sequence[str]) -> list[list[int]]:
    return [[int(number) for number in re.findall(r"\d+", cell)] for cell in row]
