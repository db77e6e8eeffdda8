# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An ECR Public authorization token. Private to this collection."""

from __future__ import annotations

import base64
import binascii
import dataclasses
import datetime as dt
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _docker_config
from ansible_collections.freshpull.ecr_public.plugins.module_utils._docker_config import DEFAULT_REGISTRY
from ansible_collections.freshpull.ecr_public.plugins.module_utils._errors import CollectionError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._time import TimeError, format_time, parse_time

UNKNOWN = "unknown"
"""The value in check mode of a result that is known only with a new token."""


class TokenError(CollectionError):
    """A token cannot be used. The message never holds the token."""


@dataclasses.dataclass(frozen=True)
class Token:
    """The token that GetAuthorizationToken returns. repr() shows no secret."""

    expires_at: dt.datetime
    username: str
    password: str = dataclasses.field(repr=False)
    registry: str = DEFAULT_REGISTRY

    @classmethod
    def from_authorization(cls, authorization_token: str, expires_at: dt.datetime) -> Token:
        """Build a token from the API's base64("user:password"). Raises TokenError."""
        try:
            text = base64.b64decode(authorization_token, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError, ValueError) as exc:
            raise TokenError("the authorization token is not base64 text") from exc
        # Split once: a password can hold colons.
        username, colon, password = text.partition(":")
        if not (username and colon and password):
            raise TokenError("the authorization token is not base64 of user:password")
        return cls(expires_at=expires_at, username=username, password=password)

    @classmethod
    def from_mapping(cls, mapping: t.Mapping[str, t.Any]) -> Token:
        """Build a token from the value that the lookup returns. Raises TokenError without password or expires_at."""
        missing = [key for key in ("password", "expires_at") if not mapping.get(key)]
        if missing:
            raise TokenError(
                f"token has no {' and no '.join(missing)}. Use the value that the lookup "
                "freshpull.ecr_public.ecr_public_token returns."
            )
        try:
            expires_at = parse_time(str(mapping["expires_at"]))
        except TimeError as exc:
            raise TokenError(f"token: expires_at: {exc}") from exc
        return cls(
            expires_at=expires_at,
            username=mapping.get("username") or "AWS",
            password=mapping["password"],
            registry=mapping.get("registry") or DEFAULT_REGISTRY,
        )

    @property
    def entry(self) -> _docker_config.Entry:
        return _docker_config.auth_entry(self.username, self.password)

    def to_mapping(self) -> dict[str, str]:
        """Build the six keys that the lookup returns."""
        entry = self.entry
        return {
            "registry": self.registry,
            "username": self.username,
            "password": self.password,
            "authorization_token": entry["auth"],
            "expires_at": format_time(self.expires_at),
            "dockerconfigjson": _docker_config.docker_config({self.registry: entry}),
        }


def renewal_reason(
    expires_at: dt.datetime, lifetime: dt.timedelta | None, now: dt.datetime, renew_before: dt.timedelta
) -> t.Literal["expired", "due"] | None:
    """Return why a stored token must be renewed, or None.

    lifetime: the token's whole lifetime, None if it is not known. At most 2/3 of it counts as renew_before: otherwise a
    token with a short lifetime would be due as soon as it is written.
    """
    if expires_at <= now:
        return "expired"
    if lifetime is not None:
        renew_before = min(renew_before, lifetime * 2 / 3)
    return "due" if expires_at - now < renew_before else None


def is_kept_without_token(
    expires_at: dt.datetime, lifetime: dt.timedelta | None, now: dt.datetime, fail_open_before: dt.timedelta
) -> bool:
    """Whether a stored token is kept although no new token is available.

    lifetime: as for renewal_reason(). At most 1/3 of it counts as fail_open_before, so that a renewal is tried first.
    """
    if lifetime is not None:
        fail_open_before = min(fail_open_before, lifetime / 3)
    return expires_at - now > fail_open_before
