# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What `make test` does: all stages in order, the time of each, a table at the end, an end at the first failure.

The first build of the cluster takes minutes and needs nobody's attention: it starts first, runs beside the stages that
do not need it, and is waited for before those that do.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BEFORE_CLUSTER = ("lint", "sanity", "unit")
AFTER_CLUSTER = ("integration", "oldest", "e2e", "molecule", "demo")
BUILD_LOG = Path(".cache/cluster-build.log")
HEARTBEAT = 30.0
"""Seconds between two signs of life while only the build runs."""


class Stages:
    """The stages that have run: their outcomes for the table, and whether to go on."""

    def __init__(self, left_out: Path) -> None:
        left_out.touch()
        self._left_out = left_out
        self._rows: list[tuple[str, str, float]] = []
        self.failed = False

    def run(self, name: str) -> None:
        """Run `make NAME` with its output as it comes, unless a stage before it failed."""
        if self.failed:
            self._rows.append((name, "not run", 0.0))
            return
        print(f"\n### {name}", flush=True)
        started = time.monotonic()
        environment = {**os.environ, "FRESHPULL_LEFT_OUT": str(self._left_out)}
        status = subprocess.run(["make", name], env=environment, check=False).returncode
        self._add(name, status, time.monotonic() - started)

    def wait_for(self, build: Build) -> None:
        """Wait for the build of the cluster, unless a stage before failed."""
        if self.failed:
            self._rows.append(("cluster", "not run to its end", 0.0))
            return
        print("\n### cluster", flush=True)
        self._add("cluster", build.wait(), build.seconds())

    def _add(self, name: str, status: int, seconds: float) -> None:
        left_out = self._left_out.read_text(encoding="utf-8").strip().replace("\n", "; ")
        self._left_out.write_text("", encoding="utf-8")
        outcome = "passed" if status == 0 else "FAILED"
        self._rows.append((name, f"{outcome}, LEFT OUT: {left_out}" if left_out else outcome, seconds))
        self.failed = status != 0

    def table(self) -> str:
        """One line for each stage."""
        return "\n".join(f"{name:<12} {minutes(seconds):>6}  {outcome}" for name, outcome, seconds in self._rows)


class Build:
    """The build of the cluster in the background, its output in a file so as not to mix with that of the stages."""

    def __init__(self) -> None:
        BUILD_LOG.parent.mkdir(exist_ok=True)
        self._started = time.monotonic()
        self._ended: float | None = None
        with BUILD_LOG.open("wb") as log:
            # A session of its own, so that the compilers can be ended with it.
            self._process = subprocess.Popen(
                ["make", "cluster"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def seconds(self) -> float:
        """How long it has run."""
        return time.monotonic() - self._started

    def wait(self) -> int:
        """Wait, with a sign of life now and then, show the end of what the build said, and return its status."""
        while True:
            try:
                status = self._process.wait(timeout=HEARTBEAT)
            except subprocess.TimeoutExpired:
                print(f"building for {minutes(self.seconds())}: {last_lines(1)}", flush=True)
            else:
                print(last_lines(5 if status == 0 else 60), flush=True)
                return status

    def stop(self) -> None:
        """End it with everything that it started, if it still runs."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGTERM)
            self._process.wait()


@contextmanager
def build_in_background() -> Iterator[Build]:
    """Start the build; it never outlives the caller."""
    build = Build()
    try:
        yield build
    finally:
        build.stop()


def last_lines(count: int) -> str:
    """The end of the build's output."""
    return "\n".join(BUILD_LOG.read_text(encoding="utf-8", errors="replace").splitlines()[-count:])


def minutes(seconds: float) -> str:
    """Seconds as minutes:seconds."""
    whole = round(seconds)
    return f"{whole // 60}:{whole % 60:02}"


def main() -> int:
    """Run all stages, print the table, return the exit status."""
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, build_in_background() as build:
        stages = Stages(Path(folder, "left-out"))
        for name in BEFORE_CLUSTER:
            stages.run(name)
        stages.wait_for(build)
        for name in AFTER_CLUSTER:
            stages.run(name)
    print(f"\n{stages.table()}\n{'total':<12} {minutes(time.monotonic() - started):>6}", flush=True)
    return 1 if stages.failed else 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(main())
