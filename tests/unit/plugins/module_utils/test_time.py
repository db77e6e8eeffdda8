# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import datetime as dt

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils._time import (
    TimeError,
    format_time,
    parse_duration,
    parse_time,
)

WHEN = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.timezone.utc)

DURATIONS = {
    "8h": 28800,
    "1h30m": 5400,
    "90s": 90,
    "1.5h": 5400,
    "500ms": 0.5,
    ".5m": 30,
    "1h0m0s": 3600,
    "100us": 1e-4,
}
BAD_DURATIONS = ["", "8", "h", "8 h", "-8h", "0s", "8h!", "1d", "8hours", "9999999h", "1e3s"]
TIMES = {
    "2026-01-02T03:04:05Z": WHEN,
    "2026-01-02T03:04:05+00:00": WHEN,
    "2026-01-02T05:04:05+02:00": WHEN,
    "2026-01-02T03:04:05": WHEN,
    "2026-01-02T03:04:05.250000Z": WHEN.replace(microsecond=250000),
}


@pytest.mark.parametrize("text", DURATIONS)
def test_durations(text: str) -> None:
    assert parse_duration(text).total_seconds() == pytest.approx(DURATIONS[text])


@pytest.mark.parametrize("text", BAD_DURATIONS)
def test_bad_durations(text: str) -> None:
    with pytest.raises(TimeError, match="duration"):
        parse_duration(text)


@pytest.mark.parametrize("text", TIMES)
def test_times(text: str) -> None:
    assert parse_time(text) == TIMES[text]


@pytest.mark.parametrize("text", ["", "soon", "2026-13-01T00:00:00Z", "1767323045"])
def test_bad_times(text: str) -> None:
    with pytest.raises(TimeError, match="not a time"):
        parse_time(text)


def test_times_are_written_in_utc() -> None:
    assert format_time(WHEN.astimezone(dt.timezone(dt.timedelta(hours=5)))) == "2026-01-02T03:04:05Z"


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00Z", "0987-06-05T04:03:02Z", "9999-12-31T23:59:59Z"])
def test_a_year_has_four_digits(text: str) -> None:
    assert format_time(parse_time(text)) == text
