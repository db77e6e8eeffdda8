# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import base64
import datetime as dt

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils._token import (
    Token,
    TokenError,
    is_kept_without_token,
    renewal_reason,
)

TOKEN_KEYS = ("registry", "username", "password", "authorization_token", "expires_at", "dockerconfigjson")
EXPIRY = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.timezone.utc)


def test_a_password_may_hold_colons() -> None:
    token = Token.from_authorization(base64.b64encode(b"AWS:a:b:c").decode(), EXPIRY)
    assert (token.username, token.password) == ("AWS", "a:b:c")


@pytest.mark.parametrize("text", ["", "AWS:x", "QVdT", "!!", base64.b64encode(b"AWS:").decode(), "gICA"])
def test_an_invalid_authorization_token(text: str) -> None:
    with pytest.raises(TokenError) as caught:
        Token.from_authorization(text, EXPIRY)
    assert text == "" or text not in str(caught.value)


def test_a_token_is_the_same_after_a_round_trip() -> None:
    mapping = Token.from_authorization(base64.b64encode(b"AWS:secret").decode(), EXPIRY).to_mapping()
    assert tuple(mapping) == TOKEN_KEYS
    assert mapping["dockerconfigjson"] == (
        '{"auths":{"public.ecr.aws":{"username":"AWS","password":"secret","auth":"QVdTOnNlY3JldA=="}}}'
    )
    assert Token.from_mapping(mapping).to_mapping() == mapping


@pytest.mark.parametrize("missing", ["password", "expires_at"])
def test_a_mapping_needs_password_and_expiry(missing: str) -> None:
    mapping = {"password": "secret", "expires_at": "2026-01-02T03:04:05Z", missing: ""}
    with pytest.raises(TokenError, match=missing) as caught:
        Token.from_mapping(mapping)
    assert "secret" not in str(caught.value)


def test_repr_shows_no_password() -> None:
    assert "secret" not in repr(Token(expires_at=EXPIRY, username="AWS", password="secret"))


HOUR = dt.timedelta(hours=1)
NOW = dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)


@pytest.mark.parametrize(
    ("left", "lifetime", "reason"),
    [
        (9, 12, None),
        (7, 12, "due"),
        (0, 12, "expired"),
        (-1, 12, "expired"),
        (2.5, 3, None),
        (1.9, 3, "due"),
        (7, None, "due"),
        (9, None, None),
    ],
)
def test_renewal_starts_at_most_two_thirds_of_the_lifetime_before_expiry(
    left: float, lifetime: float | None, reason: str | None
) -> None:
    whole = None if lifetime is None else lifetime * HOUR
    assert renewal_reason(NOW + left * HOUR, whole, NOW, 8 * HOUR) == reason


@pytest.mark.parametrize(
    ("left", "lifetime", "kept"),
    [(4.1, 12, True), (4, 12, False), (1.1, 3, True), (1, 3, False), (8, None, False), (8.1, None, True)],
)
def test_a_token_is_removed_at_most_a_third_of_the_lifetime_before_expiry(
    left: float, lifetime: float | None, kept: bool
) -> None:
    whole = None if lifetime is None else lifetime * HOUR
    assert is_kept_without_token(NOW + left * HOUR, whole, NOW, 8 * HOUR) is kept
