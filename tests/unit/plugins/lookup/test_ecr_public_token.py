# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lookup, with real boto3, against a fake AWS that checks signatures."""

from __future__ import annotations

import json
import os
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleLookupError

from ansible_collections.freshpull.ecr_public.plugins.module_utils._aws_errors import POLICY
from support.aws import FakeAws

from .conftest import Lookup

ROLE = "arn:aws:iam::210987654321:role/pull"
KEYS = ("registry", "username", "password", "authorization_token", "expires_at", "dockerconfigjson")


def write_profile(name: str, **settings: str) -> None:
    """Add a profile to the file that AWS_CONFIG_FILE names."""
    heading = "default" if name == "default" else f"profile {name}"
    with Path(os.environ["AWS_CONFIG_FILE"]).open("a") as config:
        config.write("\n".join([f"[{heading}]", *(f"{key} = {value}" for key, value in settings.items()), ""]))


def key_settings(fake: FakeAws) -> dict[str, str]:
    return {"aws_access_key_id": fake.access_key, "aws_secret_access_key": fake.secret_key}


def session(fake: FakeAws) -> dict[str, str]:
    """Return temporary credentials: AccessKeyId, SecretAccessKey, SessionToken."""
    import boto3

    sts = boto3.client("sts", region_name="us-east-1", endpoint_url=fake.sts_url, **key_settings(fake))
    keys = sts.assume_role(RoleArn=ROLE, RoleSessionName="testing")["Credentials"]
    fake.reset()
    return {name: keys[name] for name in ("AccessKeyId", "SecretAccessKey", "SessionToken")}


def test_one_call_returns_a_token_in_six_forms(fake: FakeAws, lookup: Lookup) -> None:
    token = lookup()

    assert fake.calls == {"GetAuthorizationToken": 1}
    assert tuple(token) == KEYS
    assert token["password"] == fake.tokens[-1]
    expiry = datetime.strptime(token["expires_at"], "%Y-%m-%dT%H:%M:%S%z").timestamp()
    assert expiry == pytest.approx(time.time() + 43200, abs=60)
    assert all(value.__class__ is str for value in token.values())


def test_the_forms_equal_those_that_the_fake_builds(fake: FakeAws, lookup: Lookup) -> None:
    token, expected = lookup(), fake.issue()
    assert token.keys() == expected.keys()
    expected_config = expected["dockerconfigjson"].replace(expected["password"], token["password"])
    expected_config = expected_config.replace(expected["authorization_token"], token["authorization_token"])
    assert json.loads(token["dockerconfigjson"]) == json.loads(expected_config)


def test_a_password_can_have_colons(fake: FakeAws, lookup: Lookup) -> None:
    fake.behave(password_prefix="a:b:")
    token = lookup()
    assert token["username"] == "AWS"
    assert token["password"].startswith("a:b:")
    assert token["password"] == fake.tokens[-1]


# --- Always us-east-1 ---

ELSEWHERE = {
    "AWS_REGION": ({"AWS_REGION": "eu-west-1"}, {}),
    "AWS_DEFAULT_REGION": ({"AWS_DEFAULT_REGION": "eu-west-1"}, {}),
    "profile": ({"AWS_PROFILE": "far"}, {"access_key": "", "secret_key": ""}),
    "botocore's config": ({}, {"aws_config": {"region_name": "eu-west-1"}}),
    "option": ({}, {"region": "eu-west-1"}),
    "alias": ({}, {"aws_region": "eu-west-1"}),
}


@pytest.mark.parametrize(("environment", "options"), ELSEWHERE.values(), ids=ELSEWHERE.keys())
def test_the_region_is_fixed(
    fake: FakeAws,
    lookup: Lookup,
    warnings: list[str],
    monkeypatch: pytest.MonkeyPatch,
    environment: dict[str, str],
    options: dict[str, Any],
) -> None:
    write_profile("far", region="eu-west-1", **key_settings(fake))
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    lookup(**options)  # the fake rejects a signature for another region
    assert fake.calls == {"GetAuthorizationToken": 1}
    found = [warning for warning in warnings if "us-east-1" in warning]
    assert bool(found) == any("region" in name for name in options)


# --- Sources of credentials ---

LONG_LIVED = {
    "options": ({}, {"access_key": "{id}", "secret_key": "{secret}"}),
    "aliases": ({}, {"aws_access_key": "{id}", "aws_secret_key": "{secret}"}),
    "botocore's names": ({}, {"aws_access_key_id": "{id}", "aws_secret_access_key": "{secret}"}),
    "environment": ({"AWS_ACCESS_KEY_ID": "{id}", "AWS_SECRET_ACCESS_KEY": "{secret}"}, {}),
    "old environment": ({"AWS_ACCESS_KEY": "{id}", "AWS_SECRET_KEY": "{secret}"}, {}),
    "profile": ({}, {"profile": "ci"}),
    "profile alias": ({}, {"aws_profile": "ci"}),
    "AWS_PROFILE": ({"AWS_PROFILE": "ci"}, {}),
    "AWS_DEFAULT_PROFILE": ({"AWS_DEFAULT_PROFILE": "ci"}, {}),
    "options over an invalid profile": (
        {"AWS_PROFILE": "none such"},
        {"profile": "", "access_key": "{id}", "secret_key": "{secret}"},
    ),
    "profile over invalid keys": (
        {"AWS_ACCESS_KEY_ID": "AKIAINVALID", "AWS_SECRET_ACCESS_KEY": "invalid", "AWS_SESSION_TOKEN": "invalid"},
        {"profile": "ci", "access_key": "", "secret_key": "", "session_token": ""},
    ),
    "options over another session": (
        {"AWS_SESSION_TOKEN": "of other keys", "AWS_SECURITY_TOKEN": "of other keys"},
        {"access_key": "{id}", "secret_key": "{secret}"},
    ),
}


def fill(templates: dict[str, str], **values: str) -> dict[str, str]:
    return {name: text.format(**values) for name, text in templates.items()}


@pytest.mark.parametrize(("environment", "options"), LONG_LIVED.values(), ids=LONG_LIVED.keys())
def test_sources_of_keys(
    fake: FakeAws,
    lookup_anything: Lookup,
    monkeypatch: pytest.MonkeyPatch,
    environment: dict[str, str],
    options: dict[str, str],
) -> None:
    write_profile("ci", **key_settings(fake))
    values = {"id": fake.access_key, "secret": fake.secret_key}
    for name, value in fill(environment, **values).items():
        monkeypatch.setenv(name, value)
    lookup_anything(endpoint_url=fake.endpoint_url, **fill(options, **values))
    assert fake.calls == {"GetAuthorizationToken": 1}


SESSIONS = {
    "option": ({}, {"access_key": "{id}", "secret_key": "{secret}", "session_token": "{token}"}),
    "alias": ({}, {"access_key": "{id}", "secret_key": "{secret}", "aws_session_token": "{token}"}),
    "environment": (
        {"AWS_ACCESS_KEY_ID": "{id}", "AWS_SECRET_ACCESS_KEY": "{secret}", "AWS_SESSION_TOKEN": "{token}"},
        {},
    ),
    "environment of AWX": (
        {"AWS_ACCESS_KEY_ID": "{id}", "AWS_SECRET_ACCESS_KEY": "{secret}", "AWS_SECURITY_TOKEN": "{token}"},
        {},
    ),
}


@pytest.mark.parametrize(("environment", "options"), SESSIONS.values(), ids=SESSIONS.keys())
def test_sources_of_temporary_keys(
    fake: FakeAws,
    lookup_anything: Lookup,
    monkeypatch: pytest.MonkeyPatch,
    environment: dict[str, str],
    options: dict[str, str],
) -> None:
    keys = session(fake)
    values = {"id": keys["AccessKeyId"], "secret": keys["SecretAccessKey"], "token": keys["SessionToken"]}
    for name, value in fill(environment, **values).items():
        monkeypatch.setenv(name, value)
    lookup_anything(endpoint_url=fake.endpoint_url, **fill(options, **values))
    assert fake.calls == {"GetAuthorizationToken": 1}


def test_a_web_identity_needs_no_keys(
    fake: FakeAws, lookup_anything: Lookup, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text("header.payload.signature")
    monkeypatch.setenv("AWS_ROLE_ARN", ROLE)
    monkeypatch.setenv("AWS_WEB_IDENTITY_TOKEN_FILE", str(tmp_path / "token"))
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", fake.sts_url)
    lookup_anything(endpoint_url=fake.endpoint_url)
    assert fake.calls == {"AssumeRoleWithWebIdentity": 1, "GetAuthorizationToken": 1}


# --- Sources of the endpoint ---

ADDRESSES: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "option": ({}, {"endpoint_url": "{url}"}),
    "alias": ({}, {"aws_endpoint_url": "{url}"}),
    "AWS_URL": ({"AWS_URL": "{url}"}, {}),
    "boto3's own": ({"AWS_ENDPOINT_URL_ECR_PUBLIC": "{url}"}, {}),
    "boto3's own for all": ({"AWS_ENDPOINT_URL": "{url}"}, {}),
}


@pytest.mark.parametrize(("environment", "options"), ADDRESSES.values(), ids=ADDRESSES.keys())
def test_sources_of_the_address(
    fake: FakeAws,
    lookup_anything: Lookup,
    monkeypatch: pytest.MonkeyPatch,
    environment: dict[str, str],
    options: dict[str, str],
) -> None:
    for name, value in fill(environment, url=fake.endpoint_url).items():
        monkeypatch.setenv(name, value)
    keys = {"access_key": fake.access_key, "secret_key": fake.secret_key}
    lookup_anything(**keys, **fill(options, url=fake.endpoint_url))
    assert fake.calls == {"GetAuthorizationToken": 1}


# --- Roles ---


@pytest.fixture
def sts(fake: FakeAws, monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the address of STS for boto3. endpoint_url is never used for STS."""
    monkeypatch.setenv("AWS_ENDPOINT_URL_STS", fake.sts_url)


@pytest.mark.usefixtures("sts")
@pytest.mark.parametrize("name", ["assume_role_arn", "iam_role_arn"])
def test_a_role_is_assumed_with_the_fewest_permissions(fake: FakeAws, lookup: Lookup, name: str) -> None:
    lookup(**{name: ROLE})
    # A request for STS that was sent to endpoint_url would be counted under another name.
    assert fake.calls == {"AssumeRole": 1, "GetAuthorizationToken": 1}
    (assumed,) = fake.assumed
    assert assumed["RoleArn"] == ROLE
    assert assumed["RoleSessionName"] == "freshpull-ecr-public"
    assert json.loads(assumed["Policy"]) == POLICY
    assert "ExternalId" not in assumed


@pytest.mark.usefixtures("sts")
def test_a_role_with_all_options(fake: FakeAws, lookup: Lookup) -> None:
    lookup(
        assume_role_arn=ROLE,
        assume_role_external_id="partner",
        assume_role_session_name="nightly",
        assume_role_session_policy=False,
    )
    (assumed,) = fake.assumed
    assert (assumed["ExternalId"], assumed["RoleSessionName"]) == ("partner", "nightly")
    assert "Policy" not in assumed


@pytest.mark.usefixtures("sts")
def test_a_role_is_assumed_with_the_keys_of_a_profile(fake: FakeAws, lookup_anything: Lookup) -> None:
    write_profile("ci", region="cn-north-1", **key_settings(fake))
    lookup_anything(profile="ci", assume_role_arn=ROLE, endpoint_url=fake.endpoint_url)
    assert fake.calls == {"AssumeRole": 1, "GetAuthorizationToken": 1}


@pytest.mark.usefixtures("sts")
def test_a_profile_can_assume_a_role_itself(fake: FakeAws, lookup_anything: Lookup) -> None:
    write_profile("keys", **key_settings(fake))
    write_profile("ci", role_arn=ROLE, source_profile="keys", external_id="partner")
    lookup_anything(profile="ci", endpoint_url=fake.endpoint_url)
    assert fake.calls == {"AssumeRole": 1, "GetAuthorizationToken": 1}
    assert fake.assumed[0]["ExternalId"] == "partner"


# --- Retries, timeouts and warnings ---


def test_a_throttled_request_is_retried(fake: FakeAws, lookup: Lookup) -> None:
    fake.behave(throttle=2)
    lookup()
    assert fake.calls == {"GetAuthorizationToken": 3}


def test_a_lost_connection_is_retried(fake: FakeAws, lookup: Lookup) -> None:
    fake.behave(drop=1)
    lookup()
    assert fake.calls == {"GetAuthorizationToken": 2}


def test_aws_config_changes_the_retries(fake: FakeAws, lookup: Lookup) -> None:
    fake.behave(throttle=1)
    with pytest.raises(AnsibleLookupError, match="ThrottlingException"):
        lookup(aws_config={"retries": {"total_max_attempts": 1}})
    assert fake.calls == {"GetAuthorizationToken": 1}


def test_aws_config_changes_the_timeouts(fake: FakeAws, lookup: Lookup) -> None:
    fake.behave(delay=2)
    with pytest.raises(AnsibleLookupError, match=f"No response from {fake.endpoint_url}.*timeout"):
        lookup(aws_config={"read_timeout": 0.2, "retries": {"total_max_attempts": 1}})


def test_no_warning_without_a_region(lookup: Lookup, warnings: list[str]) -> None:
    lookup()
    assert warnings == []


@pytest.mark.parametrize("option", ["validate_certs", "assume_role_session_policy"])
@pytest.mark.parametrize("value", ["no!", "yess", "2", ""])
def test_a_boolean_that_is_none_is_named(fake: FakeAws, lookup: Lookup, option: str, value: str) -> None:
    """Ansible reads such a text as false, which here takes away a protection."""
    with pytest.raises(AnsibleLookupError, match=f"{option}: {value!r} is not a boolean"):
        lookup(**{option: value})
    assert fake.calls == {}


@pytest.mark.parametrize("value", ["yes", "True", "1", 1, True, "off", 0, None])
def test_booleans_of_ansible_are_accepted(fake: FakeAws, lookup: Lookup, value: Any) -> None:
    lookup(validate_certs=value)
    assert fake.calls == {"GetAuthorizationToken": 1}


def test_an_error_states_whether_a_token_was_requested(fake: FakeAws, lookup: Lookup) -> None:
    """The role searches for this text. After an error in the options the clusters of a fleet must not fail open."""
    with pytest.raises(AnsibleLookupError, match=r"^No token was requested from ECR Public\. There is no option"):
        lookup(profil="ci")
    fake.behave(deny="ecr-public:GetAuthorizationToken")
    with pytest.raises(AnsibleLookupError, match=r"^No token available for ECR Public\. (?!.*was requested)"):
        lookup()
