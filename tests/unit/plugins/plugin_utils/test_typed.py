# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A variable as a text means the same as typed, or is rejected by its name."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from ansible_collections.freshpull.ecr_public.plugins.plugin_utils._typed import Type, TypedError, convert

SAME: list[tuple[Type, Any, Any]] = [
    ("bool", "false", False),
    ("bool", "No", False),
    ("bool", "1", True),
    ("bool", True, True),
    ("int", "64", 64),
    ("int", " 64 ", 64),
    ("int", 64, 64),
    ("list", "prod*", ["prod*"]),
    ("list", "default, team-*", ["default", "team-*"]),
    ("list", "default\nteam-*\n", ["default", "team-*"]),
    ("list", '["default", "team-*"]', ["default", "team-*"]),
    ("list", " [default, 'team-*']", ["default", "team-*"]),
    ("list", "['default', \"team-*\"]\n", ["default", "team-*"]),
    ("list", '["default",\n\t"team-*"]', ["default", "team-*"]),
    ("list", " a ,, b,", ["a", "b"]),
    ("list", "a\r\nb\r\n", ["a", "b"]),
    ("list", "a, {{ x }}", ["a", "{{ x }}"]),
    ("list", "None", ["None"]),
    ("list", "[1, 0x10, true, 1.5]", [1, 16, True, 1.5]),
    ("list", "ünï", ["ünï"]),
    ("list", ["a"], ["a"]),
    ("list", ("a",), ["a"]),
    ("list", "", []),
    ("list", None, []),
    ("list", "[]", []),
    ("selector", "tier in (a,b),!c", ["tier in (a,b),!c"]),
    ("selector", ["a=b", "c"], ["a=b", "c"]),
    ("selector", '["a in (b,c)"]', ["a in (b,c)"]),
    ("selector", " a=b\r\n", ["a=b"]),
    ("selector", "", []),
    ("dicts", "[{key: dedicated, operator: Exists}]", [{"key": "dedicated", "operator": "Exists"}]),
    ("dicts", "- key: dedicated\n  operator: Exists\n", [{"key": "dedicated", "operator": "Exists"}]),
    ("dicts", [{"key": "dedicated"}], [{"key": "dedicated"}]),
    ("dicts", "[{'key': 'dedicated', 'tolerationSeconds': 5}]", [{"key": "dedicated", "tolerationSeconds": 5}]),
    ("dicts", "", []),
    ("dicts", "[]", []),
    ("dict", '{"team": "a"}', {"team": "a"}),
    ("dict", "team: a", {"team": "a"}),
    ("dict", {"team": "a"}, {"team": "a"}),
    ("dict", "  ", {}),
    ("dict", "{}", {}),
    ("dict", "{'team': 'a'}", {"team": "a"}),
    ("dict", '{"team":\n\t"a"}', {"team": "a"}),
    ("dict", "team: a\nnote: |\n  first\n  second\n", {"team": "a", "note": "first\nsecond\n"}),
    # JSON writes a character beyond the first 65,536 as two.
    ("dict", '{"note": "\\ud83d\\ude00"}', {"note": "\N{GRINNING FACE}"}),
    ("dict", "{expires_at: 2026-01-02T03:04:05Z}", {"expires_at": dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)}),
]


@pytest.mark.parametrize(("kind", "value", "expected"), SAME)
def test_a_text_is_the_same_as_a_typed_value(kind: Type, value: Any, expected: Any) -> None:
    found = convert(value, kind, "variable")
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(("kind", "expected"), [("list", ["a"]), ("dict", {"a": "b"})])
def test_an_empty_text_is_the_default(kind: Type, expected: Any) -> None:
    assert convert("", kind, "variable", expected) == expected


REJECTED: list[tuple[Type, Any]] = [
    ("bool", ""),
    ("bool", "maybe"),
    ("bool", None),
    ("bool", ["true"]),
    ("int", ""),
    ("int", "5.5"),
    ("int", "five"),
    ("int", True),
    ("int", "9" * 5000),
    ("list", {"never-shown": 1}),
    ("list", 5),
    ("list", "[never-shown"),
    ("list", "[a: b: c"),
    ("list", "{never-shown: a}"),
    ("list", "{{ x }}"),
    ("list", '["never-shown"'),
    ("list", "[{never-shown: a}]"),
    ("list", ["a", {"never-shown": 1}]),
    ("list", [["never-shown"]]),
    ("list", "[a, null]"),
    ("list", [None]),
    ("list", "[u'never-shown']"),
    ("list", "['never\\nshown', 'x']"),
    ("list", "[!!binary aGk=]"),
    ("list", "[!!set {a}]"),
    ("list", '["\\ud800"]'),
    ("list", "[.nan]"),
    ("list", "[1, -Infinity]"),
    ("list", f"[0x{'f' * 9000}]"),
    ("list", "[a, &b b, *b]"),
    ("list", "[&a [*a]]"),
    ("list", "[" * 5000 + "]" * 5000),
    ("list", "[" * 100_000),
    ("dicts", "key=a, operator=Exists"),
    ("dicts", "never-shown"),
    ("dicts", "{key: never-shown}"),
    ("dicts", "['key=never-shown']"),
    ("dicts", ["key=never-shown"]),
    ("dicts", [{"key": "a"}, None]),
    ("dicts", {"key": "never-shown"}),
    ("selector", "[{never-shown: a}]"),
    ("selector", [None]),
    ("selector", "a=b\nnever=shown"),
    ("selector", {"a": "b"}),
    ("dict", "never-shown"),
    ("dict", "[never-shown]"),
    ("dict", "{never-shown"),
    ("dict", ["never-shown"]),
    ("dict", "null"),
    ("dict", "None"),
    ("dict", "{'team': None, 'never-shown': 'a'}"),
    ("dict", "{'note': 'never\\nshown'}"),
    ("dict", "{'never-shown', 'a'}"),
    ("dict", "? [never-shown, a]\n: b"),
    ("dict", "{a: &a {b: *a}}"),
    ("dict", '{"a":' * 200 + "1" + "}" * 200),
    ("dict", "!vault never-shown"),
    ("dict", "!!python/object:os.system never-shown"),
]


@pytest.mark.parametrize(("kind", "value"), REJECTED)
def test_anything_else_is_rejected_by_its_name(kind: Type, value: Any) -> None:
    with pytest.raises(TypedError, match=r"^variable: must be ") as caught:
        convert(value, kind, "variable")
    assert "never-shown" not in str(caught.value)
    assert len(str(caught.value)) < 250
