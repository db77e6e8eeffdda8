# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Change members of an object in a JSON text, and keep every other byte. Private to this collection.

Loading and dumping would change the spaces, order, numbers and escapes of the other members. Setting a new member and
removing it again restores the text.
"""

from __future__ import annotations

import json
import re
import typing as t

_SPACE = re.compile(r"[ \t\n\r]*")
_value_at = json.JSONDecoder().raw_decode


class _Member(t.NamedTuple):
    """The position of a member in the text, from its key to the end of its value."""

    key: str
    start: int
    value: int
    end: int


def edit(text: str, name: str, changes: t.Mapping[str, t.Any]) -> str:
    """Set these members of the object `name` in the text, or remove those that are None.

    The text must be a valid JSON object.
    """
    if not any(member.key == name for member in _members(text, _past_space(text, 0))):
        text = _set(text, _past_space(text, 0), name, "{}")
    for key, value in changes.items():
        start = [member.value for member in _members(text, _past_space(text, 0)) if member.key == name][-1]
        text = _drop(text, start, key) if value is None else _set(text, start, key, compact(value))
    return text


def compact(value: t.Any) -> str:
    """Return compact JSON in ASCII. A lone surrogate cannot be written in another way."""
    return json.dumps(value, separators=(",", ":"))


def _set(text: str, start: int, key: str, value: str) -> str:
    """Set a member of the object that begins at start. A new member follows the last one."""
    members = _members(text, start)
    for member in reversed(members):
        if member.key == key:
            return text[: member.value] + value + text[member.end :]
    at, comma = (members[-1].end, ",") if members else (start + 1, "")
    return f"{text[:at]}{comma}{compact(key)}:{value}{text[at:]}"


def _drop(text: str, start: int, key: str) -> str:
    """Remove a member with the comma before it, or behind it if it is the first one."""
    members = _members(text, start)
    for index, member in enumerate(members):
        if member.key == key:
            begin = members[index - 1].end if index else member.start if len(members) > 1 else start + 1
            end = members[1].start if index == 0 and len(members) > 1 else member.end
            return text[:begin] + text[end:]
    return text


def _members(text: str, start: int) -> list[_Member]:
    members = []
    position = _past_space(text, start + 1)
    while text[position] != "}":
        key, after_key = _value_at(text, position)
        value = _past_space(text, _past_space(text, after_key) + len(":"))
        _unused, end = _value_at(text, value)
        members.append(_Member(key, position, value, end))
        position = _past_space(text, end)
        if text[position] == ",":
            position = _past_space(text, position + 1)
    return members


def _past_space(text: str, position: int) -> int:
    found = _SPACE.match(text, position)
    return found.end() if found else position
