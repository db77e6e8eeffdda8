# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan of the soak test."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
import yaml

from soak.plan import DEADLINE, GAP, JOBS, LIFETIME, OUTAGES, Outage, down_between, hours, outage_at, scaled, seconds

DEFAULTS = yaml.safe_load((Path(__file__).parents[3] / "roles/pull_secret/defaults/main.yml").read_text())


def test_it_is_six_days_with_aws_down_for_a_third() -> None:
    assert JOBS * GAP == 6 * 24
    assert sum(outage.hours for outage in OUTAGES) == JOBS * GAP / 3
    assert all(one.end < other.start for one, other in itertools.pairwise(OUTAGES))
    assert OUTAGES[-1].end < JOBS * GAP


def test_one_outage_is_longer_than_a_token_lifetime_and_all_kinds_occur() -> None:
    assert max(outage.hours for outage in OUTAGES) > LIFETIME
    assert len({str(outage.behaviour) for outage in OUTAGES}) == 4


def test_it_takes_less_than_twenty_minutes() -> None:
    assert seconds(JOBS * GAP) < 18 * 60
    assert hours(seconds(7)) == pytest.approx(7)


def test_durations_are_scaled() -> None:
    options = {"name": "x", "workers": 32, "renew_before": 28800, "fail_open_before": 12800, "deadline": 4910}
    assert scaled(options) == {"name": "x", "workers": 32, "renew_before": 57, "fail_open_before": 25, "deadline": 9}


def test_the_deadline_keeps_the_rule_of_the_role() -> None:
    """There is a second run before the refresher fails open, as the role requires."""
    fail_open_before = GAP * 3600 + 600 + DEADLINE
    assert fail_open_before + GAP * 3600 <= int(DEFAULTS["pull_secret_renew_before"].removesuffix("h")) * 3600


@pytest.mark.parametrize(("hour", "found"), [(0.9, None), (1, 0), (2.9, 0), (3, None), (5.5, 1)])
def test_outage_at(hour: float, found: int | None) -> None:
    outages = [Outage(1, 2, {}), Outage(5, 1, {"drop": 1})]
    assert outage_at(hour, outages) == (None if found is None else outages[found])


@pytest.mark.parametrize(("start", "end", "down"), [(0, 0.9, False), (0, 1, True), (2, 2.5, True), (3.1, 4, False)])
def test_down_between(start: float, end: float, down: bool) -> None:
    assert down_between(start, end, [Outage(1, 2, {})]) == down
