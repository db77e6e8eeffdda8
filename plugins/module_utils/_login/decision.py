# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The decision about the logins in one client's file, as pure functions. Private to this collection."""

from __future__ import annotations

import base64
import binascii
import dataclasses
import datetime as dt
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _docker_config
from ansible_collections.freshpull.ecr_public.plugins.module_utils._docker_config import DEFAULT_REGISTRY
from ansible_collections.freshpull.ecr_public.plugins.module_utils._token import Token

IN_FILE = ""
"""The store of a login that no credential helper keeps."""


@dataclasses.dataclass(frozen=True)
class Login:
    """A user name and a password. repr() shows no secret."""

    username: str
    password: str = dataclasses.field(repr=False)

    @property
    def auth(self) -> str:
        return base64.b64encode(f"{self.username}:{self.password}".encode()).decode()

    @property
    def fingerprint(self) -> str:
        return _docker_config.fingerprint({"": _docker_config.auth_entry(self.username, self.password)})


def login_of(entry: _docker_config.Entry) -> Login | None:
    """What clients read from an entry of `auths`, or None: an entry may be empty, or hold another kind of secret."""
    if entry.get("identitytoken") or entry.get("registrytoken"):
        return None
    try:
        text = base64.b64decode(entry.get("auth") or "", validate=True).decode()
    except (binascii.Error, TypeError, UnicodeDecodeError, ValueError):
        return None
    username, _colon, password = text.partition(":")
    username, password = username or entry.get("username") or "", password or entry.get("password") or ""
    return Login(username, password) if username and password else None


@dataclasses.dataclass(frozen=True)
class Mark:
    """What we keep of a login beside the file, since clients drop what they do not know in it."""

    expires_at: dt.datetime
    renewed_at: dt.datetime
    fingerprint: str

    def renew_before(self, wanted: dt.timedelta) -> dt.timedelta:
        """Never more than 2/3 of the token's whole life, or a short-lived token would be renewed without end."""
        return min(wanted, (self.expires_at - self.renewed_at) * 2 / 3)


@dataclasses.dataclass(frozen=True)
class Held:
    """What there is for one registry. found: any login, even one that cannot be read. login: what the client would use.

    store: where the client keeps it, IN_FILE or the name of a credential helper.
    """

    registry: str
    found: bool = False
    login: Login | None = None
    mark: Mark | None = None
    store: str = IN_FILE

    @property
    def genuine(self) -> bool:
        """Whether the login is the one that our mark speaks of."""
        return self.login is not None and self.mark is not None and self.mark.fingerprint == self.login.fingerprint

    @property
    def expires_at(self) -> dt.datetime | None:
        """The believed expiry."""
        return self.mark.expires_at if self.mark and self.genuine else None


@dataclasses.dataclass(frozen=True)
class LoginPolicy:
    """What the user wants. Durations are positive."""

    state: str = "present"
    registries: tuple[str, ...] = (DEFAULT_REGISTRY,)
    renew_before: dt.timedelta = dt.timedelta(hours=8)
    mode: int = 0o600


@dataclasses.dataclass(frozen=True)
class Step:
    """What is to be done for one registry, and why. login, mark: what there is afterwards, where that is known."""

    registry: str
    action: str
    reason: str
    store: str = IN_FILE
    login: Login | None = None
    mark: Mark | None = None
    needs_token: bool = False

    @property
    def writes(self) -> bool:
        return self.action != "unchanged"

    @property
    def expires_at(self) -> dt.datetime | None:
        return self.mark.expires_at if self.mark else None


@dataclasses.dataclass(frozen=True)
class LoginPlan:
    """What is to be done with one file."""

    steps: tuple[Step, ...]
    mode_differs: bool = False

    @property
    def writes(self) -> bool:
        return self.mode_differs or any(step.writes for step in self.steps)

    @property
    def needs_token(self) -> bool:
        return any(step.needs_token for step in self.steps)

    @property
    def action(self) -> str:
        return self._first[0]

    @property
    def reason(self) -> str:
        return self._first[1]

    @property
    def _first(self) -> tuple[str, str]:
        for step in self.steps:
            if step.writes:
                return step.action, step.reason
        return ("updated", "mode") if self.mode_differs else (self.steps[0].action, self.steps[0].reason)


def decide(
    held: t.Sequence[Held], mode: int | None, policy: LoginPolicy, now: dt.datetime, token: Token | None = None
) -> LoginPlan:
    """The plan for one file. mode: the file's, None if there is none. A token, if given, is still good."""
    if policy.state == "absent":
        return LoginPlan(tuple(map(_absent, held)))
    source = _from_token(token, now) or _from_sibling(held, policy, now)
    return LoginPlan(tuple(_present(one, policy, now, source) for one in held), mode not in (None, policy.mode))


_Source = tuple[Login, dt.datetime, dt.datetime]
"""A good login, when it expires, and when it was had."""


def _from_token(token: Token | None, now: dt.datetime) -> _Source | None:
    return (Login(token.username, token.password), token.expires_at, now) if token else None


def _from_sibling(held: t.Sequence[Held], policy: LoginPolicy, now: dt.datetime) -> _Source | None:
    """A token serves all registries, so one that is stored for another of them and has enough life left will do."""
    for one in held:
        if one.login and one.mark and not _renewal(one, policy, now):
            return one.login, one.mark.expires_at, one.mark.renewed_at
    return None


def _present(held: Held, policy: LoginPolicy, now: dt.datetime, source: _Source | None) -> Step:
    kept = Step(held.registry, "unchanged", "fresh", held.store, held.login, held.mark)
    reason = _renewal(held, policy, now)
    if not reason:
        return kept
    if source and held.expires_at and source[1] <= held.expires_at:
        return dataclasses.replace(kept, reason="not_later")
    action = "renewed" if held.found else "created"
    if source is None:
        return Step(held.registry, action, reason, held.store, needs_token=True)
    login, expires_at, renewed_at = source
    return Step(held.registry, action, reason, held.store, login, Mark(expires_at, renewed_at, login.fingerprint))


def _renewal(held: Held, policy: LoginPolicy, now: dt.datetime) -> str:
    """Why this registry needs a token, or nothing."""
    if not held.found:
        return "missing"
    if held.login is None:
        return "empty"
    if held.mark is None:
        return "unknown_expiry"
    if not held.genuine:
        return "modified"
    if held.mark.expires_at <= now:
        return "expired"
    if held.mark.expires_at - now < held.mark.renew_before(policy.renew_before):
        return "due"
    return ""


def _absent(held: Held) -> Step:
    """A logout takes away whatever login there is, as the clients' own do."""
    if held.found:
        return Step(held.registry, "removed", "managed" if held.genuine else "unmanaged", held.store)
    if held.mark:
        return Step(held.registry, "removed", "expiry_record", held.store)
    return Step(held.registry, "unchanged", "missing", held.store)


def fingerprint(steps: t.Iterable[Step]) -> str | None:
    """Of the login that there is afterwards; None if it is not known, or not the same for all registries."""
    found = {step.login.fingerprint if step.login else None for step in steps}
    return found.pop() if len(found) == 1 else None
