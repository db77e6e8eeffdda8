# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Failures that the SDK meets outside of the task's options: files, variables, processes, agents and STS.

They are no invalid options of the task, so the modules fail open. The same mistake in an option is one.
"""

from __future__ import annotations

import json
import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleError, AnsibleLookupError
from botocore.credentials import ContainerProvider

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _aws_errors as errors
from support.aws import FakeAws

from .conftest import Lookup
from .test_ecr_public_token_errors import failure

KEYS = "aws_access_key_id = {fake.access_key}\naws_secret_access_key = {fake.secret_key}\n"
ROLE = "role_arn = arn:aws:iam::210987654321:role/pull\n"
EXPIRED = {
    "Version": 1,
    "AccessKeyId": "ASIAIOSFODNN7EXAMPLE",
    "SecretAccessKey": "never-shown",
    "SessionToken": "never-shown",
    "Expiration": "2020-01-01T00:00:00Z",
}

# The oldest supported botocore does not read AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE. It asks the agent without a token.
READS_TOKEN_FILE = hasattr(ContainerProvider, "ENV_VAR_AUTH_TOKEN_FILE")

# name: (variables, text of ~/.aws/config, parts of the message). {dir}: a directory. {sts}: an STS that returns HTML.
OUTSIDE: dict[str, tuple[dict[str, str], str, list[str]]] = {
    "a profile that does not exist": (
        {"AWS_PROFILE": "ci"},
        "",
        ["no AWS profile 'ci' (from the environment variable AWS_PROFILE)"],
    ),
    "a source profile that does not exist": (
        {"AWS_PROFILE": "ci"},
        f"[profile ci]\n{ROLE}source_profile = kyes\n",
        ["kyes"],
    ),
    "a source that does not exist": (
        {"AWS_PROFILE": "ci"},
        f"[profile ci]\n{ROLE}credential_source = Ec2\n",
        ["Ec2"],
    ),
    "a config that cannot be parsed": ({"AWS_PROFILE": "ci"}, "[profile ci\n", ["config"]),
    "a key without its secret key": ({"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE"}, "", ["no secret_key"]),
    "a line break in a key": (
        {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "never-\nshown"},
        "",
        ["the environment variable AWS_SECRET_ACCESS_KEY contains a space or a line break"],
    ),
    "a profile and keys": (
        {"AWS_PROFILE": "ci", "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "never-shown"},
        "[profile ci]\n",
        ["Both a profile"],
    ),
    "a CA bundle that does not exist": ({"AWS_CA_BUNDLE": "{dir}/ca.pem"}, KEYS, ["{dir}/ca.pem"]),
    "a CA bundle that is no certificate": ({"AWS_CA_BUNDLE": "{dir}/text"}, KEYS, ["{dir}/text", "AWS_CA_BUNDLE"]),
    "attempts that are no number": ({"AWS_MAX_ATTEMPTS": "abc"}, KEYS, ["AWS_MAX_ATTEMPTS"]),
    "no attempts": ({"AWS_MAX_ATTEMPTS": "0"}, KEYS, ["0"]),
    "an unknown mode of defaults": ({"AWS_DEFAULTS_MODE": "foo"}, KEYS, ["foo"]),
    "an address that is none": ({"AWS_ENDPOINT_URL_ECR_PUBLIC": "nowhere"}, KEYS, ["nowhere"]),
    "a web identity token that does not exist": (
        {"AWS_WEB_IDENTITY_TOKEN_FILE": "{dir}/token", "AWS_ROLE_ARN": "arn:aws:iam::210987654321:role/pull"},
        "",
        ["{dir}/token"],
    ),
    "a process that does not exist": (
        {"AWS_PROFILE": "ci"},
        "[profile ci]\ncredential_process = {dir}/none\n",
        ["{dir}/none"],
    ),
    "a process that returns no JSON": (
        {"AWS_PROFILE": "ci"},
        "[profile ci]\ncredential_process = /bin/echo never-shown\n",
        ["credential_process"],
    ),
    "a process that fails": (
        {"AWS_PROFILE": "ci"},
        "[profile ci]\ncredential_process = /bin/false\n",
        ["custom-process", "AWS_PROFILE"],
    ),
    "a process with expired keys": (
        {"AWS_PROFILE": "ci"},
        "[profile ci]\ncredential_process = /bin/cat {dir}/expired\n",
        ["expired"],
    ),
    "a token of an agent that does not exist": (
        {
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:9/credentials",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "{dir}/token",
        },
        "",
        ["{dir}/token" if READS_TOKEN_FILE else "container-role"],
    ),
    "an agent that is not allowed": (
        {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://agent.invalid/credentials"},
        "",
        ["the container agent (AWS_CONTAINER_CREDENTIALS_FULL_URI"],
    ),
    "an agent that does not respond": (
        {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://127.0.0.1:9/credentials"},
        "",
        ["127.0.0.1"],
    ),
    "a role with MFA": (
        {"AWS_PROFILE": "ci"},
        f"[profile keys]\n{KEYS}[profile ci]\n{ROLE}source_profile = keys\nmfa_serial = arn:aws:iam::1:mfa/a\n",
        ["MFA"],
    ),
    "single sign-on without a session": (
        {"AWS_PROFILE": "ci"},
        "[profile ci]\nsso_start_url = https://a.invalid\nsso_region = us-east-1\nsso_account_id = 1\nsso_role_name=a",
        ["aws sso login"],
    ),
    "an STS that returns HTML": (
        {"AWS_PROFILE": "ci", "AWS_ENDPOINT_URL_STS": "{sts}"},
        f"[profile keys]\n{KEYS}[profile ci]\n{ROLE}source_profile = keys\n",
        ["{sts}"],
    ),
    "an STS that is closed": (
        {"AWS_PROFILE": "ci", "AWS_ENDPOINT_URL_STS": "http://127.0.0.1:9"},
        f"[profile keys]\n{KEYS}[profile ci]\n{ROLE}source_profile = keys\n",
        ["http://127.0.0.1:9"],
    ),
}  # fmt: skip


class Html(BaseHTTPRequestHandler):
    """Every request gets an HTML page."""

    text = b"<html><body>Sign in to the proxy</body></html>"

    def do_POST(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.text)))
        self.end_headers()
        self.wfile.write(self.text)

    def log_message(self, *_arguments: object) -> None:
        return


class CutOff(Html):
    """An AssumeRole response that ends in the session token."""

    text = (
        b"<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIAIOSFODNN7EXAMPLE</AccessKeyId>"
        b"<SecretAccessKey>never-shown</SecretAccessKey><SessionToken>never-shown"
    )


@contextmanager
def served(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


@pytest.fixture(scope="module")
def html() -> Iterator[str]:
    with served(Html) as url:
        yield url


@pytest.mark.parametrize("case", OUTSIDE)
def test_what_the_sdk_finds_elsewhere_is_no_invalid_option(
    case: str, fake: FakeAws, lookup_anything: Lookup, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, html: str
) -> None:
    variables, config, texts = OUTSIDE[case]
    (tmp_path / "text").write_text("no certificate\n")
    (tmp_path / "expired").write_text(json.dumps(EXPIRED))
    names: dict[str, Any] = {"dir": str(tmp_path), "sts": html, "fake": fake}
    for name, value in variables.items():
        monkeypatch.setenv(name, value.format(**names))
    text = config.format(**names)
    if config == KEYS:
        # The keys are valid; only the variable is not.
        text = f"[default]\n{text}"
    Path(os.environ["AWS_CONFIG_FILE"]).write_text(text)
    # The endpoint is one of the cases. Nothing reaches it, since all of them fail before.
    endpoint = {} if "AWS_ENDPOINT_URL_ECR_PUBLIC" in variables else {"endpoint_url": fake.endpoint_url}
    error = failure(lookup_anything, **endpoint)
    assert isinstance(error, errors.AwsError), str(error)
    for part in texts:
        assert part.format(**names) in str(error)
    assert "never-" not in str(error)
    assert "\n" not in str(error)
    assert fake.calls == {}


# The options with the same mistakes.
IN_THE_TASK: dict[str, tuple[dict[str, Any], list[str]]] = {
    "a CA bundle that does not exist": ({"aws_ca_bundle": "{dir}/ca.pem"}, ["no aws_ca_bundle {dir}/ca.pem"]),
    "a CA bundle that is no certificate": ({"aws_ca_bundle": "{dir}/text"}, ["aws_ca_bundle", "{dir}/text"]),
    "an address that is none": ({"endpoint_url": "nowhere"}, ["nowhere"]),
    "an address without a host": ({"endpoint_url": "https://"}, ["https://"]),
    "a role that AWS does not accept": (
        {"assume_role_arn": "arn:aws:iam::210987654321:user/pull"},
        ["arn:aws:iam::210987654321:user/pull", "assume_role_arn"],
    ),
    "a session name that AWS does not accept": (
        {"assume_role_arn": "arn:aws:iam::210987654321:role/pull", "assume_role_session_name": "a b"},
        ["assume_role_session_name"],
    ),
}


class Invalid(Html):
    """What STS returns for an ARN or a name that it does not accept."""

    def do_POST(self) -> None:
        text = (
            b"<ErrorResponse><Error><Type>Sender</Type><Code>ValidationError</Code><Message>1 validation error"
            b" detected</Message></Error><RequestId>a</RequestId></ErrorResponse>"
        )
        self.send_response(400)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


@pytest.mark.parametrize("case", IN_THE_TASK)
def test_the_same_mistakes_in_the_task_are_invalid_options(
    case: str, fake: FakeAws, lookup: Lookup, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    options, texts = IN_THE_TASK[case]
    (tmp_path / "text").write_text("no certificate\n")
    given = {name: value.replace("{dir}", str(tmp_path)) for name, value in options.items()}
    with served(Invalid) as sts:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", sts)
        error = failure(lookup, **given)
    assert isinstance(error, errors.OptionsError), str(error)
    for part in texts:
        assert part.replace("{dir}", str(tmp_path)) in str(error)
    assert fake.calls == {}


def test_a_response_that_is_cut_off_shows_no_secret(
    fake: FakeAws, lookup: Lookup, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served(CutOff) as sts:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", sts)
        error = failure(lookup, assume_role_arn="arn:aws:iam::210987654321:role/pull")
    assert isinstance(error, errors.AwsError)
    assert "never-shown" not in str(error)
    assert "The response of http://127.0.0.1" in str(error)


def test_the_sdk_logs_no_response_with_a_secret(
    fake: FakeAws, lookup_anything: Lookup, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It warns of credentials that cannot be refreshed, with the whole response. ANSIBLE_LOG_PATH would keep it."""
    caplog.set_level(logging.DEBUG)
    config = f"[profile keys]\n{KEYS.format(fake=fake)}[profile ci]\n{ROLE}source_profile = keys\n"
    Path(os.environ["AWS_CONFIG_FILE"]).write_text(config)
    with served(CutOff) as sts:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", sts)
        error = failure(lookup_anything, profile="ci", endpoint_url=fake.endpoint_url)
    assert isinstance(error, errors.AwsError)
    assert "never-shown" not in str(error)
    assert "never-shown" not in caplog.text


def test_blanked_keys_are_not_taken_from_the_environment(
    fake: FakeAws, lookup_anything: Lookup, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", fake.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", fake.secret_key)
    blanked = {"access_key": "", "secret_key": "", "session_token": ""}
    error = failure(lookup_anything, **blanked, endpoint_url=fake.endpoint_url)
    assert error.__class__ is errors.CredentialsError
    assert "no AWS credentials" in str(error)
    Path(os.environ["AWS_CONFIG_FILE"]).write_text(f"[default]\n{KEYS.format(fake=fake)}")
    assert lookup_anything(**blanked, endpoint_url=fake.endpoint_url)["username"] == "AWS"


@pytest.mark.parametrize("password", ["Winter2026", "Win#ter2026", "Win/ter2026", "Win?ter2026", "Win@ter2026"])
@pytest.mark.parametrize("scheme", ["http", "socks5"])
@pytest.mark.parametrize("in_options", [False, True, None])
def test_the_password_of_a_proxy_is_in_no_error(
    password: str, scheme: str, in_options: bool | None, lookup: Lookup, monkeypatch: pytest.MonkeyPatch
) -> None:
    """in_options: None for an address without a scheme in the environment."""
    address = f"{scheme}://builder:{password}@127.0.0.1:9"
    options: dict[str, Any] = {"aws_config": {"retries": {"total_max_attempts": 1}}}
    if in_options is None:
        monkeypatch.setenv("HTTPS_PROXY", address.partition("//")[2])
    elif in_options:
        options["aws_config"]["proxies"] = {"https": address}
    else:
        monkeypatch.setenv("HTTPS_PROXY", address)
    error = failure(lookup, **options, endpoint_url="https://api.invalid")
    assert isinstance(error, errors.AwsError), str(error)
    assert "Win" not in str(error)
    assert "2026" not in str(error)
    assert "proxy" in str(error).lower()


@pytest.mark.parametrize("source", ["option", "AWS_URL", "AWS_ENDPOINT_URL_ECR_PUBLIC", "AWS_ENDPOINT_URL_STS"])
@pytest.mark.parametrize("password", ["never-shown", "never-%23shown", "never-#shown"])
def test_the_user_info_of_an_address_of_aws_is_in_no_error(
    source: str, password: str, fake: FakeAws, lookup_anything: Lookup, monkeypatch: pytest.MonkeyPatch
) -> None:
    address = f"http://builder:{password}@127.0.0.1:9"
    options: dict[str, Any] = {"access_key": fake.access_key, "secret_key": fake.secret_key}
    options["aws_config"] = {"retries": {"total_max_attempts": 1}}
    if source == "option":
        options["endpoint_url"] = address
    else:
        monkeypatch.setenv(source, address)
    if source == "AWS_ENDPOINT_URL_STS":
        options["assume_role_arn"] = "arn:aws:iam::210987654321:role/pull"
    with pytest.raises(AnsibleLookupError) as caught:
        lookup_anything(**options)
    assert "127.0.0.1:9" in str(caught.value)
    assert "shown" not in str(caught.value)


# Option to a value of a wrong type.
TYPES: dict[str, Any] = {
    "secret_key": {"key": "never-shown"},
    "session_token": ["never-shown"],
    "access_key": {"secret": "never-shown"},
    "aws_config": "http://builder:never-shown@proxy",
    "endpoint_url": ["http://builder:never-shown@proxy"],
}


@pytest.mark.parametrize("option", TYPES)
def test_an_option_of_the_wrong_type_is_named_without_its_value(option: str, lookup: Lookup) -> None:
    with pytest.raises(AnsibleError, match=f"have the wrong type: {option}\\.") as caught:
        lookup(**{option: TYPES[option]})
    assert "never-shown" not in str(caught.value)


@pytest.mark.parametrize(
    "proxies", ["http://builder:never-shown@127.0.0.1:9", ["never-shown"], {"https": ["never-shown"]}]
)
def test_proxies_of_another_shape_are_in_no_error(proxies: Any, lookup: Lookup) -> None:
    with pytest.raises(AnsibleError) as caught:
        lookup(
            aws_config={"proxies": proxies, "retries": {"total_max_attempts": 1}}, endpoint_url="https://api.invalid"
        )
    assert "never-shown" not in str(caught.value)
