# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read objects whose parts may be missing, of another type or very large. Private to this collection.

No function raises an exception.
"""

from __future__ import annotations

import typing as t

Object = dict[str, t.Any]

LONGEST_TEXT = 1000
"""Characters that a message shows of one text from the cluster."""


def capped(text: str, longest: int = LONGEST_TEXT) -> str:
    """Shorten a text, and replace characters that cannot be encoded."""
    cut = text[: 2 * longest].strip().encode(errors="replace").decode()
    return cut if len(cut) <= longest else f"{cut[: longest - 1]}…"


def as_dict(value: object) -> Object:
    """Return the value if it is a JSON object, else {}."""
    return value if isinstance(value, dict) else {}


def items(value: object) -> list[Object]:
    """Return the JSON objects of a list; [] for any other value."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def at(value: object, *keys: str) -> t.Any:
    """Return the value at a path of keys, or None."""
    for key in keys:
        value = as_dict(value).get(key)
    return value


def text_at(value: object, *keys: str, longest: int = LONGEST_TEXT) -> str:
    """Return the string at a path of keys, capped; "" for any other value."""
    found = at(value, *keys)
    return capped(found, longest) if isinstance(found, str) else ""


def name_of(found: object) -> str:
    """Return namespace/name of an object."""
    namespace, name = text_at(found, "metadata", "namespace"), text_at(found, "metadata", "name") or "(no name)"
    return f"{namespace}/{name}" if namespace else name


def condition(found: object, kind: str, status: str = "True") -> Object:
    """Return the condition with this type and status, {} if the object has none."""
    conditions = items(at(found, "status", "conditions"))
    return next((each for each in conditions if (each.get("type"), each.get("status")) == (kind, status)), {})


def sentence(text: str) -> str:
    """Return the text with a full stop."""
    text = text or "(no message)"
    return text if text.endswith((".", "!", "?", "…")) else f"{text}."


def words(found: object) -> str:
    """Return reason and message of a condition, a state or a pod's status, as a sentence."""
    return sentence(": ".join(filter(None, (text_at(found, "reason"), text_at(found, "message")))))


def event_time(event: object) -> str:
    """Return the last time of an event, in the API's format, which sorts as a string."""
    places = (("series", "lastObservedTime"), ("lastTimestamp",), ("eventTime",), ("firstTimestamp",))
    return next(filter(None, (text_at(event, *place) for place in places)), "")
