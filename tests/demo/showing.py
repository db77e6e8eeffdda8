# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo's output: sentences for a reader, and commands with their real output."""

from __future__ import annotations

import os
import signal
import subprocess
import textwrap
import time
from collections.abc import Mapping, Sequence

WIDTH = 110


class DemoError(Exception):
    """The demo does not do what its text states."""


class Show:
    """Prints, and keeps the printed text to search it for tokens."""

    def __init__(self) -> None:
        self.printed = ""
        self._started = time.monotonic()

    def step(self, title: str) -> None:
        self._print(f"\n== {title}  [{time.monotonic() - self._started:.0f} s]")

    def say(self, text: str) -> None:
        self._print(textwrap.fill(text, WIDTH))

    def quote(self, text: str) -> None:
        """Print a few lines of real output."""
        self._print(textwrap.indent(text.rstrip(), "    | "))

    def command(self, command: str) -> None:
        self._print(f"    $ {command}")

    def _print(self, text: str) -> None:
        self.printed += text + "\n"
        print(text, flush=True)


def run(argv: Sequence[str], env: Mapping[str, str] | None = None) -> str:
    """Run a command and return its standard output. Raises DemoError with all output if it fails."""
    process = subprocess.Popen(
        argv,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        output, errors = process.communicate()
    except BaseException:
        # Kill its children too: a play that still runs must not create objects during the removal.
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise
    if process.returncode:
        raise DemoError(f"{argv[0]} {argv[1]} failed:\n{(output + errors)[-6000:]}")
    return output


def check(claim: bool, otherwise: str) -> None:
    """Check a statement of the demo. Raises DemoError."""
    if not claim:
        raise DemoError(otherwise)
