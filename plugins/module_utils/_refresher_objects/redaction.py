# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Remove secret values from texts that a cluster returned, as pure functions. Private to this collection."""

from __future__ import annotations

import base64
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils._masking import masked


def redacted(text: str, secrets: t.Sequence[str]) -> str:
    """Replace each secret and its base64 with a mask."""
    forms = {form for secret in secrets if secret.strip() for form in _forms(secret)}
    return masked(text, forms)


def redacted_object(value: t.Any, secrets: t.Sequence[str]) -> t.Any:
    """Redact each string in a JSON value, such as an object of the API."""
    if isinstance(value, str):
        return redacted(value, secrets)
    if isinstance(value, dict):
        return {key: redacted_object(each, secrets) for key, each in value.items()}
    if isinstance(value, list):
        return [redacted_object(each, secrets) for each in value]
    return value


def _forms(secret: str) -> tuple[str, str]:
    return secret, base64.b64encode(secret.encode(errors="replace")).decode()
