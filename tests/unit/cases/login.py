# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of cases for the decision about a client's login, to which the code and the guide are both held."""

from __future__ import annotations

import dataclasses
import datetime as dt

from ansible_collections.freshpull.ecr_public.plugins.module_utils._login.decision import Held, Login, LoginPolicy, Mark
from ansible_collections.freshpull.ecr_public.plugins.module_utils._token import Token

NOW = dt.datetime(2026, 1, 1, 6, tzinfo=dt.timezone.utc)
REGISTRY = "public.ecr.aws"
OLD, NEW, THEIRS = Login("AWS", "old"), Login("AWS", "new"), Login("AWS", "theirs")
PRESENT, ABSENT = LoginPolicy(), LoginPolicy(state="absent")


@dataclasses.dataclass(frozen=True)
class Case:
    name: str
    held: Held
    expect: tuple[str, str]
    policy: LoginPolicy = PRESENT
    token: Token | None = None
    mode: int | None = 0o600


def token(left: float) -> Token:
    return Token(NOW + dt.timedelta(hours=left), NEW.username, NEW.password)


def held(*, left: float = 10, life: float = 12, login: Login | None = OLD, store: str = "") -> Held:
    """What there is for the registry, beside the mark of a login of ours that has so many hours left."""
    ends = NOW + dt.timedelta(hours=left)
    return Held(REGISTRY, login is not None, login, Mark(ends, ends - dt.timedelta(hours=life), OLD.fingerprint), store)


NOTHING = Held(REGISTRY)
FOREIGN = Held(REGISTRY, True, THEIRS)
UNREADABLE = Held(REGISTRY, True)
EIGHT_HOURS_LESS_A_SECOND = 8 - 1 / 3600

CASES = (
    Case("no file", NOTHING, ("created", "missing"), mode=None),
    Case("no file, a token given", NOTHING, ("created", "missing"), token=token(12), mode=None),
    Case("a file without our registry", NOTHING, ("created", "missing")),
    Case("a record without its login", held(login=None), ("created", "missing")),
    Case("a login of somebody else", FOREIGN, ("renewed", "unknown_expiry"), token=token(12)),
    Case("an entry without a login", UNREADABLE, ("renewed", "empty")),
    Case("a login rewritten by another tool", held(login=THEIRS), ("renewed", "modified")),
    Case("much life left", held(), ("unchanged", "fresh")),
    Case("much life left, a token given", held(), ("unchanged", "fresh"), token=token(12)),
    Case("much life left, in a helper", held(store="pass"), ("unchanged", "fresh")),
    Case("just enough life", held(left=8), ("unchanged", "fresh")),
    Case("just not enough", held(left=EIGHT_HOURS_LESS_A_SECOND), ("renewed", "due"), token=token(12)),
    Case("due", held(left=1), ("renewed", "due")),
    Case("due, in a helper", held(left=1, store="pass"), ("renewed", "due"), token=token(12)),
    Case("due, and the token given ends earlier", held(left=3), ("unchanged", "not_later"), token=token(2)),
    Case("due, and the token given ends just then", held(left=3), ("unchanged", "not_later"), token=token(3)),
    Case("another's, and the token given ends early", held(login=THEIRS), ("renewed", "modified"), token=token(1)),
    Case("expired", held(left=-1), ("renewed", "expired"), token=token(12)),
    Case("expired just now", held(left=0), ("renewed", "expired")),
    Case("a short life, most of it left", held(left=0.7, life=1), ("unchanged", "fresh")),
    Case("a short life, a third gone", held(left=0.6, life=1), ("renewed", "due"), token=token(1)),
    Case(
        "never earlier than a third", held(), ("unchanged", "fresh"), LoginPolicy(renew_before=dt.timedelta(hours=11))
    ),
    Case("renewed late", held(left=1), ("unchanged", "fresh"), LoginPolicy(renew_before=dt.timedelta(minutes=30))),
    Case("everybody may read the file", held(), ("updated", "mode"), mode=0o644),
    Case("due, and everybody may read the file", held(left=1), ("renewed", "due"), mode=0o644),
    Case("out: no file", NOTHING, ("unchanged", "missing"), ABSENT, mode=None),
    Case("out: not in", NOTHING, ("unchanged", "missing"), ABSENT, mode=0o644),
    Case("out: ours", held(), ("removed", "managed"), ABSENT),
    Case("out: ours, in a helper", held(store="pass"), ("removed", "managed"), ABSENT),
    Case("out: ours, expired", held(left=-1), ("removed", "managed"), ABSENT),
    Case("out: somebody else's", FOREIGN, ("removed", "unmanaged"), ABSENT),
    Case("out: rewritten by another tool", held(login=THEIRS), ("removed", "unmanaged"), ABSENT),
    Case("out: an entry without a login", UNREADABLE, ("removed", "unmanaged"), ABSENT),
    Case("out: another tool logged out", held(login=None), ("removed", "expiry_record"), ABSENT),
)
