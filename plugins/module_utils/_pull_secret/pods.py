# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The images and the pull secrets of a pod, as pure functions. Private to this collection.

The admission of a pod without imagePullSecrets copies those of its service account. The API server records the fields
of the client's request in managedFields before admission: they show whether the workload has a list of its own.
Source: createHandler in k8s.io/apiserver/pkg/endpoints/handlers/create.go, and plugin/pkg/admission/serviceaccount.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils._time import TimeError, parse_time

Object = t.Mapping[str, t.Any]

OWN, ADMITTED, UNKNOWN = "own", "admitted", "unknown"
"""Where a pod's list comes from: from its creator, from admission, or the pod's metadata do not show it."""

_DEFAULT_ACCOUNT = "default"
_MIRROR = "kubernetes.io/config.mirror"
"""The annotation of the pod that shows a static pod of a node. No service account is used for it."""
_FIELD = "imagePullSecrets"


@dataclasses.dataclass(frozen=True)
class Use:
    """The containers of a pod that have the same image."""

    image: str
    containers: tuple[str, ...] = ()
    """Names; those of init and ephemeral containers and of image volumes with their kind, such as init/migrate."""
    policies: frozenset[str] = frozenset()
    """The imagePullPolicies of the containers."""

    @property
    def never_pulled(self) -> bool:
        return self.policies == {"Never"}

    @property
    def always_pulled(self) -> bool:
        """Whether it does not matter if the image is on the node."""
        return self.policies == {"Always"}


@dataclasses.dataclass(frozen=True)
class Account:
    """A service account as it is now."""

    name: str
    secrets: tuple[str, ...] = ()
    """The names in its imagePullSecrets."""
    written: tuple[tuple[str, dt.datetime], ...] = ()
    """The field managers of the list, and when each of them last wrote the account."""

    @classmethod
    def from_object(cls, item: Object) -> Account:
        managers = [entry for entry in item["metadata"].get("managedFields") or () if f"f:{_FIELD}" in _fields(entry)]
        times = [(entry.get("manager") or "", _time(entry.get("time"))) for entry in managers]
        written = tuple((manager, time) for manager, time in times if time)
        return cls(item["metadata"]["name"], _names(item), written)


@dataclasses.dataclass(frozen=True)
class Pod:
    """A pod, or with the name "" one that a service account would get now."""

    name: str
    account: str
    secrets: tuple[str, ...]
    """The names in its imagePullSecrets."""
    origin: str = ADMITTED
    created_at: dt.datetime | None = None
    uses: tuple[Use, ...] = ()
    """Each image once, in the order of the containers."""
    node: str = ""
    """The node that it is assigned to, if it is."""

    @classmethod
    def from_object(cls, item: Object) -> Pod:
        metadata, spec = item["metadata"], item["spec"]
        return cls(
            metadata["name"],
            spec.get("serviceAccountName") or _DEFAULT_ACCOUNT,
            _names(spec),
            _origin(metadata),
            _time(metadata.get("creationTimestamp")),
            _uses(spec),
            spec.get("nodeName") or "",
        )

    @classmethod
    def of_account(cls, account: Account) -> Pod:
        """Return a pod without a list of its own that is created now."""
        return cls("", account.name, account.secrets)

    def use_of(self, image: str) -> Use | None:
        return next((use for use in self.uses if use.image == image), None)


def _names(holder: Object) -> tuple[str, ...]:
    """The kubelet skips references without a name."""
    return tuple(filter(None, (entry.get("name") for entry in holder.get(_FIELD) or ())))


def _origin(metadata: Object) -> str:
    if _MIRROR in (metadata.get("annotations") or {}):
        return OWN
    managed = metadata.get("managedFields")
    if any(f"f:{_FIELD}" in (_fields(entry).get("f:spec") or {}) for entry in managed or ()):
        return OWN
    return ADMITTED if managed else UNKNOWN


def _fields(entry: Object) -> Object:
    fields: Object = entry.get("fieldsV1") or {}
    return fields


def _time(text: str | None) -> dt.datetime | None:
    try:
        return parse_time(text) if text else None
    except TimeError:
        return None


def _uses(spec: Object) -> tuple[Use, ...]:
    found: dict[str, list[tuple[str, str]]] = {}
    for field, prefix in (("initContainers", "init/"), ("containers", ""), ("ephemeralContainers", "ephemeral/")):
        for container in spec.get(field) or ():
            _add(found, container.get("image"), prefix + container["name"], container.get("imagePullPolicy"))
    for volume in spec.get("volumes") or ():
        source = volume.get("image") or {}
        _add(found, source.get("reference"), f"volume/{volume['name']}", source.get("pullPolicy"))
    return tuple(
        Use(image, tuple(name for name, _policy in users), frozenset(policy for _name, policy in users))
        for image, users in found.items()
    )


def _add(found: dict[str, list[tuple[str, str]]], image: str | None, name: str, policy: str | None) -> None:
    # A pod template's image can be empty until a webhook sets it.
    if image:
        found.setdefault(image, []).append((name, policy or ""))
