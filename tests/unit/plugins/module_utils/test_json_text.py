# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Entries that are added and removed again: every other byte stays the same. Texts of any depth are parsed."""

from __future__ import annotations

import itertools
import json

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _docker_config, _json_text

MANAGED = {"public.ecr.aws": {"auth": "a"}, "ecr-public.aws.com": {"auth": "a"}}
TEXTS = {
    "compact": '{"auths":{"other.example":{"auth":"dTpw"}},"credsStore":"x"}',
    "as kubectl writes it": '{"auths":{"other.example":{"username":"u","password":"p","auth":"dTpw"}}}',
    "as docker writes it": '{\n\t"auths": {\n\t\t"other.example": {\n\t\t\t"auth": "dTpw"\n\t\t}\n\t}\n}',
    "spaces everywhere": ' { "auths" : { "other.example" : { "auth" : "dTpw" } , "b" : { } } , "c" : [ 1 , 2 ] } \n',
    "no entry": '{"auths":{}}',
    "no entry, and space": '{\r\n  "auths": {\r\n  }\r\n}\r\n',
    "an order of its own": '{"z":1,"auths":{"z.example":{"b":1,"a":2},"a.example":{}},"a":{"y":1,"x":2}}',
    "numbers": '{"auths":{"o":{"n":1.0,"m":1e400,"k":12345678901234567890123,"j":-0}},"x":1E5}',
    "escapes": '{"auths":{"o":{"auth":"\\u00e9\\/\\ud83d\\ude00\\"}\\\\"}},"half":"\\ud800","k\\u00e9y":"é😀"}',
    "keys with a scheme or a path": '{"auths":{"https://public.ecr.aws":{"auth":"b"},"public.ecr.aws/team":{"auth":"c"}}}',
    "its name elsewhere": '{"x":{"auths":{"public.ecr.aws":1}},"auths":{"auths":{"p":{}}},"y":"\\"auths\\":{"}',
}  # fmt: skip


@pytest.mark.parametrize("case", TEXTS)
@pytest.mark.parametrize("order", list(itertools.permutations(MANAGED)), ids="-".join)
def test_entries_that_are_added_renewed_and_removed(case: str, order: tuple[str, ...]) -> None:
    text = TEXTS[case]
    added = _docker_config.edit(text, MANAGED)
    loaded = json.loads(text)
    assert json.loads(added) == {**loaded, "auths": {**loaded["auths"], **MANAGED}}
    renewed = _docker_config.edit(added, {"public.ecr.aws": {"auth": "much longer than before"}})
    assert json.loads(renewed)["auths"]["public.ecr.aws"] == {"auth": "much longer than before"}
    assert json.loads(renewed)["auths"]["ecr-public.aws.com"] == {"auth": "a"}
    for registry in order:
        renewed = _docker_config.edit(renewed, {registry: None})
    assert renewed == text


def test_without_auths_an_empty_one_stays() -> None:
    text = '{ "credsStore": "x" }'
    added = _docker_config.edit(text, MANAGED)
    assert json.loads(added) == {"credsStore": "x", "auths": MANAGED}
    assert _docker_config.edit(added, dict.fromkeys(MANAGED)) == '{ "credsStore": "x","auths":{} }'


@pytest.mark.parametrize(
    ("text", "changes", "expected"),
    [
        ('{"auths":{"p": 1 , "o":{}}}', {"p": None}, '{"auths":{"o":{}}}'),
        ('{"auths":{"o":{} , "p":{} ,"q":{}}}', {"p": None}, '{"auths":{"o":{} ,"q":{}}}'),
        ('{"auths":{ "p" : {"auth":"x"} }}', {"p": {}}, '{"auths":{ "p" : {} }}'),
        ('{"auths":{ "p" : {} }}', {"p": None}, '{"auths":{ }}'),
        ('{"auths":{"o":{}}}', {"p": None}, '{"auths":{"o":{}}}'),
        ('{"auths":{"o":{}}}', {'a"b\\': {}}, '{"auths":{"o":{},"a\\"b\\\\":{}}}'),
        ('{"auths":{"o":{}}}', {"p": {"a": "\ud800"}}, '{"auths":{"o":{},"p":{"a":"\\ud800"}}}'),
    ],
)
def test_edit(text: str, changes: dict[str, dict[str, str] | None], expected: str) -> None:
    assert _json_text.edit(text, "auths", changes, "auths".__eq__) == expected


@pytest.mark.parametrize(
    "text",
    [
        '{"auths":{"p":{"auth":"x"},"o":{},"p":{"auth":"y"}}}',
        '{"auths":{"p":{}},"auths":{"p":{},"o":{}}}',
    ],
)
def test_a_duplicate_key_is_edited_as_it_is_read(text: str) -> None:
    assert json.loads(_docker_config.edit(text, {"p": None})) == {"auths": {"o": {}}}
    assert json.loads(_docker_config.edit(text, {"p": {"auth": "z"}}))["auths"] == {"p": {"auth": "z"}, "o": {}}


def nested(depth: int, opening: str = '{"f:a":', closing: str = "}") -> str:
    return opening * depth + "{}" + closing * depth


@pytest.mark.parametrize("depth", [900, 986, 1200, 9_990, 100_000])
@pytest.mark.parametrize("brackets", [('{"f:a":', "}"), ("[", "]")])
def test_a_text_of_any_depth_is_parsed_without_its_depth(depth: int, brackets: tuple[str, str]) -> None:
    """Which depth Python cannot parse depends on its version. API servers accept 10,000 levels."""
    odd = f'"}} ]\\"\\\\": {nested(depth, *brackets)}, "b": "{{[\\"{{"'
    text = f'{{"items":[{{"a":1,{odd}}},{{"c":{nested(3)}}}]}}'
    first, second = _json_text.parse(text.encode())["items"]
    assert (first["a"], first["b"], list(first)) == (1, '{["{', ["a", '} ]"\\', "b"])
    assert second == json.loads(f'{{"c":{nested(3)}}}')


@pytest.mark.parametrize("text", ["{", "", "[" * 100_000, "nope"])
def test_a_text_that_is_no_json_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"ends within|Expecting"):
        _json_text.parse(text.encode())


@pytest.mark.parametrize("inner", ["1 2", "[1,]", '{"a"}', "nope", "[", "]", "}", '{"a":1,}'])
@pytest.mark.parametrize("depth", [150, 5_000])
def test_a_mistake_at_any_depth_is_an_error(inner: str, depth: int) -> None:
    """The text around the mistake is so deep that Python cannot parse it as a whole."""
    deep = nested(5_000)
    with pytest.raises(ValueError, match=r"ends within|Expecting|Extra data|[Ii]llegal trailing comma"):
        _json_text.parse(("[" * depth + f'{deep},"x",{inner}' + "]" * depth).encode())


@pytest.mark.parametrize(
    ("text", "depth"), [("1", 0), ("{}", 1), ('{"a":[[]],"b":{}}', 3), ('"[[["', 0), ('["\\"[[[\\\\",[]]', 2), ("]", 0)]
)
def test_the_levels_of_a_text(text: str, depth: int) -> None:
    assert _json_text.depth(text) == depth


def test_hooks_are_used_at_any_depth() -> None:
    text = '{"a":1,"a":2,"x":' + nested(5_000) + "}"
    pairs = _json_text.parse(text, object_pairs_hook=tuple, parse_int=str)
    assert pairs[:2] == (("a", "1"), ("a", "2"))
