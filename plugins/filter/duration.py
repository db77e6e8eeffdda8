# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: duration
author:
  - freshpull contributors (@freshpull)
version_added: 1.0.0
short_description: Convert a Go duration to seconds
description:
  - Converts a duration in the format of Go and Kubernetes, such as V(8h) or V(1h30m), to seconds.
  - It accepts the same values as the option O(freshpull.ecr_public.ecr_public_pull_secret#module:renew_before).
options:
  _input:
    description:
      - Numbers with the units C(h), C(m), C(s), C(ms), C(us) and C(ns). Decimals are allowed.
      - The duration must be more than 0 and less than a year.
    type: str
    required: true
seealso:
  - plugin: freshpull.ecr_public.schedule_gap
    plugin_type: filter
  - name: ParseDuration
    description: The format, as Go defines it.
    link: https://pkg.go.dev/time#ParseDuration
"""

EXAMPLES = r"""
- name: Check that a token is renewed in time
  ansible.builtin.assert:
    that: renew_before | freshpull.ecr_public.duration > schedule | freshpull.ecr_public.schedule_gap
  vars:
    renew_before: 8h  # 28800
    schedule: 17 */2 * * *  # 7200

- name: Show the seconds of a duration
  ansible.builtin.debug:
    msg: "{{ '1h30m' | freshpull.ecr_public.duration }}"  # 5400
"""

RETURN = r"""
_value:
  description: The seconds. Whole seconds are an integer.
  type: float
  sample: 5400
"""

import typing as t

from ansible.errors import AnsibleFilterError

from ansible_collections.freshpull.ecr_public.plugins.module_utils._time import TimeError, parse_duration


def duration(text: t.Any) -> float:
    """Convert a Go duration to seconds. Raises AnsibleFilterError."""
    if not isinstance(text, str):
        raise AnsibleFilterError(f"duration: the value must be a text such as 8h or 1h30m, not {type(text).__name__}")
    try:
        seconds = parse_duration(text).total_seconds()
    except TimeError as error:
        raise AnsibleFilterError(f"duration: {error}") from error
    return int(seconds) if seconds.is_integer() else seconds


class FilterModule:
    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"duration": duration}
