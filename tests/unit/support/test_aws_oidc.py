# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fake's identity provider accepts only tokens that a cluster's keys signed; its proxy connects only to AWS."""

from __future__ import annotations

import base64
import json
import socket
import time
from datetime import datetime, timezone
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from support.aws import FakeAws, Provider
from support.aws._errors import AwsError
from support.aws.client import FakeClient

NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)
CLAIMS: dict[str, Any] = {
    "iss": "https://issuer.example",
    "aud": ["sts.amazonaws.com"],
    "sub": "system:serviceaccount:n:a",
    "nbf": NOW.timestamp() - 60,
    "exp": NOW.timestamp() + 60,
}
ELLIPTIC = ec.generate_private_key(ec.SECP256R1())
RSA = rsa.generate_private_key(65537, 2048)


def encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def number(value: int) -> str:
    return encode(value.to_bytes((value.bit_length() + 7) // 8))


def published() -> list[dict[str, str]]:
    point, modulus = ELLIPTIC.public_key().public_numbers(), RSA.public_key().public_numbers()
    return [
        {"kid": "e", "kty": "EC", "crv": "P-256", "x": number(point.x), "y": number(point.y)},
        {"kid": "r", "kty": "RSA", "n": number(modulus.n), "e": number(modulus.e)},
    ]


def sign(kid: str, **changes: Any) -> str:
    text = f"{encode(json.dumps({'kid': kid}).encode())}.{encode(json.dumps({**CLAIMS, **changes}).encode())}"
    if kid == "e":
        r, s = decode_dss_signature(ELLIPTIC.sign(text.encode(), ec.ECDSA(SHA256())))
        return f"{text}.{encode(r.to_bytes(32) + s.to_bytes(32))}"
    return f"{text}.{encode(RSA.sign(text.encode(), padding.PKCS1v15(), SHA256()))}"


PROVIDER = Provider(CLAIMS["iss"], CLAIMS["aud"][0], CLAIMS["sub"], published())


@pytest.mark.parametrize("kid", ["e", "r"])
def test_a_token_that_the_issuer_signed(kid: str) -> None:
    PROVIDER.check(sign(kid), NOW)


def altered(token: str) -> str:
    head, _body, signature = token.split(".")
    body = encode(json.dumps({**CLAIMS, "aud": ["sts.amazonaws.com", "more"]}).encode())
    return f"{head}.{body}.{signature}"


REJECTED = {
    "altered": (altered(sign("e")), "InvalidIdentityToken"),
    "altered, the other kind": (altered(sign("r")), "InvalidIdentityToken"),
    "an unknown key": (sign("r").replace(encode(b'{"kid": "r"}'), encode(b'{"kid": "x"}')), "InvalidIdentityToken"),
    "no token": ("e.y.J", "InvalidIdentityToken"),
    "nothing": ("", "InvalidIdentityToken"),
    "another issuer": (sign("e", iss="https://other.example"), "InvalidIdentityToken"),
    "another audience": (sign("e", aud=["api"]), "InvalidIdentityToken"),
    "expired": (sign("e", exp=NOW.timestamp()), "ExpiredTokenException"),
    "not yet": (sign("e", nbf=NOW.timestamp() + 1), "ExpiredTokenException"),
    "another account": (sign("e", sub="system:serviceaccount:n:b"), "AccessDenied"),
}


@pytest.mark.parametrize(("token", "code"), REJECTED.values(), ids=REJECTED)
def test_rejected(token: str, code: str) -> None:
    with pytest.raises(AwsError) as error:
        PROVIDER.check(token, NOW)
    assert error.value.code == code


def assume(fake: FakeAws, token: str) -> None:
    client = boto3.client(
        "sts", region_name="us-east-1", endpoint_url=fake.sts_url, config=Config(signature_version=UNSIGNED)
    )
    role = "arn:aws:iam::123456789012:role/pull"
    client.assume_role_with_web_identity(RoleArn=role, RoleSessionName="pod", WebIdentityToken=token)


def test_another_process_sets_the_provider_that_sts_trusts(fake: FakeAws) -> None:
    FakeClient(fake.endpoint_url).trust(PROVIDER)
    pod = {"nbf": time.time() - 60, "exp": time.time() + 60, "kubernetes.io": {"pod": {"name": "a-1"}}}
    with pytest.raises(ClientError, match="Incorrect token audience"):
        assume(fake, sign("e", **pod, aud=["api"]))
    assert fake.assumed == []
    token = sign("e", **pod)
    assume(fake, token)
    [assumed] = fake.assumed
    assert assumed["claims"] == {**CLAIMS, **pod}
    assert token not in str(assumed)


@pytest.mark.parametrize(
    ("request_line", "status"),
    [("CONNECT other.example:443", 502), ("GET http://sts.us-east-1.amazonaws.com/", 405), ("", 405)],
)
def test_the_proxy_connects_only_to_aws(fake: FakeAws, request_line: str, status: int) -> None:
    address = urlsplit(fake.proxy_url)
    with socket.create_connection((str(address.hostname), int(address.port or 0)), timeout=10) as connection:
        connection.sendall(f"{request_line} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert connection.recv(100).split()[1] == str(status).encode()
