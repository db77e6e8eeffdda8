# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Report on stderr what happens, above all during steps that take minutes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path

from .descendants import die_with_parent
from .errors import ClusterError

REPORT_SECONDS = 20
_END_SECONDS = 15
_FAILURE_LINES = 40


def report(message: str) -> None:
    """Print a line on stderr, with a prefix."""
    print(f"cluster: {message}", file=sys.stderr, flush=True)


def run_with_progress(
    argv: Sequence[str | Path], *, what: str, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> None:
    """Run a long command, with a line every REPORT_SECONDS. Its output is shown only if it fails.

    :raises ClusterError: the command failed; the message contains the end of its output.
    """
    started = time.monotonic()
    report(what)
    with subprocess.Popen(
        [str(arg) for arg in argv],
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
        preexec_fn=die_with_parent,
    ) as process:
        output = _Output(process)
        try:
            while not _ended(process):
                report(f"{what}: {time.monotonic() - started:.0f} s so far{output}")
        except BaseException:
            _end(process)
            raise
        output.join()
    if process.returncode:
        tail = "\n".join(output.tail)
        raise ClusterError(f"{what}: {argv[0]} failed with status {process.returncode}:\n{tail}")
    report(f"{what}: done in {time.monotonic() - started:.0f} s")


def _end(process: subprocess.Popen[str]) -> None:
    """Let the command remove its temporary files. Kill it after a timeout."""
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(_END_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)


def _ended(process: subprocess.Popen[str]) -> bool:
    try:
        process.wait(REPORT_SECONDS)
    except subprocess.TimeoutExpired:
        return False
    return True


class _Output(threading.Thread):
    """Read the output of a command: its last lines, and the number of lines."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        super().__init__(daemon=True)
        self._process = process
        self._count = 0
        self.tail: deque[str] = deque(maxlen=_FAILURE_LINES)
        self.start()

    def __str__(self) -> str:
        return f", {self._count} lines, the last: {self.tail[-1][:80]}" if self.tail else ""

    def run(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._count += 1
            self.tail.append(line.rstrip())
