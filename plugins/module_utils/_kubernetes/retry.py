# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a task bears with an API server in trouble, and its end by a signal. Private to this collection.

A request that fails for a while is tried again, so that a restart of the API server costs nothing but time. A server
that is gone for good must not be waited for once by each of a thousand namespaces: all requests of a task share one
Patience, and when it has run out for one of them while none was served, it has run out for all.
"""

from __future__ import annotations

import math
import random
import signal
import time
import typing as t

SECONDS = 60.0
"""For one request, from its first try to the start of its last. A restart of an API server takes less."""
SECONDS_AT_FIRST = 15.0
"""The same as long as the server has answered nothing yet: most likely its address is wrong."""
SECONDS_TO_SETTLE = 15.0
"""After a restart an API server does not know all accounts and rights at once: until then a refusal is no answer."""
SECONDS_ONCE_STOPPED = 10.0
"""What is under way when a signal comes may go on for so long."""
LONGEST_PAUSE = 4.0
LONGEST_WISH = 30.0
"""How much of the server's own Retry-After is granted."""
_STEP = 0.1


class Patience:
    """Shared by all requests of one task, from many threads. Its clock is that of `now`, in seconds."""

    def __init__(
        self, now: t.Callable[[], float] = time.monotonic, sleep: t.Callable[[float], None] = time.sleep
    ) -> None:
        self.now = now
        self._sleep = sleep
        self._served = False
        self._unserved_since = math.inf
        self._lost_at = -math.inf
        self._ends = math.inf
        self.stopped_by = ""
        """The signal that asked the task to stop, or nothing."""

    def listen(self) -> None:
        """From now on a signal asks the task to stop, instead of ending it between two writes that belong together.

        To be called in the main thread. What the caller had ignored, as nohup does with SIGHUP, stays ignored.
        """
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, lambda received, _frame: self.stop(signal.Signals(received).name))

    def stop(self, signal_name: str) -> None:
        """Let what is under way end soon. It runs in a signal handler, so it takes no lock."""
        if not self.stopped_by:
            self._ends = self.now() + SECONDS_ONCE_STOPPED
            self.stopped_by = signal_name

    def served(self) -> None:
        """The server lives: it did what it was asked, or refused."""
        self._served = True
        self._unserved_since = math.inf

    def unserved(self, lost: bool) -> None:
        """It has not: it may be overloaded, or, if `lost`, away."""
        self._unserved_since = min(self._unserved_since, self.now())
        if lost:
            self._lost_at = self.now()

    @property
    def settling(self) -> bool:
        """Whether the server was away a moment ago."""
        return self.now() < self._lost_at + SECONDS_TO_SETTLE

    @property
    def exhausted(self) -> bool:
        """Whether no request was served for so long that the next one is not worth trying."""
        return self.now() > self._unserved_since + self._seconds

    def bear(self, began: float, attempt: int, wish: str | None = None) -> bool:
        """Wait until the next try of a request; False, at once, where none is worth while.

        began: when its first try did. attempt: how many there were. wish: the Retry-After of the server's answer.
        """
        until = self.now() + pause(attempt, wish)
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
        return SECONDS if self._served else SECONDS_AT_FIRST


def pause(attempt: int, wish: str | None = None) -> float:
    """Seconds before the next try: what the server asks for, else twice as long each time, never the same for all."""
    if wish and wish.isascii() and wish.isdigit():
        return min(float(wish), LONGEST_WISH)
    return min(0.25 * 2**attempt, LONGEST_PAUSE) * random.SystemRandom().uniform(0.5, 1.0)
