# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The API of IAM Roles Anywhere: CreateSession, with the checks of the signature and the certificate.

https://docs.aws.amazon.com/rolesanywhere/latest/userguide/authentication-sign-process.html
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from urllib.parse import parse_qsl, quote, urlsplit

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from ._errors import AwsError
from ._http import Request, Response
from ._metadata import role_session
from ._state import State

ACTION = "CreateSession"
SERVICE = "rolesanywhere"
WINDOW = timedelta(minutes=5)
_HEADER = re.compile(
    r"AWS4-X509-(RSA|ECDSA)-SHA256 Credential=(\d+)/(\d{8}/([^/,]+)/([^/,]+)/aws4_request), ?"
    r"SignedHeaders=([^,]+), ?Signature=([0-9a-f]+)"
)
_SIGNED = {"content-type", "host", "x-amz-date", "x-amz-x509"}


class RolesAnywhere:
    """The server of rolesanywhere.REGION.amazonaws.com."""

    def __init__(self, state: State) -> None:
        self._state = state

    def __call__(self, request: Request) -> Response:
        self._state.count(ACTION if (request.method, request.path) == ("POST", "/sessions") else "none")
        self._state.pause()
        if self._state.hang() or self._state.take("drop"):
            return Response(drop=True)
        try:
            status, body = 201, self._create_session(request)
        except AwsError as error:
            self._state.record_denied(error.message)
            status, body = error.status, {"message": error.message}
            return _json(status, body, {"x-amzn-ErrorType": error.code})
        return _json(status, body, {})

    def _create_session(self, request: Request) -> dict[str, object]:
        anchor, now = self._state.trust_anchor, self._state.now()
        if anchor is None or request.query.get("trustAnchorArn") != anchor.arn:
            raise AwsError("ResourceNotFoundException", "Trust anchor not found", 404)
        certificate = verify(request, anchor.region, now)
        _check_chain(certificate, _chain(request), anchor.certificate, now)
        if request.query.get("profileArn") != anchor.profile_arn:
            raise AwsError("ResourceNotFoundException", "Profile not found", 404)
        if request.query.get("roleArn") != anchor.role_arn or self._state.behaviour.deny == "sts:AssumeRole":
            raise AwsError("AccessDeniedException", "Unable to assume role for this certificate", 403)
        seconds = json.loads(request.body).get("durationSeconds", 3600)
        if not 900 <= seconds <= 43200:
            raise AwsError("ValidationException", "durationSeconds is out of range")
        self._state.record_assumed({"RoleArn": anchor.role_arn, "serial": certificate.serial_number})
        credentials = role_session(anchor.role_arn.rpartition("/")[2], seconds)
        self._state.record_session(credentials["SecretAccessKey"], credentials["Token"])
        fields = {
            "accessKeyId": credentials["AccessKeyId"],
            "secretAccessKey": credentials["SecretAccessKey"],
            "sessionToken": credentials["Token"],
            "expiration": credentials["Expiration"],
        }
        return {"credentialSet": [{"credentials": fields, "roleArn": anchor.role_arn}], "subjectArn": anchor.arn}


def verify(request: Request, region: str, now: datetime) -> x509.Certificate:
    """Return the certificate whose key signed the request. Raises AwsError."""
    match = _HEADER.fullmatch(request.headers.get("Authorization", ""))
    stamp = request.headers.get("X-Amz-Date", "")
    if not match:
        raise _denied("Missing or invalid authorization header")
    kind, serial, scope, scope_region, service, signed, signature = match.groups()
    [certificate] = _certificates(request.headers.get("X-Amz-X509", ""))
    names = signed.split(";")
    if (scope_region, service) != (region, SERVICE) or not scope.startswith(f"{stamp[:8]}/"):
        raise _denied("Credential should be scoped to a valid region, service and date")
    if not _is_near(stamp, now):
        raise _denied("Signature expired")
    if serial != str(certificate.serial_number):
        raise _denied("Serial number does not match the certificate")
    required = _SIGNED | {name.lower() for name in request.headers if name.lower().startswith("x-amz-")}
    if not required.issubset(names) or names != sorted(names):
        raise _denied("A header is not signed")
    canonical = hashlib.sha256(_canonical(request, names).encode()).hexdigest()
    text = f"AWS4-X509-{kind}-SHA256\n{stamp}\n{scope}\n{canonical}".encode()
    key = certificate.public_key()
    try:
        if kind == "RSA" and isinstance(key, rsa.RSAPublicKey):
            key.verify(bytes.fromhex(signature), text, padding.PKCS1v15(), SHA256())
            return certificate
        if kind == "ECDSA" and isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(bytes.fromhex(signature), text, ec.ECDSA(SHA256()))
            return certificate
    except InvalidSignature:
        pass
    raise _denied("The request signature does not match")


def _canonical(request: Request, names: Sequence[str]) -> str:
    pairs = sorted(
        (quote(name, safe="-_.~"), quote(value, safe="-_.~"))
        for name, value in parse_qsl(urlsplit(request.raw_path).query, keep_blank_values=True)
    )
    headers = [f"{name}:{' '.join(request.headers.get(name, '').split())}" for name in names]
    return "\n".join(
        [
            request.method,
            request.path,
            "&".join(f"{name}={value}" for name, value in pairs),
            *headers,
            "",
            ";".join(names),
            hashlib.sha256(request.body).hexdigest(),
        ]
    )


def _is_near(stamp: str, now: datetime) -> bool:
    try:
        signed_at = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=timezone.utc)
    except ValueError:
        return False
    return abs(signed_at - now) <= WINDOW


def _chain(request: Request) -> list[x509.Certificate]:
    header = request.headers.get("X-Amz-X509-Chain", "")
    return _certificates(header) if header else []


def _certificates(header: str) -> list[x509.Certificate]:
    try:
        return [x509.load_der_x509_certificate(base64.b64decode(part, validate=True)) for part in header.split(",")]
    except (ValueError, binascii.Error) as error:
        raise _denied("Invalid certificate") from error


def _check_chain(
    certificate: x509.Certificate, chain: Sequence[x509.Certificate], authority: bytes, now: datetime
) -> None:
    """Check that the certificates lead to the authority, and that each is valid now. Raises AwsError."""
    if _is_authority(certificate) or not _may_sign(certificate):
        raise _denied("Insufficient certificate")
    anchor = x509.load_pem_x509_certificate(authority)
    path = [certificate, *chain]
    for each in [*path, anchor]:
        if not each.not_valid_before_utc <= now <= each.not_valid_after_utc:
            raise _denied("Untrusted certificate. A certificate has expired or is not yet valid")
    for each, issuer in zip(path, [*chain, anchor], strict=True):
        try:
            each.verify_directly_issued_by(issuer)
        except (ValueError, TypeError, InvalidSignature) as error:
            raise _denied("Untrusted signing certificate") from error
        if not _is_authority(issuer):
            raise _denied("Untrusted signing certificate")


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def _may_sign(certificate: x509.Certificate) -> bool:
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return False
    return certificate.version is x509.Version.v3 and usage.digital_signature


def _denied(message: str) -> AwsError:
    return AwsError("AccessDeniedException", message, 403)


def _json(status: int, body: dict[str, object], headers: dict[str, str]) -> Response:
    kinds = {"Content-Type": "application/json", "x-amzn-RequestId": str(uuid.uuid4())}
    return Response(status, json.dumps(body).encode(), {**kinds, **headers})
