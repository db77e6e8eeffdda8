# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the servers of one fake share: how it behaves, what it issued, what it was asked."""

from __future__ import annotations

import base64
import json
import secrets
import threading
import time
from collections import Counter
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta, timezone
from email.utils import formatdate
from typing import Any

from ._errors import FORCED
from ._oidc import Provider

REGISTRY = "public.ecr.aws"
MAX_RECORDS = 200_000  # then recording stops with an error rather than eating memory
_SECONDS_BETWEEN_LOOKS = 0.1
MALFORMED = ("list", "no_expiry", "not_base64", "no_colon", "empty")


@dataclass
class Behaviour:
    """How the fake answers. Every field is a keyword of C(behave); the defaults are those of a healthy AWS."""

    life: float = 43200  # seconds a new token lives
    throttle: int = 0  # so many next calls answer ThrottlingException
    deny: str | None = None  # the IAM action that is not allowed
    drop: int = 0  # so many next connections are closed without an answer
    hang: bool = False  # connections are taken, and no call is answered until this ends
    clock_skew: float = 0  # seconds that AWS's clock is ahead of ours
    partition: str | None = None  # a partition other than aws knows none of the keys
    malformed: str | None = None  # one of MALFORMED
    delay: float = 0  # seconds before each answer
    error: str | None = None  # one of FORCED: what every call answers
    registry_refuses: bool = False  # the registry takes no token, however fresh
    registry_status: int = 0  # what the registry answers to everything, where it is not 0
    password_prefix: str = ""  # put before each new password, to test odd ones

    def checked(self) -> Behaviour:
        """Itself; raises ValueError for a value that means nothing, so that no test is about nothing."""
        if self.malformed is not None and self.malformed not in MALFORMED:
            raise ValueError(f"malformed is one of {MALFORMED}, not {self.malformed!r}")
        if self.error is not None and self.error not in FORCED:
            raise ValueError(f"error is one of {tuple(FORCED)}, not {self.error!r}")
        return self


@dataclass
class Issued:
    """A token that was issued, and when it ends (epoch seconds)."""

    password: str
    expires_at: float


class State:
    """Guarded by one lock; every method may be called from any thread."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self.reset()

    def reset(self) -> None:
        """Back to a healthy AWS that was never asked and never issued anything."""
        with self._lock:
            self.behaviour = Behaviour()
            self.calls: Counter[str] = Counter()
            self.registry_requests: list[dict[str, Any]] = []
            self.assumed: list[dict[str, Any]] = []
            # Whose tokens STS takes. Without one it takes any, for tests that are not about them.
            self.provider: Provider | None = None
            self._issued: dict[str, Issued] = {}
            self._bearers: dict[str, str | None] = {}

    def behave(self, **changes: Any) -> None:
        """Change the named fields of Behaviour, keep the others. Raises TypeError for an unknown one."""
        with self._lock:
            known = {field.name for field in fields(Behaviour)}
            if unknown := set(changes) - known:
                raise TypeError(f"unknown behaviour {sorted(unknown)}, known are {sorted(known)}")
            self.behaviour = Behaviour(**{**asdict(self.behaviour), **changes}).checked()

    def take(self, name: str) -> bool:
        """Use up one of a counted behaviour (throttle, drop); False when none is left."""
        with self._lock:
            left = getattr(self.behaviour, name)
            if left <= 0:
                return False
            setattr(self.behaviour, name, left - 1)
            return True

    def count(self, action: str) -> None:
        with self._lock:
            self.calls[action] += 1

    def record_assumed(self, entry: dict[str, Any]) -> None:
        with self._lock:
            self.assumed.append(entry)

    def record_registry(self, entry: dict[str, Any]) -> None:
        with self._lock:
            if len(self.registry_requests) >= MAX_RECORDS:
                raise RuntimeError(f"more than {MAX_RECORDS} registry requests: reset() the fake between tests")
            self.registry_requests.append(entry)

    def now(self) -> datetime:
        """The time by AWS's clock."""
        return datetime.now(tz=timezone.utc) + timedelta(seconds=self.behaviour.clock_skew)

    def http_date(self) -> str:
        return formatdate(self.now().timestamp(), usegmt=True)

    @property
    def tokens(self) -> list[str]:
        """The passwords that were issued, newest last."""
        with self._lock:
            return list(self._issued)

    def issue(self, life: float | None = None) -> Issued:
        """A new token, valid at the registry for C(life) seconds."""
        with self._lock:
            ends = self.now().timestamp() + (self.behaviour.life if life is None else life)
            issued = Issued(self.behaviour.password_prefix + _password(ends), ends)
            self._issued[issued.password] = issued
            return issued

    def expire(self, password: str) -> None:
        """End a token now. Raises KeyError if it was not issued here."""
        with self._lock:
            self._issued[password].expires_at = self.now().timestamp() - 1

    def token_status(self, password: str) -> str:
        """live, expired or unknown."""
        with self._lock:
            issued = self._issued.get(password)
            if issued is None:
                return "unknown"
            return "live" if issued.expires_at > self.now().timestamp() else "expired"

    def bearer(self, password: str | None) -> str:
        """A bearer for the registry; it ends with the token that it was had for, an anonymous one does not."""
        with self._lock:
            bearer = secrets.token_urlsafe(48)
            self._bearers[bearer] = password
            return bearer

    def bearer_status(self, bearer: str) -> str:
        """anonymous, authenticated, expired or unknown."""
        with self._lock:
            if bearer not in self._bearers:
                return "unknown"
            password = self._bearers[bearer]
            if password is None:
                return "anonymous"
            return "authenticated" if self.token_status(password) == "live" else "expired"

    def hang(self) -> bool:
        """Wait as long as nothing is answered; whether it was so."""
        hung = False
        while self.behaviour.hang:
            hung = True
            time.sleep(_SECONDS_BETWEEN_LOOKS)
        return hung

    def pause(self) -> None:
        if self.behaviour.delay > 0:
            time.sleep(self.behaviour.delay)


def _password(ends: float) -> str:
    """Looks like a real one: base64 of a JSON object with an encrypted payload, about two kilobytes."""
    content = {
        "payload": base64.b64encode(secrets.token_bytes(1100)).decode(),
        "datakey": base64.b64encode(secrets.token_bytes(184)).decode(),
        "version": "3",
        "type": "DATA_KEY",
        "expiration": int(ends),
    }
    return base64.b64encode(json.dumps(content, separators=(",", ":")).encode()).decode()


def as_lookup(issued: Issued) -> dict[str, str]:
    """The token as the lookup returns it; worked out here by itself, so that tests compare two roads to it."""
    pair = base64.b64encode(f"AWS:{issued.password}".encode()).decode()
    entry = {"username": "AWS", "password": issued.password, "auth": pair}
    ends = datetime.fromtimestamp(int(issued.expires_at), tz=timezone.utc)
    return {
        "registry": REGISTRY,
        "username": "AWS",
        "password": issued.password,
        "authorization_token": pair,
        "expires_at": ends.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "dockerconfigjson": json.dumps({"auths": {REGISTRY: entry}}, separators=(",", ":")),
    }
