# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""List every object of a namespace, of all kinds. Private to this collection."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.api import (
    METADATA_LIST,
    Cluster,
    ClusterError,
    UnsupportedError,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.transport import Request

Object = dict[str, t.Any]


@dataclasses.dataclass(frozen=True)
class Contents:
    """objects: each with its kind and metadata only.

    unknown: the APIs and resources that could not be listed. The namespace may hold objects of theirs.
    """

    objects: tuple[Object, ...]
    unknown: tuple[str, ...]


def contents(cluster: Cluster, namespace: str, workers: int) -> Contents:
    """List every resource of every API. Raises ClusterError if not even the APIs can be listed."""
    groups = cluster.request(Request("GET", "/apis"), "list the APIs of the cluster")["groups"]
    versions = ["/api/v1", *(f"/apis/{group['preferredVersion']['groupVersion']}" for group in groups)]
    with concurrent.futures.ThreadPoolExecutor(max_workers=workers) as pool:
        resources: list[tuple[str, str]] = []
        unknown: list[str] = []
        for version, found in zip(versions, pool.map(lambda version: _resources(cluster, version), versions)):
            if found is None:
                unknown.append(version.rpartition("/apis/")[2])
            else:
                resources += [(f"{version}/namespaces/{namespace}/{name}", kind) for name, kind in found.items()]
        listed = pool.map(lambda resource: _objects(cluster, *resource), resources)
        all_objects: list[Object] = []
        for (path, _kind), found_objects in zip(resources, listed):
            if found_objects is None:
                unknown.append(path.rpartition("/")[2])
            else:
                all_objects += found_objects
    return Contents(tuple(all_objects), tuple(unknown))


def _resources(cluster: Cluster, version: str) -> dict[str, str] | None:
    """Return plural name -> kind of the resources that a namespace's deletion would delete.

    None if the API does not respond.
    """
    try:
        found = cluster.request(Request("GET", version), f"list the resources of {version}")
    except ClusterError:
        return None
    return {
        each["name"]: each["kind"]
        for each in found["resources"]
        if each["namespaced"] and {"list", "delete"} <= set(each["verbs"]) and "/" not in each["name"]
    }


def _objects(cluster: Cluster, path: str, kind: str) -> list[Object] | None:
    """Return the objects, each with its kind. None if the list is rejected."""
    try:
        found = list(cluster.list_objects(path, [], f"list {path}", accept=METADATA_LIST))
    except UnsupportedError:
        # Kubernetes, too, deletes a namespace without regard to such a resource. OpenShift has some.
        return []
    except ClusterError:
        return None
    return [{**each, "kind": kind} for each in found]
