# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import base64
import datetime as dt
from typing import Any

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _aws_response
from ansible_collections.freshpull.ecr_public.plugins.module_utils._aws_errors import Call, ClockError, ResponseError

CALL = Call("ecr-public:GetAuthorizationToken", "https://api.ecr-public.example")
EXPIRY = dt.datetime(2099, 1, 2, 3, 4, 5, tzinfo=dt.timezone.utc)
PASSWORD = "never:shown"  # a password may have a colon
AUTHORIZATION = base64.b64encode(f"AWS:{PASSWORD}".encode()).decode()


def response(**changes: Any) -> dict[str, Any]:
    return {"authorizationData": {"authorizationToken": AUTHORIZATION, "expiresAt": EXPIRY, **changes}}


@pytest.mark.parametrize("expiry", [EXPIRY, EXPIRY.timestamp(), int(EXPIRY.timestamp()), "2099-01-02T04:04:05+01:00"])
def test_an_expiry_of_boto3_or_of_the_aws_cli(expiry: Any) -> None:
    token = _aws_response.read(response(expiresAt=expiry), CALL)
    assert (token.username, token.password, token.expires_at) == ("AWS", PASSWORD, EXPIRY)


STRANGE: dict[str, Any] = {
    "nothing": None,
    "a list": [],
    "no data": {},
    "data of another type": {"authorizationData": "x"},
    "no token": response(authorizationToken=""),
    "no expiry": response(expiresAt=None),
    "a token that is not base64": response(authorizationToken="never-shown!"),
    "a token without a password": response(authorizationToken=base64.b64encode(b"AWS:").decode()),
    "a time that is none": response(expiresAt="soon"),
    "a time out of range": response(expiresAt=1e300),
}


@pytest.mark.parametrize("case", STRANGE)
def test_a_response_that_is_not_one_of_ecr_public(case: str) -> None:
    with pytest.raises(ResponseError) as caught:
        _aws_response.read(STRANGE[case], CALL)
    assert CALL.endpoint in str(caught.value)
    assert "never" not in str(caught.value)
    assert AUTHORIZATION not in str(caught.value)


def test_a_new_token_that_looks_expired_means_a_wrong_clock() -> None:
    past = dt.datetime(2020, 1, 1, tzinfo=dt.timezone.utc)
    with pytest.raises(ClockError, match="2020-01-01T00:00:00Z"):
        _aws_response.read(response(expiresAt=past), CALL)
