# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the user's command, and handle signals."""

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
_POLL_SECONDS = 1
_END_SECONDS = 20


class Stopped(BaseException):
    """A signal was received. It is no Exception: no `except Exception` must handle it as a failure and continue."""

    def __init__(self, number: int) -> None:
        super().__init__(f"stopped by {signal.Signals(number).name}")
        self.number = number

    @property
    def status(self) -> int:
        """The exit status of a shell for this signal."""
        return 128 + self.number


def raise_on_signals() -> None:
    """Let the first signal raise Stopped. Later signals are ignored, since they would interrupt the clean-up."""

    def ignore(_number: int, _frame: FrameType | None) -> None:
        return

    def stop(number: int, _frame: FrameType | None) -> NoReturn:
        for each in _SIGNALS:
            signal.signal(each, ignore)
        raise Stopped(number)

    for each in _SIGNALS:
        signal.signal(each, stop)


def check_command(argv: Sequence[str]) -> None:
    """Check the command before a cluster is started for it.

    :raises ClusterError: the command does not exist.
    """
    if not shutil.which(argv[0]):
        raise ClusterError(f"The command {argv[0]} does not exist. Check its name and PATH.")


def run_command(argv: Sequence[str], *, env: Mapping[str, str], watch: Callable[[int], None]) -> int:
    """Run the command in the foreground, with the terminal. Return its exit status as a shell does.

    :param watch: called every second with the process ID of the command.
    :raises Stopped: a signal was received and passed on, and the command has ended.
    """
    # The command is found in the PATH of this process. Its own environment is `env`.
    process = subprocess.Popen(argv, env=env, preexec_fn=die_with_parent)
    try:
        while (status := _status(process, _POLL_SECONDS)) is None:
            watch(process.pid)
    except Stopped as stopped:
        end_process(process, process.send_signal, stopped.number)
        raise
    return status if status >= 0 else 128 - status


def end_process(process: subprocess.Popen[bytes], send: Callable[[int], None], number: int) -> None:
    """Pass a signal on with `send`, and wait for the end of the process. Kill it after a timeout."""
    if not (number == signal.SIGINT and _in_foreground()):  # Ctrl-C: the terminal has sent it to the process
        send(number)
    if _status(process, _END_SECONDS) is None:
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
