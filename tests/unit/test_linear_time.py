# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from unit.linear_time import assert_linear_time


def compare_all(items: list[int]) -> int:
    return sum(1 for item in items if item not in items[: item // 2])


def test_linear_time_passes() -> None:
    assert_linear_time(sorted, lambda size: list(range(size)), 200_000)


def test_quadratic_time_fails() -> None:
    with pytest.raises(AssertionError, match=r"s, longest: "):
        assert_linear_time(compare_all, lambda size: list(range(size)), 16_000)
