# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decide whether a request is sent again, and when. Private to this collection.

Retries a request for a while, so that a restart of the API server costs time and nothing else. A thousand namespaces
must not each wait for a server that stays away: all requests of a task share one RetryBudget. Once it is used up for
one request while no other was served, it is used up for all.
"""

from __future__ import annotations

import math
import random
import signal
import time
import typing as t

SECONDS = 60.0
"""For one request, from its first try to the start of its last. A restart of an API server takes less."""
SECONDS_UNTIL_FIRST_RESPONSE = 15.0
"""The same until the server has responded once. Before that, its address is probably wrong."""
SECONDS_TO_SETTLE = 15.0
"""After a restart an API server does not know all accounts and permissions at once: until then 403 may be wrong."""
SECONDS_ONCE_STOPPED = 10.0
"""For the requests that are running when a signal arrives."""
LONGEST_PAUSE = 4.0
LONGEST_RETRY_AFTER = 30.0
"""A longer Retry-After of the server is cut to this."""
_STEP = 0.1


class RetryBudget:
    """Shared by all requests of one task, from many threads. Its clock is that of `now`, in seconds."""

    def __init__(
        self, *, now: t.Callable[[], float] = time.monotonic, sleep: t.Callable[[float], None] = time.sleep
    ) -> None:
        self.now = now
        self._sleep = sleep
        self._served = False
        self._unserved_since = math.inf
        self._lost_at = -math.inf
        self._ends = math.inf
        self.stopped_by = ""
        """The signal that stops the task, or ""."""

    def listen(self) -> None:
        """Let signals stop the task, instead of ending it between two writes that belong together.

        Call it in the main thread. Signals that the caller ignores, as nohup ignores SIGHUP, stay ignored.
        """
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, lambda received, _frame: self.stop(signal.Signals(received).name))

    def stop(self, signal_name: str) -> None:
        """Let running requests end soon. It runs in a signal handler, so it takes no lock."""
        if not self.stopped_by:
            self._ends = self.now() + SECONDS_ONCE_STOPPED
            self.stopped_by = signal_name

    def served(self) -> None:
        """Record a response that settles a request, success or rejection."""
        self._served = True
        self._unserved_since = math.inf

    def unserved(self, lost: bool) -> None:
        """Record a request that was not served. lost: no response came, so the server may be restarting."""
        self._unserved_since = min(self._unserved_since, self.now())
        if lost:
            self._lost_at = self.now()

    @property
    def reached(self) -> bool:
        """Whether a request of this task was served, which shows that the address is right."""
        return self._served

    @property
    def settling(self) -> bool:
        """Whether the server may have restarted a moment ago."""
        return self.now() < self._lost_at + SECONDS_TO_SETTLE

    @property
    def used_up(self) -> bool:
        """Whether no request was served for so long that another one is not worth a try."""
        return self.now() > self._unserved_since + self._seconds

    def wait(self, began: float, attempt: int, retry_after: str | None = None) -> bool:
        """Wait until the next try of a request. Return False at once if there must be none.

        began: the time of the first try. attempt: tries so far. retry_after: the header of the server's response.
        """
        until = self.now() + pause(attempt, retry_after)
        if until > min(began, self._unserved_since) + self._seconds:
            return False
        while (left := until - self.now()) > 0:
            # In steps, since a signal handler cannot wake other threads.
            if until > self._ends:
                return False
            self._sleep(min(_STEP, left))
        return True

    @property
    def _seconds(self) -> float:
        return SECONDS if self._served else SECONDS_UNTIL_FIRST_RESPONSE


def pause(attempt: int, retry_after: str | None = None) -> float:
    """Return the seconds before the next try: Retry-After, else exponential backoff with jitter."""
    if retry_after and retry_after.isascii() and retry_after.isdigit():
        return min(float(retry_after), LONGEST_RETRY_AFTER)
    return min(0.25 * 2**attempt, LONGEST_PAUSE) * random.SystemRandom().uniform(0.5, 1.0)
