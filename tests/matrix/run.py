# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run cells and keep their results: a file for each cell in build/matrix, which is what a later run continues."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import shlex
import subprocess
import time
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from .cells import ENVIRONMENT, Cell, Step

STATE = Path("build/matrix")
NO_PYTHON = 3
"""The exit status of the step ENVIRONMENT if this machine does not have the Python of the cell."""

# Variables of the caller that would let a cell test something else.
_OTHERS = ("FRESHPULL_KUBERNETES", "FRESHPULL_TEST_KUBECONFIG", "KUBEBUILDER_ASSETS", "TIER", "VENV")
_SANITY = re.compile(r"^Running sanity test", re.MULTILINE)


@dataclasses.dataclass
class Result:
    """What is known of a cell. outcome: passed, failed, not run, or unfinished. steps: those that passed."""

    cell: str
    kind: str
    commit: str
    date: str
    outcome: str = "unfinished"
    reason: str = ""
    versions: dict[str, str] = dataclasses.field(default_factory=dict)
    steps: list[dict[str, Any]] = dataclasses.field(default_factory=list)

    @property
    def tests(self) -> dict[str, int]:
        """The number of tests of each step that has some."""
        return {step["name"]: step["tests"] for step in self.steps if step["tests"]}

    @property
    def seconds(self) -> float:
        return float(sum(step["seconds"] for step in self.steps))


def read(name: str) -> Result | None:
    """Return the stored result of a cell."""
    try:
        return Result(**json.loads((STATE / f"{name}.json").read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None


def run(cell: Cell, commit: str, *, again: bool) -> Result:
    """Run the steps that have not passed yet, and return the result.

    A cell that passed is kept unless `again`. Steps that passed are kept if the commit is the same.
    """
    stored = read(cell.name)
    if stored and stored.outcome == "passed" and not again:
        print(f"\n### {cell.name}: passed before, at {stored.commit}", flush=True)
        return stored
    result = Result(cell.name, cell.kind, commit, date=datetime.now(timezone.utc).strftime("%Y-%m-%d"))
    if stored and stored.outcome != "passed" and stored.commit == commit:
        result.steps = stored.steps
    for step in cell.steps[len(result.steps) :]:
        if not _run_step(cell, step, result):
            break
    else:
        for probe in cell.probes:
            result.versions |= json.loads(subprocess.check_output(probe.command, env=_environment(probe), text=True))
        result.outcome = "passed"
    _write(result)
    return result


def _run_step(cell: Cell, step: Step, result: Result) -> bool:
    """Run a step and add it to the result. Return whether it passed."""
    print(f"\n### {cell.name}: {step.name}", flush=True)
    log = STATE / f"{cell.name}.{step.name}.log"
    times = STATE / f"{cell.name}.times"
    times.unlink(missing_ok=True)
    STATE.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    environment = {**_environment(step), "FRESHPULL_TEST_TIMES": str(times.absolute())}
    with log.open("wb") as output:
        status = subprocess.run(
            step.command, env=environment, stdout=output, stderr=subprocess.STDOUT, check=False
        ).returncode
    text = log.read_text(encoding="utf-8", errors="replace")
    tests = _count(step, text, times)
    seconds = round(time.monotonic() - started, 1)
    print(f"exit status {status}, {tests} tests, {seconds} s, see {log}", flush=True)
    if step.name == ENVIRONMENT and status == NO_PYTHON:
        result.outcome, result.reason = "not run", text.strip()
        return False
    if status or (step.counts and not tests):
        result.outcome, result.reason = "failed", f"{step.name}, see {log}"
        return False
    done = {"name": step.name, "command": _shown(step), "tests": tests, "seconds": seconds}
    result.steps.append(done)
    _write(result)
    return True


def _environment(step: Step) -> Mapping[str, str]:
    caller = {name: value for name, value in os.environ.items() if name not in _OTHERS}
    return {**caller, **step.environment}


def _count(step: Step, text: str, times: Path) -> int:
    """Return the number of tests of a step: of sanity from its output, of others from the times that they write."""
    if step.name == "sanity":
        return len(_SANITY.findall(text))
    return len(times.read_text(encoding="utf-8").splitlines()) if times.exists() else 0


def _shown(step: Step) -> str:
    """Return the command as one types it in the root of the checkout."""
    words = [*(f"{name}={value}" for name, value in step.environment.items()), shlex.join(step.command)]
    return " ".join(words).replace(f"{Path.cwd()}/", "")


def _write(result: Result) -> None:
    path = STATE / f"{result.cell}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(dataclasses.asdict(result), indent=2) + "\n", encoding="utf-8")
