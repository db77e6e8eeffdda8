# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the kubelet reads in pull secrets. tests/e2e/test_keyring_oracle.py compares them with the kubelet's code."""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _docker_config
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret import keyring
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.image_name import ImageNameError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.keyring import Keyring, PullSecret
from unit.cases.any_secret import MAX_DATA
from unit.linear_time import assert_linear_time

REGISTRY = "public.ecr.aws"
IMAGE = f"{REGISTRY}/team/app:1.0"


def encoded(text: str | bytes) -> str:
    return base64.b64encode(text.encode() if isinstance(text, str) else text).decode()


def secret(text: str | bytes, name: str = "s", *, legacy: bool = False) -> PullSecret:
    """Return a secret with this Docker config."""
    if legacy:
        return PullSecret.read(name, _docker_config.LEGACY_TYPE, {_docker_config.LEGACY_DATA_KEY: encoded(text)})
    return PullSecret.read(name, _docker_config.DOCKERCONFIG_TYPE, {_docker_config.DATA_KEY: encoded(text)})


def with_keys(*keys: str, name: str = "s") -> PullSecret:
    """Return a secret with an entry for each key, whose user name is the key."""
    return secret(json.dumps({"auths": {key: {"username": key, "password": "p"} for key in keys}}), name)


def logins(one: PullSecret) -> list[tuple[str, str]]:
    return [(entry.username, entry.password) for entry in one.entries]


def users(*secrets: PullSecret, image: str = IMAGE) -> list[str]:
    return [candidate.entry.username for candidate in Keyring(secrets).candidates(image)]


# --- The fields of an entry


# Entry -> user name and password.
ENTRIES = {
    "user name and password": ('{"username":"u","password":"p"}', ("u", "p")),
    "auth": ('{"auth":"dTpw"}', ("u", "p")),
    "auth before user name": ('{"auth":"dTpw","username":"x","password":"y"}', ("u", "p")),
    "auth that is empty": ('{"auth":"","username":"x"}', ("x", "")),
    "auth that is null": ('{"auth":null,"username":"x"}', ("x", "")),
    "auth twice": ('{"auth":"eDp5","auth":"dTpw"}', ("u", "p")),
    "auth with null after it": ('{"auth":"dTpw","auth":null}', ("u", "p")),
    "auth without padding": ('{"auth":"dXU6cA"}', ("uu", "p")),
    "auth with padding": ('{"auth":"dXU6cA=="}', ("uu", "p")),
    "auth with ends of lines": ('{"auth":"dXU6\\r\\ncA==\\n"}', ("uu", "p")),
    "auth with a bit after the end": ('{"auth":"dXU6cB=="}', ("uu", "p")),
    "auth with more than one colon": ('{"auth":"dTpwOng="}', ("u", "p:x")),
    "auth without a user": ('{"auth":"OnA="}', ("", "p")),
    "auth that is not UTF-8": ('{"auth":"dTr/"}', ("u", "\udcff")),
    "a null byte at the end": ('{"auth":"dTpwAA=="}', ("u", "p\0")),
    "null": ("null", ("", "")),
    "nothing": ("{}", ("", "")),
    "an identity token": ('{"identitytoken":"t"}', ("", "")),
    "an identity token with a user": ('{"auth":"dTpw","identitytoken":"t"}', ("u", "p")),
    "a field of another type": ('{"auth":"dTpw","identitytoken":[1]}', ("u", "p")),
    "capital letters": ('{"USERNAME":"u","Password":"p"}', ("u", "p")),
    "letters that are equal to ASCII for Go": ('{"u\u017fername":"u","pa\u017f\\u017fword":"p"}', ("u", "p")),
    "letters that are not": ('{"usernam\u00e9":"u","p\u00e0ssword":"p"}', ("", "")),
    "half a pair of surrogates": ('{"username":"\\ud800u","password":"\\ud83d\\ude00"}', ("\ufffdu", "\U0001f600")),
}


@pytest.mark.parametrize("case", ENTRIES)
def test_the_login_of_an_entry(case: str) -> None:
    text, login = ENTRIES[case]
    assert logins(secret(f'{{"auths":{{"a":{text}}}}}')) == [login]
    assert logins(secret(f'{{"a":{text}}}', legacy=True)) == [login]


def test_bytes_that_are_not_utf8_are_replaced_one_by_one() -> None:
    read = secret(b'{"auths":{"a\xff":{"username":"\xe2\x82u\xed\xa0\x80"}}}')
    assert [(entry.key, entry.username) for entry in read.entries] == [("a\ufffd", "\ufffd" * 2 + "u" + "\ufffd" * 3)]


# Docker config -> keys.
CONFIGS = {
    "null": ("null", []),
    "an empty object": ("{}", []),
    "auths that is null": ('{"auths":null}', []),
    "capital letters": ('{"AUTHS":{"a":{}}}', ["a"]),
    "a letter that is equal to ASCII for Go": ('{"auth\u017f":{"a":{}}}', ["a"]),
    "auths twice: both count": ('{"auths":{"a":{}},"Auths":{"b":{}}}', ["a", "b"]),
    "auths twice, null after it": ('{"auths":{"a":{}},"auths":null}', []),
    "auths twice, null before it": ('{"auths":null,"auths":{"a":{}}}', ["a"]),
    "a key twice": ('{"auths":{"a":{"username":"x"},"a":{}}}', ["a"]),
    "other fields": ('{"auths":{"a":{}},"credsStore":1,"x":[{}]}', ["a"]),
    "headers": ('{"auths":{"a":{}},"HttpHeaders":{"h":"v","n":null}}', ["a"]),
    "headers that are null": ('{"auths":{"a":{}},"httpheaders":null}', ["a"]),
    "a number that is too large": ('{"auths":{"a":{"x":1e999,"y":' + "1" * 100_000 + "}}}", ["a"]),
    "deep data in a field that is not read": ('{"x":' + "[" * 9999 + "]" * 9999 + ',"auths":{"a":{}}}', ["a"]),
}


@pytest.mark.parametrize("case", CONFIGS)
def test_the_keys_of_a_config(case: str) -> None:
    text, keys = CONFIGS[case]
    read = secret(text)
    assert (read.state, read.malformed, [entry.key for entry in read.entries]) == (keyring.USED, "", keys)


# --- Malformed secrets


ENTRY = '{"auths":{"a":%s}}'
MALFORMED = {
    "not JSON": ("{", "it is not JSON"),
    "only space": (" ", "it is not JSON"),
    "a BOM": ("\ufeff{}", "it is not JSON"),
    "two values": ("{}{}", "it is not JSON"),
    "NaN": ('{"x":NaN}', "it is not JSON"),
    "a control character in a string": ('{"x":"\x1f"}', "it is not JSON"),
    "space that is not JSON": ('{"x":\x0b1}', "it is not JSON"),
    "deeper than Go reads": ('{"x":' + "[" * 10_000 + "]" * 10_000 + "}", "it is not JSON"),
    "a mistake in deep data": ('{"x":' + "[" * 5000 + "1 2" + "]" * 5000 + "}", "it is not JSON"),
    "brackets that do not match in deep data": ('{"x":' + "[" * 5000 + "}" * 5000 + "}", "it is not JSON"),
    "a list": ("[]", "it is not an object"),
    "a string": ('"x"', "it is not an object"),
    "auths that is a list": ('{"auths":[]}', "its `auths` is not an object"),
    "auths that is a string": ('{"auths":""}', "its `auths` is not an object"),
    "auths that is replaced": ('{"auths":0,"auths":{}}', "its `auths` is not an object"),
    "an entry that is a string": (ENTRY % '"s3cret"', 'its entry for "a" is not an object'),
    "an entry that is replaced": ('{"auths":{"a":1,"a":{}}}', 'its entry for "a" is not an object'),
    "an entry that null replaces": ('{"auths":{"a":1},"auths":null}', 'its entry for "a" is not an object'),
    "a user name that is a number": (ENTRY % '{"username":1}', 'its entry for "a" has `username` that is not a string'),
    "an email that is an object": (ENTRY % '{"Email":{}}', 'its entry for "a" has `email` that is not a string'),
    "a password that is replaced": (ENTRY % '{"password":[],"password":"s3cret"}', "`password` that is not a string"),
    "auth that is a boolean": (ENTRY % '{"auth":false}', "`auth` that is not a string"),
    "auth without a colon": (ENTRY % '{"auth":"czNjcmV0"}', "its `auth` is not base64 of user:password"),
    "auth that is not base64": (ENTRY % '{"auth":"s3cret:"}', "its `auth` is not base64"),
    "auth with characters for URLs": (ENTRY % '{"auth":"dXA6cA-_"}', "its `auth` is not base64"),
    "auth with a space": (ENTRY % '{"auth":"dTpw "}', "its `auth` is not base64"),
    "auth with too much padding": (ENTRY % '{"auth":"dTpw="}', "its `auth` is not base64"),
    "auth with too little padding": (ENTRY % '{"auth":"dXU6cA="}', "its `auth` is not base64"),
    "auth with one character over": (ENTRY % '{"auth":"dTpwd"}', "its `auth` is not base64"),
    "auth that is padding": (ENTRY % '{"auth":"="}', "its `auth` is not base64"),
    "a key with a password": ('{"auths":{"u:s3cret@a":1}}', r'its entry for "\*\*\*@a" is not an object'),
    "headers with a number": ('{"HttpHeaders":{"a":1}}', "its `HttpHeaders` has a header that is not a string"),
    "headers that are a list": ('{"HTTPHEADERS":[]}', "its `HttpHeaders` is not an object"),
}  # fmt: skip


@pytest.mark.parametrize("case", MALFORMED)
def test_a_malformed_secret_blocks_the_pull_without_being_quoted(case: str) -> None:
    text, reason = MALFORMED[case]
    bad = secret(text, "bad")
    assert bad.state == keyring.MALFORMED
    with pytest.raises(_docker_config.DockerConfigError, match=reason) as caught:
        keyring.parse(_docker_config.DOCKERCONFIG_TYPE, {_docker_config.DATA_KEY: encoded(text)})
    assert bad.malformed == str(caught.value)
    assert "s3cret" not in repr(bad)
    ring = Keyring([with_keys("public.ecr.aws"), bad, secret("[]", "worse")])
    assert ring.blocked == bad
    # What would be tried after the repair.
    assert [candidate.secret for candidate in ring.candidates(IMAGE)] == ["s"]


def test_data_that_is_not_base64_is_malformed() -> None:
    read = PullSecret.read("s", _docker_config.DOCKERCONFIG_TYPE, {_docker_config.DATA_KEY: "%"})
    assert (read.state, read.malformed) == (keyring.MALFORMED, "it is not base64")


# Type and data of a secret -> its state.
STATES: dict[str, tuple[str, dict[str, str] | None, str]] = {
    "a Docker config": ("kubernetes.io/dockerconfigjson", {".dockerconfigjson": encoded("{}")}, "used"),
    "the legacy format": ("kubernetes.io/dockercfg", {".dockercfg": encoded("{}")}, "used"),
    "another type": ("Opaque", {".dockerconfigjson": encoded("{")}, "ignored"),
    "no type": ("", {".dockerconfigjson": encoded("{"), "": encoded("{")}, "ignored"),
    "the key of the other type": ("kubernetes.io/dockercfg", {".dockerconfigjson": encoded("{")}, "ignored"),
    "another key": ("kubernetes.io/dockerconfigjson", {"config.json": encoded("{")}, "ignored"),
    "no data": ("kubernetes.io/dockerconfigjson", None, "ignored"),
    "empty data": ("kubernetes.io/dockerconfigjson", {".dockerconfigjson": ""}, "ignored"),
    "a malformed value of another key": (
        "kubernetes.io/dockercfg",
        {".dockerconfigjson": encoded("{"), ".dockercfg": encoded("{}")},
        "used",
    ),
    "auths in the legacy format: an entry with this key": (
        "kubernetes.io/dockercfg",
        {".dockercfg": encoded('{"auths":{"a":1}}')},
        "used",
    ),
}


@pytest.mark.parametrize("case", STATES)
def test_the_state_of_a_secret(case: str) -> None:
    secret_type, data, state = STATES[case]
    assert PullSecret.read("s", secret_type, data).state == state


def test_secrets_that_are_not_there_or_not_readable() -> None:
    ring = Keyring([PullSecret.missing("gone"), PullSecret.unreadable("hidden"), PullSecret.missing("")])
    assert [(one.name, one.state) for one in ring.secrets] == [("gone", "missing"), ("hidden", "unreadable")]
    assert [one.name for one in ring.unreadable] == ["hidden"]
    assert ring.blocked is None
    assert ring.candidates(IMAGE) == []


# --- The order


# Keys of each secret, an image, and the user names, which are the keys, in the order in which the kubelet tries them.
HUB, HUB_HOST = "https://index.docker.io/v1/", "index.docker.io"
WITH_SCHEME = f"https://{REGISTRY}/v1/"
TEAM, TEAM_APP, TEA = f"{REGISTRY}/team", f"{REGISTRY}/team/app", f"{REGISTRY}/tea"
ORDERS: dict[str, tuple[list[list[str]], str, list[str]]] = {
    "no entry at all": ([[]], IMAGE, []),
    "no entry for the registry": ([["other.example"]], IMAGE, []),
    "by key, not by secret": ([[REGISTRY], [TEAM]], IMAGE, [TEAM, REGISTRY]),
    "by secret for the same key": ([[REGISTRY], [WITH_SCHEME]], IMAGE, [REGISTRY, WITH_SCHEME]),
    "a glob after a name": ([["*.ecr.aws/team/app", REGISTRY]], IMAGE, [REGISTRY, "*.ecr.aws/team/app"]),
    "by bytes": ([["p*.ecr.aws", "public.*.aws", "*.*.*"]], IMAGE, ["public.*.aws", "p*.ecr.aws", "*.*.*"]),
    "the longest path first": ([[TEA, TEAM_APP, f"{TEAM}s"]], IMAGE, [TEAM_APP, TEA]),
    "Docker Hub": ([[HUB]], "nginx", [HUB]),
    "Docker Hub, only as the last resort": ([[HUB, "docker.io"]], "nginx:1@sha256:" + "a" * 64, ["docker.io"]),
    "Docker Hub, a key with a path": ([[f"{HUB_HOST}/library"]], "nginx", []),
    "Docker Hub for a name that is no registry to the kubelet": ([[HUB]], "localhost/app", [HUB]),
    "Docker Hub for a registry without a dot": ([[HUB]], "Team/app", [HUB]),
    "not Docker Hub for a registry with a port": ([[HUB]], "localhost:5000/app", []),
    "the name of Docker Hub's index": ([["docker.io"]], f"{HUB_HOST}/library/nginx", ["docker.io"]),
    "keys that are no URL": ([[f"{REGISTRY}/%zz", "public ecr aws", f"{REGISTRY}:port"]], IMAGE, []),
    "an empty key": ([["", "/team", "https://"]], IMAGE, []),
}


@pytest.mark.parametrize("case", ORDERS)
def test_the_order_in_which_credentials_are_tried(case: str) -> None:
    secrets, image, expected = ORDERS[case]
    assert users(*(with_keys(*keys, name=f"s{place}") for place, keys in enumerate(secrets)), image=image) == expected


def test_keys_that_are_the_same_have_no_order_within_a_secret() -> None:
    one = with_keys("public.ecr.aws", "https://public.ecr.aws", "public.ecr.aws/team", name="one")
    candidates = Keyring([one, with_keys("public.ecr.aws", name="two")]).candidates(IMAGE)
    assert [(found.secret, found.entry.normalised_key, found.unordered) for found in candidates] == [
        ("one", "public.ecr.aws/team", False),
        ("one", "public.ecr.aws", True),
        ("one", "public.ecr.aws", True),
        ("two", "public.ecr.aws", False),
    ]


def test_a_secret_that_is_named_twice_is_tried_twice() -> None:
    one = with_keys("public.ecr.aws", name="one")
    candidates = Keyring([one, PullSecret.missing("x"), one]).candidates(IMAGE)
    assert [(found.secret, found.place, found.unordered) for found in candidates] == [
        ("one", 0, False),
        ("one", 2, False),
    ]


def test_an_entry_without_a_login_is_tried_too() -> None:
    candidates = Keyring([secret('{"auths":{"public.ecr.aws":null}}')]).candidates(IMAGE)
    assert [(found.entry.key, found.entry.username) for found in candidates] == [("public.ecr.aws", "")]


def test_an_entry_that_the_kubelet_ignores_is_kept_for_reports() -> None:
    (entry,) = with_keys("public.ecr.aws:port").entries
    assert (entry.key, entry.normalised_key) == ("public.ecr.aws:port", None)


def test_the_name_of_an_image_that_the_kubelet_rejects() -> None:
    with pytest.raises(ImageNameError, match="is not the name of an image"):
        Keyring([]).candidates("public.ecr.aws/Team")


def test_nothing_shows_a_password() -> None:
    read = secret('{"auths":{"AWS:s3cret@public.ecr.aws":{"username":"AWS","password":"s3cret"}}}')
    ring = Keyring([read])
    (candidate,) = ring.candidates(IMAGE)
    assert candidate.entry.password == "s3cret"
    assert candidate.entry.key == "***@public.ecr.aws"
    assert "s3cret" not in repr((read, candidate, ring, read.entries))


# --- Hostile data


HUGE: dict[str, Callable[[int], str]] = {
    "entries": lambda size: json.dumps(
        {"auths": {f"https://a{number}.example/%41": {"auth": "dTpw"} for number in range(size // 40)}}
    ),
    "one entry many times": lambda size: '{"auths":{' + ",".join(['"a":{}'] * (size // 7)) + "}}",
    "the entries many times": lambda size: "{" + ",".join(['"auths":{"a":{}}'] * (size // 17)) + "}",
    "a long login": lambda size: '{"auths":{"a":{"auth":"' + "A" * size + '"}}}',
    "a key of wildcards": lambda size: '{"auths":{"' + "*" * size + '":{}}}',
    "a key with wildcards": lambda size: '{"auths":{"' + "*a" * (size // 2) + '":{}}}',
    "a key of dots": lambda size: '{"auths":{"' + "." * size + '":{}}}',
    "a key with escapes": lambda size: '{"auths":{"public.ecr.aws/' + "%2541" * (size // 5) + '":{}}}',
    "an IP address with escapes": lambda size: '{"auths":{"[::1%2525' + "%255Ba%255D*" * (size // 12) + ']":{}}}',
    "an IP address of colons": lambda size: '{"auths":{"[' + ":" * size + ']":{}}}',
    "a deep list": lambda size: '{"x":' + "[[]," * (size // 5) + "1" + "]" * (size // 5) + "}",
    "a deep and long list": lambda size: '{"x":' + "[" * 9_000 + "[]," * (size // 3) + "1" + "]" * 9_000 + "}",
    "open lists": lambda size: "[" * size,
    "open objects": lambda size: '{"x":' * (size // 5),
    "a text of escapes": lambda size: '{"x":"' + "\\\\" * (size // 2) + '"}',
}


@pytest.mark.parametrize("case", HUGE)
def test_large_secrets_take_linear_time(case: str) -> None:
    def find(text: str) -> None:
        Keyring([secret(text), with_keys("*.*.*")]).candidates(IMAGE)
        Keyring([secret(text)]).candidates("T" * 60 + "/app")

    assert_linear_time(find, HUGE[case], MAX_DATA)


@given(st.binary(max_size=60) | st.text(max_size=60).map(lambda text: text.encode(errors="replace")))
def test_no_data_raises(data: bytes) -> None:
    for text in (data, b'{"auths":{"a":' + data + b"}}", b'{"auths":{"' + data + b'":{}}}'):
        for legacy in (False, True):
            read = secret(text, legacy=legacy)
            assert read.state in (keyring.USED, keyring.MALFORMED, keyring.IGNORED)
            Keyring([read]).candidates(IMAGE)


@given(st.text(max_size=40))
def test_no_image_raises_another_error(image: str) -> None:
    with contextlib.suppress(ImageNameError):
        users(with_keys("index.docker.io", "*"), image=image)
