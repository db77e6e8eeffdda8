# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two clocks that differ."""

from __future__ import annotations

import datetime as dt

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.clocks import Clocks


@pytest.mark.parametrize(
    ("seconds", "warned", "agree"),
    [
        (0, False, True),
        (60, False, True),
        (-60, False, True),
        (61, True, True),
        (-61, True, True),
        (600, True, True),
        (-600, True, True),
        (601, False, False),
        (-601, False, False),
    ],
)
def test_a_minute_is_warned_of_and_ten_are_too_many(seconds: int, warned: bool, agree: bool) -> None:
    clocks = Clocks(dt.timedelta(seconds=seconds))
    assert (bool(clocks.warning), clocks.agree, bool(clocks.problem)) == (warned, agree, not agree)
    assert clocks.later() - clocks.earlier() >= dt.timedelta(seconds=abs(seconds) - 1)


def test_the_warning_states_which_clock_is_ahead() -> None:
    assert "is 90 s ahead of this host's" in Clocks(dt.timedelta(seconds=90)).warning
    assert "is 90 s behind this host's" in Clocks(dt.timedelta(seconds=-90)).warning


def test_the_problem_names_both_times() -> None:
    here = dt.datetime.now(dt.timezone.utc)
    problem = Clocks(dt.timedelta(days=2)).problem
    assert f"API server's clock it is {here + dt.timedelta(days=2):%Y-%m-%d}" in problem
    assert f"clock here {here:%Y-%m-%d}" in problem
