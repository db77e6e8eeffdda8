# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests for objects of any kind in kinds.py. Private to this collection."""

from __future__ import annotations

import time
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes import kinds
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.api import (
    FIELD_MANAGER,
    Cluster,
    NotFoundError,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.transport import (
    APPLY_PATCH,
    MERGE_PATCH,
    Request,
)

Object = dict[str, t.Any]

_PAUSE = 0.5
"""Seconds between two reads of an object that is being deleted."""


def apply(cluster: Cluster, body: Object, *, dry_run: bool = False) -> Object:
    """Send a server-side apply that overrides conflicts, and return the object as it is, or would be, stored.

    Raises ClusterError.
    """
    force = ("force", "true")
    request = Request("PATCH", _path_of(body), (*_query(dry_run), force), body, APPLY_PATCH)
    return cluster.request(request, _what("apply", body, dry_run))


def create(cluster: Cluster, body: Object, *, dry_run: bool = False) -> Object:
    """Create an object, which may have a generateName. Raises ClusterError."""
    request = Request("POST", kinds.path(body["kind"], body["metadata"].get("namespace", "")), _query(dry_run), body)
    return cluster.request(request, _what("create", body, dry_run))


def merge(cluster: Cluster, found: Object, patch: Object, *, dry_run: bool = False) -> Object:
    """Send a JSON merge patch, and return the object as it is, or would be, stored. Raises ClusterError."""
    request = Request("PATCH", _path_of(found), _query(dry_run), patch, MERGE_PATCH)
    return cluster.request(request, _what("patch", found, dry_run))


def read(cluster: Cluster, kind: str, name: str, namespace: str = "") -> Object | None:
    """Return one object, or None. Raises ClusterError."""
    try:
        return cluster.request(Request("GET", kinds.path(kind, namespace, name)), _words("get", kind, name, namespace))
    except NotFoundError:
        return None


def labelled(cluster: Cluster, kind: str, selector: str, namespace: str = "") -> t.Iterator[Object]:
    """Return the objects that match a label selector, in one namespace or in all. Raises ClusterError."""
    where = f"in namespace {namespace}" if namespace else "in all namespaces"
    what = f"list {kinds.KINDS[kind][1]} with {selector} {where}"
    version = kinds.KINDS[kind][0].removeprefix("/apis/").removeprefix("/api/")
    for item in cluster.list_objects(kinds.path(kind, namespace), [("labelSelector", selector)], what):
        # The objects of a list have neither apiVersion nor kind.
        yield {"apiVersion": version, "kind": kind, **item}


def delete(cluster: Cluster, found: Object, *, propagation: str = "Background", dry_run: bool = False) -> None:
    """Delete the object that was read, unless it is gone already. Raises ClusterError.

    propagation: Foreground keeps the object until those that it owns are gone.
    """
    options: Object = {
        "apiVersion": "v1",
        "kind": "DeleteOptions",
        "propagationPolicy": propagation,
        "preconditions": {"uid": found["metadata"]["uid"]},
    }
    query = (("dryRun", "All"),) if dry_run else ()
    if dry_run:
        # If a DELETE has a body, the API server ignores dryRun in the query; the audit log shows the query.
        options["dryRun"] = ["All"]
    try:
        cluster.request(Request("DELETE", _path_of(found), query, options), _what("delete", found, dry_run))
    except NotFoundError:
        return


def wait_until_gone(
    cluster: Cluster,
    kind: str,
    name: str,
    namespace: str = "",
    *,
    seconds: float,
    sleep: t.Callable[[float], None] = time.sleep,
    now: t.Callable[[], float] = time.monotonic,
) -> bool:
    """Wait for the end of a deletion, at most this time. Return whether the object is gone. Raises ClusterError."""
    deadline = now() + seconds
    while read(cluster, kind, name, namespace):
        if now() > deadline:
            return False
        sleep(_PAUSE)
    return True


def _path_of(body: Object) -> str:
    metadata = body["metadata"]
    return kinds.path(body["kind"], metadata.get("namespace", ""), metadata["name"])


def _query(dry_run: bool) -> tuple[tuple[str, str], ...]:
    manager = ("fieldManager", FIELD_MANAGER)
    return (manager, ("dryRun", "All")) if dry_run else (manager,)


def _what(verb: str, body: Object, dry_run: bool) -> str:
    metadata = body["metadata"]
    # A review of permissions has no name at all.
    name = metadata.get("name") or metadata.get("generateName", "") + "*"
    return _words(verb, body["kind"], name, metadata.get("namespace", "")) + (" (dry run)" if dry_run else "")


def _words(verb: str, kind: str, name: str, namespace: str) -> str:
    return f"{verb} {kind} {namespace}/{name}" if namespace else f"{verb} {kind} {name}"
