# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The objects that a run has changed in a cluster, by their resource versions and by the audit log."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qs, urlsplit

from support.bulk_client import RBAC, BulkClient
from support.cluster.audit import AuditLog

ADMISSION = "/apis/admissionregistration.k8s.io/v1"
LISTS = (
    *(f"/api/v1/{resource}" for resource in ("namespaces", "secrets", "configmaps", "serviceaccounts")),
    *(f"/apis/batch/v1/{resource}" for resource in ("cronjobs", "jobs")),
    *(f"{RBAC}/{resource}" for resource in ("clusterroles", "clusterrolebindings", "roles", "rolebindings")),
    *(f"{ADMISSION}/{resource}" for resource in ("validatingadmissionpolicies", "validatingadmissionpolicybindings")),
)
# Kubernetes creates these in every namespace, a moment after it was created.
CREATED_BY_KUBERNETES = ("configmaps {}/kube-root-ca.crt", "serviceaccounts {}/default")


def quiet_schedule(later: int = 0) -> str:
    """Return a schedule of every 2 hours without a run in the next minutes: a run would write during the test."""
    return f"{(dt.datetime.now(dt.timezone.utc).minute + 30 + later) % 60} */2 * * *"


class Stored:
    """The objects of one test, by names such as "secrets a/name" and "clusterroles name", without the test's prefix."""

    def __init__(self, bulk: BulkClient, audit: AuditLog, prefix: str) -> None:
        """prefix: of the names of all namespaces of this test."""
        self._bulk = bulk
        self._audit = audit
        self._prefix = prefix

    def objects(self) -> dict[str, dict[str, Any]]:
        """Return the objects with the prefix in their name or their namespace."""
        found = {}
        for path in LISTS:
            for item in self._bulk.send("GET", path)["items"]:
                metadata = item["metadata"]
                where, name = metadata.get("namespace", ""), metadata["name"]
                if self._prefix in f"{where}/{name}":
                    found[self._call(path.rpartition("/")[2], where, name)] = item
        return found

    def left(self) -> set[str]:
        """Return the names of all objects except namespaces and what Kubernetes creates in each."""
        names = set(self.objects())
        return {name for name in names if not name.startswith("namespaces ")} - _created_by_kubernetes(names)

    @contextmanager
    def written(self, user: str = "freshpull-admin") -> Iterator[set[str]]:
        """Fill the set at its end with the objects that were created, changed or removed, all of them by this user.

        What Kubernetes creates in a new namespace is left out. An apply without a change is a request too: only
        resource versions show which objects changed.
        """
        before, start = self._versions(), self._audit.mark()
        changes: set[str] = set()
        yield changes
        after = self._versions()
        created = _created_by_kubernetes(after) - before.keys()
        changes.update(name for name in {*before, *after} - created if before.get(name) != after.get(name))
        events = self._audit.writes(since=start, user=user)
        plain = {self._object_of(event) for event in events if not _is_apply(event)}
        assert plain <= changes, plain - changes
        assert changes <= {self._object_of(event) for event in events}, changes

    def _versions(self) -> dict[str, str]:
        return {name: item["metadata"]["resourceVersion"] for name, item in self.objects().items()}

    def _object_of(self, event: dict[str, Any]) -> str:
        reference = event["objectRef"]
        where = "" if reference["resource"] == "namespaces" else reference.get("namespace", "")
        return self._call(reference["resource"], where, reference.get("name", ""))

    def _call(self, resource: str, namespace: str, name: str) -> str:
        return f"{resource} {namespace and namespace + '/'}{name}".replace(self._prefix, "")


def _created_by_kubernetes(names: Iterable[str]) -> set[str]:
    namespaces = {name.partition(" ")[2] for name in names if name.startswith("namespaces ")}
    return {form.format(namespace) for namespace in namespaces for form in CREATED_BY_KUBERNETES}


def _is_apply(event: dict[str, Any]) -> bool:
    """Return whether it is a server-side apply of the refresher's objects. Writes of secrets never force."""
    return event["verb"] == "patch" and "force" in parse_qs(urlsplit(event["requestURI"]).query)
