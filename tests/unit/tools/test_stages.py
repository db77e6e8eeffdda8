# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`make test` has to tell the truth: these tests run its driver beside a Makefile of their own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[2]
NAMES = ("lint", "sanity", "unit", "cluster", "integration", "oldest", "e2e", "molecule", "demo")


def run_stages(folder: Path, **recipes: str) -> tuple[int, dict[str, str]]:
    """Run the driver where each stage does what its recipe says; returns its status and its table, stage -> outcome."""
    rules = [f"{name}:\n\t@{recipes.get(name, 'true')}\n" for name in NAMES]
    (folder / "Makefile").write_text("".join(rules), encoding="utf-8")
    done = subprocess.run(
        [sys.executable, TESTS / "tools" / "stages.py"], cwd=folder, capture_output=True, text=True, check=False
    )
    table = dict(re.findall(rf"^({'|'.join(NAMES)}) +[0-9]+:[0-9]{{2}}  (.+)$", done.stdout, re.MULTILINE))
    assert tuple(table) == NAMES
    return done.returncode, table


def test_all_stages_pass(tmp_path: Path) -> None:
    assert run_stages(tmp_path) == (0, dict.fromkeys(NAMES, "passed"))


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
    environment = {**os.environ, "CI": ci, "FRESHPULL_NO_SKIPS": ""}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--rootdir", str(tmp_path), str(tmp_path)]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert ("A skipped test counts as a failure here" in done.stdout) is status
    assert (done.returncode in (1, 2)) is status
