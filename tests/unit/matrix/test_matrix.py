# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The version matrix: its cells, which of them run again, and what README.md claims."""

from __future__ import annotations

import dataclasses
import os
import sys
from pathlib import Path

import pytest

from matrix import page, run
from matrix.cells import ENVIRONMENT, Cell, Step, cells
from matrix.run import Result

COUNTED = "import os; open(os.environ['FRESHPULL_TEST_TIMES'], 'w').write('1\\ta\\n2\\tb\\n')"
VERSIONS = 'print(\'{"Kubernetes": "1.30.14"}\')'


def python(name: str, program: str, *, counts: bool = True) -> Step:
    return Step(name, (sys.executable, "-c", program), counts=counts)


def cell(*steps: Step) -> Cell:
    return Cell("one", "kubernetes", steps, (python("versions", VERSIONS),))


def result(name: str, outcome: str = "passed", **values: str) -> Result:
    return Result(name, "kubernetes", "abc", "2026-11-30", outcome, versions={"Kubernetes": "1.30.14", **values})


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A directory for the results."""
    monkeypatch.setattr(run, "STATE", tmp_path / "matrix")
    return tmp_path / "matrix"


def test_a_cell_that_passes_has_versions_and_counts() -> None:
    found = run.run(cell(python("build", "pass", counts=False), python("e2e", COUNTED)), "abc", again=False)
    assert (found.outcome, found.versions, found.tests) == ("passed", {"Kubernetes": "1.30.14"}, {"e2e": 2})
    assert run.read("one") == found


def test_a_cell_that_passed_is_kept_unless_it_is_named() -> None:
    run.run(cell(python("e2e", COUNTED)), "abc", again=False)
    fails = cell(python("e2e", "raise SystemExit(1)"))
    assert run.run(fails, "def", again=False).outcome == "passed"
    assert run.run(fails, "def", again=True).outcome == "failed"


@pytest.mark.parametrize(("commit", "runs"), [("abc", 1), ("def", 2)])
def test_steps_that_passed_are_kept_for_the_same_commit(tmp_path: Path, commit: str, runs: int) -> None:
    log = tmp_path / "log"
    first = python("build", f"open({str(log)!r}, 'a').write('x')", counts=False)
    assert run.run(cell(first, python("e2e", "raise SystemExit(1)")), "abc", again=False).outcome == "failed"
    assert run.run(cell(first, python("e2e", COUNTED)), commit, again=False).outcome == "passed"
    assert log.read_text() == "x" * runs


def test_a_step_without_tests_fails() -> None:
    found = run.run(cell(python("e2e", "pass")), "abc", again=False)
    assert (found.outcome, found.tests) == ("failed", {})


def test_a_cell_without_its_python_is_not_run() -> None:
    missing = python(ENVIRONMENT, "print('Python 3.14 was not found'); raise SystemExit(3)", counts=False)
    found = run.run(cell(missing, python("unit", COUNTED)), "abc", again=False)
    assert (found.outcome, found.reason, found.steps) == ("not run", "Python 3.14 was not found", [])


def test_tests_of_sanity_are_counted_in_its_output() -> None:
    sanity = python("sanity", 'print(\'Running sanity test "a"\\nRunning sanity test "b"\')')
    assert run.run(cell(sanity), "abc", again=False).tests == {"sanity": 2}


def test_the_caller_cannot_replace_the_cluster_of_a_cell(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBEBUILDER_ASSETS", "/elsewhere")
    unset = python("e2e", f"import os; assert 'KUBEBUILDER_ASSETS' not in os.environ; {COUNTED}")
    assert run.run(cell(unset), "abc", again=False).outcome == "passed"


def test_a_cell_that_did_not_run_here_keeps_its_committed_result() -> None:
    every = [dataclasses.replace(cell(), name=name) for name in ("a", "b", "c", "d")]
    committed = {each.cell: each for each in (result("a"), result("b"), result("gone"))}
    now = [result("a", "not run"), result("b", "failed"), result("c", "not run")]
    assert [(each.cell, each.outcome) for each in page.merge(every, committed, now)] == [
        ("a", "passed"),
        ("b", "failed"),
        ("c", "not run"),
    ]


def test_tables_show_in_order_what_passed() -> None:
    found = [result("a", Kubernetes="1.37.2"), result("b"), result("c", "failed"), result("d", "not run")]
    found[0].steps = [{"name": "e2e", "tests": 1024, "seconds": 1}]
    assert page.tables(found) == ("| Kubernetes | Tests |\n| --- | --- |\n| 1.30.14 |  |\n| 1.37.2 | 1,024 e2e |\n\n")


def test_readme_shows_the_committed_results() -> None:
    shown = page.README.read_text(encoding="utf-8").partition(page.BEGIN)[2].partition(page.END)[0]
    assert shown == "\n" + page.tables(list(page.results().values()))


def test_no_committed_result_is_a_failure() -> None:
    assert [each.cell for each in page.results().values() if each.outcome == "failed"] == []


def test_every_committed_result_is_of_a_cell() -> None:
    assert set(page.results()) <= {each.name for each in cells()}


def test_cells_have_different_names_and_programs_that_exist() -> None:
    every = cells()
    assert len({each.name for each in every}) == len(every)
    scripts = {step.command[0] for each in every for step in each.steps if step.command[0].startswith("tests/")}
    assert scripts
    assert [name for name in scripts if not os.access(page.ROOT / name, os.X_OK)] == []
