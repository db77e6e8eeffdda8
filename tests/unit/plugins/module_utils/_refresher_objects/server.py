# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fake API server with a refresher, for tests of the test run."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.api import Cluster
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.retry import RetryBudget
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.transport import (
    NoResponseError,
    Request,
    Response,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects import manifests
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.settings import CRONJOB, Settings
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.test_run import (
    UNPROVEN,
    RunOutcome,
    TestRun,
)
from support.refresher_settings import CASES
from unit.cases import decide

Object = dict[str, Any]
LISTED = CASES["listed"]
OWN = f"/api/v1/namespaces/{LISTED.namespace}"
CRONJOB_PATH = f"/apis/batch/v1/namespaces/{LISTED.namespace}/cronjobs/{CRONJOB}"
JOBS = f"/apis/batch/v1/namespaces/{LISTED.namespace}/jobs"
BEFORE, LATER = "2026-01-01T12:00:00Z", "2026-01-01T18:00:00Z"
SUCCEEDED: Object = {"pods": [{"metadata": {"name": "p"}, "status": {"phase": "Succeeded"}}]}


class Server:
    """An API server with a CronJob, some namespaces and their secrets. Its clock moves only while a test sleeps.

    polls: the objects that each read of the Job finds; the last stay. renew: the refresher's work, done when the Job is
    created. lost: methods of requests that succeed, but whose response is lost. reject: method and path -> status.
    """

    host = "https://server.invalid"

    def __init__(self, settings: Settings, *polls: Object) -> None:
        self.settings = settings
        self.polls = list(polls) or [SUCCEEDED]
        self.requests: list[Request] = []
        self.stored: dict[str, Object] = {}
        self.selected = ["team-a", "team-b"]
        self.others: set[str] = set()
        self.terminating: set[str] = set()
        self.cronjob: Object | None = copy.deepcopy(manifests.cron_job(settings))
        assert self.cronjob
        self.cronjob["metadata"] |= {"uid": "c", "annotations": {}}
        self.log = "one line\n"
        self.reject: dict[str, int] = {}
        self.lost: list[str] = []
        self.renew: Callable[[], None] = self.renew_all
        self.clock = 100.0

    def add(self, *namespaces: str, **secret: Any) -> Server:
        for namespace in namespaces:
            self.stored[namespace] = decide.secret(
                namespace=namespace, **{"owner": self.settings.renewal.owner, "expires_at": BEFORE, **secret}
            )
        return self

    def renew_all(self) -> None:
        for namespace in self.stored:
            self.add(namespace, expires_at=LATER)

    def run(self) -> RunOutcome:
        cluster = Cluster(self, retries=RetryBudget(now=lambda: self.clock, sleep=self._sleep))
        tested = TestRun(
            cluster, self.settings, workers=2, job_name="test-1", sleep=self._sleep, now=lambda: self.clock
        )
        return tested.run()

    def _sleep(self, seconds: float) -> None:
        self.clock += seconds

    def send(self, request: Request) -> Response:
        self.requests.append(request)
        rejected = self.reject.get(f"{request.method} {request.path}")
        if rejected:
            return Response(rejected, {}, json.dumps({"kind": "Status", "message": f"no: {request.path}"}).encode())
        if request.method == "POST" and [each.method for each in self.requests].count("POST") > 1:
            return Response(409, {}, json.dumps({"kind": "Status", "message": "already exists"}).encode())
        response = self._respond(request)
        if request.method in self.lost:
            self.lost.remove(request.method)
            raise NoResponseError("cut off")
        if response is None:
            return Response(404, {}, b'{"kind": "Status"}')
        return Response(200, {}, (response if isinstance(response, str) else json.dumps(response)).encode())

    def _respond(self, request: Request) -> Any:
        path, last = request.path, request.path.rpartition("/")[2]
        if path == CRONJOB_PATH:
            return self._cronjob(request)
        if path == JOBS:
            self.renew()
            return {"metadata": {"name": "test-1"}}
        if path == f"{JOBS}/test-1":
            found = self.polls[0].get("job", {})
            return None if found is None else {"metadata": {"name": "test-1", "namespace": "own"}, **found}
        if path in (f"{OWN}/pods", f"{OWN}/events"):
            items = self.polls[0].get(last, [])
            if last == "events" and len(self.polls) > 1:
                self.polls.pop(0)
            return {"metadata": {}, "items": items}
        if last == "log":
            return self.log
        if path == "/api/v1/secrets":
            return {"metadata": {}, "items": list(self.stored.values())}
        if path == "/api/v1/namespaces":
            return {"metadata": {}, "items": [self._namespace(name) for name in self.selected]}
        if path.endswith(f"/secrets/{self.settings.renewal.secret}"):
            return self.stored.get(path.split("/")[4])
        return self._namespace(last) if last in {*self.selected, *self.terminating, *self.others} else None

    def _namespace(self, name: str) -> Object:
        return {"metadata": {"name": name, **({"deletionTimestamp": BEFORE} if name in self.terminating else {})}}

    def _cronjob(self, request: Request) -> Object | None:
        if request.method == "PATCH" and self.cronjob:
            assert request.body
            assert request.body["metadata"]["uid"] == "c"
            for name, value in request.body["metadata"]["annotations"].items():
                self.cronjob["metadata"]["annotations"][name] = value
        return self.cronjob

    @property
    def created(self) -> list[Object]:
        return [dict(request.body or {}) for request in self.requests if request.method == "POST"]

    @property
    def annotated(self) -> list[str | None]:
        """The values of the annotation that were written, in order."""
        bodies = [request.body for request in self.requests if request.method == "PATCH"]
        return [body["metadata"]["annotations"][UNPROVEN] for body in bodies if body]
