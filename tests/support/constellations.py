# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pull secrets, service accounts and pods whose pulls differ, for comparisons of the replay with a real kubelet."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _docker_config
from unit.cases import decide as cases

REGISTRY = "public.ecr.aws"
REPOSITORY = "constellations"
"""The first part of each image's path."""
EXPIRED: dict[str, Any] = {"expires_at": "2026-01-01T05:00:00Z", "renewed_at": "2025-12-31T17:00:00Z"}
VALID: dict[str, Any] = {"expires_at": "2100-01-01T00:00:00Z", "renewed_at": "2099-12-31T12:00:00Z"}


@dataclass(frozen=True)
class Tokens:
    """Passwords: one that the registry accepts, and one that has expired."""

    valid: str
    expired: str

    @property
    def auth(self) -> str:
        """The field `auth` of a valid entry."""
        return _docker_config.encode_auth("AWS", self.valid)


MakeSecret = Callable[[Tokens], dict[str, Any]]


def managed(**fields: Any) -> MakeSecret:
    """Make a managed secret with a valid token."""
    return lambda tokens: cases.secret(auths={REGISTRY: tokens.valid}, **{**VALID, **fields})


def expired(**fields: Any) -> MakeSecret:
    return lambda tokens: cases.secret(auths={REGISTRY: tokens.expired}, **{**EXPIRED, **fields})


def by_hand(*keys: str, **fields: Any) -> MakeSecret:
    """Make an unmanaged secret with a valid entry for each key."""
    return lambda tokens: cases.secret(managed=False, auths=dict.fromkeys(keys, tokens.valid), **fields)


def entry(**fields: str) -> MakeSecret:
    """Make an unmanaged secret with one entry. In its fields, {auth} and {password} stand for the valid token's."""

    def make(tokens: Tokens) -> dict[str, Any]:
        filled = {name: text.format(auth=tokens.auth, password=tokens.valid) for name, text in fields.items()}
        return cases.secret(managed=False, raw=json.dumps({"auths": {REGISTRY: filled}}))

    return make


def text(raw: str) -> MakeSecret:
    return lambda _tokens: cases.secret(managed=False, raw=raw)


def legacy(tokens: Tokens) -> dict[str, Any]:
    made = cases.secret(managed=False, type=_docker_config.LEGACY_TYPE)
    config = json.dumps({REGISTRY: {"auth": tokens.auth}})
    return {**made, "data": {_docker_config.LEGACY_DATA_KEY: base64.b64encode(config.encode()).decode()}}


MALFORMED = text('{"auths": []}')
FAILED_OPEN = managed(raw='{"auths":{}}', annotations={"ecr-public.freshpull/failed-open-at": "2026-01-01T00:00:00Z"})


@dataclass(frozen=True)
class Constellation:
    """A pod with its service account. secrets: those that exist, by names which are unique in a constellation.

    account: the names in the account's list; None for all secrets in their order. pod: those in the pod's own list;
    None if it has none. later: the account's list after the pod was created, if it changes. codes: findings that the
    replay has besides others. image: its name, if it is not one of REPOSITORY.
    """

    outcome: str
    secrets: Mapping[str, MakeSecret] = field(default_factory=dict)
    account: tuple[str, ...] | None = None
    pod: tuple[str, ...] | None = None
    later: tuple[str, ...] | None = None
    codes: tuple[str, ...] = ()
    image: str = ""
    elsewhere: tuple[str, ...] = ()
    """Names of valid secrets that exist in another namespace only."""


def of(outcome: str, *codes: str, **secrets: MakeSecret) -> Constellation:
    return Constellation(outcome, secrets, codes=codes)


CONSTELLATIONS: dict[str, Constellation] = {
    "a valid secret": of("authenticated", a=managed()),
    "no secret": of("anonymous", "no_pull_secret"),
    "an expired secret": of("rejected_likely", "expired", a=expired()),
    "expired first, then valid": of("authenticated", "expired_first", a=expired(), b=managed()),
    "valid first, then expired": of("authenticated", a=managed(), b=expired()),
    "two valid secrets": of("authenticated", a=managed(), b=managed()),
    "a malformed sibling after a valid secret": of("blocked", "malformed_secret", a=managed(), b=MALFORMED),
    "a malformed sibling before a valid secret": of("blocked", "malformed_secret", a=MALFORMED, b=managed()),
    "a malformed secret alone": of("blocked", "malformed_secret", a=MALFORMED),
    "auth that is no base64": of("blocked", "malformed_secret", a=entry(auth="%%%")),
    "auth without a colon": of("blocked", "malformed_secret", a=entry(auth=base64.b64encode(b"AWS").decode())),
    "an entry that is a text": of("blocked", "malformed_secret", a=text(f'{{"auths":{{"{REGISTRY}":"x"}}}}')),
    "auths is null": of("anonymous", "no_entries", a=text('{"auths":null}')),
    "credential helpers only": of("anonymous", "no_entries", a=text('{"credHelpers":{"public.ecr.aws":"ecr-login"}}')),
    "a missing secret": Constellation("anonymous", account=("a",), codes=("missing_secret",)),
    "a missing and a valid secret": Constellation(
        "authenticated", {"b": managed()}, account=("a", "b"), codes=("missing_secret",)
    ),
    "a secret in another namespace": Constellation(
        "anonymous", account=("a",), elsewhere=("a",), codes=("other_namespace",)
    ),
    "another type": of("anonymous", "wrong_type", a=managed(type="Opaque")),
    "another type and a valid secret": of("authenticated", "wrong_type", a=managed(type="Opaque"), b=managed()),
    "the legacy type": of("authenticated", a=legacy),
    "the legacy type after an expired secret": of("authenticated", "expired_first", a=expired(), b=legacy),
    "a key with https://": of("authenticated", a=by_hand(f"https://{REGISTRY}")),
    "a key with https:// and /v1/": of("authenticated", a=by_hand(f"https://{REGISTRY}/v1/")),
    "a key with /v2/": of("authenticated", a=by_hand(f"{REGISTRY}/v2/")),
    "a key with a path": of("authenticated", a=by_hand(f"{REGISTRY}/{REPOSITORY}")),
    "a key with a part of the path's name": of("authenticated", a=by_hand(f"{REGISTRY}/{REPOSITORY[:3]}")),
    "a key with another path": of("anonymous", "no_matching_entry", a=by_hand(f"{REGISTRY}/other")),
    "a key with a port": of("anonymous", "no_matching_entry", a=by_hand(f"{REGISTRY}:443")),
    "a glob": of("authenticated", a=by_hand("*.ecr.aws")),
    "a glob in the middle": of("authenticated", a=by_hand("public.*.aws")),
    "a glob for two parts": of("anonymous", "no_matching_entry", a=by_hand("*.aws")),
    "a glob after an expired entry": of("authenticated", "expired_first", a=expired(), b=by_hand("*.ecr.aws")),
    "a path before an expired entry": of("authenticated", a=expired(), b=by_hand(f"{REGISTRY}/{REPOSITORY}")),
    "several keys that match": of("authenticated", a=by_hand("*.ecr.aws", REGISTRY, f"{REGISTRY}/{REPOSITORY}")),
    "the same key twice": of("authenticated", "undefined_order", a=by_hand(REGISTRY, f"https://{REGISTRY}")),
    "two registries": of("authenticated", a=by_hand("other.example", REGISTRY)),
    "another registry": of("anonymous", "no_matching_entry", a=by_hand("other.example")),
    "user name and password": of("authenticated", a=entry(username="AWS", password="{password}")),
    "auth and another password": of("authenticated", a=entry(auth="{auth}", username="AWS", password="bogus")),
    "an immutable secret": of("authenticated", a=managed(immutable=True)),
    "an immutable expired secret": of("rejected_likely", "expired", "immutable_secret", a=expired(immutable=True)),
    "failed open": of("anonymous", "failed_open", a=FAILED_OPEN),
    "a placeholder": of("anonymous", "no_entries", a=text('{"auths":{}}')),
    "a list of the pod": Constellation("authenticated", {"a": managed()}, account=(), pod=("a",)),
    "an empty list of the pod": Constellation("authenticated", {"a": managed()}, pod=()),
    "a list of the pod without the secret": Constellation(
        "anonymous", {"a": managed(), "b": by_hand("other.example")}, account=("a",), pod=("b",), codes=("own_list",)
    ),
    "an expired secret in the pod's list": Constellation(
        "rejected_likely", {"a": managed(), "b": expired()}, account=("a",), pod=("b",), codes=("own_list", "expired")
    ),
    "the account got the secret after the pod": Constellation(
        "anonymous", {"a": managed()}, account=(), later=("a",), codes=("no_pull_secret", "older_than_account")
    ),
    "the account lost the secret after the pod": Constellation(
        "authenticated", {"a": managed()}, later=(), codes=("older_than_account",)
    ),
    "a secret that is named twice": Constellation("authenticated", {"a": managed()}, account=("a", "a")),
    "the name of no image": Constellation("blocked", {"a": managed()}, image=f"{REGISTRY}/A", codes=("invalid_image",)),
}
