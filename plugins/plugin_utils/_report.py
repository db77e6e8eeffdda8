# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the report of many clusters from results of ecr_public_pull_secret_info. Private to this collection."""

from __future__ import annotations

import collections
import datetime as dt
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils._time import format_time

Level = t.Literal["bad", "attention", "good"]
LEVELS: dict[str, Level] = {
    "expired": "bad",
    "missing": "bad",
    "wrong_type": "bad",
    "malformed": "bad",
    "forbidden": "bad",
    "unknown": "bad",
    "failed_open": "bad",
    "unknown_expiry": "attention",
    "due": "attention",
    "orphaned": "attention",
    "other_owner": "attention",
    "unmanaged": "attention",
    "copy": "attention",
    "terminating": "attention",
    "fresh": "good",
}
"""The status of a secret -> how good it is, the worst first."""
_ORDER = {status: place for place, status in enumerate(LEVELS)}
_FIELDS = (
    "namespace",
    "status",
    "owner",
    "expires_at",
    "remaining_seconds",
    "renewed_at",
    "planned_action",
    "reason",
    "msg",
    "service_accounts",
)

Result = t.Mapping[str, t.Any]


def build(results: t.Mapping[str, Result], now: dt.datetime) -> dict[str, t.Any]:
    """Return the report. results: by the name of the cluster; one without namespaces was not read.

    What it does not know of a result is left out, so it holds no secret.
    """
    clusters = sorted((_cluster(name, result) for name, result in results.items()), key=_badness)
    statuses = collections.Counter(each["status"] for one in clusters for each in one["namespaces"])
    return {
        "generated_at": format_time(now),
        "summary": {
            "clusters": len(clusters),
            "unreachable": sum(not one["reachable"] for one in clusters),
            "namespaces": sum(statuses.values()),
            "statuses": {status: statuses[status] for status in sorted(statuses, key=_place)},
        },
        "levels": LEVELS,
        "clusters": clusters,
    }


def _cluster(name: str, result: Result) -> dict[str, t.Any]:
    found = result.get("namespaces")
    namespaces = [{field: one.get(field) for field in _FIELDS} for one in found or ()]
    return {
        "cluster": name,
        "host": result.get("host"),
        "reachable": found is not None,
        "msg": "" if found is not None else str(result.get("msg") or "The task returned no result."),
        "expires_at": result.get("expires_at"),
        "statuses": dict(sorted((result.get("summary") or {}).items(), key=lambda one: _place(one[0]))),
        "refresher": result.get("refresher"),
        "warnings": [str(warning) for warning in result.get("warnings") or ()],
        "namespaces": sorted(namespaces, key=lambda one: (_place(one["status"]), one["namespace"])),
    }


def _place(status: str) -> int:
    return _ORDER.get(status, -1)


def _badness(cluster: t.Mapping[str, t.Any]) -> tuple[int, str]:
    """Return the order of clusters: first those that were not read, then by the worst status."""
    if not cluster["reachable"]:
        return -2, cluster["cluster"]
    places = [_place(one["status"]) for one in cluster["namespaces"][:1]]
    return places[0] if places else len(LEVELS), cluster["cluster"]
