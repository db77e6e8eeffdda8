# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The shared state of the servers of a fake: its behaviour, the issued tokens and the recorded requests."""

from __future__ import annotations

import base64
import json
import secrets
import threading
import time
from collections import Counter
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime, timedelta, timezone
from email.utils import formatdate
from typing import Any

from ._errors import FORCED, AwsError
from ._oidc import Provider
from ._trust_anchor import TrustAnchor

REGISTRY = "public.ecr.aws"
MAX_RECORDS = 200_000  # more are an error: memory is limited
_POLL_SECONDS = 0.1
MALFORMED = ("list", "no_expiry", "not_base64", "no_colon", "empty")


@dataclass
class Behaviour:
    """The behaviour of the fake. Every field is a keyword of C(behave). The defaults are those of a healthy AWS."""

    life: float = 43200  # seconds until a new token expires
    throttle: int = 0  # so many next calls return ThrottlingException
    deny: str | None = None  # the IAM action that is denied
    drop: int = 0  # so many next connections are closed without a response
    hang: bool = False  # connections are accepted, and calls get no response until this is False
    clock_skew: float = 0  # seconds that the clock of AWS is ahead
    partition: str | None = None  # a partition other than aws accepts no key
    malformed: str | None = None  # one of MALFORMED
    delay: float = 0  # seconds before each response
    error: str | None = None  # one of FORCED: the response to every call
    # An action, or an action and the ARN of a role, to the code and the message of the error that it returns.
    reject: dict[str, tuple[str, str]] = field(default_factory=dict)
    registry_refuses: bool = False  # the registry accepts no token
    registry_limits_anonymous: bool = False  # pulls without a token get status 429
    registry_status: int = 0  # if not 0, the status of every response of the registry
    password_prefix: str = ""  # of each new password, to test unusual ones

    def checked(self) -> Behaviour:
        """Return itself. Raises ValueError for an unknown value, which would test nothing."""
        if self.malformed is not None and self.malformed not in MALFORMED:
            raise ValueError(f"malformed: {self.malformed!r} is not one of {MALFORMED}")
        if self.error is not None and self.error not in FORCED:
            raise ValueError(f"error: {self.error!r} is not one of {tuple(FORCED)}")
        return self


@dataclass
class Issued:
    """An issued token. expires_at: epoch seconds."""

    password: str
    expires_at: float


class State:
    """The state, with one lock: all methods are thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self.reset()

    def reset(self) -> None:
        """Become a healthy AWS without any recorded request or issued token."""
        with self._lock:
            self.behaviour = Behaviour()
            self.calls: Counter[str] = Counter()
            self.registry_requests: list[dict[str, Any]] = []
            self.assumed: list[dict[str, Any]] = []
            # STS accepts tokens of this provider only; without it, any token, for tests of other things.
            self.provider: Provider | None = None
            # Without it IAM Roles Anywhere has no trust anchor.
            self.trust_anchor: TrustAnchor | None = None
            self.denied: list[str] = []
            self.session_secrets: list[str] = []
            self._issued: dict[str, Issued] = {}
            self._bearers: dict[str, str | None] = {}

    def behave(self, **changes: Any) -> None:
        """Change these fields of Behaviour and keep the others. Raises TypeError for an unknown field."""
        with self._lock:
            known = {each.name for each in fields(Behaviour)}
            if unknown := set(changes) - known:
                raise TypeError(f"unknown behaviour {sorted(unknown)}. Use one of {sorted(known)}.")
            self.behaviour = Behaviour(**{**asdict(self.behaviour), **changes}).checked()

    def rejection(self, action: str, role: str = "") -> AwsError | None:
        """Return the error that the behaviour C(reject) sets for this request."""
        reject = self.behaviour.reject
        found = reject.get(f"{action} {role}") or reject.get(action)
        return AwsError(*found) if found else None

    def take(self, name: str) -> bool:
        """Use one of a counted behaviour (throttle, drop). Return False if none is left."""
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

    def record_session(self, *values: str) -> None:
        with self._lock:
            self.session_secrets += values

    def record_denied(self, message: str) -> None:
        with self._lock:
            self.denied.append(message)

    def record_registry(self, entry: dict[str, Any]) -> None:
        with self._lock:
            if len(self.registry_requests) >= MAX_RECORDS:
                raise RuntimeError(f"more than {MAX_RECORDS} registry requests: reset() the fake between tests")
            self.registry_requests.append(entry)

    def now(self) -> datetime:
        """Return the time by the clock of AWS."""
        return datetime.now(tz=timezone.utc) + timedelta(seconds=self.behaviour.clock_skew)

    def http_date(self) -> str:
        return formatdate(self.now().timestamp(), usegmt=True)

    @property
    def tokens(self) -> list[str]:
        """The issued passwords, newest last."""
        with self._lock:
            return list(self._issued)

    def issue(self, life: float | None = None) -> Issued:
        """Issue a token that the registry accepts for C(life) seconds."""
        with self._lock:
            ends = self.now().timestamp() + (self.behaviour.life if life is None else life)
            issued = Issued(self.behaviour.password_prefix + _password(ends), ends)
            self._issued[issued.password] = issued
            return issued

    def expire(self, password: str) -> None:
        """Expire a token now. Raises KeyError if it was not issued here."""
        with self._lock:
            self._issued[password].expires_at = self.now().timestamp() - 1

    def token_status(self, password: str) -> str:
        """Return 'valid', 'expired' or 'unknown'."""
        with self._lock:
            issued = self._issued.get(password)
            if issued is None:
                return "unknown"
            return "valid" if issued.expires_at > self.now().timestamp() else "expired"

    def bearer(self, password: str | None) -> str:
        """Issue a bearer token of the registry. It expires with the token of `password`; an anonymous one does not."""
        with self._lock:
            bearer = secrets.token_urlsafe(48)
            self._bearers[bearer] = password
            return bearer

    def bearer_status(self, bearer: str) -> str:
        """Return 'anonymous', 'authenticated', 'expired' or 'unknown'."""
        with self._lock:
            if bearer not in self._bearers:
                return "unknown"
            password = self._bearers[bearer]
            if password is None:
                return "anonymous"
            return "authenticated" if self.token_status(password) == "valid" else "expired"

    def hang(self) -> bool:
        """Wait while C(hang) is set. Return whether it was."""
        hung = False
        while self.behaviour.hang:
            hung = True
            time.sleep(_POLL_SECONDS)
        return hung

    def pause(self) -> None:
        if self.behaviour.delay > 0:
            time.sleep(self.behaviour.delay)


def _password(ends: float) -> str:
    """Return a password in the form of a real one: base64 of JSON with an encrypted payload, about two kilobytes.

    Its start and its end are random, unlike those of a real one, so that the search for a token finds no other one.
    """
    content = {
        "payload": base64.b64encode(secrets.token_bytes(1100)).decode(),
        "version": "3",
        "type": "DATA_KEY",
        "expiration": int(ends),
        "datakey": base64.b64encode(secrets.token_bytes(184)).decode(),
    }
    return base64.b64encode(json.dumps(content, separators=(",", ":")).encode()).decode()


def as_lookup(issued: Issued) -> dict[str, str]:
    """Return the token in the form that the lookup returns, without the code under test."""
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
