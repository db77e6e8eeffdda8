# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compare stored and wanted objects, as pure functions. Private to this collection."""

from __future__ import annotations

import dataclasses
import hashlib
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.api import FIELD_MANAGER

Object = dict[str, t.Any]

# Fields that the API server sets.
_SERVER_METADATA = frozenset(
    {"managedFields", "resourceVersion", "generation", "uid", "creationTimestamp", "selfLink", "deletionTimestamp"}
)

# Client-side apply stores the whole object in it, data included.
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"

LONGEST_SHOWN = 2000
"""Characters of a ConfigMap's value in a diff. A longer value is shown as a digest."""


@dataclasses.dataclass(frozen=True)
class Change:
    """A change of one object, real or planned.

    action: created, changed, removed or unchanged. before and after: None where there is no object.
    """

    action: str
    before: Object | None
    after: Object | None

    @property
    def identity(self) -> tuple[str, str, str]:
        return identity(self.after or self.before or {})

    def to_result(self) -> dict[str, str]:
        """Return the object's identity and the action, in the form that the module returns."""
        kind, namespace, name = self.identity
        return {"kind": kind, "namespace": namespace, "name": name, "action": self.action}


def identity(body: Object) -> tuple[str, str, str]:
    """Return kind, namespace ("" for a cluster-scoped object) and name."""
    return body["kind"], body["metadata"].get("namespace", ""), body["metadata"]["name"]


def applied(before: Object | None, after: Object) -> Change:
    """Return the change by a server-side apply. after: the object in the API server's response, also to a dry run."""
    if before is None:
        return Change("created", None, after)
    action = "unchanged" if comparable(before) == comparable(after) else "changed"
    return Change(action, before, after)


def removed(before: Object) -> Change:
    """Return the change by a deletion."""
    return Change("removed", before, None)


def comparable(stored: Object) -> Object:
    """Return an object without its status and the fields that the API server sets."""
    metadata = {key: value for key, value in stored["metadata"].items() if key not in _SERVER_METADATA}
    return {**{key: value for key, value in stored.items() if key != "status"}, "metadata": metadata}


def binds_as(found: Object, wanted: Object) -> bool:
    """Whether a RoleBinding needs no write. This spares a dry run for each of thousands of bindings."""
    return (
        found.get("roleRef") == wanted["roleRef"]
        and found.get("subjects") == wanted["subjects"]
        and all(_has(found, wanted, field) for field in ("labels", "annotations"))
    )


def _has(found: Object, wanted: Object, field: str) -> bool:
    """Whether an object has the wanted labels or annotations, and none of an earlier apply that is dropped now."""
    stored, applied_now = found["metadata"].get(field) or {}, wanted["metadata"].get(field) or {}
    by_us = [entry for entry in found["metadata"].get("managedFields") or [] if entry.get("manager") == FIELD_MANAGER]
    before = {
        key[len("f:") :]
        for entry in by_us
        for key in ((entry.get("fieldsV1") or {}).get("f:metadata") or {}).get(f"f:{field}") or {}
        if key.startswith("f:")
    }
    return applied_now.items() <= stored.items() and before <= applied_now.keys()


def used_config_maps(jobs: t.Iterable[Object]) -> set[str]:
    """Return the names of the ConfigMaps that pods of these Jobs mount now or later."""
    return {
        volume["configMap"]["name"]
        for job in jobs
        if not _has_ended(job)
        for volume in job["spec"]["template"]["spec"].get("volumes") or []
        if "configMap" in volume
    }


def _has_ended(job: Object) -> bool:
    conditions = job.get("status", {}).get("conditions") or []
    return any(each["type"] in ("Complete", "Failed") and each["status"] == "True" for each in conditions)


def shown(stored: Object | None) -> Object:
    """Return an object for a diff. A Secret's data is shown as digests, which reveal only whether it changes."""
    if stored is None:
        return {}
    content = comparable(stored)
    if stored["kind"] == "ConfigMap":
        # The program and long lists of names are shown as digests.
        longest = 0 if content.get("immutable") else LONGEST_SHOWN
        content["data"] = {
            key: value if len(value) <= longest else _digest(value)
            for key, value in (content.get("data") or {}).items()
        }
    if stored["kind"] == "Secret":
        for field in ("data", "stringData"):
            if field in content:
                content[field] = {key: _digest(value) for key, value in content[field].items()}
        annotations = content["metadata"].get("annotations") or {}
        content["metadata"]["annotations"] = {key: text for key, text in annotations.items() if key != _LAST_APPLIED}
    return content


def _digest(value: str) -> str:
    return f"sha256:{hashlib.sha256(value.encode()).hexdigest()[:16]}"
