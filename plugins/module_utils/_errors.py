# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The base of this collection's errors. Private to this collection."""

from __future__ import annotations


class CollectionError(Exception):
    """An error for the user. The message states what is wrong, where, and the next step. It holds no secret."""


class OptionError(CollectionError):
    """An option that cannot be used. The message names the option and its value."""
