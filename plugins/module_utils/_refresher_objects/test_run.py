# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the refresher once and check that it renewed the pull secrets. Private to this collection."""

from __future__ import annotations

import base64
import concurrent.futures
import dataclasses
import datetime as dt
import re
import secrets
import time
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes import kinds, objects
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.api import (
    READ_ONE_BY_ONE,
    Cluster,
    ClusterError,
    ConflictError,
    ForbiddenError,
    NotFoundError,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.transport import Request
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret import managed_metadata
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.stored import Stored
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects import (
    containers,
    manifests,
    verdict,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.redaction import (
    redacted,
    redacted_object,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.selector import pattern
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.settings import CRONJOB, Settings
from ansible_collections.freshpull.ecr_public.plugins.module_utils._time import TimeError, parse_time

Object = dict[str, t.Any]

UNPROVEN = managed_metadata.PREFIX + "unproven"
"""An annotation of the CronJob. Its value is "true" from a change until a test run succeeds."""
SECONDS_BEYOND_DEADLINE = 60.0
"""Seconds after the Job's deadline in which its pod must end and the Job controller must notice."""
LOG_LINES = 20
LOG_BYTES = 8192
"""The part of the log's end that a message shows."""
MOST_NAMES = 10
"""The number of namespaces that a message names."""
_PAUSE = 2.0
_LOG_READ = 262144
"""Bytes. Other programs in the pod may write lines of any length."""


@dataclasses.dataclass(frozen=True)
class RunOutcome:
    """The result of a test run.

    outcome: succeeded, failed or nothing_to_renew. job: its name, "" if none was created. msg: what failed, where and
    what to do, or why there was nothing to renew; "" after success. renewed: the number of secrets with a new token.
    """

    outcome: str
    job: str = ""
    msg: str = ""
    renewed: int = 0


def job(cronjob: Object, name: str, labels: t.Mapping[str, str]) -> Object:
    """Build the Job that `kubectl create job --from` creates, but with FORCE_RENEW and without retries.

    name: of the Job. labels: of the refresher's objects.
    """
    template = cronjob["spec"]["jobTemplate"]
    metadata, pod = template.get("metadata") or {}, template["spec"]["template"]
    forced = [_forced(each) if each["name"] == containers.CONTAINER else each for each in pod["spec"]["containers"]]
    owner = {"apiVersion": "batch/v1", "kind": "CronJob", "name": cronjob["metadata"]["name"]}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": name,
            "namespace": cronjob["metadata"]["namespace"],
            "labels": {**(metadata.get("labels") or {}), **labels},
            "annotations": {**(metadata.get("annotations") or {}), "cronjob.kubernetes.io/instantiate": "manual"},
            "ownerReferences": [{**owner, "uid": cronjob["metadata"]["uid"], "controller": True}],
        },
        "spec": {
            **template["spec"],
            "backoffLimit": 0,
            "template": {**pod, "spec": {**pod["spec"], "containers": forced}},
        },
    }


def _forced(container: Object) -> Object:
    """Return the container with FORCE_RENEW, with which the program renews all secrets."""
    others = [each for each in container.get("env") or [] if each["name"] != "FORCE_RENEW"]
    return {**container, "env": [*others, {"name": "FORCE_RENEW", "value": "1"}]}


def secrets_of(settings: Settings) -> list[str]:
    """Return the values that no message may contain."""
    aws_secret = manifests.aws_secret(settings)
    files = [base64.b64decode(data).decode() for data in (aws_secret or {"data": {}})["data"].values()]
    return [settings.aws.secret_key, *files]


def is_unproven(cronjob: Object) -> bool:
    """Whether the CronJob has changed since its last successful test run."""
    annotations = cronjob["metadata"].get("annotations") or {}
    return annotations.get(UNPROVEN) == "true"


def mark_unproven(cluster: Cluster, cronjob: Object) -> None:
    """Record that the CronJob needs a test run. Raises ClusterError."""
    if not is_unproven(cronjob):
        _annotate(cluster, cronjob, "true")


def _annotate(cluster: Cluster, cronjob: Object, value: str | None) -> None:
    # The UID prevents a write to a CronJob that was created in the meantime.
    patch = {"metadata": {"uid": cronjob["metadata"]["uid"], "annotations": {UNPROVEN: value}}}
    objects.merge(cluster, cronjob, patch)


@dataclasses.dataclass(frozen=True)
class _State:
    """The state of a pull secret. expires_at: None if it has no trusted expiry. counted: see _is_counted."""

    uid: str
    expires_at: dt.datetime | None
    counted: bool

    def is_later_than(self, before: _State) -> bool:
        """Whether this is the same secret with a newer token."""
        if self.uid != before.uid or self.expires_at is None:
            return False
        return before.expires_at is None or self.expires_at > before.expires_at


class TestRun:
    """One test run in one cluster."""

    __test__ = False
    """For pytest, which takes the name for a class of tests."""

    def __init__(
        self,
        cluster: Cluster,
        settings: Settings,
        *,
        workers: int,
        job_name: str = "",
        sleep: t.Callable[[float], None] = time.sleep,
        now: t.Callable[[], float] = time.monotonic,
    ) -> None:
        """job_name: by default a random one."""
        self._cluster = cluster
        self._settings = settings
        self._workers = workers
        # Without generateName, with which a retry of the request would create a second Job.
        self._job_name = job_name or f"{CRONJOB}-test-{secrets.token_hex(3)}"
        self._sleep = sleep
        self._now = now
        self._secrets = secrets_of(settings)
        self._job = ""

    def run(self) -> RunOutcome:
        """Run the test. A ClusterError becomes the outcome `failed`."""
        try:
            found = self._run()
        except ClusterError as exc:
            found = RunOutcome("failed", msg=f"The test run of the refresher could not be completed. {exc}")
        return dataclasses.replace(found, job=self._job, msg=redacted(found.msg, self._secrets))

    def _run(self) -> RunOutcome:
        settings = self._settings
        cronjob = objects.read(self._cluster, "CronJob", CRONJOB, settings.namespace)
        if cronjob is None or cronjob["metadata"].get("deletionTimestamp"):
            state = "is being deleted" if cronjob else "does not exist"
            return RunOutcome(
                "failed", msg=f"The CronJob {settings.namespace}/{CRONJOB} {state}. Install the refresher first."
            )
        mark_unproven(self._cluster, cronjob)
        selected = self._selected()
        before = self._states(selected)
        if not any(each.counted for each in before.values()) and not settings.places.selector:
            return RunOutcome(
                "nothing_to_renew",
                msg=f"No selected namespace has a managed secret named {settings.renewal.secret}, and the refresher "
                "creates none, so it was not tested. Write the secrets first.",
            )
        self._create(job(cronjob, self._job_name, settings.labels))
        reached, pod = self._wait()
        if reached.outcome != "succeeded":
            return RunOutcome("failed", msg=f"The test run of the refresher failed. {reached.why}{self._logs(pod)}")
        renewed, missed = self._compare(selected, before)
        if missed:
            return RunOutcome("failed", msg=self._missed(missed), renewed=renewed)
        _annotate(self._cluster, cronjob, None)
        return RunOutcome("succeeded", renewed=renewed)

    # --- The Job

    def _create(self, body: Object) -> None:
        try:
            objects.create(self._cluster, body)
        except ConflictError as exc:
            # An earlier try succeeded, but its response was lost.
            if not exc.unconfirmed:
                raise
        self._job = self._job_name

    def _wait(self) -> tuple[verdict.Verdict, Object]:
        """Wait until the Job has succeeded or is certain to fail. Return the verdict and its pod ({} without one)."""
        namespace, name = self._settings.namespace, self._job
        longest = self._settings.schedule.active_deadline + SECONDS_BEYOND_DEADLINE
        began = self._now()
        while True:
            found = objects.read(self._cluster, "Job", name, namespace)
            if found is None:
                why = f"Job {namespace}/{name} was deleted before it ended. Run the task again."
                return verdict.Verdict("failed", why), {}
            pods = self._without_secrets(objects.labelled(self._cluster, "Pod", f"job-name={name}", namespace))
            events = self._without_secrets(self._events())
            waited = self._now() - began
            reached = verdict.judge(redacted_object(found, self._secrets), pods, events, waited)
            pod = verdict.current(pods)
            if reached.outcome != "running":
                return reached, pod
            if waited > longest:
                why = f"Job {namespace}/{name} has not ended after {longest:.0f} s. {reached.why}"
                return verdict.Verdict("failed", why), pod
            self._sleep(_PAUSE)

    def _events(self) -> list[Object]:
        """Read the events of the refresher's namespace. Without permission return none: they only help to explain."""
        path = kinds.path("Event", self._settings.namespace)
        try:
            return list(self._cluster.list_objects(path, [], f"list events in namespace {self._settings.namespace}"))
        except ForbiddenError:
            return []

    def _without_secrets(self, found: t.Iterable[Object]) -> list[Object]:
        """Redact objects before their texts are shortened: a part of a secret would not be recognized."""
        return [redacted_object(each, self._secrets) for each in found]

    def _logs(self, pod: Object) -> str:
        """Return the ends of the logs of the program and its sidecar; "" if neither was started."""
        return "".join(self._log(pod, container) for container in containers.started(pod))

    def _log(self, pod: Object, container: str) -> str:
        """Return the end of the container's log, or why it cannot be read."""
        name, namespace = pod["metadata"]["name"], self._settings.namespace
        query = (("container", container), ("tailLines", str(LOG_LINES)), ("limitBytes", str(_LOG_READ)))
        request = Request("GET", f"{kinds.path('Pod', namespace, name)}/log", query, accept="*/*")
        try:
            text = self._cluster.text(request, f"read the log of Pod {namespace}/{name}")
        except NotFoundError:
            return " Its pod and the log were deleted."
        except ClusterError as exc:
            return f" {exc}"
        if len(text.encode()) >= _LOG_READ:
            # The last line may be cut, and with it a secret.
            text = text.rpartition("\n")[0]
        end = redacted(text, self._secrets).encode()[-LOG_BYTES:].decode(errors="ignore").strip()
        log = "its log" if container == containers.CONTAINER else f"the log of its container {container}"
        return f"\nThe end of {log}:\n{end}" if end else f" {log[0].upper()}{log[1:]} is empty."

    # --- The secrets

    def _selected(self) -> frozenset[str]:
        """Return the namespaces that the refresher currently selects."""
        places = self._settings.places
        if not places.selector:
            return frozenset(places.listed)
        fits, excluded = pattern(places.globs), pattern(places.exclude)
        return frozenset(
            name
            for name, found in self._cluster.namespaces(places.selector).items()
            if not found.terminating and re.match(fits, name) and not re.match(excluded, name)
        )

    def _states(self, namespaces: t.Collection[str]) -> dict[str, _State]:
        """Read the secrets in these namespaces. A namespace without one is left out."""
        name, owner = self._settings.renewal.secret, self._settings.renewal.owner
        if self._settings.places.selector or len(namespaces) > READ_ONE_BY_ONE:
            try:
                everywhere = ((each["metadata"]["namespace"], each) for each in self._cluster.secrets(name))
                return {namespace: _read(each, owner) for namespace, each in everywhere if namespace in namespaces}
            except ForbiddenError:
                # Reading each of them may still be allowed.
                pass

        def state(namespace: str) -> _State | None:
            found = self._cluster.secret(namespace, name)
            return _read(found, owner) if found else None

        with concurrent.futures.ThreadPoolExecutor(max_workers=self._workers) as pool:
            read = zip(namespaces, pool.map(state, namespaces))
            return {namespace: found for namespace, found in read if found}

    def _compare(self, selected: frozenset[str], before: t.Mapping[str, _State]) -> tuple[int, list[str]]:
        """Return the number of renewed secrets, and the namespaces whose secret was not renewed."""
        if self._settings.places.selector:
            # Namespaces that were selected or deleted during the run do not count.
            selected &= self._selected()
        after = self._states(selected)
        renewed, missed = 0, []
        for namespace in sorted(selected):
            old, new = before.get(namespace), after.get(namespace)
            if old and not old.counted:
                continue
            if old:
                done = new is not None and new.is_later_than(old)
            elif self._settings.places.selector:
                # The refresher creates it, unless another client has created it during the run.
                done = new is not None and (new.expires_at is not None or not new.counted)
            else:
                continue
            if done:
                renewed += 1
            else:
                missed.append(namespace)
        return renewed, [namespace for namespace in missed if namespace in after or not self._is_gone(namespace)]

    def _is_gone(self, namespace: str) -> bool:
        """Whether a namespace is deleted or being deleted, and therefore has no secret."""
        try:
            return self._cluster.namespace(namespace).terminating
        except NotFoundError:
            return True
        except ForbiddenError:
            return False

    def _missed(self, missed: t.Sequence[str]) -> str:
        more = f" and {len(missed) - MOST_NAMES} more" if len(missed) > MOST_NAMES else ""
        return (
            "The test run ended without an error, but these secrets have no later expiry, or are not the same objects "
            f"as before: {', '.join(missed[:MOST_NAMES])}{more}. Find out what else writes the secrets named "
            f"{self._settings.renewal.secret} in these namespaces, such as a GitOps controller, and run the task again."
        )


def _read(secret: Object, owner: str) -> _State:
    stored = Stored(secret)
    return _State(secret["metadata"]["uid"], stored.expires_at, stored.owner == owner and _is_counted(stored))


def _is_counted(stored: Stored) -> bool:
    """Whether the refresher must renew a secret: it is managed, and its entries and its expiry are readable."""
    if not stored.managed or stored.malformed:
        return False
    expiry = stored.annotations.get(managed_metadata.EXPIRES_AT)
    if expiry is None:
        return True
    try:
        parse_time(expiry)
    except TimeError:
        return False
    return True
