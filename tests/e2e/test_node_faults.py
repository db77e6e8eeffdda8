# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The refresher in real pods while AWS or the API server fails, and when the program is killed during its writes."""

from __future__ import annotations

import os
import signal
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from support.aws import FakeAws
from support.cluster.audit import AuditLog
from support.faults import AFTER, BEFORE, Fault
from support.proxied_role import ProxiedRole
from support.workloads import wait_for

pytestmark = pytest.mark.node
COUNT = 30


@pytest.fixture(scope="module")
def place(make_proxied_role: Callable[..., ProxiedRole]) -> ProxiedRole:
    return make_proxied_role(COUNT)


@pytest.fixture(autouse=True)
def healthy(place: ProxiedRole, aws: FakeAws) -> None:
    place.heal(aws)


OUTAGES: dict[str, tuple[dict[str, Any], str]] = {
    "throttled": ({"throttle": 1000}, "throttled ecr-public:GetAuthorizationToken"),
    "denied": ({"deny": "ecr-public:GetAuthorizationToken"}, "lacks ecr-public:GetAuthorizationToken"),
    "unreachable": ({"drop": 1000}, "No response from"),
    "wrong clock": ({"clock_skew": 3600}, "clock is"),
}


@pytest.mark.parametrize(("behaviour", "words"), OUTAGES.values(), ids=OUTAGES)
def test_aws_fails_and_recovers(place: ProxiedRole, aws: FakeAws, behaviour: dict[str, Any], words: str) -> None:
    """Only tokens that expire before the next run are removed, and the next run with a token restores the entries."""
    fresh, due, expiring, expired = place.role.namespaces[:4]
    place.age(5, due)
    place.age(2, expiring)
    place.age(-1, expired)
    uids, before = place.uids(), place.passwords()
    aws.behave(**behaviour)
    ended, results = place.refresh()
    assert (ended.succeeded, ended.exit_code) == (False, 1)
    assert words in ended.message
    assert [results[name] for name in (fresh, due, expiring, expired)] == [
        ("unchanged", "fresh"),
        ("failed", "kept"),
        ("failed_open", "due"),
        ("failed_open", "expired"),
    ]
    assert place.passwords() == {**before, expiring: None, expired: None}

    aws.behave(throttle=0, deny=None, drop=0, clock_skew=0)
    ended, results = place.refresh()
    assert ended.succeeded, ended
    assert [results[name] for name in (fresh, due, expiring, expired)] == [
        ("unchanged", "fresh"),
        ("renewed", "due"),
        ("renewed", "restored"),
        ("renewed", "restored"),
    ]
    assert place.passwords() == {**before, **dict.fromkeys((due, expiring, expired), aws.tokens[-1])}
    assert place.uids() == uids


def test_a_short_throttling_is_retried(place: ProxiedRole, aws: FakeAws) -> None:
    place.age(5, *place.role.namespaces)
    aws.behave(throttle=2)
    ended, _results = place.refresh()
    assert (ended.succeeded, ended.message.strip()) == (True, f"{COUNT} renewed")
    assert aws.calls == {"GetAuthorizationToken": 3}


def test_the_api_server_restarts(place: ProxiedRole, aws: FakeAws, audit: AuditLog) -> None:
    """The API server restarts during the writes, for 8 seconds, and at first denies the refresher's permissions."""
    place.age(5, *place.role.namespaces)
    down = Fault(strikes=BEFORE, times=0)
    denying = Fault(strikes=BEFORE, status=403, times=0)

    def come_back() -> None:
        denying.times, down.times = 10, 0

    def shut_down() -> None:
        down.times = float("inf")
        threading.Timer(8, come_back).start()

    for fault in (down, denying, Fault("PATCH", skip=10, times=1, meanwhile=shut_down)):
        place.proxy.inject(fault)
    uids, mark = place.uids(), audit.mark()
    ended, _results = place.refresh()
    assert (ended.succeeded, ended.message.strip()) == (True, f"{COUNT} renewed")
    assert down.hits > 0
    assert denying.hits == 10
    assert place.done(audit, mark) == dict.fromkeys(place.role.namespaces, 1)
    assert set(place.passwords().values()) == {aws.tokens[-1]}
    assert place.uids() == uids
    assert aws.calls == {"GetAuthorizationToken": 1}


def test_responses_that_are_lost(place: ProxiedRole, aws: FakeAws, audit: AuditLog) -> None:
    """The server carries out writes whose response is lost: the next read detects them, and none is made twice."""
    place.age(5, *place.role.namespaces)
    place.proxy.inject(Fault("PATCH", times=3, strikes=AFTER))
    place.proxy.inject(Fault("GET", times=3, strikes=AFTER))
    mark = audit.mark()
    ended, results = place.refresh()
    assert ended.succeeded, ended
    assert Counter(action for action, _reason in results.values()) == {"renewed": COUNT}
    assert place.done(audit, mark) == dict.fromkeys(place.role.namespaces, 1)
    assert set(place.passwords().values()) == {aws.tokens[-1]}


def test_killed_during_the_writes(place: ProxiedRole, aws: FakeAws, audit: AuditLog) -> None:
    """Each secret is complete, with the old or the new token, and the next run renews exactly the rest."""
    place.age(5, *place.role.namespaces)
    uids, before, mark = place.uids(), place.passwords(), audit.mark()
    place.proxy.inject(Fault("PATCH", delay=0.3))
    with ThreadPoolExecutor() as pool:
        job = pool.submit(place.refresh)
        wait_for(lambda: len(place.proxy.times("PATCH")) >= 10, "ten writes")
        os.kill(program_of_the_pod(), signal.SIGKILL)
        ended, _results = job.result()
    assert (ended.succeeded, ended.exit_code) == (False, 128 + signal.SIGKILL)
    first = place.done(audit, mark)
    assert 10 <= len(first) < COUNT
    after = place.passwords()
    assert {name for name in after if after[name] != before[name]} == set(first)
    assert {after[name] for name in first} == {aws.tokens[-1]}

    place.proxy.heal()
    ended, results = place.refresh()
    assert ended.succeeded, ended
    rest = COUNT - len(first)
    assert Counter(results.values()) == {("unchanged", "fresh"): len(first), ("renewed", "due"): rest}
    assert place.done(audit, mark) == dict.fromkeys(place.role.namespaces, 1)
    assert place.uids() == uids


def program_of_the_pod() -> int:
    """Return the process ID, on this host, of the program: the first process in its container."""
    found = [
        int(directory.name)
        for directory in Path("/proc").iterdir()
        if directory.name.isdigit() and _is_program(directory)
    ]
    assert len(found) == 1
    return found[0]


def _is_program(process: Path) -> bool:
    try:
        command = (process / "cmdline").read_text().rstrip("\0").split("\0")
        (inside,) = [line for line in (process / "status").read_text().splitlines() if line.startswith("NSpid:")]
    except OSError:  # the process has ended
        return False
    return command[:3] == ["python3", "-I", "-c"] and inside.split()[-1] == "1"
