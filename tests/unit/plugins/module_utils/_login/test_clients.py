# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import base64
from collections.abc import Mapping

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils._docker_config import DockerConfigError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._login.clients import CLIENTS, Login

REGISTRY = "public.ecr.aws"

# A key, and the clients that use its entry for images of the registry.
KEYS = {
    REGISTRY: "docker helm podman",
    "https://public.ecr.aws": "docker helm podman",
    "http://public.ecr.aws/": "docker helm podman",
    "https://public.ecr.aws/z9/": "docker helm podman",
    "public.ecr.aws/team": "docker helm podman",
    "public.ecr.aws/v1/": "docker helm podman",
    "public.ecr.aws:443": "docker",
    "https://public.ecr.aws:443": "docker",
    "tcp://public.ecr.aws": "docker",
    "https://user@public.ecr.aws": "docker",
    "https://public.ecr.aws?x=y": "docker",
    "other.public.ecr.aws": "",
    "public.ecr.aws:8443": "",
    "publicXecr.aws": "",
    "public.ecr.aws.example": "",
    "PUBLIC.ECR.AWS": "",
}


@pytest.mark.parametrize("key", KEYS)
def test_which_clients_use_a_key(key: str) -> None:
    assert [name for name in sorted(CLIENTS) if CLIENTS[name].keys(REGISTRY, [key])] == KEYS[key].split()


# A key, and whether a login of docker and of podman replaces it.
REPLACED = {
    REGISTRY: (False, False),
    "https://public.ecr.aws": (True, True),
    "http://public.ecr.aws/v2/": (True, True),
    "public.ecr.aws:443": (True, False),
    "public.ecr.aws/v1": (True, False),
    "public.ecr.aws/team": (False, False),
    "https://public.ecr.aws/z9/": (False, False),
}


@pytest.mark.parametrize("key", REPLACED)
def test_which_keys_a_login_replaces(key: str) -> None:
    assert tuple(bool(CLIENTS[name].replaced(REGISTRY, [key])) for name in ("docker", "podman")) == REPLACED[key]


def test_only_podman_prefers_the_key_of_a_namespace() -> None:
    assert [name for name in CLIENTS if CLIENTS[name].prefers(REGISTRY, "public.ecr.aws/team")] == ["podman"]
    assert not CLIENTS["podman"].prefers(REGISTRY, "public.ecr.aws")


TEAM, NESTED, SCHEME = f"{REGISTRY}/team", f"{REGISTRY}/team/app", f"https://{REGISTRY}/z9/"
# Keys, and those that docker and podman use for the repository NESTED.
USED: list[tuple[list[str], list[str], list[str]]] = [
    ([REGISTRY, TEAM, SCHEME], [REGISTRY], [TEAM]),
    ([REGISTRY, TEAM, NESTED], [REGISTRY], [NESTED]),
    ([TEAM, SCHEME], [TEAM, SCHEME], [TEAM]),
    ([SCHEME], [SCHEME], [SCHEME]),
    ([f"{REGISTRY}/other"], [f"{REGISTRY}/other"], []),
    ([], [], []),
]


@pytest.mark.parametrize(("keys", "docker", "podman"), USED)
def test_the_entry_for_a_repository(keys: list[str], docker: list[str], podman: list[str]) -> None:
    assert CLIENTS["docker"].used(NESTED, keys) == CLIENTS["helm"].used(NESTED, keys) == docker
    assert CLIENTS["podman"].used(NESTED, keys) == podman


def test_nerdctl_reads_a_registry_with_and_without_its_port() -> None:
    assert CLIENTS["docker"].keys("public.ecr.aws:443", [REGISTRY]) == [REGISTRY]
    assert CLIENTS["podman"].keys("public.ecr.aws:443", [REGISTRY]) == []


def encoded(text: str | bytes) -> str:
    return base64.b64encode(text if isinstance(text, bytes) else text.encode()).decode()


ALL = ("docker", "helm", "podman")
A = Login("AWS", "a")
# An entry, and the login that each client reads. An exception: the client cannot read the entry.
ENTRIES: dict[str, tuple[dict[str, str], Mapping[str, object]]] = {
    "as clients write it": ({"auth": encoded("AWS:a:b")}, dict.fromkeys(ALL, Login("AWS", "a:b"))),
    "as pull secrets have it": ({"auth": encoded("AWS:a"), "username": "x", "password": "y"}, dict.fromkeys(ALL, A)),
    "without auth": ({"username": "AWS", "password": "a"}, {"docker": A, "helm": A, "podman": None}),
    "kept by a helper": ({}, dict.fromkeys(ALL)),
    "not base64": ({"auth": "%"}, dict.fromkeys(ALL, DockerConfigError)),
    "base64 without padding": ({"auth": "QVdTOmFi" + "QQ"}, dict.fromkeys(ALL, DockerConfigError)),
    "base64 in lines": ({"auth": "QVdT\r\nOmE=\n"}, dict.fromkeys(ALL, A)),
    "bytes that are not UTF-8": ({"auth": encoded(b"AWS:\xff")}, dict.fromkeys(ALL, Login("AWS", "\udcff"))),
    "NUL after the password": ({"auth": encoded("AWS:a\0")}, {"docker": A, "helm": Login("AWS", "a\0"), "podman": A}),
    "no password": (
        {"auth": encoded("AWS")},
        {"docker": DockerConfigError, "helm": DockerConfigError, "podman": None},
    ),
    "no user name": ({"auth": encoded(":a")}, {"docker": DockerConfigError, "helm": None, "podman": None}),
    "an identity token": ({"auth": encoded("AWS:a"), "identitytoken": "x"}, dict.fromkeys(ALL)),
}


@pytest.mark.parametrize("client", ALL)
@pytest.mark.parametrize("case", ENTRIES)
def test_entries_are_read_as_the_client_reads_them(case: str, client: str) -> None:
    entry, expected = ENTRIES[case]
    read = {name: value for name, value in entry.items() if name in CLIENTS[client].fields}
    if expected[client] is DockerConfigError:
        with pytest.raises(DockerConfigError):
            CLIENTS[client].login(read)
    else:
        assert CLIENTS[client].login(read) == expected[client]


def test_a_login_with_any_bytes_has_a_fingerprint() -> None:
    assert Login("AWS", "\udcff").fingerprint.startswith("sha256:")
