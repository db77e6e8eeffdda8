# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check AWS Signature Version 4: botocore signs the received request again, with the headers that were signed."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from . import _errors
from ._http import Request

WINDOW = timedelta(minutes=5)
STAMP = "%Y%m%dT%H%M%SZ"
_HEADER = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/,]+)/(\d{8})/([^/,]+)/([^/,]+)/aws4_request, ?"
    r"SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})"
)


@dataclass(frozen=True)
class Key:
    """An access key that the fake accepts, with its principal."""

    access_key: str
    secret_key: str
    arn: str
    session_token: str | None = None
    expired: bool = False
    session_policy: str | None = None


def verify(request: Request, *, find: Callable[[str], Key | None], service: str, region: str, now: datetime) -> Key:
    """Return the key that signed C(request). Raises AwsError for a wrong key, scope, time or signature."""
    header = request.headers.get("Authorization")
    if not header:
        raise _errors.missing_authentication()
    match = _HEADER.fullmatch(header)
    stamp = request.headers.get("X-Amz-Date")
    if not match or not stamp:
        raise _errors.incomplete_signature("'Credential', 'SignedHeaders', 'Signature' and a 'X-Amz-Date' header")
    access_key, day, scope_region, scope_service, signed, signature = match.groups()
    key = find(access_key)
    if key is None or key.session_token != request.headers.get("X-Amz-Security-Token"):
        raise _errors.unrecognized()
    if key.expired:
        raise _errors.expired_token()
    if scope_region != region:
        raise _errors.bad_region()
    if scope_service != service:
        raise _errors.bad_service(service)
    _check_time(stamp, day, now)
    names = signed.split(";")
    required = {"host", "x-amz-date"} | {n.lower() for n in request.headers if n.lower().startswith("x-amz-")}
    if not required.issubset(names):
        raise _errors.bad_signature()
    if not hmac.compare_digest(_signature(request, key, names, stamp, service, region), signature):
        raise _errors.bad_signature()
    return key


def _check_time(stamp: str, day: str, now: datetime) -> None:
    try:
        signed_at = datetime.strptime(stamp, STAMP).replace(tzinfo=timezone.utc)
    except ValueError as error:
        raise _errors.bad_signature() from error
    if stamp[:8] != day:
        raise _errors.bad_signature()
    at, minutes = now.strftime(STAMP), int(WINDOW.total_seconds() // 60)
    if signed_at < now - WINDOW:
        limit = (now - WINDOW).strftime(STAMP)
        message = f"Signature expired: {stamp} is now earlier than {limit} ({at} - {minutes} min.)"
        raise _errors.AwsError("InvalidSignatureException", message)
    if signed_at > now + WINDOW:
        limit = (now + WINDOW).strftime(STAMP)
        message = f"Signature not yet current: {stamp} is still later than {limit} ({at} + {minutes} min.)"
        raise _errors.AwsError("InvalidSignatureException", message)


def _signature(request: Request, key: Key, names: list[str], stamp: str, service: str, region: str) -> str:
    claimed = request.headers.get("X-Amz-Content-SHA256")
    if claimed is not None and claimed != hashlib.sha256(request.body).hexdigest():
        raise _errors.bad_signature()
    signer = SigV4Auth(Credentials(key.access_key, key.secret_key, key.session_token), service, region)
    url = f"http://{request.headers['Host']}{request.raw_path}"
    rebuilt = AWSRequest(method=request.method, url=url, data=request.body)
    for name in names:
        for value in request.headers.get_all(name, []):
            rebuilt.headers.add_header(name, value)
    rebuilt.context["timestamp"] = stamp
    return str(signer.signature(signer.string_to_sign(rebuilt, signer.canonical_request(rebuilt)), rebuilt))
