# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build request bodies and diffs from a plan, as pure functions. Private to this collection."""

from __future__ import annotations

import base64
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _docker_config
from ansible_collections.freshpull.ecr_public.plugins.module_utils._names import shortened
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret import managed_metadata
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.decision import (
    UNKNOWN,
    Change,
    Plan,
    Policy,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.stored import Secret, Stored

REGISTRIES_SHOWN = 20
"""Registries of one secret that a diff shows."""


def new_secret(namespace: str, policy: Policy, change: Change) -> Secret:
    """Return the body of a create. The change must hold its token, not a placeholder."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": policy.name,
            "namespace": namespace,
            "labels": dict(change.labels),
            "annotations": {managed_metadata.NAMESPACE: namespace, **dict(change.annotations)},
        },
        "type": _docker_config.DOCKERCONFIG_TYPE,
        "data": {_docker_config.DATA_KEY: _encode(_docker_config.dump({"auths": dict(change.auths)}))},
    }


def merge_patch(secret: Secret, change: Change) -> dict[str, t.Any]:
    """Return the JSON merge patch (RFC 7386) of a change. It applies only to the object that was read."""
    metadata = {key: secret["metadata"][key] for key in ("uid", "resourceVersion")}
    for key, values in (("labels", change.labels), ("annotations", change.annotations)):
        if values:
            metadata[key] = dict(values)
    patch: dict[str, t.Any] = {"metadata": metadata}
    if change.auths:
        patch["data"] = {_docker_config.DATA_KEY: _encode(_changed_text(Stored(secret), change))}
    return patch


def successor(secret: Secret, policy: Policy, change: Change) -> Secret:
    """Return the body that replaces a secret. Unmanaged metadata, data and entries of the old secret are kept."""
    stored = Stored(secret)
    body = new_secret(secret["metadata"]["namespace"], policy, change)
    body["metadata"]["labels"] = _merged(stored.labels, change.labels)
    body["metadata"]["annotations"] = _merged(
        {managed_metadata.NAMESPACE: stored.namespace, **stored.annotations}, change.annotations
    )
    for key in ("ownerReferences", "finalizers"):
        if secret["metadata"].get(key):
            body["metadata"][key] = secret["metadata"][key]
    kept = {key: value for key, value in stored.data.items() if key != _docker_config.LEGACY_DATA_KEY}
    body["data"] = {**kept, _docker_config.DATA_KEY: _encode(_changed_text(stored, change))}
    return body


def copy(secret: Secret) -> Secret:
    """Return the body that creates a deleted secret again."""
    dropped = ("uid", "resourceVersion", "creationTimestamp", "managedFields")
    metadata = {key: value for key, value in secret["metadata"].items() if key not in dropped}
    return {**secret, "metadata": metadata}


def _changed_text(stored: Stored, change: Change) -> str:
    if stored.text:
        return _docker_config.edit(stored.text, change.auths)
    return _docker_config.dump({"auths": _merged(stored.auths, change.auths)})


def _merged(present: t.Mapping[str, t.Any], change: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    return {key: value for key, value in {**present, **change}.items() if value is not None}


def _encode(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def diff(secret: Secret | None, policy: Policy, plan: Plan) -> tuple[dict[str, t.Any], dict[str, t.Any]]:
    """Return before and after of what the plan changes.

    Only managed metadata, the labels and annotations of the policy and fingerprints of managed entries are shown: an
    unmanaged annotation such as last-applied-configuration may hold a whole token, and a fingerprint of an unmanaged
    entry confirms a guess of its password.
    """
    before = _view(Stored(secret, policy.registries), policy, plan.change) if secret else {}
    if not plan.writes:
        return _capped(before), _capped(before)
    if plan.deletes:
        return _capped(before), {}
    after = {
        "type": _docker_config.DOCKERCONFIG_TYPE,
        "labels": _merged(before.get("labels", {}), plan.change.labels),
        "annotations": _merged(before.get("annotations", {}), plan.change.annotations),
        "registries": _merged(before.get("registries", {}), {k: _digest(v) for k, v in plan.change.auths.items()}),
    }
    return _capped(before), _capped(after)


def _view(stored: Stored, policy: Policy, change: Change) -> dict[str, t.Any]:
    labels = (*managed_metadata.LABELS, *policy.labels)
    annotations = (*managed_metadata.ANNOTATIONS, *policy.annotations)
    registries = {key: "unmanaged" for key in change.auths if key in stored.auths}
    if stored.managed:
        registries.update(dict.fromkeys(stored.managed_entries, "modified"))
        if stored.unmodified:
            registries.update({key: str(_digest(entry)) for key, entry in stored.managed_entries.items()})
    return {
        "type": stored.type,
        "labels": {key: stored.labels[key] for key in labels if key in stored.labels},
        "annotations": {key: stored.annotations[key] for key in annotations if key in stored.annotations},
        "registries": registries,
    }


def _digest(entry: _docker_config.Entry | None) -> str | None:
    if entry is None:
        return None
    return _docker_config.fingerprint({"": entry}) if entry else UNKNOWN


def _capped(view: dict[str, t.Any]) -> dict[str, t.Any]:
    """Return what a diff shows of a view: a stored secret may have annotations of 256 KiB, and thousands of entries."""
    if not view:
        return view
    registries = view["registries"]
    shown = {shortened(key): registries[key] for key in sorted(registries)[:REGISTRIES_SHOWN]}
    if len(registries) > REGISTRIES_SHOWN:
        shown[f"and {len(registries) - REGISTRIES_SHOWN} more"] = "not shown"
    annotations = {key: shortened(value) for key, value in view["annotations"].items()}
    return {**view, "type": shortened(view["type"]), "annotations": annotations, "registries": shown}
