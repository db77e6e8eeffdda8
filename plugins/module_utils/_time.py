# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Times and durations as text. Private to this collection."""

from __future__ import annotations

import datetime as dt
import re

from ansible_collections.freshpull.ecr_public.plugins.module_utils._errors import CollectionError

_DURATION_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)")


class TimeError(CollectionError):
    """A text that is not a time or not a duration. The message quotes it."""


def parse_time(text: str) -> dt.datetime:
    """An ISO 8601 time as aware UTC; without a zone it is taken as UTC. Raises TimeError."""
    try:
        # Python before 3.11 does not read the Z.
        time = dt.datetime.fromisoformat(text[:-1] + "+00:00" if text.endswith("Z") else text)
        return time.replace(tzinfo=dt.timezone.utc) if time.tzinfo is None else time.astimezone(dt.timezone.utc)
    except (OverflowError, ValueError) as exc:
        # An offset can move a time beyond the first or the last year.
        raise TimeError(f"{text!r} is not a time such as 2026-01-02T03:04:05Z") from exc


def format_time(time: dt.datetime) -> str:
    """2026-01-02T03:04:05Z, in UTC and whole seconds."""
    return time.astimezone(dt.timezone.utc).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def parse_duration(text: str) -> dt.timedelta:
    """A positive Go duration such as 8h, 1h30m or 90s (https://pkg.go.dev/time#ParseDuration). Raises TimeError."""
    seconds, position = 0.0, 0
    for part in _DURATION_PART.finditer(text):
        if part.start() != position:
            break
        seconds += float(part.group(1)) * _DURATION_UNITS[part.group(2)]
        position = part.end()
    if not text or position != len(text):
        raise TimeError(f"{text!r} is not a duration such as 8h, 1h30m or 90s")
    if not 0 < seconds < 366 * 86400:
        raise TimeError(f"the duration {text!r} must be more than 0 and less than a year")
    return dt.timedelta(seconds=seconds)
