# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What differs between a stored object and a wanted one, as pure functions. Private to this collection."""

from __future__ import annotations

import dataclasses
import hashlib
import typing as t

Object = dict[str, t.Any]

# What the API server itself keeps.
_SERVER_METADATA = frozenset(
    {"managedFields", "resourceVersion", "generation", "uid", "creationTimestamp", "selfLink", "deletionTimestamp"}
)

# Where client-side apply keeps the whole object, data included.
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"

LONGEST_SHOWN = 2000
"""Characters of a ConfigMap's value in a diff. Of a longer one there is a digest."""


@dataclasses.dataclass(frozen=True)
class Change:
    """What is done with one object, or would be. before and after: None where there is no object.

    action: created, changed, removed or unchanged.
    """

    action: str
    before: Object | None
    after: Object | None

    @property
    def identity(self) -> tuple[str, str, str]:
        return identity(self.after or self.before or {})

    def to_result(self) -> dict[str, str]:
        """The object and the action, as the module returns it."""
        kind, namespace, name = self.identity
        return {"kind": kind, "namespace": namespace, "name": name, "action": self.action}


def identity(body: Object) -> tuple[str, str, str]:
    """Kind, namespace ("" for an object that is in none) and name."""
    return body["kind"], body["metadata"].get("namespace", ""), body["metadata"]["name"]


def applied(before: Object | None, after: Object) -> Change:
    """Server-side apply. after: what the API server stores then, by its own response, be it to a dry run."""
    if before is None:
        return Change("created", None, after)
    action = "unchanged" if comparable(before) == comparable(after) else "changed"
    return Change(action, before, after)


def removed(before: Object) -> Change:
    """Deletion."""
    return Change("removed", before, None)


def comparable(stored: Object) -> Object:
    """An object without what the API server itself keeps."""
    metadata = {key: value for key, value in stored["metadata"].items() if key not in _SERVER_METADATA}
    return {**{key: value for key, value in stored.items() if key != "status"}, "metadata": metadata}


def binds_as(found: Object, wanted: Object) -> bool:
    """Whether a RoleBinding needs no write. Thousands are compared so, without a request for each."""
    labels = found["metadata"].get("labels") or {}
    return (
        found.get("roleRef") == wanted["roleRef"]
        and found.get("subjects") == wanted["subjects"]
        and wanted["metadata"]["labels"].items() <= labels.items()
    )


def used_config_maps(jobs: t.Iterable[Object]) -> set[str]:
    """The names of the ConfigMaps that pods of these Jobs mount, or may still mount."""
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
    """An object for a diff. Of a Secret's data there is a digest, which tells whether it changes and no more."""
    if stored is None:
        return {}
    content = comparable(stored)
    if stored["kind"] == "ConfigMap":
        # The program, and thousands of names: that they change has to do.
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
