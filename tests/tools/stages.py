# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the stages of a tier in order and stop at the first failure: stages.py core|full.

At the end it prints the slowest tests, and the time and the number of tests of each stage. The first build of the
cluster takes minutes: it starts first and runs in parallel with the stages that do not need it.
"""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import timeit
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BEFORE_CLUSTER = ("lint", "sanity", "unit", "galaxy", "docs")
AFTER_CLUSTER = {
    "core": ("integration", "e2e", "molecule", "demo"),
    "full": ("integration", "oldest", "e2e", "molecule", "readme", "demo"),
}
"""Tier to its stages. In the tier core e2e and molecule run only tests marked core, and docs starts no browser."""
SLOWEST = 10
BUILD_LOG = Path(".cache/cluster-build.log")
HEARTBEAT = 30.0
"""Seconds between two progress lines while only the build runs."""


class Stages:
    """The stages that have run, with their outcomes and tests for the report."""

    def __init__(self, directory: Path, tier: str) -> None:
        """directory: an empty directory. Stages write what they left out, and their tests with times, into it."""
        self._left_out = directory / "left-out"
        self._tests = directory / "tests"
        self._environment = {
            **os.environ,
            "TIER": tier,
            "FRESHPULL_LEFT_OUT": str(self._left_out),
            "FRESHPULL_TEST_TIMES": str(self._tests),
        }
        self._rows: list[tuple[str, str, float, int]] = []
        self._times: list[tuple[float, str]] = []
        self.failed = False

    def run(self, name: str) -> None:
        """Run `make NAME`, unless a stage before it failed. Its output is shown at once."""
        if self.failed:
            self._rows.append((name, "not run", 0.0, 0))
            return
        print(f"\n### {name}", flush=True)
        started = time.monotonic()
        status = subprocess.run(["make", name], env=self._environment, check=False).returncode
        self._add(name, status, time.monotonic() - started)

    def wait_for(self, build: Build) -> None:
        """Wait for the build of the cluster, unless a stage before it failed."""
        if self.failed:
            self._rows.append(("cluster", "not run to its end", 0.0, 0))
            return
        print("\n### cluster", flush=True)
        self._add("cluster", build.wait(), build.seconds())

    def _add(self, name: str, status: int, seconds: float) -> None:
        left_out = "; ".join(_take_lines(self._left_out))
        times = [line.split("\t", maxsplit=1) for line in _take_lines(self._tests)]
        self._times += [(float(taken), f"{name}: {test}") for taken, test in times]
        outcome = "passed" if status == 0 else "FAILED"
        self._rows.append((name, f"{outcome}, LEFT OUT: {left_out}" if left_out else outcome, seconds, len(times)))
        self.failed = status != 0

    def table(self) -> str:
        """Return one line for each stage: name, time, number of tests, outcome."""
        return "\n".join(
            f"{name:<12} {minutes(seconds):>6} {tests or '':>6}  {outcome}"
            for name, outcome, seconds, tests in self._rows
        )

    def slowest(self) -> str:
        """Return the slowest tests, one line for each. The time includes fixtures that the test used first."""
        return "\n".join(f"{seconds:8.1f} s  {test}" for seconds, test in sorted(self._times, reverse=True)[:SLOWEST])


def _take_lines(path: Path) -> list[str]:
    """Return the lines of a file and remove it; no lines if there is no such file."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    path.unlink()
    return lines


class Build:
    """The build of the cluster in the background. Its output goes to a file, apart from that of the stages."""

    def __init__(self) -> None:
        BUILD_LOG.parent.mkdir(exist_ok=True)
        self._started = time.monotonic()
        self._ended: float | None = None
        with BUILD_LOG.open("wb") as log:
            # A session of its own, to end the compilers with it.
            self._process = subprocess.Popen(
                ["make", "cluster"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def seconds(self) -> float:
        """Return the time of the build so far."""
        return time.monotonic() - self._started

    def wait(self) -> int:
        """Wait with progress lines, print the end of the output, and return the exit status."""
        while True:
            try:
                status = self._process.wait(timeout=HEARTBEAT)
            except subprocess.TimeoutExpired:
                print(f"building for {minutes(self.seconds())}: {last_lines(1)}", flush=True)
            else:
                print(last_lines(5 if status == 0 else 60), flush=True)
                return status

    def stop(self) -> None:
        """End the build with all its processes, if it runs."""
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGTERM)
            self._process.wait()


@contextmanager
def build_in_background() -> Iterator[Build]:
    """Start the build, and stop it at the end of the context."""
    build = Build()
    try:
        yield build
    finally:
        build.stop()


def last_lines(count: int) -> str:
    """Return the last lines of the output of the build."""
    return "\n".join(BUILD_LOG.read_text(encoding="utf-8", errors="replace").splitlines()[-count:])


def minutes(seconds: float) -> str:
    """Return seconds as minutes:seconds."""
    whole = round(seconds)
    return f"{whole // 60}:{whole % 60:02}"


def calibration() -> float:
    """Return the seconds for sum(i * i for i in range(10**7)), from shorter loops: a figure to compare machines."""
    return 10 * statistics.median(timeit.repeat("sum(i * i for i in range(10**6))", repeat=5, number=1))


def main(tier: str) -> int:
    """Run all stages of a tier, print the report, and return the exit status."""
    machine = f"{os.cpu_count()} processors, {calibration():.2f} s for 10**7 squares in Python"
    print(f"Tier {tier} on this machine: {machine}", flush=True)
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as directory, build_in_background() as build:
        stages = Stages(Path(directory), tier)
        for name in BEFORE_CLUSTER:
            stages.run(name)
        stages.wait_for(build)
        for name in AFTER_CLUSTER[tier]:
            stages.run(name)
    print(f"\nThe {SLOWEST} slowest tests:\n{stages.slowest()}")
    print(
        f"\nTier {tier}: {machine}\n{stages.table()}\n{'total':<12} {minutes(time.monotonic() - started):>6}",
        flush=True,
    )
    return 1 if stages.failed else 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(main(sys.argv[1]))
