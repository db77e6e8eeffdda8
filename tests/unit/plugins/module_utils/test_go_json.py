# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""JSON as Go reads it."""

from __future__ import annotations

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _go_json


def test_an_object_keeps_its_members() -> None:
    loaded = _go_json.load(b'{"a":1,"a":{"b":null,"b":[{}]}}')
    assert loaded == (("a", _go_json.NUMBER), ("a", (("b", None), ("b", [()]))))
    assert isinstance(loaded, _go_json.Members)


@pytest.mark.parametrize("text", [b"1e999", b"-0", b"1" * 1_000_000, b"1.5", b"-1E+5"])
def test_no_number_is_converted(text: bytes) -> None:
    assert _go_json.load(text) == _go_json.NUMBER


@pytest.mark.parametrize(
    "text", [b"", b"NaN", b"-Infinity", b"01", b"\xef\xbb\xbf{}", b"{}\0", b"'a'", b"{,}", b"\xff"]
)
def test_a_text_that_is_no_json_is_an_error(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        _go_json.load(text)


@pytest.mark.parametrize("depth", [9_999, 10_000])
def test_as_many_levels_as_go_reads(depth: int) -> None:
    assert _go_json.load(b"[" * depth + b'"]"' + b"]" * depth)


def test_more_levels_than_go_reads() -> None:
    assert _go_json.load(b"[" + b"[]," * 20_000 + b"1]")
    with pytest.raises(ValueError, match="nested deeper than 10000 levels"):
        _go_json.load(b"[" * 10_001 + b"]" * 10_001)


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("Auths", "auths"),
        ("AUTH\u017f", "auths"),
        ("\u212aey", "key"),
        ("\u0130d", "i\u0307d"),
        ("auth\u00df", "auth\u00df"),
    ],
)
def test_names_that_go_takes_for_the_same(name: str, field: str) -> None:
    assert _go_json.field(name) == field


def test_what_is_no_character_is_replaced() -> None:
    assert _go_json.string(_go_json.load(b'"a\\ud800\xff\xe2\x82\\ud83d\\ude00"')) == "a" + "\ufffd" * 4 + "\U0001f600"
