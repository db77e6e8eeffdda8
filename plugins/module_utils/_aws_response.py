# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The token in a response of ECR Public, as boto3 or the AWS CLI give it. Private to this collection."""

from __future__ import annotations

import datetime as dt
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils._aws_errors import Call, ClockError, strange
from ansible_collections.freshpull.ecr_public.plugins.module_utils._time import TimeError, format_time, parse_time
from ansible_collections.freshpull.ecr_public.plugins.module_utils._token import Token, TokenError


def read(answer: t.Any, call: Call) -> Token:
    """Raises AnswerError, ClockError. The expiry is a datetime in boto3's, seconds or an ISO 8601 time in the CLI's."""
    data = answer.get("authorizationData") if isinstance(answer, dict) else None
    if not isinstance(data, dict):
        raise strange(call, "it has no authorizationData object")
    missing = [name for name in ("authorizationToken", "expiresAt") if not data.get(name)]
    if missing:
        raise strange(call, f"its authorizationData has no {' and no '.join(missing)}")
    try:
        token = Token.from_authorization(str(data["authorizationToken"]), _expiry(data["expiresAt"]))
    except (TokenError, TimeError) as error:
        raise strange(call, str(error)) from None
    except (OverflowError, OSError):
        raise strange(call, "its expiresAt is out of range") from None
    if token.expires_at <= dt.datetime.now(dt.timezone.utc):
        raise ClockError(
            f"{call.endpoint} gave a token that ended at {format_time(token.expires_at)}, and {call.words.machine} "
            "clock is later. Set the clock, for example with chrony or systemd-timesyncd."
        )
    return token


def _expiry(value: t.Any) -> dt.datetime:
    if isinstance(value, dt.datetime):
        return value
    if isinstance(value, (int, float)):
        return dt.datetime.fromtimestamp(value, dt.timezone.utc)
    return parse_time(str(value))
