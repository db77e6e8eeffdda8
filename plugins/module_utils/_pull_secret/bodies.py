# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build request bodies and diffs from a plan, as pure functions. Private to this collection."""

from __future__ import annotations

import base64
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _docker_config
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret import managed_metadata
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.decision import (
    UNKNOWN,
    Change,
    Plan,
    Policy,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.stored import Secret, Stored


def new_secret(namespace: str, policy: Policy, change: Change) -> Secret:
    """Return the body of a create. The change must hold its token, not a placeholder."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": policy.name,
            "namespace": namespace,
            "labels": dict(change.labels),
            "annotations": dict(change.annotations),
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
    body["metadata"]["annotations"] = _merged(stored.annotations, change.annotations)
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

    Only managed metadata, the labels and annotations of the policy and fingerprints are shown: an unmanaged annotation
    such as last-applied-configuration may hold a whole token.
    """
    before = _view(Stored(secret), policy) if secret else {}
    if not plan.writes:
        return before, before
    if plan.deletes:
        return before, {}
    after = {
        "type": _docker_config.DOCKERCONFIG_TYPE,
        "labels": _merged(before.get("labels", {}), plan.change.labels),
        "annotations": _merged(before.get("annotations", {}), plan.change.annotations),
        "registries": _merged(before.get("registries", {}), {k: _digest(v) for k, v in plan.change.auths.items()}),
    }
    return before, after


def _view(stored: Stored, policy: Policy) -> dict[str, t.Any]:
    labels = (managed_metadata.MANAGED_LABEL, managed_metadata.MANAGED_BY_LABEL, *policy.labels)
    annotations = (*managed_metadata.ANNOTATIONS, *policy.annotations)
    return {
        "type": stored.type,
        "labels": {key: stored.labels[key] for key in labels if key in stored.labels},
        "annotations": {key: stored.annotations[key] for key in annotations if key in stored.annotations},
        "registries": {registry: _digest(entry) for registry, entry in stored.auths.items()},
    }


def _digest(entry: _docker_config.Entry | None) -> str | None:
    if entry is None:
        return None
    return _docker_config.fingerprint({"": entry}) if entry else UNKNOWN
