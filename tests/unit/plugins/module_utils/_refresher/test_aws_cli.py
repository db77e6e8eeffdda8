# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The AWS CLI: the real one with the fake AWS, and the output of other versions."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _aws_errors as errors
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher.aws_cli import AwsCli
from support.aws import FakeAws

URL = "https://api.ecr-public.us-east-1.amazonaws.com"
Make = Callable[..., AwsCli]


def cli(
    directory: Path, program: str = "aws", auth: str = "secret", endpoint_url: str = "", seconds: float = 60
) -> AwsCli:
    home = directory / "home"
    home.mkdir(exist_ok=True)
    return AwsCli(auth, endpoint_url, "", str(home), seconds, program)


# --- The real AWS CLI


@pytest.fixture
def real(tmp_path: Path, fake: FakeAws, monkeypatch: pytest.MonkeyPatch) -> Make:
    """A function that returns an AwsCli. As in a pod, the credentials are in a file, by default the fake's."""
    program = shutil.which("aws", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    assert program, "the AWS CLI is missing: run `make unit`, which installs it"
    file = tmp_path / "credentials"
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))

    def make(
        access_key: str = fake.access_key, secret_key: str = fake.secret_key, url: str = fake.endpoint_url
    ) -> AwsCli:
        file.write_text(f"[default]\naws_access_key_id = {access_key}\naws_secret_access_key = {secret_key}\n")
        return cli(tmp_path, program, endpoint_url=url)

    return make


def test_a_token(real: Make, fake: FakeAws) -> None:
    token = real().token()
    assert token.password == fake.tokens[-1]
    assert dt.timedelta(hours=11) < token.expires_at - dt.datetime.now(dt.timezone.utc) < dt.timedelta(hours=13)
    assert fake.calls == {"GetAuthorizationToken": 1}


def test_a_wrong_secret_key_is_not_shown(real: Make, fake: FakeAws) -> None:
    with pytest.raises(errors.CredentialsError, match="rejected the signature") as caught:
        real(secret_key="never-said/never-said").token()
    assert "never-said" not in str(caught.value)
    assert fake.secret_key not in str(caught.value)


def test_an_unknown_key(real: Make) -> None:
    with pytest.raises(errors.CredentialsError, match=r"does not know the access key \(from aws_auth: secret\)"):
        real(access_key="AKIAUNKNOWN").token()


def test_a_denied_action_is_named(real: Make, fake: FakeAws) -> None:
    fake.behave(deny="sts:GetServiceBearerToken")
    with pytest.raises(errors.AccessDeniedError, match="lacks sts:GetServiceBearerToken"):
        real().token()


def test_a_closed_port_is_named(real: Make) -> None:
    with pytest.raises(
        errors.UnreachableError, match=r"No response from http://127\.0\.0\.1:1/?\. Pods of this namespace"
    ):
        real(url="http://127.0.0.1:1").token()


def test_a_name_that_does_not_exist_is_named(real: Make) -> None:
    with pytest.raises(errors.UnreachableError, match=r"No response from http://nowhere\.invalid/?\. "):
        real(url="http://nowhere.invalid").token()


def test_no_credentials(real: Make, tmp_path: Path) -> None:
    made = real()
    (tmp_path / "credentials").write_text("")
    with pytest.raises(errors.CredentialsError, match='no AWS credentials: the Secret needs a key "credentials"'):
        made.token()


# --- Output


def stub(directory: Path, script: str) -> str:
    path = directory / "aws-stub"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize(
    "expiry", ["4070973845.0", '"2099-01-01T18:04:05+00:00"', '"2099-01-01T20:04:05.000000+02:00"']
)
def test_the_expiry_in_the_format_of_each_version(tmp_path: Path, expiry: str) -> None:
    program = stub(
        tmp_path, f"""echo '{{"authorizationData": {{"authorizationToken": "QVdTOmE6Yg==", "expiresAt": {expiry}}}}}'"""
    )
    token = cli(tmp_path, program).token()
    assert token.expires_at == dt.datetime(2099, 1, 1, 18, 4, 5, tzinfo=dt.timezone.utc)
    assert (token.username, token.password) == ("AWS", "a:b")


STRANGE = {
    "": "it is not JSON",
    "never-said": "it is not JSON",
    "[]": "it has no authorizationData object",
    '{"authorizationData": {"authorizationToken": "bmV2ZXItc2FpZA=="}}': "its authorizationData has no expiresAt",
    '{"authorizationData": {"authorizationToken": "bmV2ZXItc2FpZA==", "expiresAt": 1}}': "base64 of user:password",
    '{"authorizationData": {"authorizationToken": "QVdTOmE=", "expiresAt": 1e300}}': "its expiresAt is out of range",
    '{"authorizationData": {"authorizationToken": "QVdTOmE=", "expiresAt": "later"}}': "is not a time",
}


@pytest.mark.parametrize(("output", "words"), STRANGE.items())
def test_a_response_that_is_not_of_ecr_public(tmp_path: Path, output: str, words: str) -> None:
    with pytest.raises(errors.ResponseError, match="is not an ECR Public response") as caught:
        cli(tmp_path, stub(tmp_path, f"echo '{output}'")).token()
    assert words in str(caught.value)
    assert "never-said" not in str(caught.value)
    assert "bmV2ZXI" not in str(caught.value)


OPERATION = "when calling the GetAuthorizationToken operation"
DENIED = f"An error occurred (AccessDeniedException) {OPERATION}: "
WEB_IDENTITY = "when calling the AssumeRoleWithWebIdentity operation"
# Standard error of the CLI, versions 1 and 2; the class of the error; words of its message.
PRINTED: dict[str, tuple[str, type[errors.AwsError], list[str]]] = {
    "denied": (
        f"\n{DENIED}User: x is not authorized to perform: {errors.ACTIONS[0]}",
        errors.AccessDeniedError,
        ["lacks ecr-public:GetAuthorizationToken", errors.MANAGED_POLICY],
    ),
    "denied, as since 2026": (
        f"\naws: [ERROR]: {DENIED}no\n\nAdditional error details:\nType: a\n",
        errors.AccessDeniedError,
        ["AWS returned: no. "],
    ),
    "throttled": (
        f"An error occurred (ThrottlingException) {OPERATION} (reached max retries: 3): Rate exceeded",
        errors.ThrottledError,
        [f"{URL} throttled", "3 retries included", "The next run tries again."],
    ),
    "role": (
        "An error occurred (AccessDenied) when calling the AssumeRole operation: User: x is not authorized",
        errors.AccessDeniedError,
        ["could not be assumed: sts:AssumeRole is not allowed by AWS STS", "external_id of the refresher"],
    ),
    "web identity": (
        f"An error occurred (AccessDenied) {WEB_IDENTITY}: Not authorized",
        errors.AccessDeniedError,
        ["sts:AssumeRoleWithWebIdentity is not allowed by AWS STS", "the token's identity provider"],
    ),
    "provider": (
        f"An error occurred (InvalidIdentityToken) {WEB_IDENTITY}: No provider found",
        errors.CredentialsError,
        ["No provider found", "must be an identity provider in IAM"],
    ),
    "expired": (
        f"An error occurred (ExpiredTokenException) {OPERATION}: The security token included in the request is expired",
        errors.CredentialsError,
        ["has expired", "the AWS keys of an IAM user, which do not expire"],
    ),
    "STS that does not respond": (
        'Could not connect to the endpoint URL: "https://sts.us-east-1.amazonaws.com/"',
        errors.UnreachableError,
        ["No response from https://sts.us-east-1.amazonaws.com/. "],
    ),
    "time": (
        f'\naws: [ERROR]: Connect timeout on endpoint URL: "{URL}/"',
        errors.UnreachableError,
        [f"No response from {URL}/. "],
    ),
    "cut off": (
        f'Connection was closed before we received a valid response from endpoint URL: "{URL}/".',
        errors.UnreachableError,
        [f"No response from {URL}/. "],
    ),
    "proxy": (
        'Failed to connect to proxy URL: "http://proxy.example.com:3128"',
        errors.UnreachableError,
        ["The proxy http://proxy.example.com:3128 cannot be reached", "aws_proxy"],
    ),
    "certificate": (
        f"SSL validation failed for {URL}/ [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed",
        errors.UnreachableError,
        [f"The certificate of {URL}/ is not trusted", "ca_bundle"],
    ),
    "no credentials": (
        'Unable to locate credentials. You can configure credentials by running "aws configure".',
        errors.CredentialsError,
        ["no AWS credentials: the Secret needs"],
    ),
    "agent": (
        "Error when retrieving credentials from container-role: Error retrieving metadata: Received non 200 response",
        errors.CredentialsError,
        ["no AWS credentials"],
    ),
    "anything else": (
        "aws: error: argument operation: Invalid choice",
        errors.AwsError,
        ["The AWS CLI failed: aws: error"],
    ),
    "nothing": ("", errors.AwsError, ["it printed nothing"]),
}


@pytest.mark.parametrize("case", PRINTED)
def test_each_error_is_explained(tmp_path: Path, case: str) -> None:
    printed, kind, words = PRINTED[case]
    error = cli(tmp_path).explain(printed)
    assert error.__class__ is kind
    assert [each for each in words if each not in str(error)] == [], str(error)
    assert len(str(error)) < 1500


@pytest.mark.parametrize("auth", ["secret", "existing_secret", "irsa", "pod_identity", "web_identity", "ambient"])
def test_missing_credentials_are_explained_for_each_aws_auth(tmp_path: Path, auth: str) -> None:
    assert "see aws_auth" not in str(cli(tmp_path, auth=auth).explain("Unable to locate credentials"))


def test_no_secret_is_in_a_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {
        "AWS_SHARED_CREDENTIALS_FILE": "[default]\naws_secret_access_key = never-said-1\n",
        "AWS_WEB_IDENTITY_TOKEN_FILE": "never-said-2",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "never-said-3\n",
    }
    for variable, content in files.items():
        path = tmp_path / variable
        path.write_text(content)
        monkeypatch.setenv(variable, str(path))
    session = "IQoJb3JpZ2luX2VjE" * 20
    message = str(cli(tmp_path).explain(f"Bad: never-said-1 never-said-2 {session} never-said-3"))
    assert message == "The AWS CLI failed: Bad: ******** ******** ******** ********"


# --- The process


def test_a_process_that_does_not_end_is_stopped_with_its_children(tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    program = stub(tmp_path, f"(sleep 2; touch {marker}) &\nwait")
    began = time.monotonic()
    with pytest.raises(errors.UnreachableError, match=r"got no token from .* in 0 s and was stopped"):
        cli(tmp_path, program, seconds=0.3).token()
    assert time.monotonic() - began < 1.5
    time.sleep(2.2)
    assert not marker.exists()


def test_an_image_without_the_cli(tmp_path: Path) -> None:
    with pytest.raises(errors.AwsError, match=r"cannot be started: No such file or directory.*needs the AWS CLI v2"):
        cli(tmp_path, str(tmp_path / "missing")).token()


def test_its_environment_and_arguments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.delenv("AWS_EC2_METADATA_DISABLED", raising=False)
    program = stub(tmp_path, f'env > {tmp_path}/env; echo "$@" > {tmp_path}/arguments')
    with pytest.raises(errors.ResponseError):
        cli(tmp_path, program, endpoint_url="https://ecr.example").token()
    seen = dict(line.split("=", 1) for line in (tmp_path / "env").read_text().splitlines() if "=" in line)
    assert (seen["AWS_REGION"], seen["HOME"]) == ("us-east-1", str(tmp_path / "home"))
    assert (seen["AWS_EC2_METADATA_DISABLED"], seen["AWS_CLI_ERROR_FORMAT"]) == ("true", "legacy")
    assert (tmp_path / "arguments").read_text().split()[:4] == [
        "ecr-public",
        "get-authorization-token",
        "--region",
        "us-east-1",
    ]
    assert "--endpoint-url https://ecr.example" in (tmp_path / "arguments").read_text()
