# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make newcomer`: `make demo` and `make test` in new systems, as a person types them. Needs root.

A cell that has passed at this commit is not run again, unless CELL names it.
"""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from support.cluster.debian import codename, mirror

from .cells import CELLS, FAILED, NOT_RUN, PASSED, Cell, Outcome, Typed, table, type_commands
from .root import NoRootError, new_root

CHECKOUT = Path(__file__).parents[2]
DIRECTORY = CHECKOUT / ".cache" / "newcomer"
RESULTS = DIRECTORY / "results.json"


def main(wanted: str) -> int:
    """Run the cells, print the table, and return 1 if one of them failed."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit("stopped"))
    if os.geteuid() != 0:
        sys.exit("make newcomer needs root, to create the systems and to run commands in them.")
    cells = [cell for cell in CELLS if wanted in ("", cell.name)]
    if not cells:
        sys.exit(f"CELL is {wanted!r}; it can be {', '.join(cell.name for cell in CELLS)}.")
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    commit = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=CHECKOUT, capture_output=True, text=True, check=True
    ).stdout.strip()
    outcomes = load(commit)
    for cell in cells:
        if wanted or not outcomes.get(cell.name, Outcome(NOT_RUN)).result.startswith(PASSED):
            outcomes[cell.name] = run(cell)
            save(commit, outcomes)
    print(f"\nCommit {commit[:12]}\n{table(outcomes)}", flush=True)
    return int(any(outcomes[cell.name].result.startswith(FAILED) for cell in cells))


def run(cell: Cell) -> Outcome:
    """Create the system of a cell, type the commands in it, and remove it."""
    system = cell.system
    own_archive = mirror(codename()) if system.is_debian else None
    path = DIRECTORY / f"{cell.name}.log"
    print(f"{cell.name}: the output is in {path}", flush=True)
    with path.open("w+", encoding="utf-8", errors="replace") as log:

        def run_command(user: str, command: str) -> tuple[int, str]:
            print(f"{cell.name}: {user} types: {command}", flush=True)
            start = path.stat().st_size
            status = root.run(user, command)
            return status, path.read_bytes()[start:].decode(errors="replace")

        try:
            with new_root(system.suite, system.components, own_archive, DIRECTORY, log) as root:
                root.set_up(CHECKOUT, cell.user)
                result, typed = type_commands(cell, run_command)
                return Outcome(result, typed, root.gigabytes())
        except NoRootError as error:
            # Debian can be reached wherever the tests run: they build images from it.
            return Outcome(f"{FAILED if system.is_debian else NOT_RUN}: {error}")


def load(commit: str) -> dict[str, Outcome]:
    """Return the outcomes of this commit."""
    if not RESULTS.exists():
        return {}
    stored = json.loads(RESULTS.read_text(encoding="utf-8"))
    if stored["commit"] != commit:
        return {}
    return {
        name: Outcome(**{**values, "typed": tuple(Typed(**typed) for typed in values["typed"])})
        for name, values in stored["cells"].items()
    }


def save(commit: str, outcomes: dict[str, Outcome]) -> None:
    """Store the outcomes of this commit."""
    cells = {name: dataclasses.asdict(outcome) for name, outcome in outcomes.items()}
    RESULTS.write_text(json.dumps({"commit": commit, "cells": cells}, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
