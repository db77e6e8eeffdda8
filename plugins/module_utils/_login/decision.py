# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Decide what to do with the logins in one client's file, as pure functions. Private to this collection."""

from __future__ import annotations

import dataclasses
import datetime as dt
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils._docker_config import DEFAULT_REGISTRY
from ansible_collections.freshpull.ecr_public.plugins.module_utils._file_owner import Owner
from ansible_collections.freshpull.ecr_public.plugins.module_utils._login.clients import Login
from ansible_collections.freshpull.ecr_public.plugins.module_utils._token import Token, renewal_reason

IN_FILE = ""
"""The store of a login that is in the file, not in a credential helper."""
HELPER_LOGIN = "helper_login"
"""The reason if the credential helper makes its own logins, as ecr-login does, and stores none."""


@dataclasses.dataclass(frozen=True)
class ExpiryRecord:
    """The expiry of one login and the login's fingerprint.

    It is stored beside the file, because clients delete fields that they do not know from the file.
    """

    expires_at: dt.datetime
    renewed_at: dt.datetime
    fingerprint: str

    @property
    def lifetime(self) -> dt.timedelta:
        """The whole lifetime of the token."""
        return self.expires_at - self.renewed_at


@dataclasses.dataclass(frozen=True)
class StoredLogin:
    """The login that is stored for one registry.

    found: whether there is a login, even one that cannot be read. login: the login that the client uses.
    entries: whether the file has entries that the client uses for any image of the registry.
    store: IN_FILE, or the name of the credential helper that keeps the login.
    own_login: whether that helper makes its own logins. other_keys: whether the file has the login of the registry also
    with other keys. default_store: the helper with a login that the client uses if the file has no logins, or "".
    """

    registry: str
    found: bool = False
    login: Login | None = None
    record: ExpiryRecord | None = None
    store: str = IN_FILE
    entries: bool = False
    own_login: bool = False
    other_keys: bool = False
    default_store: str = ""

    @property
    def managed(self) -> bool:
        """Whether the expiry record describes this login."""
        return self.login is not None and self.record is not None and self.record.fingerprint == self.login.fingerprint

    @property
    def expires_at(self) -> dt.datetime | None:
        """The expiry of a managed login; None for any other login, whose expiry is not known."""
        return self.record.expires_at if self.record and self.managed else None


@dataclasses.dataclass(frozen=True)
class LoginPolicy:
    """The state that the user wants. Durations are positive."""

    state: str = "present"
    registries: tuple[str, ...] = (DEFAULT_REGISTRY,)
    renew_before: dt.timedelta = dt.timedelta(hours=8)
    mode: int = 0o600
    owner: int | None = None
    group: int | None = None

    def owned(self, current: Owner) -> Owner:
        """Return user and group of the file after the task. None keeps the current one."""
        if self.state == "absent":
            return current
        return Owner(
            current.uid if self.owner is None else self.owner, current.gid if self.group is None else self.group
        )


@dataclasses.dataclass(frozen=True)
class Step:
    """The action for one registry, with its reason.

    login, record: the login and the expiry record after the action, where they are known. helpers: the credential
    helpers that the action changes.
    """

    registry: str
    action: str
    reason: str
    store: str = IN_FILE
    login: Login | None = None
    record: ExpiryRecord | None = None
    needs_token: bool = False
    helpers: tuple[str, ...] = ()

    @property
    def writes(self) -> bool:
        return self.action != "unchanged"

    @property
    def expires_at(self) -> dt.datetime | None:
        return self.record.expires_at if self.record else None


@dataclasses.dataclass(frozen=True)
class LoginPlan:
    """The actions for one file."""

    steps: tuple[Step, ...]
    mode_differs: bool = False
    owner_differs: bool = False

    @property
    def writes(self) -> bool:
        return self.mode_differs or self.owner_differs or any(step.writes for step in self.steps)

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
        if self.mode_differs or self.owner_differs:
            return "updated", "mode" if self.mode_differs else "owner"
        return self.steps[0].action, self.steps[0].reason


def decide(
    stored: t.Sequence[StoredLogin],
    mode: int | None,
    policy: LoginPolicy,
    now: dt.datetime,
    token: Token | None = None,
    *,
    owners: t.Collection[Owner] = (),
) -> LoginPlan:
    """Build the plan for one file.

    mode: the permissions of the file, None if it does not exist. token: valid, if one is given. owners: of the file and
    of the record file, where they exist.
    """
    if policy.state == "absent":
        return LoginPlan(tuple(map(_absent, stored)))
    source = _from_token(token, now) or _from_other_registry(stored, policy, now)
    return LoginPlan(
        tuple(_present(one, policy, now, source) for one in stored),
        mode_differs=mode not in (None, policy.mode),
        owner_differs=any(policy.owned(owner) != owner for owner in owners),
    )


_Source = tuple[Login, dt.datetime, dt.datetime]
"""A valid login, its expiry, and the time at which its token was received."""


def _from_token(token: Token | None, now: dt.datetime) -> _Source | None:
    return (Login(token.username, token.password), token.expires_at, now) if token else None


def _from_other_registry(stored: t.Sequence[StoredLogin], policy: LoginPolicy, now: dt.datetime) -> _Source | None:
    """Return a stored login that needs no renewal. A token is valid for all registries of ECR Public."""
    for one in stored:
        if one.login and one.record and not _renewal(one, policy, now):
            return one.login, one.record.expires_at, one.record.renewed_at
    return None


def _present(stored: StoredLogin, policy: LoginPolicy, now: dt.datetime, source: _Source | None) -> Step:
    if stored.own_login:
        return Step(stored.registry, "unchanged", HELPER_LOGIN, stored.store)
    reason = _renewal(stored, policy, now)
    if not reason:
        return _kept(stored, "fresh")
    if source and stored.expires_at and source[1] <= stored.expires_at:
        return _kept(stored, "not_later")
    action = "renewed" if stored.found else "created"
    if source is None:
        return Step(stored.registry, action, reason, stored.store, needs_token=True)
    login, expires_at, renewed_at = source
    record = ExpiryRecord(expires_at, renewed_at, login.fingerprint)
    return Step(stored.registry, action, reason, stored.store, login, record, helpers=_helper(stored))


def _kept(stored: StoredLogin, reason: str) -> Step:
    action, reason = ("updated", "other_key") if stored.other_keys else ("unchanged", reason)
    return Step(stored.registry, action, reason, stored.store, stored.login, stored.record)


def _helper(stored: StoredLogin) -> tuple[str, ...]:
    return () if stored.store == IN_FILE else (stored.store,)


def _renewal(stored: StoredLogin, policy: LoginPolicy, now: dt.datetime) -> str:
    """Return the reason why this registry needs a new token, or ""."""
    if not stored.found:
        return "missing"
    if stored.login is None:
        return "empty"
    if stored.record is None:
        return "unknown_expiry"
    if not stored.managed:
        return "modified"
    return renewal_reason(stored.record.expires_at, stored.record.lifetime, now, policy.renew_before) or ""


def _absent(stored: StoredLogin) -> Step:
    """Remove the login, managed or not, as the clients' own logout commands do."""
    if stored.found or stored.entries:
        helpers = _helper(stored) if stored.login else ()
        helpers += (stored.default_store,) if stored.default_store else ()
        reason = "managed" if stored.managed else "unmanaged"
        return Step(stored.registry, "removed", reason, stored.store, helpers=helpers)
    if stored.own_login:
        return Step(stored.registry, "unchanged", HELPER_LOGIN, stored.store)
    if stored.record:
        return Step(stored.registry, "removed", "expiry_record", stored.store)
    return Step(stored.registry, "unchanged", "missing", stored.store)


def fingerprint(steps: t.Iterable[Step]) -> str | None:
    """Return the fingerprint of the login after these steps; None if not known or not the same for all registries."""
    found = {step.login.fingerprint if step.login else None for step in steps}
    return found.pop() if len(found) == 1 else None
