# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An OpenID Connect identity provider of IAM, such as a cluster, and the checks that STS makes of its tokens."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from ._errors import AwsError

_CURVE_BYTES = 32


@dataclass(frozen=True)
class Provider:
    """An identity provider of IAM, and the one subject in the trust policies of the roles.

    keys: the "keys" of the issuer's JSON Web Key Set.
    """

    issuer: str
    audience: str
    subject: str
    keys: Sequence[Mapping[str, str]]

    def check(self, token: str, now: datetime) -> dict[str, Any]:
        """Check signature, issuer, audience, time and subject. Return the claims. Raises AwsError, as STS does."""
        claims = self._verified(token)
        if claims.get("iss") != self.issuer:
            raise _invalid(f"No OpenIDConnect provider found in your account for {claims.get('iss')}")
        if self.audience not in claims.get("aud", []):
            raise _invalid("Incorrect token audience")
        if not claims.get("nbf", 0) <= now.timestamp() < claims.get("exp", 0):
            raise AwsError("ExpiredTokenException", "Token expired")
        if claims.get("sub") != self.subject:
            raise AwsError("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity")
        return claims

    def _verified(self, token: str) -> dict[str, Any]:
        try:
            head, body, signature = token.split(".")
            header, claims = (json.loads(_decode(part)) for part in (head, body))
            key = next(key for key in self.keys if key["kid"] == header["kid"])
            _verify(key, _decode(signature), f"{head}.{body}".encode())
        except (ValueError, KeyError, StopIteration, binascii.Error, InvalidSignature) as error:
            raise _invalid("Couldn't retrieve verification key from your identity provider") from error
        return dict(claims)


def _verify(key: Mapping[str, str], signature: bytes, signed: bytes) -> None:
    if key["kty"] == "EC":
        x, y = (int.from_bytes(_decode(key[name])) for name in ("x", "y"))
        r, s = (int.from_bytes(half) for half in (signature[:_CURVE_BYTES], signature[_CURVE_BYTES:]))
        curve = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
        curve.verify(encode_dss_signature(r, s), signed, ec.ECDSA(SHA256()))
    else:
        n, e = (int.from_bytes(_decode(key[name])) for name in ("n", "e"))
        rsa.RSAPublicNumbers(e, n).public_key().verify(signature, signed, padding.PKCS1v15(), SHA256())


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _invalid(message: str) -> AwsError:
    return AwsError("InvalidIdentityToken", message)
