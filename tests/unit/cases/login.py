# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases for the decision about a client's login. The code and the guide are both tested against this table."""

from __future__ import annotations

import dataclasses
import datetime as dt

from ansible_collections.freshpull.ecr_public.plugins.module_utils._file_owner import Owner
from ansible_collections.freshpull.ecr_public.plugins.module_utils._login.clients import Login
from ansible_collections.freshpull.ecr_public.plugins.module_utils._login.decision import (
    ExpiryRecord,
    LoginPolicy,
    StoredLogin,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._token import Token

NOW = dt.datetime(2026, 1, 1, 6, tzinfo=dt.timezone.utc)
REGISTRY = "public.ecr.aws"
OLD, NEW, OTHER = Login("AWS", "old"), Login("AWS", "new"), Login("AWS", "other")
PRESENT, ABSENT = LoginPolicy(), LoginPolicy(state="absent")


@dataclasses.dataclass(frozen=True)
class Case:
    name: str
    stored: StoredLogin
    expect: tuple[str, str]
    policy: LoginPolicy = PRESENT
    token: Token | None = None
    mode: int | None = 0o600
    owners: tuple[Owner, ...] = (Owner(0, 0),)


def token(left: float) -> Token:
    return Token(NOW + dt.timedelta(hours=left), NEW.username, NEW.password)


def stored(*, left: float = 10, life: float = 12, login: Login | None = OLD, store: str = "") -> StoredLogin:
    """Build a stored login with the expiry record of OLD. left: its remaining hours. life: its whole lifetime."""
    expiry = NOW + dt.timedelta(hours=left)
    record = ExpiryRecord(expiry, expiry - dt.timedelta(hours=life), OLD.fingerprint)
    return StoredLogin(REGISTRY, login is not None, login, record, store)


NOTHING = StoredLogin(REGISTRY)
UNMANAGED = StoredLogin(REGISTRY, True, OTHER)
UNREADABLE = StoredLogin(REGISTRY, True)
OWN_LOGIN = StoredLogin(REGISTRY, store="ecr-login", own_login=True)
ROOTS, THEIRS = Owner(0, 0), Owner(1001, 1001)
BUILDER = LoginPolicy(owner=1001, group=1001)
OTHER_KEY = dataclasses.replace(stored(), other_keys=True)
EIGHT_HOURS_LESS_A_SECOND = 8 - 1 / 3600

CASES = (
    Case("no file", NOTHING, ("created", "missing"), mode=None),
    Case("no file, a token given", NOTHING, ("created", "missing"), token=token(12), mode=None),
    Case("a file without the registry", NOTHING, ("created", "missing")),
    Case("an expiry record without its login", stored(login=None), ("created", "missing")),
    Case("an unmanaged login", UNMANAGED, ("renewed", "unknown_expiry"), token=token(12)),
    Case("an entry without a login", UNREADABLE, ("renewed", "empty")),
    Case("a login rewritten by another tool", stored(login=OTHER), ("renewed", "modified")),
    Case("fresh", stored(), ("unchanged", "fresh")),
    Case("fresh, a token given", stored(), ("unchanged", "fresh"), token=token(12)),
    Case("fresh, in a helper", stored(store="pass"), ("unchanged", "fresh")),
    Case("exactly renew_before left", stored(left=8), ("unchanged", "fresh")),
    Case(
        "one second less than renew_before left",
        stored(left=EIGHT_HOURS_LESS_A_SECOND),
        ("renewed", "due"),
        token=token(12),
    ),
    Case("due", stored(left=1), ("renewed", "due")),
    Case("due, in a helper", stored(left=1, store="pass"), ("renewed", "due"), token=token(12)),
    Case("due, and the token given expires earlier", stored(left=3), ("unchanged", "not_later"), token=token(2)),
    Case(
        "due, and the token given expires at the same time", stored(left=3), ("unchanged", "not_later"), token=token(3)
    ),
    Case(
        "rewritten by another tool, and the token given expires early",
        stored(login=OTHER),
        ("renewed", "modified"),
        token=token(1),
    ),
    Case("expired", stored(left=-1), ("renewed", "expired"), token=token(12)),
    Case("expires now", stored(left=0), ("renewed", "expired")),
    Case("a short lifetime, more than 2/3 left", stored(left=0.7, life=1), ("unchanged", "fresh")),
    Case("a short lifetime, less than 2/3 left", stored(left=0.6, life=1), ("renewed", "due"), token=token(1)),
    Case(
        "renew_before above 2/3 of the lifetime",
        stored(),
        ("unchanged", "fresh"),
        LoginPolicy(renew_before=dt.timedelta(hours=11)),
    ),
    Case(
        "a short renew_before",
        stored(left=1),
        ("unchanged", "fresh"),
        LoginPolicy(renew_before=dt.timedelta(minutes=30)),
    ),
    Case("all users can read the file", stored(), ("updated", "mode"), mode=0o644),
    Case("due, and all users can read the file", stored(left=1), ("renewed", "due"), mode=0o644),
    Case("another owner", stored(), ("updated", "owner"), BUILDER),
    Case("another owner of the expiry record only", stored(), ("updated", "owner"), BUILDER, owners=(THEIRS, ROOTS)),
    Case("another group", stored(), ("updated", "owner"), LoginPolicy(group=1001)),
    Case("the owner that is wanted", stored(), ("unchanged", "fresh"), BUILDER, owners=(THEIRS, THEIRS)),
    Case("any owner", stored(), ("unchanged", "fresh"), owners=(THEIRS, ROOTS)),
    Case("due, and another owner", stored(left=1), ("renewed", "due"), BUILDER),
    Case("all users can read the file, and another owner", stored(), ("updated", "mode"), BUILDER, mode=0o644),
    Case("a helper that makes its own logins", OWN_LOGIN, ("unchanged", "helper_login")),
    Case("fresh, and another key of the registry", OTHER_KEY, ("updated", "other_key")),
    Case("logout: a helper that makes its own logins", OWN_LOGIN, ("unchanged", "helper_login"), ABSENT),
    Case("logout: no file", NOTHING, ("unchanged", "missing"), ABSENT, mode=None),
    Case("logout: not logged in", NOTHING, ("unchanged", "missing"), ABSENT, mode=0o644),
    Case("logout: managed", stored(), ("removed", "managed"), ABSENT),
    Case("logout: managed, and another owner", stored(), ("removed", "managed"), LoginPolicy(state="absent", owner=1)),
    Case("logout: not logged in, and another owner", NOTHING, ("unchanged", "missing"), LoginPolicy("absent", owner=1)),
    Case("logout: managed, in a helper", stored(store="pass"), ("removed", "managed"), ABSENT),
    Case("logout: managed, expired", stored(left=-1), ("removed", "managed"), ABSENT),
    Case("logout: unmanaged", UNMANAGED, ("removed", "unmanaged"), ABSENT),
    Case("logout: rewritten by another tool", stored(login=OTHER), ("removed", "unmanaged"), ABSENT),
    Case("logout: an entry without a login", UNREADABLE, ("removed", "unmanaged"), ABSENT),
    Case("logout: another tool has logged out", stored(login=None), ("removed", "expiry_record"), ABSENT),
)
