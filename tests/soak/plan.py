# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Six days in a quarter of an hour: what goes by which factor faster, and when AWS is down. All times are its hours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

FACTOR = 500
"""So many times faster than the clock: two hours are 14.4 seconds."""
GAP = 2.0
"""Between two Jobs, as the role's default schedule has it."""
LIFE = 12.0
"""Of a token."""
DEADLINE = 5000
"""pull_secret_refresher_active_deadline, in seconds: more than the default, since pods are not faster by the factor."""


@dataclass(frozen=True)
class Outage:
    """behaviour: of the fake AWS meanwhile."""

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
    # Longer than any token lives.
    Outage(47, 14, UNREACHABLE),
    Outage(70, 3, BROKEN),
    Outage(80, 4, DENIED),
    Outage(92, 1, UNREACHABLE),
    Outage(99, 5, THROTTLED),
    Outage(112, 2, DENIED),
    Outage(124, 3, BROKEN),
)


def seconds(hours: float) -> float:
    """How long they take."""
    return hours * 3600 / FACTOR


def hours(passed: float) -> float:
    """How many have passed in so many seconds."""
    return passed * FACTOR / 3600


def scaled(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options of the refresher, with those that are seconds faster by the factor, too."""
    return {
        name: int(value / FACTOR) if name in ("renew_before", "fail_open_before", "deadline") else value
        for name, value in options.items()
    }


def outage_at(hour: float, outages: Sequence[Outage]) -> Outage | None:
    """The one that goes on, if any."""
    return next((outage for outage in outages if outage.start <= hour < outage.end), None)


def down_between(start: float, end: float, outages: Sequence[Outage]) -> bool:
    """Whether AWS was down at any moment from start to end."""
    return any(outage.start <= end and start <= outage.end for outage in outages)
