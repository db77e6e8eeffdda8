# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The driver of `make test` and `make test-full`, with a Makefile of the test."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[2]
NAMES = (
    "lint",
    "sanity",
    "unit",
    "galaxy",
    "docs",
    "cluster",
    "integration",
    "oldest",
    "e2e",
    "molecule",
    "readme",
    "demo",
)
CORE = tuple(name for name in NAMES if name not in {"oldest", "readme"})


def drive(directory: Path, tier: str = "full", **recipes: str) -> subprocess.CompletedProcess[str]:
    """Run the driver with a recipe for each stage."""
    rules = [f"{name}:\n\t@{recipes.get(name, 'true')}\n" for name in NAMES]
    (directory / "Makefile").write_text("".join(rules), encoding="utf-8")
    command = [sys.executable, str(TESTS / "tools" / "stages.py"), tier]
    return subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)


def table_of(output: str) -> dict[str, tuple[str, str]]:
    """Return the number of tests and the outcome of each stage."""
    found = re.findall(rf"^({'|'.join(NAMES)}) +[0-9]+:[0-9]{{2}} +([0-9]*)  (.+)$", output, re.MULTILINE)
    return {name: (tests, outcome) for name, tests, outcome in found}


def run_stages(directory: Path, **recipes: str) -> tuple[int, dict[str, str]]:
    """Return the exit status of the driver, and the outcome of each stage."""
    done = drive(directory, **recipes)
    table = {name: outcome for name, (_tests, outcome) in table_of(done.stdout).items()}
    assert tuple(table) == NAMES
    return done.returncode, table


def test_all_stages_pass(tmp_path: Path) -> None:
    assert run_stages(tmp_path) == (0, dict.fromkeys(NAMES, "passed"))


def test_each_tier_has_its_stages_which_get_its_name(tmp_path: Path) -> None:
    assert tuple(table_of(drive(tmp_path, "core", e2e='test "$$TIER" = core').stdout)) == CORE
    assert drive(tmp_path, "full", e2e='test "$$TIER" = full').returncode == 0


def test_tests_are_counted_and_the_slowest_named(tmp_path: Path) -> None:
    times = "printf '%s\\n' {} >> $$FRESHPULL_TEST_TIMES"
    done = drive(tmp_path, unit=times.format("'0.5\tquick' '70\tslow'"), e2e=times.format("'8.25\twith a node'"))
    table = table_of(done.stdout)
    assert [table[name][0] for name in ("lint", "unit", "e2e")] == ["", "2", "1"]
    slowest = done.stdout.partition("slowest tests:\n")[2].splitlines()[:3]
    assert [line.strip() for line in slowest] == ["70.0 s  unit: slow", "8.2 s  e2e: with a node", "0.5 s  unit: quick"]


def test_the_speed_of_the_machine_is_reported(tmp_path: Path) -> None:
    assert re.search(
        r"^Tier full: [0-9]+ processors, [0-9.]+ s for 10\*\*7 squares in Python$", drive(tmp_path).stdout, re.MULTILINE
    )


@pytest.mark.parametrize("broken", NAMES)
def test_a_failure_ends_the_run(tmp_path: Path, broken: str) -> None:
    status, table = run_stages(tmp_path, **{broken: "exit 3"})
    assert status == 1
    assert table[broken] == "FAILED"
    assert set(list(table.values())[NAMES.index(broken) + 1 :]) <= {"not run", "not run to its end"}


def test_the_build_ends_with_the_run(tmp_path: Path) -> None:
    started = time.monotonic()
    status, table = run_stages(tmp_path, unit="sleep 1; exit 1", cluster="echo $$$$ > pid; exec sleep 300")
    assert (status, table["cluster"]) == (1, "not run to its end")
    assert time.monotonic() - started < 60
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text(encoding="utf-8")), 0)


def test_what_was_left_out_is_in_the_table(tmp_path: Path) -> None:
    status, table = run_stages(tmp_path, e2e="echo the node >> $$FRESHPULL_LEFT_OUT")
    assert status == 0
    assert table["e2e"] == "passed, LEFT OUT: the node"
    assert table["molecule"] == "passed"


@pytest.mark.parametrize(("ci", "passed"), [("true", False), ("", True)])
def test_a_build_server_leaves_nothing_out(ci: str, passed: bool) -> None:
    script = f"source {TESTS / 'tools' / 'common.sh'}; left_out 'the node'"
    done = subprocess.run(
        ["bash", "-c", script],
        env={**os.environ, "CI": ci, "FRESHPULL_LEFT_OUT": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == "LEFT OUT: the node\n"
    assert (done.returncode == 0) is passed


@pytest.mark.parametrize(
    "content",
    [
        "import pytest\npytest.importorskip('no_such_module')\n",
        "import pytest\ndef test_it() -> None:\n    pytest.skip('no')\n",
    ],
    ids=["file", "test"],
)
@pytest.mark.parametrize(("ci", "status"), [("true", True), ("", False)])
def test_a_skipped_test_is_a_failure_where_it_counts(tmp_path: Path, content: str, ci: str, status: bool) -> None:
    (tmp_path / "conftest.py").write_text((TESTS / "conftest.py").read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / "test_it.py").write_text(content, encoding="utf-8")
    environment = {**os.environ, "CI": ci, "FRESHPULL_NO_SKIPS": "", "FRESHPULL_TEST_TIMES": ""}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--rootdir", str(tmp_path), str(tmp_path)]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert ("A skipped test counts as a failure here" in done.stdout) is status
    assert (done.returncode in (1, 2)) is status


def test_pytest_reports_the_time_of_each_test_once(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text((TESTS / "conftest.py").read_text(encoding="utf-8"), encoding="utf-8")
    content = "import time\ndef test_a() -> None:\n    time.sleep(0.2)\ndef test_b() -> None: ...\n"
    (tmp_path / "test_it.py").write_text(content, encoding="utf-8")
    times = tmp_path / "times"
    times.write_text("1\tan earlier run\n", encoding="utf-8")
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-n",
        "2",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        str(tmp_path),
        str(tmp_path),
    ]
    subprocess.run(command, cwd=tmp_path, env={**os.environ, "FRESHPULL_TEST_TIMES": str(times)}, check=True)
    lines = [line.split("\t") for line in times.read_text(encoding="utf-8").splitlines()]
    assert sorted(test for _seconds, test in lines) == ["an earlier run", "test_it.py::test_a", "test_it.py::test_b"]
    assert [float(seconds) >= 0.2 for seconds, test in lines if test.endswith("test_a")] == [True]
