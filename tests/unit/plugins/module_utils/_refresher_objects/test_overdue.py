# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs that are older than their deadline, also with unexpected content."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.overdue import overdue

NOW = dt.datetime(2026, 1, 1, 12, tzinfo=dt.timezone.utc)


def job(spec: Any, status: Any) -> dict[str, Any]:
    metadata = {"name": "j", "namespace": "n", "creationTimestamp": "2026-01-01T11:00:00Z"}
    return {"metadata": metadata, "spec": spec, "status": status}


@pytest.mark.parametrize(
    ("spec", "status", "found"),
    [
        ({"activeDeadlineSeconds": 600}, {"active": 1, "startTime": "2026-01-01T11:00:00Z"}, True),
        ({"activeDeadlineSeconds": 600}, {"active": 1}, True),
        ({"activeDeadlineSeconds": 600}, {"terminating": 1, "startTime": "2026-01-01T11:00:00Z"}, True),
        ({"activeDeadlineSeconds": 600}, {"active": 1, "startTime": "2026-01-01T11:48:30Z"}, False),
        ({"activeDeadlineSeconds": 600}, {"succeeded": 1, "startTime": "2026-01-01T11:00:00Z"}, False),
        ({"activeDeadlineSeconds": 600}, {"active": 1, "startTime": "yesterday"}, False),
        ({"activeDeadlineSeconds": 600}, {"active": 1, "startTime": "0001-01-01T00:00:00+01:00"}, False),
        ({}, {"active": 1, "startTime": "2026-01-01T11:00:00Z"}, False),
        (None, None, False),
    ],
)
def test_a_job_is_overdue(spec: Any, status: Any, found: bool) -> None:
    assert bool(overdue([job(spec, status)], NOW)) == found


def test_the_warning_names_the_job_and_the_next_step() -> None:
    (words,) = overdue([job({"activeDeadlineSeconds": 600}, {"active": 1})], NOW)
    assert "Job n/j is older than its deadline of 600 s" in words
    assert "kubectl describe job" in words
