# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a newcomer types, and what counts as success."""

from __future__ import annotations

import re

import pytest

from newcomer.cells import BOOKWORM, CELLS, FAILED, NEWCOMER, PASSED, TRIXIE, Cell, Outcome, table, type_commands
from newcomer.machine import client_variables

DEMO = "make demo"
INSTALL = "apt-get update && apt-get install --yes --no-install-recommends python3 python3-venv"
MISSING = f"Packages are missing. As root, run: {INSTALL}\nmake: *** [Makefile:75: need-cluster] Error 1\n"
LEFT_OUT = "LEFT OUT: tests that need a node"

Answer = tuple[str, str, int, str]


def try_cell(user: str, *answers: Answer) -> tuple[str, int]:
    """Let the commands of a cell have these results. Return the cell's result and the number of commands."""
    expected = list(answers)

    def run(user: str, command: str) -> tuple[int, str]:
        wanted_user, wanted, status, output = expected.pop(0)
        assert (user, command) == (wanted_user, wanted)
        return status, output

    result, typed = type_commands(Cell(BOOKWORM, user, "demo"), run)
    assert not expected
    assert [(one.user, one.command, one.status) for one in typed] == [answer[:3] for answer in answers]
    return result, len(typed)


def test_root_types_one_command() -> None:
    assert try_cell("root", ("root", DEMO, 0, "done")) == (PASSED, 1)
    assert try_cell("root", ("root", DEMO, 2, MISSING)) == (FAILED, 1)


def test_root_leaves_nothing_out() -> None:
    assert try_cell("root", ("root", DEMO, 0, f"{LEFT_OUT}\n")) == (f"{FAILED}; {LEFT_OUT}", 1)
    assert try_cell("root", ("root", DEMO, 0, "--- Skipped: the pod\n")) == (f"{FAILED}; Skipped: the pod", 1)


def test_a_user_types_what_the_message_names() -> None:
    steps = ((NEWCOMER, DEMO, 2, MISSING), ("root", INSTALL, 0, ""))
    assert try_cell(NEWCOMER, *steps, (NEWCOMER, DEMO, 0, f"{LEFT_OUT}\n" * 2)) == (f"{PASSED}; {LEFT_OUT}", 3)
    assert try_cell(NEWCOMER, *steps, (NEWCOMER, DEMO, 2, MISSING)) == (FAILED, 3)
    assert try_cell(NEWCOMER, steps[0], ("root", INSTALL, 100, "")) == (FAILED, 2)


def test_a_failure_that_names_no_packages_is_final() -> None:
    assert try_cell(NEWCOMER, (NEWCOMER, DEMO, 2, "Go is needed\n")) == (FAILED, 1)
    assert try_cell(NEWCOMER, (NEWCOMER, DEMO, 2, MISSING * 2)) == (FAILED, 1)


def test_the_table_has_a_line_for_each_command_and_each_cell_that_did_not_run() -> None:
    answers = iter([(2, MISSING), (0, ""), (0, "")])
    cell = Cell(TRIXIE, NEWCOMER, "demo")
    result, typed = type_commands(cell, lambda _user, _command: next(answers))
    rows = [re.split(" {2,}", line) for line in table({cell.name: Outcome(result, typed, 5.25)}).splitlines()]
    assert [row for row in rows[1:] if row[-1] != "not run"] == [
        [TRIXIE.name, NEWCOMER, DEMO, "0.0", "names the packages"],
        [TRIXIE.name, "root", INSTALL, "0.0", PASSED],
        [TRIXIE.name, NEWCOMER, DEMO, "0.0", "5.2", PASSED],
    ]
    others = [[one.system.name, one.user, f"make {one.target}", "not run"] for one in CELLS if one != cell]
    assert [row for row in rows[1:] if row[-1] == "not run"] == others


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("https_proxy", True),
        ("NO_PROXY", True),
        ("PIP_INDEX_URL", True),
        ("GOPROXY", True),
        ("SSL_CERT_FILE", True),
        ("PIP_FIND_LINKS", False),
        ("AWS_SECRET_ACCESS_KEY", False),
        ("GOFLAGS", False),
        ("CI", False),
    ],
)
def test_only_what_reaches_registries_is_taken_along(name: str, *, kept: bool) -> None:
    assert client_variables({name: "x"}) == ({name: "x"} if kept else {})
