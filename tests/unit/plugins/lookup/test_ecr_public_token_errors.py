# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lookup's errors state the problem, its place and the next step, and hold no secret."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleError, AnsibleLookupError

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _aws_errors as errors
from support.aws import FakeAws
from unit.cases import aws_sides

from .conftest import Lookup

ROLE = "arn:aws:iam::210987654321:role/pull"


def failure(lookup: Callable[..., Any], *terms: str, **options: Any) -> errors.EcrPublicError:
    """Return the cause of the lookup's error, which has the same text."""
    with pytest.raises(AnsibleLookupError) as caught:
        lookup(*terms, **options)
    cause = caught.value.__cause__
    assert isinstance(cause, errors.EcrPublicError)
    assert str(cause) in str(caught.value)
    assert str(caught.value).count(str(cause)) == 1
    return cause


@pytest.mark.parametrize("row", aws_sides.LOOKUP)
def test_each_failure_of_aws(
    row: aws_sides.Failure,
    fake: FakeAws,
    place: aws_sides.Place,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, "botocore.parsers")
    prepared = place.prepare(row, monkeypatch, tmp_path)
    place.check(prepared, aws_sides.run_lookup(prepared), prepared.lookup or ())
    if prepared.fails_open == "no":
        assert "GetAuthorizationToken" not in fake.calls
    assert [secret for secret in (aws_sides.SECRET, fake.secret_key, *fake.tokens) if secret in caplog.text] == []


# name: (terms, options, error, parts of its message)
OPTIONS: dict[str, tuple[list[str], dict[str, Any], type[errors.EcrPublicError], list[str]]] = {
    "term": (["eu-west-1"], {}, errors.OptionsError, ["takes no terms"]),
    "misspelt": ([], {"profil": "ci"}, errors.OptionsError, ["no option profil.", "Did you mean profile?"]),
    "unknown": ([], {"zzz": 1}, errors.OptionsError, ["no option zzz.", "Options are: access_key, assume_role_arn"]),
    "temporary key alone": (
        [],
        {"access_key": "ASIAIOSFODNN7EXAMPLE"},
        errors.CredentialsError,
        ["access key (from the option access_key)", "temporary key (ASIA...)", "AWS_SECURITY_TOKEN"],
    ),
    "config": ([], {"aws_config": {"retrys": 1}}, errors.OptionsError, ["aws_config", "retrys"]),
    "timeout": ([], {"aws_config": {"connect_timeout": "soon"}}, errors.OptionsError, ["aws_config", "was soon"]),
    "config of retries": ([], {"aws_config": {"retries": 5}}, errors.OptionsError, ["aws_config"]),
    "retry mode": ([], {"aws_config": {"retries": {"mode": "mad"}}}, errors.OptionsError, ["aws_config", "mad"]),
    "external ID alone": ([], {"assume_role_external_id": "x"}, errors.OptionsError, ["without assume_role_arn"]),
}


@pytest.mark.parametrize(("terms", "options", "kind", "texts"), OPTIONS.values(), ids=OPTIONS.keys())
def test_errors_of_options(
    lookup: Lookup, terms: list[str], options: dict[str, Any], kind: type[errors.EcrPublicError], texts: list[str]
) -> None:
    error = failure(lookup, *terms, **options)
    assert error.__class__ is kind
    for text in texts:
        assert text in str(error)
    assert "sEcReT" not in str(error)


def test_invalid_options_never_reach_aws(fake: FakeAws, lookup: Lookup) -> None:
    for terms, options, kind, _texts in OPTIONS.values():
        if kind is errors.OptionsError:
            failure(lookup, *terms, **options)
    assert fake.calls == {}


def test_profile_and_keys_of_the_environment_are_named(
    lookup_anything: Lookup, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_PROFILE", "ci")
    monkeypatch.setenv("AWS_ACCESS_KEY", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_SECURITY_TOKEN", "secret")
    message = str(failure(lookup_anything))
    for name in ("AWS_DEFAULT_PROFILE", "AWS_ACCESS_KEY", "AWS_SECRET_ACCESS_KEY", "AWS_SECURITY_TOKEN"):
        assert f"the environment variable {name}" in message


PARTITIONS = {"AWS_REGION": "cn-north-1", "AWS_DEFAULT_REGION": "us-gov-west-1"}


@pytest.mark.parametrize(("variable", "region"), PARTITIONS.items())
def test_keys_of_another_partition_are_named_as_such(
    fake: FakeAws, lookup: Lookup, monkeypatch: pytest.MonkeyPatch, variable: str, region: str
) -> None:
    monkeypatch.setenv(variable, region)
    fake.behave(partition="another")
    message = str(failure(lookup))
    assert f"region {region} is in the partition aws-" in message


def test_a_region_that_does_not_exist_has_no_effect(
    fake: FakeAws, lookup: Lookup, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_REGION", "atlantis")
    fake.behave(partition="another")
    assert "in the partition aws-" not in str(failure(lookup))


def test_blanked_keys_are_not_taken_from_the_environment(
    fake: FakeAws, lookup_anything: Lookup, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", fake.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", fake.secret_key)
    blanked = {"access_key": "", "secret_key": "", "session_token": ""}
    error = failure(lookup_anything, **blanked, endpoint_url=fake.endpoint_url)
    assert error.__class__ is errors.CredentialsError
    assert "no AWS credentials" in str(error)
    Path(os.environ["AWS_CONFIG_FILE"]).write_text(
        f"[default]\naws_access_key_id = {fake.access_key}\naws_secret_access_key = {fake.secret_key}\n"
    )
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
    usable = scheme == "http" and password in ("Winter2026", "Win@ter2026")
    assert isinstance(error, errors.OptionsError if in_options and not usable else errors.AwsError), str(error)
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


def test_the_secrets_of_an_assumed_role_stay_secret(
    fake: FakeAws, lookup: Lookup, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from moto.sts.models import sts_backends

    caplog.set_level(logging.DEBUG)
    for name in ("botocore", "botocore.auth", "botocore.parsers", "urllib3", "urllib3.connectionpool"):
        caplog.set_level(logging.DEBUG, name)
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", fake.sts_url)
    lookup(assume_role_arn=ROLE)
    fake.behave(deny="sts:GetServiceBearerToken")
    message = str(failure(lookup, assume_role_arn=ROLE))
    roles = list(sts_backends["210987654321"]["aws"].assumed_roles)
    assert len(roles) >= 2
    for secret in [
        fake.secret_key,
        *fake.tokens,
        *(r.session_token for r in roles),
        *(r.secret_access_key for r in roles),
    ]:
        assert secret not in message
        assert secret not in caplog.text


def test_log_levels_are_restored(lookup: Lookup) -> None:
    parsers = logging.getLogger("botocore.parsers")
    parsers.setLevel(logging.DEBUG)
    try:
        lookup()
        assert parsers.level == logging.DEBUG
        assert logging.getLogger("botocore").level == logging.NOTSET
    finally:
        parsers.setLevel(logging.NOTSET)


def test_without_boto3() -> None:
    script = (
        "import sys; sys.modules['boto3'] = None\n"
        "from ansible.plugins.loader import init_plugin_loader, lookup_loader\n"
        "init_plugin_loader()\n"
        "lookup_loader.get('freshpull.ecr_public.ecr_public_token').run([], {})\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60)
    assert "Failed to import the required Python library (boto3 and botocore)" in done.stderr
    assert "on the control node" in done.stderr
    assert sys.executable in done.stderr
