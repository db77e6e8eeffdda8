# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read JSON as Go's encoding/json reads it, for the kubelet and the clients. Private to this collection.

The differences from Python's json: the names of a struct's fields match without regard to case; a name can be there
more than once, and each value is read; half a pair of surrogates, or a byte that is not UTF-8, becomes U+FFFD.
"""

from __future__ import annotations

import re
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _json_text

MAX_DEPTH = 10_000
"""Levels of objects and lists that Go reads (maxNestingDepth)."""
NUMBER = 0
"""The value of every number: none is used, and converting a long one takes quadratic time."""
_SURROGATE = re.compile("[\ud800-\udfff]")
# The two characters outside ASCII that are equal to an ASCII letter for Go.
_FOLDED = str.maketrans({"\u017f": "s", "\u212a": "k"})


class Members(tuple[tuple[str, t.Any], ...]):
    """The members of a JSON object in their order. A name can be there more than once."""


def load(data: bytes) -> t.Any:
    """Parse JSON. An object becomes Members. It takes linear time. Raises ValueError."""
    text = data.decode(errors="surrogateescape")
    if text.count("[") + text.count("{") > MAX_DEPTH and _json_text.depth(text) > MAX_DEPTH:
        raise ValueError(f"objects or lists are nested deeper than {MAX_DEPTH} levels")
    return _json_text.parse(
        text, object_pairs_hook=Members, parse_int=_number, parse_float=_number, parse_constant=_reject_constant
    )


def field(name: str) -> str:
    """Return the name of a struct's field in the spelling in which names that Go takes for the same are equal."""
    return name.translate(_FOLDED).lower()


def string(value: str) -> str:
    """Return a string as Go holds it, without surrogates."""
    return _SURROGATE.sub("\ufffd", value)


def _number(_text: str) -> int:
    return NUMBER


def _reject_constant(name: str) -> t.NoReturn:
    raise ValueError(f"{name} is not JSON")
