# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compare the gaps of schedules with those of Kubernetes' own parser, robfig/cron 3.0.1."""

from __future__ import annotations

import datetime as dt
import itertools
import random
import re
import zoneinfo

import cronsim
import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _cron

HOUR = 3600
DAY = 24 * HOUR

# The longest time between two consecutive results of its Next() from 2026 to 2053.
GAPS = {
    ("17 */2 * * *", "Etc/UTC"): 2 * HOUR,
    ("0 */6 * * *", "Etc/UTC"): 6 * HOUR,
    ("* * * * *", "Etc/UTC"): 60,
    # Each minute of every sixth hour, then no run for five hours and a minute.
    ("* */6 * * *", "Etc/UTC"): 5 * HOUR + 60,
    # Lists, ranges, steps
    ("0,10,40 3,22 * * *", "Etc/UTC"): 66000,
    ("0 9,,17 * * *", "Etc/UTC"): 16 * HOUR,
    ("5/15 * * * *", "Etc/UTC"): 900,
    ("0 5/7 * * *", "Etc/UTC"): 10 * HOUR,
    ("0 1-23/5 * * *", "Etc/UTC"): 5 * HOUR,
    ("*-5 * * * *", "Etc/UTC"): 60,
    ("+5 007 * * *", "Etc/UTC"): DAY,
    # Nicknames
    ("@hourly", "Etc/UTC"): HOUR,
    ("@daily", "Etc/UTC"): DAY,
    ("@midnight", "Etc/UTC"): DAY,
    ("@weekly", "Etc/UTC"): 7 * DAY,
    ("@monthly", "Etc/UTC"): 31 * DAY,
    ("@yearly", "Etc/UTC"): 366 * DAY,
    ("@annually", "Etc/UTC"): 366 * DAY,
    ("@every 90m", "Etc/UTC"): 5400,
    ("@every 1500ms", "Etc/UTC"): 1,
    ("@every 10ms", "Etc/UTC"): 1,
    ("@every 90m", "Europe/Berlin"): 5400,
    # Names, and working days
    ("0 0 * * MON-fri", "Etc/UTC"): 3 * DAY,
    ("0 0 1 jan,jul *", "Etc/UTC"): 184 * DAY,
    ("0 8-18 * * mon-fri", "Etc/UTC"): 62 * HOUR,
    ("0 8-18 * * mon-fri", "Europe/Berlin"): 63 * HOUR,
    # Both fields of days: one match is enough, unless one field begins with a star that has no step above 1
    ("0 0 13 * fri", "Etc/UTC"): 7 * DAY,
    ("0 0 */2 * fri", "Etc/UTC"): 2 * DAY,
    ("0 0 13 * */2", "Etc/UTC"): 2 * DAY,
    ("0 0 * * */2", "Etc/UTC"): 2 * DAY,
    ("0 0 1-31 * fri", "Etc/UTC"): DAY,
    ("0 0 ? * fri", "Etc/UTC"): 7 * DAY,
    ("0 0 */1 * fri", "Etc/UTC"): 7 * DAY,
    # Months without a 31st, years without a February 29th
    ("0 0 31 * *", "Etc/UTC"): 61 * DAY,
    ("0 0 29 2 *", "Etc/UTC"): 1461 * DAY,
    # Clock changes: forward, where a skipped time has no run; back, where a repeated time has two runs
    ("17 */2 * * *", "Europe/Berlin"): 3 * HOUR,
    ("17 1-23/2 * * *", "Europe/London"): 3 * HOUR,
    ("17 */2 * * *", "America/New_York"): 3 * HOUR,
    ("0 */6 * * *", "Europe/Berlin"): 7 * HOUR,
    ("@hourly", "Europe/Berlin"): HOUR,
    ("@daily", "Europe/Berlin"): 25 * HOUR,
    ("30 2 * * *", "Europe/Berlin"): 47 * HOUR,
    ("30 2 * * *", "America/New_York"): 47 * HOUR,
    ("30 1 * * *", "America/New_York"): DAY,
    # Changes at midnight, in a zone of quarter hours, by two hours, by a rule that follows the moon, and no change
    ("0 0 * * *", "America/Santiago"): 47 * HOUR,
    ("0 0 * * *", "America/Havana"): 47 * HOUR,
    ("0 */3 * * *", "Asia/Beirut"): 5 * HOUR,
    ("17 */2 * * *", "Pacific/Chatham"): 3 * HOUR,
    ("0 */2 * * *", "Antarctica/Troll"): 2 * HOUR,
    ("0 */2 * * *", "Africa/Casablanca"): 3 * HOUR,
    ("0 */5 * * *", "Asia/Kolkata"): 5 * HOUR,
}


@pytest.mark.parametrize(("schedule", "zone"), GAPS)
def test_longest_gap(schedule: str, zone: str) -> None:
    assert _cron.gaps(schedule, zone, 2026).longest == GAPS[schedule, zone]


SHORTEST = {
    ("17 */2 * * *", "Etc/UTC"): 2 * HOUR,
    ("0,5 */2 * * *", "Etc/UTC"): 300,
    ("0 9-18 * * *", "Etc/UTC"): HOUR,
    ("0 0,23 * * *", "Etc/UTC"): HOUR,
    ("@every 90m", "Etc/UTC"): 5400,
    ("0 0 1 1 *", "Etc/UTC"): 365 * DAY,
    # A repeated time, and a skipped hour
    ("30 2 * * *", "Europe/Berlin"): HOUR,
    ("0 */6 * * *", "Europe/Berlin"): 5 * HOUR,
}


@pytest.mark.parametrize(("schedule", "zone"), SHORTEST)
def test_shortest_gap(schedule: str, zone: str) -> None:
    assert _cron.gaps(schedule, zone, 2026).shortest == SHORTEST[schedule, zone]


@pytest.mark.parametrize("year", [2025, 2027, 2028, 2031])
def test_the_gap_does_not_depend_on_the_year(year: int) -> None:
    """A role that runs every day must not compute another gap at New Year."""
    for schedule, zone in (("30 2 * * *", "Europe/Berlin"), ("0 0 29 2 *", "Etc/UTC"), ("0 0 13 * fri", "Etc/UTC")):
        assert _cron.gaps(schedule, zone, year).longest == GAPS[schedule, zone]


REJECTED = {
    "* * * *": "has 4 fields",
    "0 * * * * *": "has 6 fields",
    "": "has 0 fields",
    " @hourly": "has 1 fields",
    "60 * * * *": "minute has '60'",
    "0 24 * * *": "hour has '24'",
    "0 0 0 * *": "day of the month has '0'",
    "0 0 32 * *": "day of the month has '32'",
    "0 0 * 13 *": "month has '13'",
    "0 0 * 0 *": "month has '0'",
    "0 0 * * 7": "day of the week has '7': numbers range from 0 to 6",
    "5-1 * * * *": "minute has '5-1'",
    "*/0 * * * *": "a step is at least 1",
    "1-2-3 * * * *": "neither a number, a range nor a step",
    "1/2/3 * * * *": "neither a number, a range nor a step",
    "a * * * *": "'a' is not a number",
    "-5 * * * *": "'' is not a number",
    "1.5 * * * *": "'1.5' is not a number",
    "*/ * * * *": "'' is not a number",
    "٣ * * * *": "is not a number",
    "0 0 * foo *": "one of jan, feb",
    "0 0 * january *": "one of jan, feb",
    "0 0 l * *": "'l' is not a number",
    "0 0 * * fri#2": "one of sun, mon",
    "0 jan * * *": "'jan' is not a number",
    "@reboot": "is not supported. Use @yearly",
    "@Hourly": "is not supported. Use @yearly",
    "@every": "is not supported. Use @yearly",
    "@every 6": "is not a duration",
    "TZ=Europe/Berlin 0 * * * *": "has 6 fields",
}


@pytest.mark.parametrize("schedule", REJECTED)
def test_invalid_schedules(schedule: str) -> None:
    with pytest.raises(_cron.CronError) as error:
        _cron.gaps(schedule, "Etc/UTC", 2026)
    assert REJECTED[schedule] in str(error.value)


@pytest.mark.parametrize("schedule", ["0 0 30 2 *", "0 0 31 2,4,6,9,11 *", ", * * * *", "0 0 , * *"])
def test_schedules_that_never_run(schedule: str) -> None:
    with pytest.raises(_cron.CronError, match="never runs"):
        _cron.gaps(schedule, "Etc/UTC", 2026)


@pytest.mark.parametrize(
    "zone", ["Europe/Nowhere", "Local", "local", "", "Europe", "../etc/passwd", "/etc/localtime", "UTC+1"]
)
def test_unknown_time_zone(zone: str) -> None:
    with pytest.raises(_cron.CronError, match="no time zone"):
        _cron.gaps("@hourly", zone, 2026)


@pytest.mark.parametrize("zone", ["UTC", "Etc/UTC"])
def test_utc_needs_no_data(zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> dt.tzinfo:
        raise _cron.zoneinfo.ZoneInfoNotFoundError(name)

    monkeypatch.setattr(_cron.zoneinfo, "ZoneInfo", missing)
    assert _cron.gaps("@hourly", zone, 2026).longest == HOUR


ORACLE_YEAR, ORACLE_YEARS = 2027, 2
"""With the leap year 2028. Whole cycles of 28 years take cronsim minutes."""
ORACLE_ZONES = ("Etc/UTC", "Europe/Berlin", "America/New_York", "America/Santiago", "Pacific/Chatham", "Asia/Kolkata")


def some(random_source: random.Random, lowest: int, highest: int) -> str:
    """Return a number, a list, a range or a step, as one field of a schedule."""
    low, high = sorted(random_source.sample(range(lowest, highest + 1), 2))
    step = random_source.randint(2, 5)
    return random_source.choice([f"{low}", f"{low},{high}", f"{low}-{high}", f"*/{step}", f"{low}-{high}/{step}"])


def generated(count: int) -> list[tuple[str, str]]:
    """Build schedules and time zones, the same in every run. Most fields of days are stars, as in real schedules."""
    random_source = random.Random(1)
    found = []
    for _number in range(count):
        fields = [str(random_source.randrange(60)), some(random_source, 0, 23)]
        for lowest, highest in ((1, 31), (1, 12), (0, 6)):
            fields.append("*" if random_source.random() < 0.6 else some(random_source, lowest, highest))
        found.append((" ".join(fields), random_source.choice(ORACLE_ZONES)))
    return found


def for_cronsim(schedule: str) -> str:
    """Rewrite a schedule where cronsim, which follows Debian's cron, reads it in another way than robfig/cron.

    In Debian's cron a field of days that begins with a star, also one with a step, is no restriction: both must match.
    In robfig/cron a star with a step is a restriction: one of the two fields suffices. As a range it is one for both.

    The field of seconds turns off the treatment of changed clocks that Debian's cron has and robfig/cron has not: there
    a run at a skipped time comes later, and one at a repeated time comes once.

    robfig/cron's own forms (@every, ?, empty items) do not exist in cronsim. GAPS has them.
    """
    minute, hour, day, month, weekday = schedule.split()
    day, weekday = re.sub(r"^\*/", "1-31/", day), re.sub(r"^\*/", "0-6/", weekday)
    return f"0 {minute} {hour} {day} {month} {weekday}"


@pytest.mark.parametrize(("schedule", "zone"), generated(45))
def test_gaps_are_those_of_another_library(schedule: str, zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_cron, "_YEARS", ORACLE_YEARS)
    start = dt.datetime(ORACLE_YEAR, 1, 1, tzinfo=zoneinfo.ZoneInfo(zone))
    runs = itertools.takewhile(
        lambda run: run.year < ORACLE_YEAR + ORACLE_YEARS,
        # The first run that it returns is later than the time that it gets.
        cronsim.CronSim(for_cronsim(schedule), start - dt.timedelta(seconds=1)),
    )
    # Two times of one zone are subtracted by the clock, not by the time that passes.
    instants = [int(run.timestamp()) for run in runs]
    expected = {after - before for before, after in itertools.pairwise(instants)}
    assert _cron.gaps(schedule, zone, ORACLE_YEAR) == _cron.Gaps(max(expected), min(expected))
