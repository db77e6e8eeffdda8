# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The limits of retries while an API server fails, by a clock that only pauses move."""

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
def budget(clock: Clock) -> RetryBudget:
    return RetryBudget(now=clock.read, sleep=clock.sleep)


def exhaust(budget: RetryBudget) -> int:
    """Retry until the limit; return the number of attempts."""
    began = budget.now()
    attempt = 1
    budget.unserved(lost=True)
    while budget.wait(began, attempt):
        attempt += 1
    return attempt


def test_a_server_that_never_responded_has_a_short_limit(budget: RetryBudget, clock: Clock) -> None:
    assert 5 < exhaust(budget) < 20
    assert clock.now <= retry.SECONDS_UNTIL_FIRST_RESPONSE


def test_time_between_two_reads_of_the_clock_makes_no_pause_negative(clock: Clock) -> None:
    pauses: list[float] = []

    def read() -> float:
        clock.now += 0.03
        return clock.now

    assert exhaust(RetryBudget(now=read, sleep=pauses.append)) > 1
    assert min(pauses) > 0


def test_a_server_that_has_responded_has_the_time_of_a_restart(budget: RetryBudget, clock: Clock) -> None:
    budget.served()
    assert 15 < exhaust(budget) < 40
    assert retry.SECONDS - retry.LONGEST_PAUSE < clock.now <= retry.SECONDS


def test_the_budget_is_used_up_for_all_if_no_request_was_served(budget: RetryBudget, clock: Clock) -> None:
    budget.served()
    exhaust(budget)
    clock.now += retry.LONGEST_PAUSE + 1
    assert budget.used_up


def test_the_budget_is_not_used_up_while_a_request_is_served(budget: RetryBudget, clock: Clock) -> None:
    budget.served()
    exhaust(budget)
    budget.served()
    clock.now += 1000
    assert not budget.used_up


def test_time_without_requests_does_not_count(budget: RetryBudget, clock: Clock) -> None:
    budget.served()
    clock.now += 1000
    budget.unserved(lost=True)
    assert budget.wait(clock.now, 1)
    assert not budget.used_up


def test_a_server_that_came_back_is_given_time_to_settle(budget: RetryBudget, clock: Clock) -> None:
    seen = [budget.settling]
    for lost in (False, True):
        budget.unserved(lost=lost)
        budget.served()
        seen.append(budget.settling)
    clock.now += retry.SECONDS_TO_SETTLE
    assert [*seen, budget.settling] == [False, False, True, False]


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [("0", 0), ("7", 7), ("3600", retry.LONGEST_RETRY_AFTER)],
)
def test_retry_after_is_respected_up_to_a_limit(retry_after: str, seconds: float) -> None:
    assert retry.pause(1, retry_after) == seconds


@pytest.mark.parametrize("retry_after", [None, "", "soon", "-1", "nan", "1e9", "²", "Thu, 01 Jan 2026 00:00:00 GMT"])
@pytest.mark.parametrize(("attempt", "longest"), [(1, 0.5), (2, 1), (3, 2), (4, 4), (5, 4), (50, 4)])
def test_without_retry_after_pauses_double_up_to_a_limit(retry_after: str | None, attempt: int, longest: float) -> None:
    assert longest / 2 <= retry.pause(attempt, retry_after) <= longest


def test_pauses_differ_between_threads() -> None:
    assert len({retry.pause(3) for _unused in range(20)}) > 10


def test_a_stop_leaves_little_time_for_requests_in_progress(budget: RetryBudget, clock: Clock) -> None:
    budget.served()
    budget.stop("SIGTERM")
    exhaust(budget)
    assert clock.now <= retry.SECONDS_ONCE_STOPPED
    assert budget.stopped_by == "SIGTERM"


def test_a_stop_ends_a_pause_that_has_begun(clock: Clock) -> None:
    def sleep(seconds: float) -> None:
        clock.sleep(seconds)
        if clock.now > 1:
            stopped.stop("SIGINT")

    stopped = RetryBudget(now=clock.read, sleep=sleep)
    stopped.served()
    assert not stopped.wait(0, 1, retry_after="29")
    assert clock.now < 1.5


@pytest.fixture
def handlers() -> Iterator[None]:
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    # Under nohup SIGHUP is ignored.
    before = {number: signal.signal(number, signal.SIG_DFL) for number in numbers}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("handlers")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
def test_signals_are_recorded_and_the_first_is_named(budget: RetryBudget, number: signal.Signals) -> None:
    budget.listen()
    os.kill(os.getpid(), number)
    os.kill(os.getpid(), signal.SIGTERM)
    assert budget.stopped_by == number.name


@pytest.mark.usefixtures("handlers")
def test_a_signal_that_the_caller_ignores_stays_ignored(budget: RetryBudget) -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    budget.listen()
    os.kill(os.getpid(), signal.SIGHUP)
    assert budget.stopped_by == ""
