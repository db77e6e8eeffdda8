# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lookup's errors state the problem, its place and the next step, and hold no secret."""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleLookupError

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _aws_errors as errors
from support.aws import FakeAws

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


# name: (behaviour of AWS, error, parts of its message)
RESPONSES: dict[str, tuple[dict[str, Any], type[errors.EcrPublicError], list[str]]] = {
    "action denied": (
        {"deny": "ecr-public:GetAuthorizationToken"},
        errors.AccessDeniedError,
        ["lacks ecr-public:GetAuthorizationToken. AWS returned", errors.POLICY_TEXT, errors.MANAGED_POLICY],
    ),
    "bearer denied": (
        {"deny": "sts:GetServiceBearerToken"},
        errors.AccessDeniedError,
        ["lacks sts:GetServiceBearerToken. AWS returned", f"{errors.PRIVATE_POLICY} has neither"],
    ),
    "clock behind": ({"clock_skew": 660}, errors.ClockError, ["11 minutes behind AWS's", "chrony", "{url}"]),
    "clock ahead": ({"clock_skew": -420}, errors.ClockError, ["7 minutes ahead of AWS's"]),
    "an expired token": (
        {"life": -60},
        errors.ClockError,
        ["{url} returned a token that expired at 20", "by the control node's clock", "Set the clock"],
    ),
    "unknown key": (
        {"partition": "aws-us-gov"},
        errors.CredentialsError,
        ["does not know the access key (from the option access_key)", "{url}", "AWS China or AWS GovCloud do not work"],
    ),
    "expired session": (
        {"error": "ExpiredTokenException"},
        errors.CredentialsError,
        ["has expired", "AWS_SECURITY_TOKEN"],
    ),
    "throttled": ({"throttle": 9}, errors.ThrottledError, ["{url} throttled", "2 retries included", "aws_config"]),
    "no response": ({"drop": 9}, errors.UnreachableError, ["No response from {url}", "HTTPS_PROXY"]),
    "another region": (
        {"error": "UnsupportedCommandException"},
        errors.ResponseError,
        ["{url} does not support", "in us-east-1 only"],
    ),
    "AWS itself": ({"error": "ServerException"}, errors.AwsError, ["HTTP 500", "{url}", "Try again later"]),
    "a list, as of private ECR": (
        {"malformed": "list"},
        errors.ResponseError,
        ["{url} is not an ECR Public response", "private ECR"],
    ),
    "no expiry": ({"malformed": "no_expiry"}, errors.ResponseError, ["has no expiresAt"]),
    "not base64": ({"malformed": "not_base64"}, errors.ResponseError, ["not base64"]),
    "no colon": ({"malformed": "no_colon"}, errors.ResponseError, ["user:password"]),
    "empty": ({"malformed": "empty"}, errors.ResponseError, ["no authorizationData object"]),
}


@pytest.mark.parametrize(("behaviour", "kind", "texts"), RESPONSES.values(), ids=RESPONSES.keys())
def test_error_responses_of_aws(
    fake: FakeAws,
    lookup: Lookup,
    caplog: pytest.LogCaptureFixture,
    behaviour: dict[str, Any],
    kind: type[errors.EcrPublicError],
    texts: list[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, "botocore.parsers")
    fake.behave(**behaviour)
    error = failure(lookup)
    assert error.__class__ is kind
    for text in texts:
        assert text.replace("{url}", fake.endpoint_url) in str(error)
    for secret in (fake.secret_key, *fake.tokens):
        assert secret not in str(error)
        assert secret not in caplog.text


# name: (terms, options, error, parts of its message)
OPTIONS: dict[str, tuple[list[str], dict[str, Any], type[errors.EcrPublicError], list[str]]] = {
    "term": (["eu-west-1"], {}, errors.OptionsError, ["takes no terms"]),
    "misspelt": ([], {"profil": "ci"}, errors.OptionsError, ["no option profil.", "Did you mean profile?"]),
    "unknown": ([], {"zzz": 1}, errors.OptionsError, ["no option zzz.", "Options are: access_key, assume_role_arn"]),
    "profile and keys": (
        [],
        {"profile": "ci"},
        errors.OptionsError,
        ["'ci', from the option profile", "the option access_key, the option secret_key", "profile=''"],
    ),
    "no such profile": (
        [],
        {"profile": "ci", "access_key": "", "secret_key": ""},
        errors.OptionsError,
        ["no AWS profile 'ci' (from the option profile)", "AWS_CONFIG_FILE"],
    ),
    "half a pair": ([], {"secret_key": ""}, errors.OptionsError, ["no secret_key", "AWS_SECRET_ACCESS_KEY"]),
    "the other half": ([], {"access_key": ""}, errors.OptionsError, ["no access_key", "AWS_ACCESS_KEY_ID"]),
    "line break": ([], {"secret_key": "sEcReT\n"}, errors.OptionsError, ["secret_key", "a line break"]),
    "wrong secret": ([], {"secret_key": "sEcReT"}, errors.CredentialsError, ["does not belong to the access key"]),
    "temporary key alone": (
        [],
        {"access_key": "ASIAIOSFODNN7EXAMPLE"},
        errors.CredentialsError,
        ["temporary key (ASIA...)", "AWS_SECURITY_TOKEN"],
    ),
    "no credentials": (
        [],
        {"access_key": "", "secret_key": ""},
        errors.CredentialsError,
        ["no AWS credentials on the control node", "AWS_ACCESS_KEY_ID", "sts:GetServiceBearerToken"],
    ),
    "not an address": ([], {"endpoint_url": "nowhere"}, errors.OptionsError, ["nowhere"]),
    "config": ([], {"aws_config": {"retrys": 1}}, errors.OptionsError, ["aws_config", "retrys"]),
    "config of retries": ([], {"aws_config": {"retries": 5}}, errors.OptionsError, ["aws_config"]),
    "retry mode": ([], {"aws_config": {"retries": {"mode": "mad"}}}, errors.OptionsError, ["aws_config", "mad"]),
    "external ID alone": ([], {"assume_role_external_id": "x"}, errors.OptionsError, ["without assume_role_arn"]),
    "no ARN": ([], {"assume_role_arn": "role"}, errors.OptionsError, ["sts:AssumeRole", "RoleArn"]),
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


def test_an_unreachable_endpoint_is_named(lookup: Lookup) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
        error = failure(lookup, endpoint_url=url)
    assert error.__class__ is errors.UnreachableError
    assert f"No response from {url}" in str(error)


def test_a_role_without_permission_to_assume_it(fake: FakeAws, lookup: Lookup, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", fake.sts_url)
    fake.behave(deny="sts:AssumeRole")
    error = failure(lookup, assume_role_arn=ROLE)
    assert error.__class__ is errors.AccessDeniedError
    for text in (f"The role {ROLE} could not be assumed", fake.sts_url, "trust policy", "assume_role_external_id"):
        assert text in str(error)
    assert fake.calls == {"AssumeRole": 1}


def test_a_profile_s_role_without_permission_to_assume_it(
    fake: FakeAws, lookup_anything: Lookup, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", fake.sts_url)
    Path(os.environ["AWS_CONFIG_FILE"]).write_text(
        f"[profile keys]\naws_access_key_id = {fake.access_key}\naws_secret_access_key = {fake.secret_key}\n"
        f"[profile ci]\nrole_arn = {ROLE}\nsource_profile = keys\n"
    )
    fake.behave(deny="sts:AssumeRole")
    error = failure(lookup_anything, profile="ci", endpoint_url=fake.endpoint_url)
    assert error.__class__ is errors.AccessDeniedError
    assert "The role of the profile could not be assumed" in str(error)


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
