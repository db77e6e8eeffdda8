# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fake ECR Public API with real clients: boto3 and the AWS CLI."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import os
import shutil
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import HTTPSHandler, ProxyHandler, build_opener

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError, ReadTimeoutError

from support.aws import FakeAws
from support.aws.client import FakeClient

ROLE = "arn:aws:iam::210987654321:role/pull"
ALLOWS_BOTH = ("ecr-public:GetAuthorizationToken", "sts:GetServiceBearerToken")


def client(service: str, url: str, fake: FakeAws, changes: dict[str, Any]) -> Any:
    settings = {
        "region_name": "us-east-1",
        "endpoint_url": url,
        "aws_access_key_id": fake.access_key,
        "aws_secret_access_key": fake.secret_key,
        "config": Config(retries={"mode": "standard", "total_max_attempts": 1}),
    }
    return boto3.client(service, **{**settings, **changes})


def ecr_public(fake: FakeAws, **changes: Any) -> Any:
    return client("ecr-public", fake.endpoint_url, fake, changes)


def sts(fake: FakeAws, **changes: Any) -> Any:
    return client("sts", fake.sts_url, fake, changes)


def session_keys(fake: FakeAws, **options: Any) -> dict[str, str]:
    response = sts(fake).assume_role(RoleArn=ROLE, RoleSessionName="testing", **options)["Credentials"]
    return {
        "aws_access_key_id": response["AccessKeyId"],
        "aws_secret_access_key": response["SecretAccessKey"],
        "aws_session_token": response["SessionToken"],
    }


def error_of(client: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        client.get_authorization_token()
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def test_a_token_looks_like_a_real_one(fake: FakeAws) -> None:
    data = ecr_public(fake).get_authorization_token()["authorizationData"]

    username, _colon, password = base64.b64decode(data["authorizationToken"]).decode().partition(":")
    assert username == "AWS"
    assert json.loads(base64.b64decode(password))["type"] == "DATA_KEY"
    assert len(password) > 1500
    assert data["expiresAt"].timestamp() == pytest.approx(time.time() + 43200, abs=30)
    assert fake.tokens == [password]
    assert fake.calls == {"GetAuthorizationToken": 1}


def test_tokens_are_unique(fake: FakeAws) -> None:
    client = ecr_public(fake)
    for _each in range(3):
        client.get_authorization_token()
    assert len(set(fake.tokens)) == 3


FORCED_ERRORS = {
    "throttled": ({"throttle": 1}, "ThrottlingException", "Rate exceeded"),
    "action denied": (
        {"deny": "ecr-public:GetAuthorizationToken"},
        "AccessDeniedException",
        "is not authorized to perform: ecr-public:GetAuthorizationToken on resource: * because no identity-based",
    ),
    "bearer denied": (
        {"deny": "sts:GetServiceBearerToken"},
        "AccessDeniedException",
        "is not authorized to perform: sts:GetServiceBearerToken on resource: * because no identity-based",
    ),
    "the client's clock behind": ({"clock_skew": 400}, "InvalidSignatureException", "Signature expired: "),
    "the client's clock ahead": ({"clock_skew": -400}, "InvalidSignatureException", "Signature not yet current: "),
    "other partition": ({"partition": "aws-cn"}, "UnrecognizedClientException", "security token included"),
    "unsupported": ({"error": "UnsupportedCommandException"}, "UnsupportedCommandException", "not supported"),
    "server": ({"error": "ServerException"}, "ServerException", "Internal failure"),
}


@pytest.mark.parametrize(("behaviour", "code", "text"), FORCED_ERRORS.values(), ids=FORCED_ERRORS.keys())
def test_errors_on_demand(fake: FakeAws, behaviour: dict[str, Any], code: str, text: str) -> None:
    fake.behave(**behaviour)
    got_code, got_text = error_of(ecr_public(fake))
    assert got_code == code
    assert text in got_text
    assert fake.tokens == []


def test_any_error_of_one_action_or_role(fake: FakeAws) -> None:
    fake.behave(reject={"GetAuthorizationToken": ("Strange", "no"), f"AssumeRole {ROLE}": ("AccessDenied", "not this")})
    assert error_of(ecr_public(fake)) == ("Strange", "no")
    with pytest.raises(ClientError, match="not this"):
        session_keys(fake)
    sts(fake).assume_role(RoleArn=f"{ROLE}-2", RoleSessionName="testing")


WRONG_SIGNERS = {
    "unknown key": ({"aws_access_key_id": "AKIAIOSFODNN7EXAMPLE"}, "UnrecognizedClientException", "invalid."),
    "wrong secret": ({"aws_secret_access_key": "other"}, "InvalidSignatureException", "does not match"),
    "wrong region": ({"region_name": "eu-west-1"}, "InvalidSignatureException", "scoped to a valid region"),
    "session token with a plain key": ({"aws_session_token": "any"}, "UnrecognizedClientException", "invalid."),
}


@pytest.mark.parametrize(("changes", "code", "text"), WRONG_SIGNERS.values(), ids=WRONG_SIGNERS.keys())
def test_the_signature_is_checked(fake: FakeAws, changes: dict[str, str], code: str, text: str) -> None:
    got_code, got_text = error_of(ecr_public(fake, **changes))
    assert got_code == code
    assert text in got_text


def test_a_changed_body_breaks_the_signature(fake: FakeAws) -> None:
    client = ecr_public(fake)
    client.meta.events.register("before-send.ecr-public.*", lambda request, **_: setattr(request, "body", b"{ }"))
    assert error_of(client)[0] == "InvalidSignatureException"


def test_clients_retry_throttling_and_lost_connections(fake: FakeAws) -> None:
    fake.behave(throttle=1, drop=1)
    patient = Config(retries={"mode": "standard", "total_max_attempts": 3})
    ecr_public(fake, config=patient).get_authorization_token()
    assert fake.calls == {"GetAuthorizationToken": 3}


def test_a_dropped_connection_has_no_response(fake: FakeAws) -> None:
    fake.behave(drop=1)
    with pytest.raises(ConnectionClosedError):
        ecr_public(fake).get_authorization_token()


def test_a_call_that_hangs_gets_no_response_afterwards(fake: FakeAws) -> None:
    fake.behave(hang=True)
    impatient = Config(read_timeout=0.5, retries={"total_max_attempts": 1})
    with pytest.raises(ReadTimeoutError):
        ecr_public(fake, config=impatient).get_authorization_token()
    fake.behave(hang=False)
    ecr_public(fake).get_authorization_token()
    assert (len(fake.tokens), fake.calls) == (1, {"GetAuthorizationToken": 2})


MALFORMED = {
    "list": lambda body: isinstance(body["authorizationData"], list),
    "no_expiry": lambda body: "expiresAt" not in body["authorizationData"],
    "not_base64": lambda body: body["authorizationData"]["authorizationToken"].startswith("!"),
    "no_colon": lambda body: b":" not in base64.b64decode(body["authorizationData"]["authorizationToken"]),
    "empty": lambda body: body == {},
}


@pytest.mark.parametrize("kind", MALFORMED)
def test_malformed_responses(fake: FakeAws, kind: str) -> None:
    fake.behave(malformed=kind)
    bodies: list[dict[str, Any]] = []
    client = ecr_public(fake)
    client.meta.events.register(
        "before-parse.ecr-public.*", lambda response_dict, **_: bodies.append(json.loads(response_dict["body"]))
    )
    with contextlib.suppress(AttributeError, TypeError):  # botocore can fail on the list
        client.get_authorization_token()
    assert MALFORMED[kind](bodies[0])


def test_an_unknown_behaviour_is_an_error(fake: FakeAws) -> None:
    with pytest.raises(TypeError, match="throtle"):
        fake.behave(throtle=1)
    with pytest.raises(ValueError, match="malformed"):
        fake.behave(malformed="lists")


def test_assumed_roles_are_accepted_and_their_parameters_recorded(fake: FakeAws) -> None:
    keys = session_keys(fake, ExternalId="partner", DurationSeconds=900)
    ecr_public(fake, **keys).get_authorization_token()
    assert fake.calls == {"AssumeRole": 1, "GetAuthorizationToken": 1}
    (assumed,) = fake.assumed
    assert assumed["RoleArn"] == ROLE
    assert assumed["RoleSessionName"] == "testing"
    assert assumed["ExternalId"] == "partner"
    assert assumed["DurationSeconds"] == "900"
    assert "Policy" not in assumed


def test_a_session_needs_its_token_and_expires(fake: FakeAws) -> None:
    keys = session_keys(fake)
    without = {**keys, "aws_session_token": None}
    assert error_of(ecr_public(fake, **without))[0] == "UnrecognizedClientException"
    fake.expire_sessions()
    assert error_of(ecr_public(fake, **keys))[0] == "ExpiredTokenException"


def policy(*actions: str) -> str:
    return json.dumps(
        {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": "*"}]}
    )


def test_a_session_policy_is_obeyed(fake: FakeAws) -> None:
    enough = session_keys(fake, Policy=policy(*ALLOWS_BOTH))
    ecr_public(fake, **enough).get_authorization_token()
    short = session_keys(fake, Policy=policy(ALLOWS_BOTH[0]))
    code, text = error_of(ecr_public(fake, **short))
    assert code == "AccessDeniedException"
    assert "sts:GetServiceBearerToken on resource: * because no session policy allows" in text


def test_sts_checks_signatures_too(fake: FakeAws) -> None:
    with pytest.raises(ClientError) as caught:
        sts(fake, aws_access_key_id="AKIAIOSFODNN7EXAMPLE").assume_role(RoleArn=ROLE, RoleSessionName="testing")
    assert caught.value.response["Error"]["Code"] == "InvalidClientTokenId"
    fake.behave(deny="sts:AssumeRole")
    with pytest.raises(ClientError) as caught:
        session_keys(fake)
    assert caught.value.response["Error"]["Code"] == "AccessDenied"
    assert f"is not authorized to perform: sts:AssumeRole on resource: {ROLE}" in str(caught.value)
    assert fake.assumed == []


def test_web_identity_gives_a_session_without_keys(fake: FakeAws) -> None:
    client = boto3.client(
        "sts", region_name="us-east-1", endpoint_url=fake.sts_url, config=Config(signature_version=UNSIGNED)
    )
    response = client.assume_role_with_web_identity(RoleArn=ROLE, RoleSessionName="pod", WebIdentityToken="e.y.J" * 3)
    keys = response["Credentials"]
    ecr_public(
        fake,
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
    ).get_authorization_token()
    assert fake.calls == {"AssumeRoleWithWebIdentity": 1, "GetAuthorizationToken": 1}


def test_control_from_another_process(fake: FakeAws) -> None:
    client = FakeClient(fake.endpoint_url)
    client.behave(life=60, deny=None)
    ecr_public(fake).get_authorization_token()
    assert client.calls == {"GetAuthorizationToken": 1}
    assert client.tokens == fake.tokens
    issued = client.issue(life=5)
    assert client.tokens[-1] == issued["password"]
    client.expire(issued["password"])
    with pytest.raises(ValueError, match="unknown behaviour"):
        client.behave(nonsense=1)
    client.reset()
    assert (client.calls, client.tokens, client.assumed) == ({}, [], [])


def test_issue_returns_the_form_of_the_lookup(fake: FakeAws) -> None:
    issued = fake.issue(life=3600)
    assert list(issued) == [
        "registry", "username", "password", "authorization_token", "expires_at", "dockerconfigjson",
    ]  # fmt: skip
    assert fake.calls == {}
    entry = json.loads(issued["dockerconfigjson"])["auths"]["public.ecr.aws"]
    assert entry == {"username": "AWS", "password": issued["password"], "auth": issued["authorization_token"]}


def aws_cli(fake: FakeAws, *arguments: str) -> subprocess.CompletedProcess[str]:
    program = shutil.which("aws", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    assert program, "the AWS CLI is missing: run `make unit`, which installs it"
    keys = {"AWS_ACCESS_KEY_ID": fake.access_key, "AWS_SECRET_ACCESS_KEY": fake.secret_key}
    return subprocess.run(
        [program, "ecr-public", *arguments, "--endpoint-url", fake.endpoint_url],
        env={**os.environ, **keys, "AWS_MAX_ATTEMPTS": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_the_aws_cli_gets_a_password(fake: FakeAws) -> None:
    done = aws_cli(fake, "get-login-password", "--region", "us-east-1")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip() == fake.tokens[-1]


def test_the_aws_cli_gets_a_token_with_its_expiry(fake: FakeAws) -> None:
    done = aws_cli(fake, "get-authorization-token", "--region", "us-east-1", "--output", "json")
    assert done.returncode == 0, done.stderr
    assert set(json.loads(done.stdout)["authorizationData"]) == {"authorizationToken", "expiresAt"}


def test_the_aws_cli_gets_an_error_for_another_region(fake: FakeAws) -> None:
    done = aws_cli(fake, "get-login-password", "--region", "us-west-2")
    assert done.returncode != 0
    assert "InvalidSignatureException" in done.stderr


@contextlib.contextmanager
def running_process(ready: Path, *options: str) -> Iterator[dict[str, Any]]:
    """Run a fake in another process. Yield the content of its ready file."""
    tests = Path(__file__).parents[2]
    process = subprocess.Popen(
        [sys.executable, "-m", "support.aws", "--ready-file", str(ready), *options],
        cwd=tests,
        stdin=subprocess.PIPE,
    )
    try:
        deadline = time.monotonic() + 60
        while not ready.exists():
            assert process.poll() is None, "the fake ended before it was ready"
            assert time.monotonic() < deadline, "the fake was not ready within a minute"
            time.sleep(0.05)
        assert ready.stat().st_mode & 0o777 == 0o600
        yield json.loads(ready.read_text())
    finally:
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(timeout=30) == 0


def test_run_as_a_process(tmp_path: Path) -> None:
    with running_process(tmp_path / "ready.json") as ready:
        urls = {"endpoint_url", "sts_url", "registry_url", "proxy_url"}
        assert set(ready) == {*urls, "access_key", "secret_key", "ca_file"}
        assert ready["ca_file"] is None
        assert FakeClient(ready["endpoint_url"]).calls == {}


@pytest.mark.parametrize("url", ["{endpoint_url}", "https://api.ecr-public.us-east-1.amazonaws.com"])
def test_run_as_a_process_with_tls(tmp_path: Path, url: str) -> None:
    with running_process(tmp_path / "ready.json", "--tls") as ready:
        tls = HTTPSHandler(context=ssl.create_default_context(cafile=ready["ca_file"]))
        proxy = ProxyHandler({} if url == "{endpoint_url}" else {"https": ready["proxy_url"]})
        with build_opener(proxy, tls).open(f"{url.format(**ready)}/_fake/state", timeout=30) as response:
            assert json.load(response)["calls"] == {}


def test_connections_are_kept(fake: FakeAws) -> None:
    connection = http.client.HTTPConnection(fake.endpoint_url.removeprefix("http://"), timeout=10)
    sockets = set()
    for _each in range(3):
        connection.request("GET", "/_fake/state")
        sockets.add(connection.sock)
        connection.getresponse().read()
    connection.close()
    assert len(sockets) == 1
