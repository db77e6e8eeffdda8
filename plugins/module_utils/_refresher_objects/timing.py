# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check a refresher's times: no token may expire between two runs. Private to this collection.

The window is the longest time until the next run is done: the longest gap of the schedule, plus the CronJob's starting
deadline, plus the Job's deadline. A token whose remaining lifetime is less than the window may expire before the next
run is done. A run that cannot renew such a token removes it.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils._cron import CronError, gaps
from ansible_collections.freshpull.ecr_public.plugins.module_utils._errors import OptionError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._options import read_duration
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.manifests import (
    STARTING_DEADLINE,
)

MINIMUM_DEADLINE = 180
"""Seconds. The program stops 90 s before the Job's deadline, and needs the rest for retries."""
LATEST_FAIL_OPEN = 4 * 3600
"""Seconds. A larger fail_open_before has no effect: it counts as at most a third of a token's lifetime of 12 hours."""
# The minute depends on the API server's address, which is not known here. The gaps are the same for each minute.
_DEFAULT_SCHEDULE = "0 */2 * * *"
# A star as the minute, and an hour that is not a star.
_EVERY_MINUTE_OF_SOME_HOURS = re.compile(r"[*?](/1)?\s+[^*?\s]|[*?](/1)?\s+[*?]/")


@dataclasses.dataclass(frozen=True)
class Times:
    """The times of a refresher. renew_before and fail_open_before: seconds of remaining lifetime."""

    renew_before: int
    fail_open_before: int
    warnings: tuple[str, ...] = ()


def read(params: t.Mapping[str, t.Any], year: int) -> Times:
    """Read and check the times. Raises OptionError. year: the first year in which the schedule's gaps are computed."""
    schedule, zone, deadline = params["schedule"], params["time_zone"], params["active_deadline"]
    if deadline < MINIMUM_DEADLINE:
        raise OptionError(f"active_deadline: {deadline} seconds are too few. Use {MINIMUM_DEADLINE} or more.")
    if _EVERY_MINUTE_OF_SOME_HOURS.match(schedule):
        raise OptionError(
            f"schedule: {schedule!r} would run at each minute of these hours. Set a minute: '17 */6 * * *' runs once "
            "in each of its hours."
        )
    try:
        found = gaps(schedule or _DEFAULT_SCHEDULE, zone, year)
    except CronError as exc:
        raise OptionError(f"schedule and time_zone: {exc}.") from exc
    if found.shortest <= deadline:
        raise OptionError(
            f"schedule: two runs of {schedule!r} are only {found.shortest} seconds apart, and a run may take "
            f"active_deadline ({deadline} seconds): the next run would end it. Use a schedule that runs less often, "
            "such as '17 */2 * * *'."
        )
    gap = found.longest
    renew_before = _seconds("renew_before", params["renew_before"])
    window = gap + STARTING_DEADLINE + deadline
    words = (
        f"The longest time between two runs of the refresher is {gap / 3600:.1f} hours "
        f"({schedule or _DEFAULT_SCHEDULE!r} in {zone}). With {STARTING_DEADLINE} seconds for the start of a run and "
        f"{deadline} for its work, up to {window / 3600:.1f} hours pass until the next run is done"
    )
    if window >= renew_before:
        raise OptionError(
            f"schedule: {words}. That must be less than renew_before ({params['renew_before']}), or a token may expire "
            "before it is renewed. Use a schedule that runs more often, such as '17 */2 * * *'."
        )
    fail_open_before = _fail_open_before(params, renew_before, window)
    if renew_before >= fail_open_before + gap and window <= LATEST_FAIL_OPEN:
        return Times(renew_before, fail_open_before)
    warning = (
        f"schedule: {words}. A renewal that fails may have no second chance before the token is removed or expires, "
        f"since renew_before is {params['renew_before']}. Use a schedule that runs more often, such as "
        "'17 */2 * * *'."
    )
    return Times(renew_before, fail_open_before, (warning,))


def _fail_open_before(params: t.Mapping[str, t.Any], renew_before: int, window: int) -> int:
    given = params["fail_open_before"]
    if not given:
        return window
    seconds = _seconds("fail_open_before", given)
    if params["fail_open"] and not window <= seconds < renew_before:
        raise OptionError(
            f"fail_open_before: {given} must be less than renew_before ({params['renew_before']}), and at least the "
            f"{window} seconds that may pass until the next run of the refresher is done, or a token may expire before "
            "that. Leave the option empty to use this time."
        )
    return seconds


def _seconds(option: str, duration: str) -> int:
    """Return whole seconds of a Go duration. Raises OptionError."""
    seconds = int(read_duration(option, duration).total_seconds())
    if seconds < 1:
        raise OptionError(f"{option}: {duration} is too short. Use 1s or more.")
    return seconds
