# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the user's command beside the cluster, and turn signals into an orderly end."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from types import FrameType
from typing import NoReturn

from .descendants import die_with_parent
from .errors import ClusterError

_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_SECONDS_BETWEEN_LOOKS = 1
_SECONDS_TO_END = 20


class Stopped(BaseException):
    """A signal told us to stop. No Exception: nothing on the way out may take it for a failure and go on."""

    def __init__(self, number: int) -> None:
        super().__init__(f"stopped by {signal.Signals(number).name}")
        self.number = number

    @property
    def status(self) -> int:
        """The exit status that a shell gives to such an end."""
        return 128 + self.number


def raise_on_signals() -> None:
    """From now on the first signal raises Stopped; later ones are ignored, so that cleaning up is not disturbed."""

    def ignore(_number: int, _frame: FrameType | None) -> None:
        return

    def stop(number: int, _frame: FrameType | None) -> NoReturn:
        for each in _SIGNALS:
            signal.signal(each, ignore)
        raise Stopped(number)

    for each in _SIGNALS:
        signal.signal(each, stop)


def check_command(argv: Sequence[str]) -> None:
    """:raises ClusterError: there is no such command; known before a cluster is started for it."""
    if not shutil.which(argv[0]):
        raise ClusterError(f"The command {argv[0]} cannot be found.")


def run_command(argv: Sequence[str], *, env: Mapping[str, str], watch: Callable[[int], None]) -> int:
    """Run the command in the foreground (it may use the terminal) and return its status as a shell would.

    :param watch: called every second meanwhile, with the command's process id.
    :raises Stopped: a signal came; the command was told and has ended.
    """
    # The command is looked up in our PATH, but its own environment is `env`.
    process = subprocess.Popen(argv, env=env, preexec_fn=die_with_parent)
    try:
        while (status := _status(process, _SECONDS_BETWEEN_LOOKS)) is None:
            watch(process.pid)
    except Stopped as stopped:
        end_process(process, process.send_signal, stopped.number)
        raise
    return status if status >= 0 else 128 - status


def end_process(process: subprocess.Popen[bytes], tell: Callable[[int], None], number: int) -> None:
    """Pass a signal on by calling `tell` with it, and wait for the end: first patiently, then by force."""
    if not (number == signal.SIGINT and _in_foreground()):  # Ctrl-C: the terminal has told the process already
        tell(number)
    if _status(process, _SECONDS_TO_END) is None:
        process.kill()
        process.wait()


def _status(process: subprocess.Popen[bytes], seconds: float) -> int | None:
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        return None


def _in_foreground() -> bool:
    try:
        return os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
    except (OSError, ValueError):
        return False
