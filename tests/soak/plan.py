# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan of six days in 18 minutes: the times that are scaled, and when AWS is down. All times are hours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

FACTOR = 500
"""Plan time by real time: two hours are 14.4 seconds."""
GAP = 2.0
"""Hours between two Jobs, as in the default schedule of the role."""
LIFETIME = 12.0
"""Hours of a token."""
DEADLINE = 5000
"""pull_secret_refresher_active_deadline in seconds: more than the default, since the time of pods is not scaled."""


@dataclass(frozen=True)
class Outage:
    """A time without tokens. behaviour: of the fake AWS during this time."""

    start: float
    hours: float
    behaviour: Mapping[str, Any]

    @property
    def end(self) -> float:
        return self.start + self.hours


MANY = 10**6
THROTTLED = {"throttle": MANY}
UNREACHABLE = {"drop": MANY}
DENIED = {"deny": "sts:GetServiceBearerToken"}
BROKEN = {"error": "ServerException"}
HEALTHY = {"throttle": 0, "drop": 0, "deny": None, "error": None}

JOBS = 72
OUTAGES: Sequence[Outage] = (
    Outage(3, 2, THROTTLED),
    Outage(9, 5, UNREACHABLE),
    Outage(20, 1, DENIED),
    Outage(26, 6, BROKEN),
    Outage(38, 2, THROTTLED),
    # Longer than the lifetime of a token.
    Outage(47, 14, UNREACHABLE),
    Outage(70, 3, BROKEN),
    Outage(80, 4, DENIED),
    Outage(92, 1, UNREACHABLE),
    Outage(99, 5, THROTTLED),
    Outage(112, 2, DENIED),
    Outage(124, 3, BROKEN),
)


def seconds(hours: float) -> float:
    """Return the real seconds of hours of the plan."""
    return hours * 3600 / FACTOR


def hours(passed: float) -> float:
    """Return the hours of the plan in real seconds."""
    return passed * FACTOR / 3600


def scaled(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of the refresher, with durations divided by the factor."""
    return {
        name: int(value / FACTOR) if name in ("renew_before", "fail_open_before", "deadline") else value
        for name, value in options.items()
    }


def outage_at(hour: float, outages: Sequence[Outage]) -> Outage | None:
    """Return the outage at this hour, if any."""
    return next((outage for outage in outages if outage.start <= hour < outage.end), None)


def down_between(start: float, end: float, outages: Sequence[Outage]) -> bool:
    """Return whether AWS was down at any time from start to end."""
    return any(outage.start <= end and start <= outage.end for outage in outages)
