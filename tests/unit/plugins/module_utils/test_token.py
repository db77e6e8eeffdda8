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
    format_time,
    parse_duration,
    parse_time,
)

TOKEN_KEYS = ("registry", "username", "password", "authorization_token", "expires_at", "dockerconfigjson")
WHEN = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.timezone.utc)

DURATIONS = {
    "8h": 28800,
    "1h30m": 5400,
    "90s": 90,
    "1.5h": 5400,
    "500ms": 0.5,
    ".5m": 30,
    "1h0m0s": 3600,
    "100us": 1e-4,
}
BAD_DURATIONS = ["", "8", "h", "8 h", "-8h", "0s", "8h!", "1d", "8hours", "9999999h", "1e3s"]
TIMES = {
    "2026-01-02T03:04:05Z": WHEN,
    "2026-01-02T03:04:05+00:00": WHEN,
    "2026-01-02T05:04:05+02:00": WHEN,
    "2026-01-02T03:04:05": WHEN,
    "2026-01-02T03:04:05.250000Z": WHEN.replace(microsecond=250000),
}


@pytest.mark.parametrize("text", DURATIONS)
def test_durations(text: str) -> None:
    assert parse_duration(text).total_seconds() == pytest.approx(DURATIONS[text])


@pytest.mark.parametrize("text", BAD_DURATIONS)
def test_bad_durations(text: str) -> None:
    with pytest.raises(TokenError, match="duration"):
        parse_duration(text)


@pytest.mark.parametrize("text", TIMES)
def test_times(text: str) -> None:
    assert parse_time(text) == TIMES[text]


@pytest.mark.parametrize("text", ["", "soon", "2026-13-01T00:00:00Z", "1767323045"])
def test_bad_times(text: str) -> None:
    with pytest.raises(TokenError, match="not a time"):
        parse_time(text)


def test_times_are_written_in_utc() -> None:
    assert format_time(WHEN.astimezone(dt.timezone(dt.timedelta(hours=5)))) == "2026-01-02T03:04:05Z"


def test_a_password_may_hold_colons() -> None:
    token = Token.from_authorization(base64.b64encode(b"AWS:a:b:c").decode(), WHEN)
    assert (token.username, token.password) == ("AWS", "a:b:c")


@pytest.mark.parametrize("text", ["", "AWS:x", "QVdT", "!!", base64.b64encode(b"AWS:").decode(), "gICA"])
def test_an_authorization_token_that_is_none(text: str) -> None:
    with pytest.raises(TokenError) as caught:
        Token.from_authorization(text, WHEN)
    assert text == "" or text not in str(caught.value)


def test_there_and_back() -> None:
    mapping = Token.from_authorization(base64.b64encode(b"AWS:secret").decode(), WHEN).to_mapping()
    assert tuple(mapping) == TOKEN_KEYS
    assert mapping["dockerconfigjson"] == (
        '{"auths":{"public.ecr.aws":{"username":"AWS","password":"secret","auth":"QVdTOnNlY3JldA=="}}}'
    )
    assert Token.from_mapping(mapping).to_mapping() == mapping


@pytest.mark.parametrize("missing", ["password", "expires_at"])
def test_a_mapping_must_be_whole(missing: str) -> None:
    mapping = {"password": "secret", "expires_at": "2026-01-02T03:04:05Z", missing: ""}
    with pytest.raises(TokenError, match=missing) as caught:
        Token.from_mapping(mapping)
    assert "secret" not in str(caught.value)


def test_repr_shows_no_password() -> None:
    assert "secret" not in repr(Token(expires_at=WHEN, username="AWS", password="secret"))
