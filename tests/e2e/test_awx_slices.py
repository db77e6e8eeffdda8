# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A job template that AWX slices: the slices run at the same time, share no cluster, and each requests one token."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from kubernetes import client

from support.aws import FakeAws
from support.awx import Job
from support.awx_guide import AwxGuide
from support.cluster.audit import AuditLog
from support.dockerconfig import auths_of

pytestmark = pytest.mark.role
Make = Callable[..., list[str]]
NAME = "ecr-public-secret"
SLICES = 3
CLUSTERS = 7


def hosts(job: Job) -> set[str]:
    """Return the hosts on which a job ran tasks."""
    return {event["event_data"]["host"] for event in job.events if event["event"] == "runner_on_start"}


def period(job: Job) -> tuple[dt.datetime, dt.datetime]:
    """Return the times of the first and the last event."""
    times = [dt.datetime.fromisoformat(event["created"]) for event in job.events]
    return min(times), max(times)


def test_slices_run_at_the_same_time_and_share_nothing(
    awx_guide: AwxGuide, core: client.CoreV1Api, aws: FakeAws, audit: AuditLog, make_namespaces: Make
) -> None:
    names = make_namespaces(*(f"c{number}" for number in range(CLUSTERS)))
    awx_guide.extend(dict(zip(names, names, strict=True)))
    slices = awx_guide.slices(SLICES)
    assert sorted(host for part in slices for host in part) == names
    assert {len(each) for each in slices} == {CLUSTERS // SLICES, CLUSTERS // SLICES + 1}
    ready = threading.Barrier(SLICES)

    def run(part: list[str]) -> Job:
        ready.wait()
        return awx_guide.renew(f"--limit={','.join(part)}", "--forks=2").ok()

    mark = audit.mark()
    with ThreadPoolExecutor(SLICES) as pool:
        jobs = list(pool.map(run, slices))
    periods = [period(job) for job in jobs]
    assert max(start for start, _end in periods) < min(end for _start, end in periods)
    assert [hosts(job) for job in jobs] == [set(part) for part in slices]

    # Each slice has a token of its own, and each cluster was written once.
    assert aws.calls == {"GetAuthorizationToken": SLICES}
    writes = audit.writes(since=mark, user=awx_guide.account)
    assert sorted(event["objectRef"]["namespace"] for event in writes) == names
    found = {
        name: auths_of(core.read_namespaced_secret(NAME, name).data)["public.ecr.aws"]["password"] for name in names
    }
    assert [len({found[name] for name in part}) for part in slices] == [1] * SLICES
    assert len(set(found.values())) == SLICES

    # All is done. The whole inventory in one job finds nothing to do, and so does the second job template.
    awx_guide.renew().ok()
    awx_guide.check().ok()
    assert aws.calls == {"GetAuthorizationToken": SLICES}
    assert audit.writes(since=mark, user=awx_guide.account) == writes
