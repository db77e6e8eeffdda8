# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Detect whether a write succeeded although its response was lost, as a pure function. Private to this collection.

An unconfirmed write is sent again. If the first one succeeded, the API server rejects the second: a create because the
secret exists, a patch because its resourceVersion changed, a deletion because the secret is gone. Then the secret is
read and compared with the plan, so that the result says what this task did.
"""

from __future__ import annotations

import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.decision import Plan
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.stored import Secret, Stored


def is_carried_out(plan: Plan, secret: Secret | None) -> bool:
    """Return whether the secret is as the plan would leave it. secret: None if there is none."""
    if secret is None or plan.deletes:
        return secret is None and plan.deletes
    stored = Stored(secret)
    return (
        _holds(plan.change.labels, stored.labels)
        and _holds(plan.change.annotations, stored.annotations)
        and _holds(plan.change.auths, stored.auths)
    )


def _holds(change: t.Mapping[str, t.Any], present: t.Mapping[str, t.Any]) -> bool:
    """Return whether a merge patch would change nothing. None stands for a key that is not there."""
    return all(present.get(key) == value for key, value in change.items())
