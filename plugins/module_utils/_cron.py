# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Schedules of Kubernetes' CronJobs, and the time between two of their runs. Private to this collection.

Kubernetes reads schedules with the Go package robfig/cron, version 3. What that takes is taken here, what it refuses is
refused, and the days of the month and of the week combine as there.
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

# These need no data base of time zones, which a slim container may lack.
_UTC = ("UTC", "Etc/UTC")

# After so many years weekdays, leap years and rules such as "the last Sunday of March" have met in every way they can.
_YEARS = 28


class CronError(CollectionError):
    """A schedule or time zone that Kubernetes would not take, or a schedule that never comes."""


@dataclasses.dataclass(frozen=True)
class _Field:
    """One of the five: what it is called, its lowest and highest number, and names that stand for numbers."""

    title: str
    lowest: int
    highest: int
    names: tuple[str, ...] = ()

    def parse(self, text: str) -> tuple[frozenset[int], bool]:
        """The numbers that it lists, and whether a star is among them. An empty item is passed over, as there."""
        items = [self._item(item) for item in text.split(",") if item]
        return frozenset(itertools.chain.from_iterable(numbers for numbers, _star in items)), any(
            star for _numbers, star in items
        )

    def _item(self, text: str) -> tuple[range, bool]:
        span, *steps = text.split("/")
        low, *high = span.split("-")
        star = low in ("*", "?")
        if len(steps) > 1 or (len(high) > 1 and not star):
            raise CronError(f"the {self.title} has {text!r}, which is neither a number, a range nor a step")
        step = self._number(steps[0], text) if steps else 1
        first, last = self.lowest, self.highest
        if not star:
            first = self._value(low, text)
            # A single number with a step goes on to the end: 5/15 is 5-59/15.
            last = self._value(high[0], text) if high else self.highest if steps else first
        if not self.lowest <= first <= last <= self.highest or step == 0:
            raise CronError(
                f"the {self.title} has {text!r}: numbers go up from {self.lowest} to {self.highest}, "
                "a step is at least 1"
            )
        # A star with a step is none: of */2 in one of the two fields of days the other one is no longer a limit.
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
    """When a CronJob runs, by the clock of its time zone."""

    minutes: tuple[int, ...]
    """Of the day, in order."""

    months: frozenset[int]
    days: frozenset[int]
    weekdays: frozenset[int]

    any_day: bool
    """Whether a day of the month or of the week suffices. With a star in one of the fields both must match."""

    @classmethod
    def parse(cls, text: str) -> Schedule:
        """From five fields or a nickname such as @hourly. Raises CronError."""
        parts = _NICKNAMES.get(text, text).split()
        if text.startswith("@") and text not in _NICKNAMES:
            raise CronError(f"{text!r} is none of {', '.join(_NICKNAMES)} and @every with a duration")
        if len(parts) != len(_FIELDS):
            titles = ", ".join(field.title for field in _FIELDS)
            raise CronError(f"{text!r} has {len(parts)} fields; the five are {titles}")
        fields = [field.parse(part) for field, part in zip(_FIELDS, parts)]
        minutes, hours, days, months, weekdays = (numbers for numbers, _star in fields)
        times = tuple(sorted(hour * 60 + minute for hour in hours for minute in minutes))
        return cls(times, months, days, weekdays, any_day=not fields[2][1] and not fields[4][1])

    def on(self, day: dt.date) -> bool:
        """Whether it runs on this day."""
        of_month, of_week = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        return day.month in self.months and (of_month or of_week if self.any_day else of_month and of_week)


@dataclasses.dataclass(frozen=True)
class Gaps:
    """The most and the fewest seconds between the starts of two runs in a row."""

    longest: int
    shortest: int


def gaps(text: str, time_zone: str, year: int) -> Gaps:
    """Of a schedule, from the year on. Raises CronError."""
    zone = _zone(time_zone)
    if text.startswith(_EVERY):
        try:
            # Kubernetes drops what is less than a second, and takes a second for less than that.
            seconds = max(1, int(parse_duration(text[len(_EVERY) :]).total_seconds()))
        except TimeError as error:
            raise CronError(f"{text!r}: {error}") from error
        return Gaps(seconds, seconds)
    found = _gaps(Schedule.parse(text), zone, dt.date(year, 1, 1), dt.date(year + _YEARS, 1, 1))
    if not found:
        raise CronError(f"{text!r} never comes: no day is what it asks for")
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
        f"there is no time zone {name!r} here: write it as the IANA does, such as Europe/Berlin, and see that the "
        "host that runs this has the time zones (Debian's package tzdata, or Python's)"
    )


def _gaps(schedule: Schedule, zone: dt.tzinfo, start: dt.date, end: dt.date) -> set[int]:
    """Day by day. Only where the clocks change are the single runs looked at: all other days are alike."""
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
    """Seconds that the zone is ahead of UTC when the day begins."""
    offset = dt.datetime(day.year, day.month, day.day, tzinfo=zone).utcoffset()
    return int(offset.total_seconds()) if offset is not None else 0


def _runs(schedule: Schedule, day: dt.date, offsets: tuple[int, int], zone: dt.tzinfo) -> list[int]:
    """The runs of a day on which the clocks change: none at a time that is skipped, two at one that comes twice."""
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
