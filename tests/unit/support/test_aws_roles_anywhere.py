# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fake's IAM Roles Anywhere accepts only requests that the key of a valid certificate of its authority signed."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from typing import Any
from urllib.parse import urlencode, urlsplit

import boto3
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from support.aws import FakeAws, TrustAnchor
from support.cluster.pki import Authority, Identity, Key
from support.refresher_settings import ARN, PROFILE, TRUST_ANCHOR

Headers = dict[str, str]

AUTHORITY = Authority()
KEYS: dict[str, Key] = {"ECDSA": ec.generate_private_key(ec.SECP256R1()), "RSA": rsa.generate_private_key(65537, 2048)}
IDENTITIES = {kind: AUTHORITY.issue("pull", key=key) for kind, key in KEYS.items()}
QUERY = {"profileArn": PROFILE, "roleArn": ARN, "trustAnchorArn": TRUST_ANCHOR}


def load(identity: Identity) -> x509.Certificate:
    return x509.load_pem_x509_certificate(identity.certificate)


def sign(identity: Identity, text: bytes) -> tuple[str, bytes]:
    """Return the kind of the key and its signature."""
    key = load_pem_private_key(identity.key, None)
    if isinstance(key, rsa.RSAPrivateKey):
        return "RSA", key.sign(text, padding.PKCS1v15(), SHA256())
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return "ECDSA", key.sign(text, ec.ECDSA(SHA256()))


def create_session(
    fake: FakeAws,
    identity: Identity,
    *,
    signer: Identity | None = None,
    query: dict[str, str] | None = None,
    chain: tuple[x509.Certificate, ...] = (),
    region: str = "eu-central-1",
    at: datetime | None = None,
    tamper: Callable[[Headers], None] = lambda _headers: None,
    body: str = '{"durationSeconds":3600}',
) -> tuple[int, dict[str, Any]]:
    """Sign and send CreateSession as the documentation of AWS describes it. Return the status and the body.

    signer: whose key signs, by default the identity's. tamper: a change of the headers after the signature.
    """
    target = urlsplit(fake.roles_anywhere_url)
    certificate = load(identity)
    stamp = (at or datetime.now(timezone.utc)).strftime("%Y%m%dT%H%M%SZ")
    encoded = [base64.b64encode(each.public_bytes(Encoding.DER)).decode() for each in (certificate, *chain)]
    headers = {"content-type": "application/json", "host": target.netloc, "x-amz-date": stamp, "x-amz-x509": encoded[0]}
    if chain:
        headers["x-amz-x509-chain"] = ",".join(encoded[1:])
    names = ";".join(sorted(headers))
    parameters = urlencode(sorted((query or QUERY).items()))
    lines = ["POST", "/sessions", parameters, *(f"{name}:{headers[name]}" for name in sorted(headers)), "", names]
    canonical = "\n".join([*lines, hashlib.sha256(body.encode()).hexdigest()])
    scope = f"{stamp[:8]}/{region}/rolesanywhere/aws4_request"
    kind, _nothing = sign(signer or identity, b"")
    algorithm = f"AWS4-X509-{kind}-SHA256"
    text = "\n".join([algorithm, stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    _kind, signature = sign(signer or identity, text.encode())
    headers["Authorization"] = (
        f"{algorithm} Credential={certificate.serial_number}/{scope}, SignedHeaders={names}, "
        f"Signature={signature.hex()}"
    )
    tamper(headers)
    connection = http.client.HTTPConnection(target.netloc, timeout=10)
    try:
        connection.request("POST", f"/sessions?{parameters}", body, headers)
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


@pytest.fixture
def trusting(fake: FakeAws) -> FakeAws:
    fake.trust_certificates(TrustAnchor(TRUST_ANCHOR, PROFILE, ARN, AUTHORITY.certificate))
    return fake


@pytest.mark.parametrize("kind", KEYS)
def test_a_session_of_the_role_gets_a_token(trusting: FakeAws, kind: str) -> None:
    status, body = create_session(trusting, IDENTITIES[kind])
    assert status == 201
    [entry] = body["credentialSet"]
    keys = entry["credentials"]
    client = boto3.client(
        "ecr-public",
        region_name="us-east-1",
        endpoint_url=trusting.endpoint_url,
        aws_access_key_id=keys["accessKeyId"],
        aws_secret_access_key=keys["secretAccessKey"],
        aws_session_token=keys["sessionToken"],
    )
    assert client.get_authorization_token()["authorizationData"]
    assert trusting.assumed == [{"RoleArn": ARN, "serial": load(IDENTITIES[kind]).serial_number}]
    assert trusting.calls == {"CreateSession": 1, "GetAuthorizationToken": 1}


def change(header: str, value: str) -> Callable[[Headers], None]:
    def tamper(headers: Headers) -> None:
        headers[header] = value

    return tamper


OTHER = Authority()
SIGNATURE = "The request signature does not match"
DENIED: dict[str, tuple[dict[str, Any], str]] = {
    "another key": ({"signer": AUTHORITY.issue("other")}, SIGNATURE),
    "another kind of key": ({"signer": IDENTITIES["RSA"]}, SIGNATURE),
    "another header": ({"tamper": change("content-type", "text/plain")}, SIGNATURE),
    "another region": ({"region": "us-east-1"}, "valid region"),
    "an old request": ({"at": datetime.now(timezone.utc) - timedelta(minutes=6)}, "Signature expired"),
    "another time": ({"tamper": change("x-amz-date", "now")}, "valid region, service and date"),
    "no signature": ({"tamper": lambda headers: headers.pop("Authorization")}, "authorization header"),
    "a header that is not signed": ({"tamper": change("x-amz-other", "x")}, "A header is not signed"),
    "no certificate": ({"tamper": change("x-amz-x509", "AAAA")}, "Invalid certificate"),
    "another certificate": (
        {"tamper": change("x-amz-x509", base64.b64encode(load(IDENTITIES["RSA"]).public_bytes(Encoding.DER)).decode())},
        "Serial number",
    ),
    "a chain that leads elsewhere": ({"chain": (load(IDENTITIES["RSA"]),)}, "Untrusted signing certificate"),
    "another role": ({"query": {**QUERY, "roleArn": f"{ARN}-2"}}, "Unable to assume role"),
    "another profile": ({"query": {**QUERY, "profileArn": f"{PROFILE}-2"}}, "Profile not found"),
    "another trust anchor": ({"query": {**QUERY, "trustAnchorArn": f"{TRUST_ANCHOR}-2"}}, "Trust anchor not found"),
    "a short session": ({"body": '{"durationSeconds":899}'}, "out of range"),
}


@pytest.mark.parametrize("case", DENIED)
def test_denied(trusting: FakeAws, case: str) -> None:
    changes, words = DENIED[case]
    status, body = create_session(trusting, IDENTITIES["ECDSA"], **changes)
    assert 400 <= status < 500
    assert words in body["message"]
    assert trusting.denied == [body["message"]]
    assert trusting.assumed == []


CERTIFICATES = {
    "of another authority": (OTHER.issue("pull"), "Untrusted signing certificate"),
    "expired": (AUTHORITY.issue("pull", lifetime=timedelta(seconds=-1)), "has expired"),
}


@pytest.mark.parametrize("case", CERTIFICATES)
def test_certificates_that_are_not_trusted(trusting: FakeAws, case: str) -> None:
    identity, words = CERTIFICATES[case]
    assert words in create_session(trusting, identity)[1]["message"]


def test_without_a_trust_anchor_there_is_no_session(fake: FakeAws) -> None:
    assert create_session(fake, IDENTITIES["RSA"])[0] == 404
