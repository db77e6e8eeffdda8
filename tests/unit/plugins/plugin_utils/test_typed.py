# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A variable as a text means the same as typed, or is rejected by its name."""

from __future__ import annotations

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
    ("list", "[{key: dedicated, operator: Exists}]", [{"key": "dedicated", "operator": "Exists"}]),
    ("list", ["a"], ["a"]),
    ("list", ("a",), ["a"]),
    ("list", "", []),
    ("list", None, []),
    ("list", "[]", []),
    ("selector", "tier in (a,b),!c", ["tier in (a,b),!c"]),
    ("selector", ["a=b", "c"], ["a=b", "c"]),
    ("selector", '["a in (b,c)"]', ["a in (b,c)"]),
    ("selector", "", []),
    ("dict", '{"team": "a"}', {"team": "a"}),
    ("dict", "team: a", {"team": "a"}),
    ("dict", {"team": "a"}, {"team": "a"}),
    ("dict", "  ", {}),
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
    ("selector", {"a": "b"}),
    ("dict", "never-shown"),
    ("dict", "[never-shown]"),
    ("dict", "{never-shown"),
    ("dict", ["never-shown"]),
    ("dict", "!!python/object:os.system never-shown"),
]


@pytest.mark.parametrize(("kind", "value"), REJECTED)
def test_anything_else_is_rejected_by_its_name(kind: Type, value: Any) -> None:
    with pytest.raises(TypedError, match=r"^variable: must be ") as caught:
        convert(value, kind, "variable")
    assert "never-shown" not in str(caught.value)
    assert len(str(caught.value)) < 250
