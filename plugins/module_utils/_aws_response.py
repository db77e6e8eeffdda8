# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read the token in a response of ECR Public, from boto3 or the AWS CLI. Private to this collection."""

from __future__ import annotations

import datetime as dt
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils._aws_errors import Call, ClockError, response_error
from ansible_collections.freshpull.ecr_public.plugins.module_utils._time import TimeError, format_time, parse_time
from ansible_collections.freshpull.ecr_public.plugins.module_utils._token import Token, TokenError


def read(response: t.Any, call: Call) -> Token:
    """Read the token in a response. Raises ResponseError or ClockError.

    boto3 returns the expiry as a datetime, the AWS CLI as seconds or an ISO 8601 time.
    """
    data = response.get("authorizationData") if isinstance(response, dict) else None
    if not isinstance(data, dict):
        raise response_error(call, "it has no authorizationData object")
    missing = [name for name in ("authorizationToken", "expiresAt") if not data.get(name)]
    if missing:
        raise response_error(call, f"its authorizationData has no {' and no '.join(missing)}")
    try:
        token = Token.from_authorization(str(data["authorizationToken"]), _expiry(data["expiresAt"]))
    except (TokenError, TimeError) as error:
        raise response_error(call, str(error)) from None
    except (OverflowError, OSError):
        raise response_error(call, "its expiresAt is out of range") from None
    if token.expires_at <= dt.datetime.now(dt.timezone.utc):
        raise ClockError(
            f"{call.endpoint} returned a token that expired at {format_time(token.expires_at)} by {call.words.machine} "
            "clock. Set the clock, for example with chrony or systemd-timesyncd."
        )
    return token


def _expiry(value: t.Any) -> dt.datetime:
    if isinstance(value, dt.datetime):
        return value
    if isinstance(value, (int, float)):
        return dt.datetime.fromtimestamp(value, dt.timezone.utc)
    return parse_time(str(value))
