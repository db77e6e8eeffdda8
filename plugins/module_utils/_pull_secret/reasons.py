# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The words for actions and reasons in results. Private to this collection."""

from __future__ import annotations

import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.api import ErrorReason

Action = t.Literal[
    "created",
    "renewed",
    "updated",
    "adopted",
    "recreated",
    "reserved",
    "failed_open",
    "removed",
    "unchanged",
    "skipped",
    "failed",
]
TOKEN_ACTIONS: tuple[Action, ...] = ("created", "renewed", "adopted", "recreated")
"""The actions that write a token."""
FAILURES: tuple[Action, ...] = ("failed", "failed_open")
"""The actions after which the task fails."""

AccountAction = t.Literal["attached", "detached", "unchanged", "failed"]

TokenReason = t.Literal["restored", "empty", "modified", "unknown_expiry", "expired", "due"]
"""Why a stored token must be renewed."""

Reason = t.Union[
    ErrorReason,
    TokenReason,
    t.Literal[
        "missing",
        "exists",
        "fresh",
        "not_later",
        "forced",
        "metadata",
        "registries",
        "service_accounts",
        "managed",
        "shared",
        "unmanaged",
        "copy",
        "other_owner",
        "orphaned",
        "wrong_type",
        "malformed",
        "internal_error",
        "immutable",
        "kept",
        "clocks",
        "fail_open_disabled",
        "token_unavailable",
        "token_needed",
        "not_selected",
        "missing_service_account",
        "refresher_service_account",
    ],
]
