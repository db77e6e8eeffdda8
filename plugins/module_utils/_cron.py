# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Parse the schedules of CronJobs and measure the time between two runs. Private to this collection.

Kubernetes parses schedules with the Go package robfig/cron, version 3. This parser accepts and rejects the same
schedules, and combines the day of the month and the day of the week in the same way.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import itertools
import re
import typing as t
import zoneinfo

from ansible_collections.freshpull.ecr_public.plugins.module_utils._errors import CollectionError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._time import TimeError, parse_duration

_NICKNAMES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_EVERY = "@every "
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_NUMBER = re.compile(r"\+?[0-9]{1,18}")
_DAY = dt.timedelta(days=1)
_EPOCH = dt.date(1970, 1, 1)

# These need no time zone database, which a small container image may not have.
_UTC = ("UTC", "Etc/UTC")

# In 28 years every combination of weekday, leap year and rules such as "the last Sunday of March" occurs.
_YEARS = 28


class CronError(CollectionError):
    """A schedule or time zone that Kubernetes rejects, or a schedule that never runs."""


@dataclasses.dataclass(frozen=True)
class _Field:
    """One of the five fields: its title, its lowest and highest number, and its names for numbers."""

    title: str
    lowest: int
    highest: int
    names: tuple[str, ...] = ()

    def parse(self, text: str) -> tuple[frozenset[int], bool]:
        """Return the listed numbers, and whether a star is among them. Empty items are ignored, as in robfig/cron."""
        items = [self._item(item) for item in text.split(",") if item]
        return frozenset(itertools.chain.from_iterable(numbers for numbers, _star in items)), any(
            star for _numbers, star in items
        )

    def _item(self, text: str) -> tuple[range, bool]:
        span, *steps = text.split("/")
        low, *high = span.split("-")
        star = low in ("*", "?")
        if len(steps) > 1 or (len(high) > 1 and not star):
            raise CronError(
                f"the {self.title} has {text!r}, which is neither a number, a range nor a step. Use 5, 1-5 or */15"
            )
        step = self._number(steps[0], text) if steps else 1
        first, last = self.lowest, self.highest
        if not star:
            first = self._value(low, text)
            # A single number with a step is a range to the highest number: 5/15 is 5-59/15.
            last = self._value(high[0], text) if high else self.highest if steps else first
        if not self.lowest <= first <= last <= self.highest or step == 0:
            raise CronError(
                f"the {self.title} has {text!r}: numbers range from {self.lowest} to {self.highest} in ascending "
                "order, a step is at least 1"
            )
        # A star with a step above 1 does not count as a star: with */2 in one field of days, either field can match.
        return range(first, last + 1, step), star and step == 1

    def _value(self, text: str, item: str) -> int:
        name = text.lower()
        return self.names.index(name) + self.lowest if name in self.names else self._number(text, item)

    def _number(self, text: str, item: str) -> int:
        if not _NUMBER.fullmatch(text):
            names = f" or one of {', '.join(self.names)}" if self.names else ""
            raise CronError(f"the {self.title} has {item!r}, in which {text!r} is not a number{names}")
        return int(text)


_FIELDS = (
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of the month", 1, 31),
    _Field("month", 1, 12, _MONTHS),
    _Field("day of the week", 0, 6, _WEEKDAYS),
)


@dataclasses.dataclass(frozen=True)
class Schedule:
    """The days and times at which a CronJob runs, in its time zone."""

    minutes: tuple[int, ...]
    """The minutes of the day, in ascending order."""

    months: frozenset[int]
    days: frozenset[int]
    weekdays: frozenset[int]

    any_day: bool
    """Whether one match of the two fields of days is enough. With a star in either field, both must match."""

    @classmethod
    def parse(cls, text: str) -> Schedule:
        """Parse five fields or a nickname such as @hourly. Raises CronError."""
        parts = _NICKNAMES.get(text, text).split()
        if text.startswith("@") and text not in _NICKNAMES:
            raise CronError(
                f"{text!r} is not supported. Use {', '.join(_NICKNAMES)}, @every with a duration, or five fields"
            )
        if len(parts) != len(_FIELDS):
            titles = ", ".join(field.title for field in _FIELDS)
            raise CronError(f"{text!r} has {len(parts)} fields. Use five: {titles}")
        fields = [field.parse(part) for field, part in zip(_FIELDS, parts)]
        minutes, hours, days, months, weekdays = (numbers for numbers, _star in fields)
        times = tuple(sorted(hour * 60 + minute for hour in hours for minute in minutes))
        return cls(times, months, days, weekdays, any_day=not fields[2][1] and not fields[4][1])

    def on(self, day: dt.date) -> bool:
        """Whether the CronJob runs on this day."""
        of_month, of_week = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        return day.month in self.months and (of_month or of_week if self.any_day else of_month and of_week)


@dataclasses.dataclass(frozen=True)
class Gaps:
    """The longest and the shortest time between the starts of two consecutive runs, in seconds."""

    longest: int
    shortest: int


def gaps(text: str, time_zone: str, year: int) -> Gaps:
    """Measure the gaps of a schedule over 28 years from this year. Raises CronError."""
    zone = _zone(time_zone)
    if text.startswith(_EVERY):
        try:
            # Kubernetes rounds down to whole seconds, and uses 1 second for a shorter duration.
            seconds = max(1, int(parse_duration(text[len(_EVERY) :]).total_seconds()))
        except TimeError as error:
            raise CronError(f"{text!r}: {error}") from error
        return Gaps(seconds, seconds)
    found = _gaps(Schedule.parse(text), zone, dt.date(year, 1, 1), dt.date(year + _YEARS, 1, 1))
    if not found:
        raise CronError(f"{text!r} never runs: no date matches it. Correct the day or the month")
    return Gaps(max(found), min(found))


def _zone(name: str) -> dt.tzinfo:
    if name in _UTC:
        return dt.timezone.utc
    try:
        if name.lower() != "local":
            return zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        pass
    raise CronError(
        f"there is no time zone {name!r} on this host. Use an IANA name such as Europe/Berlin. If the name is correct, "
        "install the time zones: Debian's package tzdata, or Python's"
    )


def _gaps(schedule: Schedule, zone: dt.tzinfo, start: dt.date, end: dt.date) -> set[int]:
    """Collect the gaps, in seconds, day by day. Only days with a clock change need a look at each run."""
    found: set[int] = set()
    last: int | None = None
    within = {minutes * 60 for minutes in _steps(schedule.minutes)}
    day, offset = start, _offset(start, zone)
    while day < end:
        next_day = day + _DAY
        next_offset = _offset(next_day, zone)
        runs: list[int] = []
        if schedule.minutes and schedule.on(day):
            if offset == next_offset:
                midnight = (day - _EPOCH).days * 86400 - offset
                runs = [midnight + minute * 60 for minute in (schedule.minutes[0], schedule.minutes[-1])]
                found |= within
            else:
                runs = _runs(schedule, day, (offset, next_offset), zone)
                found |= _steps(runs)
        if runs:
            if last is not None:
                found.add(runs[0] - last)
            last = runs[-1]
        day, offset = next_day, next_offset
    return found


def _steps(values: t.Sequence[int]) -> set[int]:
    return {after - before for before, after in zip(values, values[1:])}


def _offset(day: dt.date, zone: dt.tzinfo) -> int:
    """Return the offset of the zone from UTC at the start of the day, in seconds."""
    offset = dt.datetime(day.year, day.month, day.day, tzinfo=zone).utcoffset()
    return int(offset.total_seconds()) if offset is not None else 0


def _runs(schedule: Schedule, day: dt.date, offsets: tuple[int, int], zone: dt.tzinfo) -> list[int]:
    """Return the runs of a day with a clock change: none at a skipped time, two at a repeated time."""
    midnight = (day - _EPOCH).days * 86400
    found = {
        midnight + minute * 60 - offset
        for minute in schedule.minutes
        for offset in offsets
        if _offset_at(midnight + minute * 60 - offset, zone) == offset
    }
    return sorted(found)


def _offset_at(instant: int, zone: dt.tzinfo) -> int:
    offset = dt.datetime.fromtimestamp(instant, zone).utcoffset()
    return int(offset.total_seconds()) if offset is not None else 0
