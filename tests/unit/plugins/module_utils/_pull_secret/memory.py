# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster in memory that counts calls, rejects them and causes races, and a function that runs a task on it."""

from __future__ import annotations

import copy
import datetime as dt
from collections import Counter
from collections.abc import Iterator
from typing import Any, cast

from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.api import (
    Cluster,
    ClusterError,
    ConflictError,
    Namespace,
    NotFoundError,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.clocks import Clocks
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.decision import Policy
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.report import Report
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.selection import Selection
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.task import PullSecretTask
from ansible_collections.freshpull.ecr_public.plugins.module_utils._token import Token

NOW = dt.datetime.now(dt.timezone.utc)
NAME = "ecr-public-secret"
TOKEN = Token(expires_at=NOW + dt.timedelta(hours=12), username="AWS", password="new")


class MemoryCluster:
    """A cluster in memory. `reject` maps a verb to errors that its next calls raise, in order."""

    host = "https://memory.invalid"

    def __init__(self, names: list[str]) -> None:
        self.present = {name: Namespace(name) for name in names}
        self.stored: dict[str, dict[str, Any]] = {}
        self.accounts: dict[tuple[str, str], list[str]] = {}
        """Namespace and name of a service account -> its pull secrets."""
        self.account_metadata: dict[str, Any] = {}
        """More metadata of each service account."""
        self.clocks = Clocks()
        self.stopped_by = ""
        self.stop_after: dict[str, int] = {}
        self.calls: Counter[str] = Counter()
        self.reject: dict[str, list[ClusterError | None]] = {}
        self.meanwhile: dict[str, dict[str, Any]] = {}

    def _count(self, verb: str) -> None:
        self.calls[verb] += 1
        if self.calls[verb] == self.stop_after.get(verb):
            self.stopped_by = "SIGTERM"
        errors = self.reject.get(verb)
        error = errors.pop(0) if errors else None
        if error:
            raise error

    def namespaces(self, selector: str) -> dict[str, Namespace]:
        self._count("list namespaces")
        return {} if selector == "none=match" else self.present

    def namespace(self, name: str) -> Namespace:
        self._count("get namespace")
        if name not in self.present:
            raise NotFoundError("not_found", name)
        return self.present[name]

    def secrets(self, name: str) -> Iterator[dict[str, Any]]:
        self._count("list secrets")
        assert name == NAME
        yield from copy.deepcopy(list(self.stored.values()))

    def secret(self, namespace: str, name: str) -> dict[str, Any] | None:
        self._count("get secret")
        assert name == NAME
        return copy.deepcopy(self.stored.get(namespace))

    def create_secret(self, namespace: str, body: dict[str, Any], dry_run: bool = False) -> str:
        self._count("dry run" if dry_run else "create secret")
        if dry_run:
            return ""
        self.stored.update(self.meanwhile)
        if namespace in self.stored:
            raise ConflictError("conflict", "exists")
        metadata = {**body["metadata"], "uid": f"uid-{self.calls['create secret']}", "resourceVersion": "1"}
        self.stored[namespace] = {**body, "metadata": metadata}
        return metadata["uid"]

    def patch_secret(self, namespace: str, name: str, body: dict[str, Any]) -> str:
        self._count("patch secret")
        assert name == NAME
        stored = self.stored[namespace]
        if body["metadata"]["resourceVersion"] != stored["metadata"]["resourceVersion"]:
            raise ConflictError("conflict", "changed")
        annotations = stored["metadata"].get("annotations") or {}
        stored["metadata"]["annotations"] = {**annotations, **body["metadata"].get("annotations", {})}
        stored["data"] = {**(stored["data"] or {}), **body.get("data", {})}
        return stored["metadata"]["uid"]

    def delete_secret(self, secret: dict[str, Any]) -> None:
        self._count("delete secret")
        del self.stored[secret["metadata"]["namespace"]]

    def service_accounts(self, namespace: str = "", name: str = "") -> Iterator[dict[str, Any]]:
        self._count("list accounts")
        for (found_namespace, found_name), secrets in list(self.accounts.items()):
            if namespace in ("", found_namespace) and name in ("", found_name):
                metadata: dict[str, Any] = {
                    "namespace": found_namespace,
                    "name": found_name,
                    "uid": "u",
                    "resourceVersion": "1",
                }
                metadata.update(self.account_metadata)
                yield {"metadata": metadata, "imagePullSecrets": [{"name": secret} for secret in secrets]}

    def patch_service_account(self, namespace: str, name: str, body: dict[str, Any]) -> None:
        self._count("patch account")
        self.accounts[namespace, name] = [entry["name"] for entry in body["imagePullSecrets"]]


def run(
    cluster: MemoryCluster,
    *namespaces: str,
    token: Token | None = TOKEN,
    dry_run: bool = False,
    selector: str = "",
    exclude: tuple[str, ...] = (),
    outage: str = "",
    prune: bool = False,
    **policy: Any,
) -> Report:
    task = PullSecretTask(
        cast(Cluster, cluster), Policy(name=NAME, **policy), workers=4, token=token, outage=outage, prune=prune
    )
    planned = task.plan(Selection(namespaces, exclude, selector))
    return planned if dry_run else task.apply(planned)


def result(report: Report) -> dict[str, tuple[str, str]]:
    return {outcome.namespace: (outcome.overall.action, outcome.overall.reason) for outcome in report.outcomes}
