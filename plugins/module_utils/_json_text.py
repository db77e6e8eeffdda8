# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes members of an object in a JSON text and leaves every other byte as it is. Private to this collection.

Others' parts of a document keep their spaces, order, numbers and escapes this way, which loading and dumping would
lose. What is put in and taken out again leaves the text as it was.
"""

from __future__ import annotations

import json
import re
import typing as t

_SPACE = re.compile(r"[ \t\n\r]*")
_value_at = json.JSONDecoder().raw_decode


class _Member(t.NamedTuple):
    """Where a member of an object is in the text: from its key to the end of its value."""

    key: str
    start: int
    value: int
    end: int


def edit(text: str, name: str, changes: t.Mapping[str, t.Any]) -> str:
    """The text, an object, with these members of its member `name`, an object too: set, or taken out where None.

    The text must be known to be valid.
    """
    if not any(member.key == name for member in _members(text, _past_space(text, 0))):
        text = _set(text, _past_space(text, 0), name, "{}")
    for key, value in changes.items():
        start = [member.value for member in _members(text, _past_space(text, 0)) if member.key == name][-1]
        text = _drop(text, start, key) if value is None else _set(text, start, key, compact(value))
    return text


def compact(value: t.Any) -> str:
    """In ASCII: what a text may hold escaped, half a surrogate pair, cannot be written otherwise."""
    return json.dumps(value, separators=(",", ":"))


def _set(text: str, start: int, key: str, value: str) -> str:
    """For the object that begins at start: a new member comes right after the last one."""
    members = _members(text, start)
    for member in reversed(members):
        if member.key == key:
            return text[: member.value] + value + text[member.end :]
    at, comma = (members[-1].end, ",") if members else (start + 1, "")
    return f"{text[:at]}{comma}{compact(key)}:{value}{text[at:]}"


def _drop(text: str, start: int, key: str) -> str:
    """With the comma before it, or the one behind where it is the first."""
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
