# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find Jobs that should have ended, as a pure function. Private to this collection.

The next run replaces such a Job, but its pod or its node has a problem.
"""

from __future__ import annotations

import datetime as dt
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils._time import TimeError, parse_time

GRACE = dt.timedelta(minutes=2)
"""The Job controller may end a Job this long after its deadline, since pods have a grace period."""


def overdue(jobs: t.Iterable[t.Mapping[str, t.Any]], now: dt.datetime) -> list[str]:
    """Return a warning for each active Job that is older than its deadline."""
    return [_warning(job) for job in jobs if _is_overdue(job, now)]


def _is_overdue(job: t.Mapping[str, t.Any], now: dt.datetime) -> bool:
    status, seconds = job.get("status") or {}, (job.get("spec") or {}).get("activeDeadlineSeconds")
    if not (status.get("active") or status.get("terminating")) or not isinstance(seconds, int):
        return False
    try:
        started = parse_time(status.get("startTime") or job["metadata"]["creationTimestamp"])
    except (TimeError, KeyError, OverflowError):
        return False
    return now - started > dt.timedelta(seconds=seconds) + GRACE


def _warning(job: t.Mapping[str, t.Any]) -> str:
    metadata = job["metadata"]
    return (
        f"Job {metadata['namespace']}/{metadata['name']} is older than its deadline of "
        f"{job['spec']['activeDeadlineSeconds']} s and still has a pod, perhaps on a node that is gone. The next run "
        "replaces the Job. kubectl describe job shows the pod: force its deletion or delete its node."
    )
