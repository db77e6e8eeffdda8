# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An ECR Public authorization token, its times, and durations. Private to this collection."""

from __future__ import annotations

import base64
import binascii
import dataclasses
import datetime as dt
import re
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _docker_config
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.managed_metadata import DEFAULT_REGISTRY

UNKNOWN = "unknown"
"""Stands in check mode for what only a token could tell."""

_DURATION_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)")


class TokenError(ValueError):
    """A token, time or duration that cannot be used. The message never holds the token."""


@dataclasses.dataclass(frozen=True)
class Token:
    """What GetAuthorizationToken gave. repr() shows no secret."""

    expires_at: dt.datetime
    username: str
    password: str = dataclasses.field(repr=False)
    registry: str = DEFAULT_REGISTRY

    @classmethod
    def from_authorization(cls, authorization_token: str, expires_at: dt.datetime) -> Token:
        """From the API's base64("user:password"). Raises TokenError."""
        try:
            text = base64.b64decode(authorization_token, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError, ValueError) as exc:
            raise TokenError("the authorization token is not base64 text") from exc
        # Split once: nothing says that a password has no colon.
        username, colon, password = text.partition(":")
        if not (username and colon and password):
            raise TokenError("the authorization token is not base64 of user:password")
        return cls(expires_at=expires_at, username=username, password=password)

    @classmethod
    def from_mapping(cls, mapping: t.Mapping[str, t.Any]) -> Token:
        """From what the lookup returns; username, password and expires_at suffice. Raises TokenError."""
        missing = [key for key in ("password", "expires_at") if not mapping.get(key)]
        if missing:
            raise TokenError(
                f"token has no {' and no '.join(missing)}: give it what the lookup "
                "freshpull.ecr_public.ecr_public_token returns"
            )
        return cls(
            expires_at=parse_time(str(mapping["expires_at"])),
            username=mapping.get("username") or "AWS",
            password=mapping["password"],
            registry=mapping.get("registry") or DEFAULT_REGISTRY,
        )

    @property
    def entry(self) -> _docker_config.Entry:
        return _docker_config.auth_entry(self.username, self.password)

    def to_mapping(self) -> dict[str, str]:
        """The six keys that the lookup returns."""
        entry = self.entry
        return {
            "registry": self.registry,
            "username": self.username,
            "password": self.password,
            "authorization_token": entry["auth"],
            "expires_at": format_time(self.expires_at),
            "dockerconfigjson": _docker_config.docker_config({self.registry: entry}),
        }


def parse_time(text: str) -> dt.datetime:
    """An ISO 8601 time as aware UTC; without a zone it is taken as UTC. Raises TokenError."""
    try:
        # Python before 3.11 does not read the Z.
        time = dt.datetime.fromisoformat(text[:-1] + "+00:00" if text.endswith("Z") else text)
    except ValueError as exc:
        raise TokenError(f"{text!r} is not a time such as 2026-01-02T03:04:05Z") from exc
    return time.replace(tzinfo=dt.timezone.utc) if time.tzinfo is None else time.astimezone(dt.timezone.utc)


def format_time(time: dt.datetime) -> str:
    """2026-01-02T03:04:05Z, in UTC and whole seconds."""
    return time.astimezone(dt.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_duration(text: str) -> dt.timedelta:
    """A positive Go duration such as 8h, 1h30m or 90s (https://pkg.go.dev/time#ParseDuration). Raises TokenError."""
    seconds, position = 0.0, 0
    for part in _DURATION_PART.finditer(text):
        if part.start() != position:
            break
        seconds += float(part.group(1)) * _DURATION_UNITS[part.group(2)]
        position = part.end()
    if not text or position != len(text):
        raise TokenError(f"{text!r} is not a duration such as 8h, 1h30m or 90s")
    if not 0 < seconds < 366 * 86400:
        raise TokenError(f"the duration {text!r} must be more than 0 and less than a year")
    return dt.timedelta(seconds=seconds)
