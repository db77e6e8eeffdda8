# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The AWS CLI: the real one with the fake AWS, and the output of other versions."""

from __future__ import annotations

import datetime as dt
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _aws_errors as errors
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher import roles_anywhere
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher.aws_cli import AwsCli
from support.aws import FakeAws
from unit.cases import aws_sides
from unit.processes import assert_process_ends

URL = "https://api.ecr-public.us-east-1.amazonaws.com"
Make = Callable[..., AwsCli]


def cli(
    directory: Path, program: str = "aws", auth: str = "secret", endpoint_url: str = "", seconds: float = 60
) -> AwsCli:
    home = directory / "home"
    home.mkdir(exist_ok=True)
    return AwsCli(auth, endpoint_url, "", str(home), seconds, program)


# --- The real AWS CLI


def test_a_token(fake: FakeAws, tmp_path: Path) -> None:
    keys = f"aws_access_key_id = {fake.access_key}\naws_secret_access_key = {fake.secret_key}\n"
    Path(os.environ["AWS_SHARED_CREDENTIALS_FILE"]).write_text(f"[default]\n{keys}")
    token = cli(tmp_path, aws_sides.cli(), endpoint_url=fake.endpoint_url).token()
    assert token.password == fake.tokens[-1]
    assert dt.timedelta(hours=11) < token.expires_at - dt.datetime.now(dt.timezone.utc) < dt.timedelta(hours=13)
    assert fake.calls == {"GetAuthorizationToken": 1}


# --- Keys as single values of a Secret. The checks of the keys, the masking and the CLI read what the program writes.


@pytest.fixture
def mounted(fake: FakeAws, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory in which the Secret is mounted, as yet without the AWS secret key."""
    directory = tmp_path / "mounted"
    directory.mkdir()
    (directory / "AWS_ACCESS_KEY_ID").write_text(fake.access_key)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(directory / "credentials"))
    return directory


def test_keys_as_single_values(mounted: Path, fake: FakeAws, tmp_path: Path) -> None:
    (mounted / "AWS_SECRET_ACCESS_KEY").write_text(fake.secret_key)
    made = cli(tmp_path, aws_sides.cli(), "existing_secret", fake.endpoint_url)
    assert made.token().password == fake.tokens[-1]


def test_a_wrong_secret_key_as_a_single_value_is_not_shown(mounted: Path, fake: FakeAws, tmp_path: Path) -> None:
    (mounted / "AWS_SECRET_ACCESS_KEY").write_text("never-said/never-said/never-said/never-s")
    made = cli(tmp_path, aws_sides.cli(), "existing_secret", fake.endpoint_url)
    with pytest.raises(errors.CredentialsError, match="rejected the signature") as caught:
        made.token()
    assert "never-s" not in f"{caught.value} {made.explain('Bad: never-said/never-said/never-said/never-s')}"


def test_no_secret_key_as_a_single_value(mounted: Path, tmp_path: Path) -> None:
    assert mounted.exists()
    with pytest.raises(errors.CredentialsError, match="the Secret of aws_existing_secret needs"):
        cli(tmp_path, auth="existing_secret").token()


# --- Failures


@pytest.mark.parametrize("row", aws_sides.REFRESHER)
def test_each_failure_of_aws(
    row: aws_sides.Failure, place: aws_sides.Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    prepared = place.prepare(row, monkeypatch, tmp_path)
    place.check(prepared, aws_sides.run_refresher(prepared), prepared.refresher or ())


def test_the_cli_starts_when_roles_anywhere_has_returned_a_session(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = cli(tmp_path, stub(tmp_path, f"touch {tmp_path}/started"), "roles_anywhere", seconds=20)
    left: list[float] = []

    def await_session(ends: float) -> None:
        left.append(ends - time.monotonic())
        if len(left) == 1:
            raise errors.CredentialsError("Roles Anywhere returned no session.")

    monkeypatch.setattr(roles_anywhere, "await_session", await_session)
    with pytest.raises(errors.CredentialsError, match="returned no session"):
        made.token()
    assert not (tmp_path / "started").exists()
    with pytest.raises(errors.ResponseError):
        made.token()
    assert (tmp_path / "started").exists()
    assert [seconds for seconds in left if not 15 < seconds <= 20] == []


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
# Standard error of the CLI, versions 1 and 2; the class of the error; words of its message. aws_failures.yml has more.
PRINTED: dict[str, tuple[str, type[errors.AwsError], list[str]]] = {
    "denied, by version 1": (
        f"\nAn error occurred (AccessDeniedException) {OPERATION}: no\n",
        errors.AccessDeniedError,
        ["AWS returned: no. "],
    ),
    "denied, as since 2026": (
        f"\naws: [ERROR]: An error occurred (AccessDeniedException) {OPERATION}: no\n\nAdditional error details:\nA: b",
        errors.AccessDeniedError,
        ["AWS returned: no. "],
    ),
    "throttled": (
        f"An error occurred (ThrottlingException) {OPERATION} (reached max retries: 3): Rate exceeded",
        errors.ThrottledError,
        [f"{URL} throttled", "3 retries included", "The next run tries again."],
    ),
    "an error of AWS itself after retries": (
        f"An error occurred (ServerException) {OPERATION} (reached max retries: 3): Internal failure",
        errors.AwsError,
        [f"failed at {URL} with ServerException, 3 retries included. AWS returned: Internal failure. "],
    ),
    "single sign-on": (
        "An error occurred (ForbiddenException) when calling the GetRoleCredentials operation: No access",
        errors.AwsError,
        ["GetRoleCredentials failed at AWS with ForbiddenException. AWS returned: No access"],
    ),
    "a warning before the error": (
        f'urllib3 warns\n\naws: [ERROR]: Could not connect to the endpoint URL: "{URL}/"\n',
        errors.UnreachableError,
        [f"No response from {URL} (the connection failed). "],
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


@pytest.mark.parametrize(
    "auth", ["secret", "existing_secret", "irsa", "pod_identity", "web_identity", "ambient", "roles_anywhere"]
)
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
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "never-said-4")
    monkeypatch.setenv("HTTPS_PROXY", "http://builder:never-said-5@proxy.example:3128")
    known = " ".join(f"never-said-{number}" for number in range(1, 6))
    # A session token, and an AWS secret key.
    unknown = f"{'IQoJb3JpZ2luX2VjE' * 20} wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
    message = str(cli(tmp_path).explain(f"Bad: {known} {unknown}"))
    assert message.startswith(f"The AWS CLI failed: Bad:{' ********' * 7}. Check the variables AWS_")


# --- The process


def test_a_process_that_does_not_end_is_stopped_with_its_children(tmp_path: Path) -> None:
    program = stub(tmp_path, f"sleep 300 &\necho $! >{tmp_path}/child\nwait")
    began = time.monotonic()
    with pytest.raises(errors.UnreachableError, match=r"got no token from .* in 0 s and was stopped"):
        cli(tmp_path, program, seconds=0.3).token()
    assert time.monotonic() - began < 10
    assert_process_ends(int((tmp_path / "child").read_text()))


@pytest.mark.parametrize(
    ("dual_stack", "host"),
    [("true", "ecr-public.us-east-1.api.aws"), ("false", "api.ecr-public.us-east-1.amazonaws.com")],
)
def test_an_address_that_does_not_respond_is_the_one_in_use(
    dual_stack: str, host: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_USE_DUALSTACK_ENDPOINT", dual_stack)
    with pytest.raises(errors.UnreachableError, match=f"got no token from https://{host} in"):
        cli(tmp_path, stub(tmp_path, "sleep 5"), seconds=0.1).token()


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
