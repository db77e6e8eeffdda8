# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How each client reads the logins in its file. Private to this collection.

Pure functions, with the rules of the clients' own code. Keys: see _docker_config.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _docker_config
from ansible_collections.freshpull.ecr_public.plugins.module_utils._docker_config import DockerConfigError, Entry

_HTTPS_PORT = ":443"
_API_PATHS = ("", "v1", "v2")
"""The paths of keys that older clients wrote for a registry, without slashes."""


@dataclasses.dataclass(frozen=True)
class Login:
    """A user name and a password. repr() shows no secret."""

    username: str
    password: str = dataclasses.field(repr=False)

    @property
    def auth(self) -> str:
        return _docker_config.encode_auth(self.username, self.password)

    @property
    def fingerprint(self) -> str:
        return _docker_config.fingerprint({"": _docker_config.auth_entry(self.username, self.password)})


@dataclasses.dataclass(frozen=True)
class Client:
    """The rules of one client, and of the tools that read the same file.

    any_case: whether it matches the names of fields without regard to case, as Go does for fields of a struct.
    credentials_store: whether it uses credsStore.
    reads_all: whether one entry that it cannot read makes the file invalid.
    fields: what it reads of an entry; all are strings.
    namespaces: whether an entry can be for a part of a registry, such as public.ecr.aws/team.
    """

    name: str
    any_case: bool
    credentials_store: bool
    reads_all: bool
    fields: frozenset[str]
    namespaces: bool
    _host: t.Callable[[str], str]
    _decode: t.Callable[[str], tuple[str, str]]

    def login(self, entry: Entry) -> Login | None:
        """Return the login that the client reads from an entry.

        None if the entry is empty or holds another kind of secret. Raises DockerConfigError if it cannot be read.
        """
        username, password = entry.get("username", ""), entry.get("password", "")
        if entry.get("auth"):
            username, password = self._decode(entry["auth"])
        if entry.get("identitytoken") or entry.get("registrytoken"):
            return None
        return Login(username, password) if username and password else None

    def used(self, repository: str, keys: t.Collection[str]) -> list[str]:
        """Return the key of the entry that the client uses for a repository, or for a registry.

        Several keys if the order of a map in Go decides. Empty if there is none.
        """
        registry = repository.partition("/")[0]
        key = repository if self.namespaces else registry
        while key:
            if key in keys:
                return [key]
            key = key.rpartition("/")[0]
        return [key for key in keys if self._host(key) == registry]

    def keys(self, registry: str, keys: t.Iterable[str]) -> list[str]:
        """Return the keys of entries that the client uses for any image of this registry."""
        hosts = {registry}
        if self.name == "docker":
            # nerdctl reads the same file, and tries the registry with the port first.
            host = registry[: -len(_HTTPS_PORT)] if registry.endswith(_HTTPS_PORT) else registry
            hosts = {host, host + _HTTPS_PORT}
        return [key for key in keys if self._host(key) in hosts or self.prefers(registry, key)]

    def prefers(self, registry: str, key: str) -> bool:
        """Whether the client uses an entry with this key rather than that of the registry, for some images."""
        return self.namespaces and key.startswith(f"{registry}/")

    def replaced(self, registry: str, keys: t.Iterable[str]) -> list[str]:
        """Return the other keys that stand for the whole registry: a login replaces them."""
        return [
            key
            for key in self.keys(registry, keys)
            if key != registry and not self.prefers(registry, key) and _path(key) in _API_PATHS
        ]


def _path(key: str) -> str:
    return key.rpartition("://")[2].partition("/")[2].strip("/")


def _docker_auth(text: str) -> tuple[str, str]:
    """Source: decodeAuth in github.com/docker/cli/cli/config/configfile."""
    username, colon, password = _docker_config.decode_auth(text).partition(":")
    if not colon or not username:
        raise DockerConfigError("its `auth` is not base64 of user:password")
    return username, password.strip("\0")


def _oras_auth(text: str) -> tuple[str, str]:
    """Source: decodeAuth in oras.land/oras-go/v2/registry/remote/internal/configuration."""
    username, colon, password = _docker_config.decode_auth(text).partition(":")
    if not colon:
        raise DockerConfigError("its `auth` is not base64 of user:password")
    return username, password


def _containers_auth(text: str) -> tuple[str, str]:
    """Source: decodeDockerAuth in github.com/containers/image/pkg/docker/config."""
    username, colon, password = _docker_config.decode_auth(text).partition(":")
    return (username, password.strip("\0")) if colon else ("", "")


CLIENTS = {
    client.name: client
    for client in (
        Client(
            name="docker",
            any_case=True,
            credentials_store=True,
            reads_all=True,
            fields=frozenset({"username", "password", "auth", "serveraddress", "identitytoken", "registrytoken"}),
            namespaces=False,
            _host=_docker_config.docker_host,
            _decode=_docker_auth,
        ),
        Client(
            name="podman",
            any_case=True,
            credentials_store=False,
            reads_all=False,
            fields=frozenset({"auth", "identitytoken"}),
            namespaces=True,
            _host=_docker_config.containers_host,
            _decode=_containers_auth,
        ),
        Client(
            name="helm",
            any_case=False,
            credentials_store=True,
            reads_all=False,
            fields=frozenset({"username", "password", "auth", "identitytoken", "registrytoken"}),
            namespaces=False,
            _host=_docker_config.oras_host,
            _decode=_oras_auth,
        ),
    )
}
"""By the values of the option `client`. docker includes buildx and nerdctl, podman skopeo and buildah, helm oras."""

LEGACY = dataclasses.replace(
    CLIENTS["podman"], name="podman, .dockercfg", namespaces=False, _host=_docker_config.oras_host
)
"""How podman reads ~/.dockercfg, whose text is the value of `auths`."""
