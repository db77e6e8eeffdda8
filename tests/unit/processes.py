# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Processes that a program under test started."""

from __future__ import annotations

import time
from pathlib import Path


def assert_process_ends(process_id: int) -> None:
    """Wait at most 10 seconds. A process that nobody has waited for (state Z) has ended."""
    stat = Path("/proc", str(process_id), "stat")
    deadline = time.monotonic() + 10
    while stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z":
        assert time.monotonic() < deadline
        time.sleep(0.01)
