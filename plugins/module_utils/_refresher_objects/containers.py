# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the statuses of the containers in a pod, of which any part may be missing. Private to this collection."""

from __future__ import annotations

from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher import roles_anywhere
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.shapes import (
    Object,
    as_dict,
    at,
    items,
    sentence,
    text_at,
)

CONTAINER = "refresh"
"""The container of the refresher's program."""
SIDECAR = roles_anywhere.CONTAINER
"""The container of the sidecar for IAM Roles Anywhere, which not every pod has."""


def statuses(pod: Object) -> list[Object]:
    """Return the statuses of all containers, the init containers first."""
    return [*items(at(pod, "status", "initContainerStatuses")), *items(at(pod, "status", "containerStatuses"))]


def started(pod: Object) -> list[str]:
    """Return which of the refresher's containers were started in the pod, the program first. They may have a log."""
    found = {text_at(each, "name") for each in statuses(pod) if runs(each) or end(each) or at(each, "restartCount")}
    return [name for name in (CONTAINER, SIDECAR) if name in found]


def runs(status: Object) -> bool:
    """Whether a container runs."""
    return isinstance(at(status, "state", "running"), dict)


def end(status: Object) -> Object:
    """Return the terminated state of a container, {} if it has not ended."""
    return as_dict(at(status, "state", "terminated"))


def last_end(status: Object) -> Object:
    """Return how a container that was started again had ended, {} if it was not."""
    return as_dict(at(status, "lastState", "terminated"))


def ended(status: Object, how: Object) -> str:
    """Return a sentence about the end of a container. how: its terminated state."""
    code = how.get("exitCode")
    code = code if isinstance(code, int) and not isinstance(code, bool) and abs(code) < 2**31 else "(unknown)"
    reason, message = text_at(how, "reason"), text_at(how, "message")
    text = f"Container {text_at(status, 'name') or '(no name)'} ended with exit code {code}"
    return sentence(f"{text}{f' ({reason})' if reason else ''}{f': {message}' if message else ''}")
