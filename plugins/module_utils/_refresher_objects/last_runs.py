# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read when the refresher last ran and last succeeded. Private to this collection."""

from __future__ import annotations

import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes import objects
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.api import Cluster, ClusterError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._names import shortened
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.settings import CRONJOB


def read(cluster: Cluster, namespace: str) -> dict[str, t.Any]:
    """Return the CronJob's schedule and runs, as the module's result.

    exists is None if the CronJob could not be read, and msg has the reason.
    """
    found: dict[str, t.Any] = {
        "namespace": namespace,
        "exists": None,
        "schedule": None,
        "suspended": None,
        "last_schedule_at": None,
        "last_success_at": None,
        "msg": "",
    }
    try:
        cronjob = objects.read(cluster, "CronJob", CRONJOB, namespace)
    except ClusterError as exc:
        return {**found, "msg": str(exc)}
    if cronjob is None:
        return {**found, "exists": False}
    spec, status = cronjob["spec"], cronjob.get("status") or {}
    return {
        **found,
        "exists": True,
        "schedule": shortened(spec["schedule"]),
        "suspended": bool(spec.get("suspend")),
        "last_schedule_at": status.get("lastScheduleTime"),
        "last_success_at": status.get("lastSuccessfulTime"),
    }
