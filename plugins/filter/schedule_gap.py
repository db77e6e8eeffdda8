# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: schedule_gap
author:
  - freshpull contributors (@freshpull)
version_added: 1.0.0
short_description: Compute the longest time between two runs of a Kubernetes CronJob
description:
  - Computes the longest time between the starts of two consecutive runs of a CronJob from its schedule, in seconds.
    Clock changes and leap years are included.
  - A token must be valid for longer than this gap, because it is renewed only when the CronJob runs.
  - It parses schedules as Kubernetes does, and computes the runs of 28 years from the start of the current year.
positional: time_zone
options:
  _input:
    description:
      - Five fields (minute, hour, day of the month, month and day of the week), or one of C(@hourly), C(@daily),
        C(@midnight), C(@weekly), C(@monthly), C(@yearly), C(@annually) and C(@every 90m).
      - A field is a list of numbers, ranges (V(8-17)), steps (V(*/15), V(8-17/3), and V(5/15) for V(5-59/15)), and in
        the last two fields English names of three letters (V(mon-fri)). Sunday is V(0), never V(7).
      - If both the day of the month and the day of the week are restricted, a day needs to match only one of them. A
        field that begins with V(*) or V(?) and has no step above 1 is not restricted.
    type: str
    required: true
  time_zone:
    description:
      - The CronJob's time zone, by its IANA name.
      - After a clock change, a skipped time has no run and a repeated time has two runs.
    type: str
    default: Etc/UTC
notes:
  - Time zones other than V(Etc/UTC) and V(UTC) are read on the control node, from its system or from the Python library
    C(tzdata).
  - Kubernetes can skip a run that this filter counts in time zones with clock changes of half an hour
    (V(Australia/Lord_Howe)), and in time zones with clock changes at midnight (such as V(Africa/Cairo)) if the schedule
    does not run every day.
seealso:
  - plugin: freshpull.ecr_public.duration
    plugin_type: filter
  - name: CronJob
    description: Kubernetes documentation of schedules and time zones.
    link: https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/
"""

EXAMPLES = r"""
- name: Reject a schedule with gaps of more than 6 hours
  ansible.builtin.assert:
    that: schedule | freshpull.ecr_public.schedule_gap <= 6 * 3600
  vars:
    schedule: 17 */2 * * *  # 7200

- name: Show the longest gap of a run every 2 hours, which is at the clock change in spring
  ansible.builtin.debug:
    msg: "{{ '17 */2 * * *' | freshpull.ecr_public.schedule_gap('Europe/Berlin') }}"  # 10800

- name: Show the longest gap of a job that runs on working days
  ansible.builtin.debug:
    msg: "{{ '0 8-18 * * mon-fri' | freshpull.ecr_public.schedule_gap(time_zone='Europe/Berlin') }}"  # 226800
"""

RETURN = r"""
_value:
  description: The longest gap, in seconds.
  type: int
  sample: 7200
"""

import datetime as dt
import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.freshpull.ecr_public.plugins.module_utils._cron import CronError, gaps


def schedule_gap(schedule: t.Any, time_zone: t.Any = "Etc/UTC") -> int:
    """Compute the longest gap in seconds. Raises AnsibleFilterError."""
    for name, value in (("the schedule", schedule), ("time_zone", time_zone)):
        if not isinstance(value, str):
            raise AnsibleFilterError(f"schedule_gap: {name} must be a text, not {type(value).__name__}")
    try:
        return gaps(schedule, time_zone, dt.datetime.now(tz=dt.timezone.utc).year).longest
    except CronError as error:
        raise AnsibleFilterError(f"schedule_gap: {error}") from error


class FilterModule:
    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"schedule_gap": schedule_gap}
