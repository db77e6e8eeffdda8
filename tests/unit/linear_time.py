# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tell linear time from quadratic time, on a machine of any speed and beside other processes."""

from __future__ import annotations

import time
import timeit
from collections.abc import Callable
from typing import TypeVar

Content = TypeVar("Content")

PART = 16
"""Small content is this part of the large. Over this span, linear and quadratic time differ by a factor of 16."""
_GROWTH = PART**1.5
"""Beside other processes, large content takes up to four times as long as small content would let expect."""
_NOISE = 0.3
"""Seconds that say nothing about the growth: imports, caches, the resolution of the clock."""


def assert_linear_time(process: Callable[[Content], object], make: Callable[[int], Content], size: int) -> None:
    """Process content of a size, and of a part of it. make: size -> content."""
    small, large = make(size // PART), make(size)
    longest = _GROWTH * _processor_seconds(process, small) + _NOISE
    first = _processor_seconds(process, large)
    # What a busy machine delays once, it seldom delays twice.
    assert first < longest or _processor_seconds(process, large) < longest, f"{first:.2f} s, longest: {longest:.2f} s"


def _processor_seconds(process: Callable[[Content], object], content: Content) -> float:
    """Measure without garbage collection, whose time grows with the objects of all tests."""
    return timeit.timeit(lambda: process(content), timer=time.process_time, number=1)
