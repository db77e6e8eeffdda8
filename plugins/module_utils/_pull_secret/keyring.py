# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The credentials that the kubelet tries for an image, from a pod's pull secrets. Private to this collection.

Pure functions, with the rules of the kubelet's own code: k8s.io/kubernetes v1.37.2, pkg/credentialprovider (config.go,
keyring.go, secrets/secrets.go), pkg/kubelet/images/image_manager.go and getPullSecretsForPod in pkg/kubelet.

- A secret that the kubelet cannot read is left out, and so is one of another type or without data.
- One malformed secret blocks every pull of the pod: the kubelet tries no credential of any secret, and does not pull
  anonymously. The reason of the waiting container is the error of Go's decoder. An image that is on the node already
  is not affected, unless it was pulled with a secret (from Kubernetes 1.35 on) or its pull policy is Always.
- The kubelet tries all credentials that match, those of the node last, until a pull succeeds. It pulls anonymously only
  if none matches. An entry without user name and password, such as null, matches too.
- It reads username, password and auth of an entry. Identity tokens are not read.

tests/e2e/test_keyring_oracle.py compares this file with the kubelet's code.
"""

from __future__ import annotations

import dataclasses
import json
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _docker_config, _go_json
from ansible_collections.freshpull.ecr_public.plugins.module_utils._docker_config import DockerConfigError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret import image_name, key_match

USED, IGNORED, MALFORMED, MISSING, UNREADABLE = "used", "ignored", "malformed", "missing", "unreadable"
"""The states of a pull secret. Of these only UNREADABLE is not the kubelet's: the module may not read the secret."""

_DATA_KEYS = {
    _docker_config.DOCKERCONFIG_TYPE: _docker_config.DATA_KEY,
    _docker_config.LEGACY_TYPE: _docker_config.LEGACY_DATA_KEY,
}
_DEFAULT_REGISTRY = "index.docker.io"


@dataclasses.dataclass(frozen=True)
class Entry:
    """An entry of `auths`. repr() shows no password."""

    key: str
    """As it is in the secret; a user info in it is masked."""
    normalised_key: str | None
    """What the kubelet matches images with. None if it ignores the entry."""
    username: str
    password: str = dataclasses.field(repr=False)


@dataclasses.dataclass(frozen=True)
class PullSecret:
    """A secret that a pod names, as the kubelet reads it."""

    name: str
    state: str
    malformed: str = ""
    """What is wrong with it, without any secret."""
    entries: tuple[Entry, ...] = dataclasses.field(default=(), repr=False)

    @classmethod
    def read(cls, name: str, secret_type: str, data: t.Mapping[str, str] | None) -> PullSecret:
        """Read the type and the data of a Secret, as the API returns them. It never raises."""
        try:
            entries = parse(secret_type, data or {})
        except DockerConfigError as exc:
            return cls(name, MALFORMED, str(exc))
        return cls(name, IGNORED) if entries is None else cls(name, USED, entries=tuple(entries))

    @classmethod
    def missing(cls, name: str) -> PullSecret:
        return cls(name, MISSING)

    @classmethod
    def unreadable(cls, name: str) -> PullSecret:
        """Return one that the module could not read: what the kubelet reads is not known."""
        return cls(name, UNREADABLE)


@dataclasses.dataclass(frozen=True)
class Candidate:
    """A credential that the kubelet tries."""

    secret: str
    entry: Entry
    place: int
    """The number of the secret in the pod's list, from 0. A pod can name a secret twice."""
    unordered: bool = False
    """Whether another entry of the secret has the same normalised key: the order of a map in Go decides."""


class Keyring:
    """The credentials of a pod's pull secrets, in the pod's order. The kubelet skips references without a name."""

    def __init__(self, secrets: t.Iterable[PullSecret]) -> None:
        self.secrets = tuple(secret for secret in secrets if secret.name)
        index: dict[str, list[Candidate]] = {}
        for place, secret in enumerate(self.secrets):
            for candidate in _candidates(secret, place):
                index.setdefault(t.cast("str", candidate.entry.normalised_key), []).append(candidate)
        self._index = index
        self._order = sorted(index, key=lambda key: key.encode(errors="surrogateescape"), reverse=True)
        self._patterns = {key: pattern for key in self._order for pattern in [key_match.address(key)] if pattern}

    @property
    def blocked(self) -> PullSecret | None:
        """The first malformed secret, whose error the kubelet reports."""
        return next((secret for secret in self.secrets if secret.state == MALFORMED), None)

    @property
    def unreadable(self) -> list[PullSecret]:
        """Secrets that may hold further candidates, or block the pull."""
        return [secret for secret in self.secrets if secret.state == UNREADABLE]

    def candidates(self, image: str) -> list[Candidate]:
        """Return the credentials for an image in the order in which the kubelet tries them.

        The kubelet tries none of them while a secret is malformed (see blocked). Raises ImageNameError.
        Source: BasicDockerKeyring.Lookup.
        """
        repository = image_name.repository(image)
        address = key_match.address(repository)
        found = [
            candidate
            for key, pattern in self._patterns.items()
            if address and key_match.matches(pattern, address)
            for candidate in self._index[key]
        ]
        if not found and image_name.is_default_registry(repository):
            return list(self._index.get(_DEFAULT_REGISTRY, ()))
        return found


def _candidates(secret: PullSecret, place: int) -> t.Iterator[Candidate]:
    counts: dict[str, int] = {}
    for entry in secret.entries:
        if entry.normalised_key is not None:
            counts[entry.normalised_key] = counts.get(entry.normalised_key, 0) + 1
    for entry in secret.entries:
        if entry.normalised_key is not None:
            yield Candidate(secret.name, entry, place, counts[entry.normalised_key] > 1)


# --- Secrets


def parse(secret_type: str, data: t.Mapping[str, str]) -> list[Entry] | None:
    """Return the entries of a secret. None if the kubelet ignores the secret.

    Raises DockerConfigError if the secret is malformed. The message holds no user name and no password.
    Source: secretsToTrackedDockerConfigs in k8s.io/kubernetes/pkg/credentialprovider/secrets.
    """
    data_key = _DATA_KEYS.get(secret_type)
    text = data.get(data_key) if data_key else None
    if not text:
        return None
    try:
        config = _go_json.load(_docker_config.decode_bytes(text))
    except ValueError as exc:
        raise DockerConfigError("it is not JSON") from exc
    auths = _entries(config, "it") if secret_type == _docker_config.LEGACY_TYPE else _auths(config)
    return [
        Entry(_docker_config.shown_key(key), _docker_config.kubelet_key(key), username, password)
        for key, (username, password) in auths.items()
    ]


def _auths(config: t.Any) -> dict[str, tuple[str, str]]:
    """Return the user name and the password of each entry. Go merges objects of the same name; null empties them."""
    auths: dict[str, tuple[str, str]] = {}
    for name, value in _members(config, "it"):
        field = _go_json.field(name)
        if field == "auths":
            if value is None:
                auths.clear()
            auths.update(_entries(value, "its `auths`"))
        elif field == "httpheaders":
            for _header, text in _members(value, "its `HttpHeaders`"):
                _string(text, "its `HttpHeaders`", "a header")
    return auths


def _entries(value: t.Any, what: str) -> dict[str, tuple[str, str]]:
    # Each entry is read, since one that the next one with its key replaces can make the secret malformed.
    return {_go_json.string(key): _login(key, entry) for key, entry in _members(value, what)}


def _login(key: str, value: t.Any) -> tuple[str, str]:
    """Source: DockerConfigEntry.UnmarshalJSON."""
    what = f"its entry for {json.dumps(_docker_config.shown_key(key)[: _docker_config.LONGEST_KEY])}"
    fields = {"username": "", "password": "", "email": "", "auth": ""}
    for name, text in _members(value, what):
        field = _go_json.field(name)
        if field in fields:
            fields[field] = _string(text, what, f"`{field}`") if text is not None else fields[field]
    if fields["auth"]:
        try:
            return _decode_auth(fields["auth"])
        except DockerConfigError as exc:
            raise DockerConfigError(f"{what} cannot be read: {exc}") from exc
    return fields["username"], fields["password"]


def _members(value: t.Any, what: str) -> _go_json.Members:
    if value is None:
        return _go_json.Members()
    if not isinstance(value, _go_json.Members):
        raise DockerConfigError(f"{what} is not an object")
    return value


def _string(value: t.Any, what: str, field: str) -> str:
    if not isinstance(value, (str, type(None))):
        raise DockerConfigError(f"{what} has {field} that is not a string")
    return _go_json.string(value or "")


def _decode_auth(field: str) -> tuple[str, str]:
    """Decode base64 with or without padding. Source: decodeDockerConfigFieldAuth."""
    text = field.rstrip("\r\n")
    if not text.endswith("="):
        characters = len(text) - text.count("\r") - text.count("\n")
        # With one character over it is still no base64.
        text += "=" * (-characters % 4)
    username, colon, password = _docker_config.decode_auth(text).partition(":")
    if not colon:
        raise DockerConfigError("its `auth` is not base64 of user:password")
    return username, password
