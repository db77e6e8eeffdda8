# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is tried: the systems, the users and the commands, and what a person types in each."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass

PASSED, FAILED, NOT_RUN = "passed", "FAILED", "not run"
NEWCOMER = "newcomer"
_PACKAGES = re.compile(r"^Packages are missing\. As root, run: (.+)$", re.MULTILINE)
_LEFT_OUT = re.compile(r"^.*?((?:LEFT OUT|Skipped): .+)$", re.MULTILINE)


@dataclass(frozen=True)
class System:
    """A distribution."""

    name: str
    suite: str
    components: str = "main"
    is_debian: bool = True


@dataclass(frozen=True)
class Cell:
    """One new system, in which one user wants to run one target."""

    system: System
    user: str
    target: str

    @property
    def name(self) -> str:
        """The value of CELL."""
        return f"{self.system.suite}-{self.user}-{self.target}"


BOOKWORM = System("Debian 12", "bookworm")
TRIXIE = System("Debian 13", "trixie")
NOBLE = System("Ubuntu 24.04", "noble", components="main,universe", is_debian=False)
CELLS = (
    *(Cell(system, user, "demo") for system in (BOOKWORM, TRIXIE, NOBLE) for user in ("root", NEWCOMER)),
    Cell(TRIXIE, "root", "test"),
)


@dataclass(frozen=True)
class Typed:
    """One command that was typed."""

    user: str
    command: str
    seconds: float
    status: int


@dataclass(frozen=True)
class Outcome:
    """What happened in a cell."""

    result: str
    typed: tuple[Typed, ...] = ()
    gigabytes: float = 0.0


def type_commands(cell: Cell, run: Callable[[str, str], tuple[int, str]]) -> tuple[str, tuple[Typed, ...]]:
    """Type `make TARGET`. If it names a command for root, type that once, and `make TARGET` again.

    run: runs a command of a user, and returns its status and output.
    Returns the result and the commands. As root nothing may be missing and nothing may be left out.
    """
    typed: list[Typed] = []

    def type_one(user: str, command: str) -> str:
        started = time.monotonic()
        status, output = run(user, command)
        typed.append(Typed(user, command, time.monotonic() - started, status))
        return output

    output = type_one(cell.user, f"make {cell.target}")
    missing = _PACKAGES.findall(output)
    if typed[-1].status and cell.user != "root" and len(missing) == 1:
        type_one("root", missing[0])
        if typed[-1].status == 0:
            output = type_one(cell.user, f"make {cell.target}")
    left_out = list(dict.fromkeys(_LEFT_OUT.findall(output)))
    if typed[-1].status or (left_out and cell.user == "root"):
        return "; ".join([FAILED, *left_out]), tuple(typed)
    return "; ".join([PASSED, *left_out]), tuple(typed)


def table(outcomes: dict[str, Outcome]) -> str:
    """Return one line for each command that was typed, and for each cell that was not run."""
    rows = [("system", "user", "command", "minutes", "GB", "result")]
    for cell in CELLS:
        outcome = outcomes.get(cell.name, Outcome(NOT_RUN))
        if not outcome.typed:
            rows.append((cell.system.name, cell.user, f"make {cell.target}", "", "", outcome.result))
        for typed in outcome.typed:
            last = typed is outcome.typed[-1]
            state = outcome.result if last else "names the packages" if typed.status else PASSED
            size = f"{outcome.gigabytes:.1f}" if last else ""
            rows.append((cell.system.name, typed.user, typed.command, f"{typed.seconds / 60:.1f}", size, state))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)
