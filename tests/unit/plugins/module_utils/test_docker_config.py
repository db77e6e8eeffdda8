# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _docker_config

BAD = {
    "nope": "not JSON",
    "[]": "not a JSON object",
    '{"auths": []}': "`auths` is not an object",
    '{"auths": 0}': "`auths` is not an object",
    '{"auths": {"a.example": ["secret"]}}': "entry for",
    '{"auths": {}, "x": NaN}': "not JSON",
    '{"auths":{"a":{"secret":' + "[" * 60 + "]" * 60 + "}}}": "nested deeper than 50 levels",
    '{"auths":{"a":{"secret":' + "[" * 100_000 + "]" * 100_000 + "}}}": "nested deeper than 50 levels",
    '{"auths":{"a":{"secret":' + "1" * 1001 + "}}}": "a number with more than 1000 digits",
    '{"auths":{"a":{"secret":-' + "1" * 1_000_000 + "}}}": "a number with more than 1000 digits",
    '{"auths": {"a.example": "secret"}}': 'entry for "a.example" is not an object',
}


def test_an_entry_has_the_fields_of_every_client() -> None:
    entry = _docker_config.auth_entry("AWS", "pä:ss")
    assert base64.b64decode(entry["auth"]).decode() == "AWS:pä:ss"
    assert (entry["username"], entry["password"]) == ("AWS", "pä:ss")


@pytest.mark.parametrize("text", BAD, ids=lambda text: text[:40])
def test_an_invalid_config_is_rejected_without_being_quoted(text: str) -> None:
    with pytest.raises(_docker_config.DockerConfigError, match=BAD[text]) as caught:
        _docker_config.parse(text)
    assert "secret" not in str(caught.value)


def test_a_number_without_a_float_is_rejected_in_the_legacy_format() -> None:
    """Such a config is written anew, as JSON, which has no infinity. In the other format its text is kept."""
    with pytest.raises(_docker_config.DockerConfigError, match="a number that is too large"):
        _docker_config.parse_legacy('{"a.example": {"x": -1e400}}')
    assert _docker_config.parse_legacy('{"a.example": {"x": 1e40}}') == {"a.example": {"x": 1e40}}
    assert _docker_config.parse('{"auths": {"a.example": {"x": 1e400}}}')


@pytest.mark.parametrize("data", ["%%%", "YQ", "gICA"])
def test_invalid_base64_is_rejected(data: str) -> None:
    with pytest.raises(_docker_config.DockerConfigError):
        _docker_config.decode(data)


def test_a_config_without_auths_is_valid() -> None:
    assert _docker_config.parse("{}") == {}


def test_the_fingerprint_depends_on_content_not_on_order() -> None:
    one, other = _docker_config.auth_entry("AWS", "a"), _docker_config.auth_entry("AWS", "b")
    both = _docker_config.fingerprint({"x": one, "y": other})
    assert both == _docker_config.fingerprint({"y": dict(reversed(other.items())), "x": one})
    assert both != _docker_config.fingerprint({"x": other, "y": one})
    assert len(both) == len("sha256:") + 16


def test_a_config_is_compact_json() -> None:
    text = _docker_config.docker_config({"r": _docker_config.auth_entry("AWS", "a")})
    assert text == json.dumps(json.loads(text), separators=(",", ":"))


@pytest.mark.parametrize(
    ("text", "auths"),
    [
        ("null", {}),
        (" null\n", {}),
        ('{"auths":null}', {}),
        ('{"auths":{"a":null,"b":{}}}', {"a": {}, "b": {}}),
    ],
)
def test_null_is_the_same_as_nothing(text: str, auths: dict[str, Any]) -> None:
    assert _docker_config.parse(text).get("auths", {}) == auths
    edited = _docker_config.edit(text, {"r": {"auth": "x"}})
    assert _docker_config.parse(edited)["auths"] == {**auths, "r": {"auth": "x"}}


# Key -> what the kubelet matches images with, or None. A scheme other than these two is part of the host.
KUBELET_KEYS = {
    "public.ecr.aws": "public.ecr.aws",
    "https://public.ecr.aws": "public.ecr.aws",
    "http://public.ecr.aws/": "public.ecr.aws",
    "public.ecr.aws/v1/": "public.ecr.aws",
    "https://public.ecr.aws/v2/": "public.ecr.aws",
    "public.ecr.aws/v1": "public.ecr.aws/v1",
    "public.ecr.aws/v2/team": "public.ecr.aws/team",
    "public.ecr.aws/team": "public.ecr.aws/team",
    "public.ecr.aws/team/": "public.ecr.aws/team/",
    "https://user:secret@public.ecr.aws": "public.ecr.aws",
    "public.ecr.aws?a=b#c": "public.ecr.aws",
    "public.ecr.aws:443": "public.ecr.aws:443",
    "Public.ECR.aws": "Public.ECR.aws",
    "HTTPS://public.ecr.aws": "HTTPS://public.ecr.aws",
    "ftp://public.ecr.aws": "ftp://public.ecr.aws",
    "*.ecr.aws/x": "*.ecr.aws/x",
    "public.ecr.aws/%74eam": "public.ecr.aws/team",
    "public.ecr.aws/%zz": None,
    "public.ecr.aws:port": None,
    "public ecr aws": None,
    "public.ecr.aws\n": None,
    "[::1]:5000/x": "[::1]:5000/x",
    "": "",
    # The path is normalised after its escapes.
    "public.ecr.aws/%76%32/team": "public.ecr.aws/team",
    # Control characters are rejected before a fragment only.
    "public.ecr.aws#\n": "public.ecr.aws",
    "public.ecr.aws#%0": None,
    # Brackets are for IPv6 addresses, and a host has at most one colon.
    "[abc]": None,
    "[1.2.3.4]": None,
    "[::1": None,
    "[::1]x": None,
    "a[::1]": None,
    "a:1:2": None,
    "a]b": "a]b",
    "[fe80::1%25eth0]:80": "[fe80::1%eth0]:80",
    "[fe80::1%25a%20%41%5D]": "[fe80::1%a A]]",
    "[fe80::1%eth0]": None,
    "[fe80::1%25]": None,
    "[fe80::1%25%C3]": None,
    "[fe80::1%25%2F]": None,
    "p%C3%BCblic.ecr.aws": "p\u00fcblic.ecr.aws",
    "public%2Eecr.aws": None,
}


@pytest.mark.parametrize("key", KUBELET_KEYS)
def test_keys_are_normalised_as_the_kubelet_does(key: str) -> None:
    assert _docker_config.kubelet_key(key) == KUBELET_KEYS[key]


@pytest.mark.parametrize(
    ("key", "address"),
    [
        ("public.ecr.aws/team", ("public.ecr.aws", "/team")),
        ("public.ecr.aws/a?b", ("public.ecr.aws", "/a")),
        ("public.ecr.aws/%41", ("public.ecr.aws", "/A")),
        ("public.ecr.aws/%zz", None),
        ("public.ecr.aws/\n", None),
    ],
)
def test_the_address_of_a_normalised_key(key: str, address: tuple[str, str] | None) -> None:
    assert _docker_config.kubelet_address(key) == address


@pytest.mark.parametrize(
    ("key", "shown"),
    [
        ("public.ecr.aws/team", "public.ecr.aws/team"),
        ("AWS:secret@public.ecr.aws", "***@public.ecr.aws"),
        ("https://AWS:secret@public.ecr.aws/team", "https://***@public.ecr.aws/team"),
        ("tcp://secret@a@public.ecr.aws", "tcp://***@public.ecr.aws"),
        ("public.ecr.aws/team@sha256", "public.ecr.aws/team@sha256"),
    ],
)
def test_a_key_is_shown_without_its_user_info(key: str, shown: str) -> None:
    assert _docker_config.shown_key(key) == shown


def test_the_host_of_a_scheme_that_allows_a_list_of_hosts() -> None:
    """Go requires one colon at most only for HTTP."""
    assert _docker_config.docker_host("tcp://a:1,b:2/x") == "[a:1,b]:2"
