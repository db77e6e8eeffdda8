# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parse JSON of any depth, and change members of an object in a JSON text. Private to this collection.

Changing keeps every other byte: loading and dumping would change the spaces, order, numbers and escapes of the other
members. Setting a new member and removing it again restores the text.
"""

from __future__ import annotations

import json
import re
import typing as t

MAX_DEPTH = 200
"""Levels of objects and lists that are kept of a text which Python cannot parse."""
_SPACE = re.compile(r"[ \t\n\r]*")
# An escape in a string, the beginning or the end of a string, or a bracket, which a string can also contain. A pattern
# for a whole string would need 150 bytes of memory for each of its escapes.
_PIECE = re.compile(r'\\.|["\[\]{}]', re.DOTALL)
_value_at = json.JSONDecoder().raw_decode


class _Member(t.NamedTuple):
    """The position of a member in the text, from its key to the end of its value."""

    key: str
    start: int
    value: int
    end: int


def parse(text: bytes | str, **hooks: t.Any) -> t.Any:
    """Parse JSON, as bytes in UTF-8. It takes linear time. Raises ValueError. hooks: those of json.loads().

    If objects and lists are nested deeper than Python can parse, those below MAX_DEPTH levels are replaced with null.
    """
    try:
        return json.loads(text, **hooks)
    except RecursionError:
        return json.loads(_without_depth(text if isinstance(text, str) else text.decode(), hooks), **hooks)


def depth(text: str) -> int:
    """Return the number of levels of objects and lists in a text of JSON."""
    deepest = level = 0
    for _position, step in _brackets(text):
        level += step
        deepest = max(deepest, level)
    return deepest


def _brackets(text: str) -> t.Iterator[tuple[int, int]]:
    """Return the position of each bracket outside strings, and 1 if it opens an object or a list, or -1."""
    in_string = False
    for found in _PIECE.finditer(text):
        piece = found[0]
        if piece == '"':
            in_string = not in_string
        elif not in_string and len(piece) == 1:
            yield found.start(), 1 if piece in "{[" else -1


def _without_depth(text: str, hooks: t.Mapping[str, t.Any]) -> str:
    """Replace each object and list below MAX_DEPTH levels with null, from the inside out. Raises ValueError."""
    pieces: list[str] = []
    opened: list[int] = []
    """For each open object or list below MAX_DEPTH levels, the number of pieces before it."""
    level = position = 0
    for place, step in _brackets(text):
        level += max(step, 0)
        if level > MAX_DEPTH:
            end = place if step > 0 else place + 1
            pieces.append(text[position:end])
            position = end
            if step > 0:
                opened.append(len(pieces))
            else:
                json.loads("".join(pieces[opened[-1] :]), **hooks)
                pieces[opened.pop() :] = ["null"]
        level += min(step, 0)
    if opened:
        raise ValueError("the text ends within an object or a list")
    return "".join([*pieces, text[position:]])


def edit(text: str, name: str, changes: t.Mapping[str, t.Any], is_name: t.Callable[[str], bool]) -> str:
    """Set these members of the object `name` in the text, or remove those that are None. It takes linear time.

    The text must be a valid JSON object. is_name: whether a reader takes a member for `name`. If there is more than
    one, members are set in the last object, which most readers use, and removed from all. A value that is no object is
    replaced.
    """
    start = _past_space(text, 0)
    objects = [member for member in _members(text, start) if is_name(member.key)]
    if not objects:
        return text[:start] + _edit_object(text[start:], {name: _edit_object("{}", changes)}, compacted=True)
    pieces = []
    position = 0
    for member in objects:
        last = member is objects[-1]
        value = text[member.value : member.end]
        if value[0] == "{":
            value = _edit_object(value, changes if last else dict.fromkeys(changes))
        elif last:
            value = _edit_object("{}", changes)
        pieces += [text[position : member.value], value]
        position = member.end
    return "".join([*pieces, text[position:]])


def compact(value: t.Any) -> str:
    """Return compact JSON in ASCII. A lone surrogate cannot be written in another way."""
    return json.dumps(value, separators=(",", ":"))


def _edit_object(text: str, changes: t.Mapping[str, t.Any], *, compacted: bool = False) -> str:
    """Return the text that begins with an object with these members changed. compacted: whether they are JSON already.

    A member is removed with the comma before it, or behind it if it is the first one. A new member follows the last.
    """
    values = {key: value if compacted else compact(value) for key, value in changes.items() if value is not None}
    members = _members(text, 0)
    last = {member.key: member for member in members}
    pieces: list[str] = []
    end = 1
    for member in members:
        before, end = text[end : member.start], member.end
        if member.key in changes and not (member.key in values and member is last[member.key]):
            continue
        # The comma of the first member that stays belongs to a removed one.
        pieces.append(before if pieces else text[1 : members[0].start])
        value = values.pop(member.key, None)
        pieces += [text[member.start : member.value], text[member.value : end] if value is None else value]
    for key, value in values.items():
        pieces.append(f"{',' if pieces else ''}{compact(key)}:{value}")
    return "".join(["{", *pieces, text[end:]])


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
