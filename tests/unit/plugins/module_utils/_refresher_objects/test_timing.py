# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rules across times at their edges. test_options.py has them as the module's options."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils._errors import OptionError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects import timing
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.manifests import STARTING_DEADLINE

HOUR = 3600
DEFAULTS: dict[str, Any] = {
    "schedule": "",
    "time_zone": "Etc/UTC",
    "active_deadline": 600,
    "renew_before": "8h",
    "fail_open": True,
    "fail_open_before": "",
}


def read(**changes: Any) -> timing.Times:
    return timing.read({**DEFAULTS, **changes}, 2026)


def test_fail_open_before_is_the_time_until_the_next_run_is_done() -> None:
    assert read() == timing.Times(8 * HOUR, 2 * HOUR + STARTING_DEADLINE + 600)
    assert read(active_deadline=300).fail_open_before == 2 * HOUR + STARTING_DEADLINE + 300


def test_the_longest_gap_counts() -> None:
    """In the night when summer time begins, a gap of two hours becomes three."""
    assert read(time_zone="Europe/Berlin").fail_open_before == 3 * HOUR + STARTING_DEADLINE + 600


def test_a_duration_that_is_given_wins() -> None:
    assert read(fail_open_before="3h").fail_open_before == 3 * HOUR
    assert read(fail_open_before="1h", fail_open=False).fail_open_before == HOUR


# Changes -> the option that the error names.
REJECTED: dict[str, tuple[dict[str, Any], str]] = {
    "before the next run is done": ({"fail_open_before": "2h19m59s"}, "fail_open_before"),
    "not before the renewal": ({"fail_open_before": "8h"}, "fail_open_before"),
    "a window as long as the renewal": ({"renew_before": "2h20m"}, "renew_before"),
    "a deadline that is too short": ({"active_deadline": timing.MINIMUM_DEADLINE - 1}, "active_deadline"),
    "a run into the next one": ({"schedule": "@hourly", "active_deadline": HOUR}, "active_deadline"),
    "each minute of an hour": ({"schedule": "* 3 * * *"}, "schedule"),
    "no schedule": ({"schedule": "often"}, "schedule"),
    "less than a second": ({"renew_before": "999ms"}, "renew_before"),
}


@pytest.mark.parametrize("case", REJECTED)
def test_rejections(case: str) -> None:
    changes, option = REJECTED[case]
    with pytest.raises(OptionError, match=option):
        read(**changes)


# Changes -> whether a renewal that fails may have no second attempt.
WARNED: dict[str, tuple[dict[str, Any], bool]] = {
    "two runs before the token is removed": ({"renew_before": "4h20m"}, False),
    "a second less": ({"renew_before": "4h19m59s"}, True),
    "a window up to a third of a lifetime": ({"schedule": "40 */3 * * *", "renew_before": "10h"}, False),
    "a longer one": ({"schedule": "0 */4 * * *", "renew_before": "10h"}, True),
}


@pytest.mark.parametrize("case", WARNED)
def test_warnings(case: str) -> None:
    changes, warned = WARNED[case]
    assert bool(read(**changes).warnings) is warned
