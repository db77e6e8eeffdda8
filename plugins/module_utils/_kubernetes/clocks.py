# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""This host's clock and the API server's. Private to this collection.

The later of the two decides what is due, so that a slow clock cannot make an expired token look valid. If they differ
too much, one of them is wrong, and no token is removed because of its expiry.
"""

from __future__ import annotations

import dataclasses
import datetime as dt

from ansible_collections.freshpull.ecr_public.plugins.module_utils._time import format_time

WARNED = dt.timedelta(seconds=60)
MOST = dt.timedelta(minutes=10)
"""The largest difference by which the clocks are trusted."""


@dataclasses.dataclass(frozen=True)
class Clocks:
    """ahead: how far the API server's clock is ahead of this host's."""

    ahead: dt.timedelta = dt.timedelta()

    @property
    def agree(self) -> bool:
        """Whether they are close enough to decide that a token has expired."""
        return abs(self.ahead) <= MOST

    def later(self) -> dt.datetime:
        return _here() + max(self.ahead, dt.timedelta())

    def earlier(self) -> dt.datetime:
        return _here() + min(self.ahead, dt.timedelta())

    @property
    def warning(self) -> str:
        """The warning for clocks that differ, but agree; or ""."""
        if abs(self.ahead) <= WARNED or not self.agree:
            return ""
        side = "ahead of" if self.ahead > dt.timedelta() else "behind"
        return (
            f"The API server's clock is {abs(int(self.ahead.total_seconds()))} s {side} this host's. The later of the "
            "two was used. Set the clocks, or tokens are renewed too early."
        )

    @property
    def problem(self) -> str:
        """The error for clocks that do not agree; or ""."""
        if self.agree:
            return ""
        here = _here()
        return (
            f"By the API server's clock it is {format_time(here + self.ahead)}, and by the clock here "
            f"{format_time(here)}. They differ by more than {int(MOST.total_seconds() / 60)} minutes, so no token was "
            "removed because of its expiry. Set the wrong clock, for example with chrony or systemd-timesyncd."
        )


def _here() -> dt.datetime:
    return dt.datetime.now(dt.timezone.utc)
