# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Settings for all tests: a skipped test is a failure in `make` and on build servers; stages.py gets times."""

from __future__ import annotations

import os
import signal
from collections import defaultdict
from collections.abc import Generator
from pathlib import Path
from typing import TypeVar

import pytest

# What a shell runs in the background has SIGINT ignored, and so would have all that the tests start and interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)


def skips_count() -> bool:
    """Whether a skipped test is a failure: on build servers (CI=true) and in every run of make."""
    return "true" in (os.environ.get("CI"), os.environ.get("FRESHPULL_NO_SKIPS"))


def fail_if_skipped(report: Report) -> Report:
    """Turn the report of a skip into that of a failure; an expected failure (xfail) is none."""
    if report.outcome == "skipped" and not hasattr(report, "wasxfail") and skips_count():
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"A skipped test counts as a failure here. {reason}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Look at the report of every test."""
    return fail_if_skipped((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Look at the report of every test file: one can be skipped as a whole."""
    return fail_if_skipped((yield))


class Times:
    """Appends a line for each test to a file: its seconds, fixtures included, a tab, and its name."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seconds: defaultdict[str, float] = defaultdict(float)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add up the phases of a test."""
        self._seconds[report.nodeid] += report.duration

    def pytest_sessionfinish(self) -> None:
        """Write the file. Other runs of pytest append to it, too."""
        lines = (f"{seconds:.3f}\t{test}\n" for test, seconds in self._seconds.items())
        with self._path.open("a", encoding="utf-8") as file:
            file.writelines(lines)


def pytest_configure(config: pytest.Config) -> None:
    """Time the tests where tests/tools/stages.py asks for it. Workers of pytest-xdist report to their controller."""
    path = os.environ.get("FRESHPULL_TEST_TIMES")
    if path and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Times(Path(path)))
