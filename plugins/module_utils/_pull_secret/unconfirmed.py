# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a write whose answer was lost was carried out, as a pure function. Private to this collection.

The write is sent again, and the API server refuses it if it was carried out the first time: a create since the secret
exists, a patch since its resourceVersion is another, a deletion since there is nothing left. Then the secret is read
and compared with what was to be written, so that the result says what this task did.
"""

from __future__ import annotations

import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.decision import Plan
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.stored import Secret, Stored


def carried_out(plan: Plan, secret: Secret | None) -> bool:
    """Whether the secret, None where there is none, is as the plan was to make it."""
    deletes = plan.action == "removed" and not plan.change
    if secret is None or deletes:
        return secret is None and deletes
    stored = Stored(secret)
    return (
        _holds(plan.change.labels, stored.labels)
        and _holds(plan.change.annotations, stored.annotations)
        and _holds(plan.change.auths, stored.auths)
    )


def _holds(change: t.Mapping[str, t.Any], present: t.Mapping[str, t.Any]) -> bool:
    """Whether a merge patch would change nothing: None stands for a key that is not there."""
    return all(present.get(key) == value for key, value in change.items())
