# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long an API server in trouble is borne with, by a clock that only pauses move."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes import retry
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.retry import RetryBudget


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def read(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def patience(clock: Clock) -> RetryBudget:
    return RetryBudget(clock.read, clock.sleep)


def exhaust(patience: RetryBudget) -> int:
    """Bear with it until that is over; the number of tries."""
    began = patience.now()
    attempt = 1
    patience.unserved(lost=True)
    while patience.wait(began, attempt):
        attempt += 1
    return attempt


def test_a_server_that_never_answered_is_given_up_early(patience: RetryBudget, clock: Clock) -> None:
    assert 5 < exhaust(patience) < 20
    assert clock.now <= retry.SECONDS_UNTIL_FIRST_RESPONSE


def test_time_that_passes_between_two_looks_at_the_clock_makes_no_pause_negative(clock: Clock) -> None:
    pauses: list[float] = []

    def read() -> float:
        clock.now += 0.03
        return clock.now

    assert exhaust(RetryBudget(read, pauses.append)) > 1
    assert min(pauses) > 0


def test_one_that_did_may_take_as_long_as_a_restart(patience: RetryBudget, clock: Clock) -> None:
    patience.served()
    assert 15 < exhaust(patience) < 40
    assert retry.SECONDS - retry.LONGEST_PAUSE < clock.now <= retry.SECONDS


def test_it_runs_out_for_all_where_nobody_was_served(patience: RetryBudget, clock: Clock) -> None:
    patience.served()
    exhaust(patience)
    clock.now += retry.LONGEST_PAUSE + 1
    assert patience.used_up


def test_it_does_not_run_out_for_others_while_one_is_served(patience: RetryBudget, clock: Clock) -> None:
    patience.served()
    exhaust(patience)
    patience.served()
    clock.now += 1000
    assert not patience.used_up


def test_time_without_requests_does_not_count(patience: RetryBudget, clock: Clock) -> None:
    patience.served()
    clock.now += 1000
    patience.unserved(lost=True)
    assert patience.wait(clock.now, 1)
    assert not patience.used_up


def test_a_server_that_came_back_is_given_time_to_settle(patience: RetryBudget, clock: Clock) -> None:
    seen = [patience.settling]
    for lost in (False, True):
        patience.unserved(lost=lost)
        patience.served()
        seen.append(patience.settling)
    clock.now += retry.SECONDS_TO_SETTLE
    assert [*seen, patience.settling] == [False, False, True, False]


@pytest.mark.parametrize(
    ("wish", "seconds"),
    [("0", 0), ("7", 7), ("3600", retry.LONGEST_RETRY_AFTER)],
)
def test_the_server_s_wish_is_granted_within_reason(wish: str, seconds: float) -> None:
    assert retry.pause(1, wish) == seconds


@pytest.mark.parametrize("wish", [None, "", "soon", "-1", "nan", "1e9", "²", "Thu, 01 Jan 2026 00:00:00 GMT"])
@pytest.mark.parametrize(("attempt", "longest"), [(1, 0.5), (2, 1), (3, 2), (4, 4), (5, 4), (50, 4)])
def test_without_one_pauses_double_up_to_a_limit(wish: str | None, attempt: int, longest: float) -> None:
    assert longest / 2 <= retry.pause(attempt, wish) <= longest


def test_pauses_differ_so_that_threads_do_not_come_back_together() -> None:
    assert len({retry.pause(3) for _unused in range(20)}) > 10


def test_a_stop_leaves_little_time_to_what_is_under_way(patience: RetryBudget, clock: Clock) -> None:
    patience.served()
    patience.stop("SIGTERM")
    exhaust(patience)
    assert clock.now <= retry.SECONDS_ONCE_STOPPED
    assert patience.stopped_by == "SIGTERM"


def test_a_stop_ends_a_pause_that_has_begun(clock: Clock) -> None:
    def sleep(seconds: float) -> None:
        clock.sleep(seconds)
        if clock.now > 1:
            stopped.stop("SIGINT")

    stopped = RetryBudget(clock.read, sleep)
    stopped.served()
    assert not stopped.wait(0, 1, retry_after="29")
    assert clock.now < 1.5


@pytest.fixture
def handlers() -> Iterator[None]:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.getsignal(number) for number in numbers}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("handlers")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
def test_signals_are_noted_and_the_first_one_is_named(patience: RetryBudget, number: signal.Signals) -> None:
    patience.listen()
    os.kill(os.getpid(), number)
    os.kill(os.getpid(), signal.SIGTERM)
    assert patience.stopped_by == number.name


@pytest.mark.usefixtures("handlers")
def test_a_signal_that_the_caller_ignores_stays_ignored(patience: RetryBudget) -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    patience.listen()
    os.kill(os.getpid(), signal.SIGHUP)
    assert patience.stopped_by == ""
