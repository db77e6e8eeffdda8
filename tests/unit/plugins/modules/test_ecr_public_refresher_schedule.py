# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The default schedule of a refresher whose cluster several hosts reach, each by a URL of its own."""

from __future__ import annotations

from typing import Any

from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.manifests import default_schedule
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.options import PROGRAM
from ansible_collections.freshpull.ecr_public.plugins.modules import ecr_public_refresher
from support.refresher_settings import FILES
from unit.plugins.modules.refreshers import (
    CRONJOB_PATH,
    GIVEN,
    OWN,
    STORED,
    TRIED_POD,
    applied,
    former,
    own,
    selected,
    tried,
    unchanged,
)
from unit.plugins.modules.scripted import CONNECTION, HOST, Call, Result, Runner

OTHER_HOST = "https://10.0.0.1:6443"


def install(run: Runner, host: str, *calls: Call) -> Result:
    result = run(ecr_public_refresher, {**CONNECTION, PROGRAM: FILES, **GIVEN, "host": host}, *calls)
    assert (result.returncode, result.values["host"]) == (0, host)
    return result


def schedules(result: Result) -> set[Any]:
    """The schedules of the CronJob in all that a task sent."""
    bodies = [each.body or {} for each in result.sent if (each.method, each.path) == ("PATCH", CRONJOB_PATH)]
    return {body["spec"]["schedule"] for body in bodies}


def test_the_first_url_decides_and_another_one_changes_nothing(run: Runner) -> None:
    new = [*selected(), *former(), own(None), *tried(*STORED), TRIED_POD, *applied(*STORED)]
    first = schedules(install(run, HOST, *new))
    assert first == {default_schedule(HOST, OWN, "ecr-public-secret")}
    # The CronJob of STORED is the one of the first host.
    again = install(run, OTHER_HOST, *unchanged())
    assert (again.values["changed"], again.writes) == (False, [])
    assert schedules(again) == first


def test_without_a_cron_job_each_url_has_its_own_minute(run: Runner) -> None:
    """Otherwise the test above would pass whatever the task reads."""
    new = [*selected(), *former(), own(None), *tried(*STORED), TRIED_POD, *applied(*STORED)]
    assert schedules(install(run, HOST, *new)) != schedules(install(run, OTHER_HOST, *new))
