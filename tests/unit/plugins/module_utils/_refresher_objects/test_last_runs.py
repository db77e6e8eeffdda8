# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.api import Cluster
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.transport import Request, Response
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects import last_runs

NOTHING: dict[str, Any] = {
    "namespace": "ecr-public-refresher",
    "exists": None,
    "schedule": None,
    "suspended": None,
    "last_schedule_at": None,
    "last_success_at": None,
    "msg": "",
}
LAST = {"lastScheduleTime": "2026-01-01T10:17:00Z", "lastSuccessfulTime": "2026-01-01T08:17:30Z"}


class OneResponse:
    """A transport with one response to each request."""

    host = "https://cluster.invalid"

    def __init__(self, status: int, body: dict[str, Any]) -> None:
        self._response = Response(status, {}, json.dumps({"metadata": {}, **body}).encode())
        self.paths: list[str] = []

    def send(self, request: Request) -> Response:
        self.paths.append(request.path)
        return self._response


FOUND: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "runs": (
        {"spec": {"schedule": "17 */2 * * *"}, "status": LAST},
        {"suspended": False, "last_schedule_at": "2026-01-01T10:17:00Z", "last_success_at": "2026-01-01T08:17:30Z"},
    ),
    "suspended": ({"spec": {"schedule": "17 */2 * * *", "suspend": True}, "status": {}}, {"suspended": True}),
    "new": ({"spec": {"schedule": "17 */2 * * *"}}, {"suspended": False}),
}


@pytest.mark.parametrize("case", FOUND)
def test_a_refresher(case: str) -> None:
    body, expected = FOUND[case]
    transport = OneResponse(200, body)
    found = last_runs.read(Cluster(transport), "ecr-public-refresher")
    assert found == {**NOTHING, "exists": True, "schedule": "17 */2 * * *", **expected}
    assert transport.paths == ["/apis/batch/v1/namespaces/ecr-public-refresher/cronjobs/refresh-ecr-public-token"]


def test_no_refresher() -> None:
    found = last_runs.read(Cluster(OneResponse(404, {"kind": "Status"})), "ecr-public-refresher")
    assert found == {**NOTHING, "exists": False}


def test_a_refresher_that_cannot_be_read() -> None:
    found = last_runs.read(Cluster(OneResponse(403, {"kind": "Status", "message": "no"})), "ecr-public-refresher")
    assert found["exists"] is None
    assert "Could not get CronJob ecr-public-refresher/refresh-ecr-public-token" in found["msg"]
