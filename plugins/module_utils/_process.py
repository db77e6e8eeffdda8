# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run a program, and stop it with its child processes at the end of the block. Private to this collection."""

from __future__ import annotations

import os
import signal
import subprocess
import typing as t


class Process(subprocess.Popen[bytes]):
    """A running program, as a context manager. AnsibleModule.run_command has no time limit."""

    def __init__(
        self, command: t.Sequence[str], *, stdin: int = subprocess.DEVNULL, env: t.Mapping[str, str] | None = None
    ) -> None:
        pipe = subprocess.PIPE
        # In a session of its own the program forms one process group with its child processes, which can be killed.
        super().__init__(command, stdin=stdin, stdout=pipe, stderr=pipe, env=env, start_new_session=True)

    def __exit__(self, *exception: t.Any) -> None:
        if self.poll() is None:
            os.killpg(self.pid, signal.SIGKILL)
        super().__exit__(*exception)
