# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a command and write its time, processor time and memory, with those of its children: usage.py FILE COMMAND…"""

from __future__ import annotations

import json
import os
import sys
import time


def main(file: str, command: list[str]) -> int:
    started = time.monotonic()
    pid = os.posix_spawnp(command[0], command, os.environ)
    _pid, status, usage = os.wait4(pid, 0)
    seconds = time.monotonic() - started
    used = {"seconds": seconds, "cpu_seconds": usage.ru_utime + usage.ru_stime, "memory": usage.ru_maxrss * 1024}
    with open(file, "w", encoding="utf-8") as out:
        json.dump(used, out)
    return os.waitstatus_to_exitcode(status)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
