# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the result says about a secret that failed, and the next step. Private to this collection."""

from __future__ import annotations

import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _docker_config
from ansible_collections.freshpull.ecr_public.plugins.module_utils._names import shortened, some
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret import managed_metadata, other_managers
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.stored import Stored

UNMANAGED = (
    f"A secret of this name exists and is not managed: it has no label {managed_metadata.MANAGED_LABEL}. "
    "Choose another name, or set adopt: true to add the managed entries and keep everything else in it."
)
IMMUTABLE = (
    "The secret is immutable, so its token cannot be renewed in place. "
    "Set recreate: true to delete and create it, or do this by hand."
)
IMMUTABLE_SHARED = "The secret is immutable and holds more than managed entries. Delete it by hand."
IMMUTABLE_ORPHAN = (
    "Nothing renews this secret any more, and its token cannot be removed because the secret is immutable. Delete the "
    "secret: without it pulls are anonymous, and the registry rejects pulls with an expired token."
)
IMMUTABLE_EXPIRING = (
    "No token is available, the stored token has expired or is expiring, and it cannot be removed because the secret "
    "is immutable. Delete the secret: without it pulls are anonymous, and the registry rejects pulls with an expired "
    "token."
)
NONE_STORED = (
    "No token is available, and the secret holds none, so pulls are anonymous. Run again when AWS returns a token."
)
NOT_CHANGED = "No token is available, so the secret was not changed. Run again when AWS returns a token."
KEPT = (
    "No token is available. The stored token was kept: its remaining lifetime is more than fail_open_before. Run again "
    "before it expires."
)
KEPT_VALID = (
    "No token was requested, because of the options of this task. The stored token was kept, since it is not known to "
    "have expired. Correct the options, and run again before it expires."
)
CLOCKS = (
    "No token is available. The stored token was kept: the clocks differ too much to decide whether it has expired. "
    "Set the clocks, and run again."
)
FAIL_OPEN_DISABLED = (
    "No token is available, and the stored token has expired or is expiring. It was kept because fail_open is false. "
    "The registry rejects pulls with an expired token. Remove it with state: absent, or run again when AWS returns a "
    "token."
)
FAILED_OPEN = (
    "No token is available, and the stored token had expired or was expiring. The managed entries were removed: pulls "
    "are anonymous instead of rejected. The next token restores the entries."
)


def failed_open(other_spellings: t.Sequence[str]) -> str:
    """other_spellings: the unmanaged keys that the kubelet uses for one of the registries."""
    if not other_spellings:
        return FAILED_OPEN
    keys = some([key[: _docker_config.LONGEST_KEY] for key in other_spellings])
    return (
        f"{FAILED_OPEN} The secret keeps unmanaged entries for the same registry: {keys}. If their tokens have "
        "expired, the registry rejects pulls. Remove these entries."
    )


def other_owner(stored: Stored, owner: str) -> str:
    """stored: a managed secret of another owner. owner: that of the task."""
    found = f"belongs to the owner {stored.owner!r}" if stored.owner else "has no owner"
    wanted = f"this task has the owner {owner!r}" if owner else "this task has no owner"
    return (
        f"A managed secret of this name exists, which {found}; {wanted}. Choose another name, use the same owner, or "
        "set adopt: true to take the secret over. The tasks of its former owner then fail with this message."
    )


def copy(stored: Stored) -> str:
    tool = other_managers.copied_by({"labels": stored.labels, "annotations": stored.annotations})
    return (
        f"The secret is a copy: it was written for the namespace {shortened(stored.copied_from)}. "
        f"{tool.name if tool else 'Another tool'} copies it here and would write it again. Exclude this namespace from "
        "that tool or from this task, or set adopt: true."
    )


def wrong_type(stored: Stored) -> str:
    legacy = " (the legacy format)" if stored.type == _docker_config.LEGACY_TYPE else ""
    options = "recreate: true" if stored.managed else "recreate: true and adopt: true"
    return (
        f"The secret has type {shortened(stored.type)}{legacy}, which cannot be changed in place; the kubelet needs "
        f"{_docker_config.DOCKERCONFIG_TYPE}. Choose another name, or set {options} to delete and create it."
    )


def finalizers(stored: Stored) -> str:
    """stored: a secret that would have to be recreated."""
    return (
        f"The secret cannot be changed in place, and was not deleted, since its finalizers ({some(stored.finalizers)}) "
        "would hold the deletion. Remove them, or delete the secret by hand, and run the task again."
    )


def malformed(stored: Stored) -> str:
    return (
        f"The secret's Docker config cannot be read: {stored.malformed}. It was not changed, since it may "
        "hold other logins. With such a secret the kubelet rejects pulls from every registry. Repair or delete it, "
        "then run again."
    )
