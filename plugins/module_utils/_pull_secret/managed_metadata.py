# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The names by which a pull secret is known as ours. Private to this collection."""

from __future__ import annotations

PREFIX = "ecr-public.freshpull/"

MANAGED_LABEL = PREFIX + "managed"
"""Label whose value "true" makes a secret ours."""

MANAGED_BY_LABEL = "app.kubernetes.io/managed-by"
MANAGED_BY = "freshpull"
"""Set only on secrets that we made, not on adopted ones."""

EXPIRES_AT = PREFIX + "expires-at"
RENEWED_AT = PREFIX + "renewed-at"
RENEWED_BY = PREFIX + "renewed-by"
FINGERPRINT = PREFIX + "fingerprint"
REGISTRIES = PREFIX + "registries"
CREATED = PREFIX + "created"
FAILED_OPEN_AT = PREFIX + "failed-open-at"

ANNOTATIONS = (EXPIRES_AT, RENEWED_AT, RENEWED_BY, FINGERPRINT, REGISTRIES, CREATED, FAILED_OPEN_AT)

REFRESHER_LABEL = PREFIX + "refresher"
"""Label of all that belongs to a refresher, its service account among it."""
