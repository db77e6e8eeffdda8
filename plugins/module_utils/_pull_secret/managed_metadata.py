# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The labels and annotations that this collection writes. Private to this collection."""

from __future__ import annotations

PREFIX = "ecr-public.freshpull/"

MANAGED_LABEL = PREFIX + "managed"
"""A secret with this label and the value "true" is managed."""

OWNER_LABEL = PREFIX + "owner"
"""The installation that a secret belongs to. Without an owner there is no such label."""

MANAGED_BY_LABEL = "app.kubernetes.io/managed-by"
MANAGED_BY = "freshpull"
"""Set on secrets that this collection created, not on adopted ones."""

LABELS = (MANAGED_LABEL, OWNER_LABEL, MANAGED_BY_LABEL)

NAMESPACE = PREFIX + "namespace"
"""The namespace for which the secret was written. A copy has another one."""
EXPIRES_AT = PREFIX + "expires-at"
RENEWED_AT = PREFIX + "renewed-at"
RENEWED_BY = PREFIX + "renewed-by"
FINGERPRINT = PREFIX + "fingerprint"
REGISTRIES = PREFIX + "registries"
CREATED = PREFIX + "created"
FAILED_OPEN_AT = PREFIX + "failed-open-at"

ANNOTATIONS = (NAMESPACE, EXPIRES_AT, RENEWED_AT, RENEWED_BY, FINGERPRINT, REGISTRIES, CREATED, FAILED_OPEN_AT)

REFRESHER_LABEL = PREFIX + "refresher"
"""On every object of a refresher, its service account included."""
