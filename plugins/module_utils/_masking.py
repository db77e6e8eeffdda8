# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hide known secrets in a text. Private to this collection."""

from __future__ import annotations

import typing as t

MASK = "********"


def masked(text: str, secrets: t.Iterable[str]) -> str:
    """Return a text with these secrets hidden.

    The longest first: hiding a part of a longer secret would show the rest of it.
    """
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        text = text.replace(secret, MASK)
    return text
