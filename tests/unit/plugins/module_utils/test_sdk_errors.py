# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts of the AWS SDK that no row of cases/aws_failures.yml has."""

from __future__ import annotations

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _aws_errors as errors
from ansible_collections.freshpull.ecr_public.plugins.module_utils import _sdk_errors

CALL = errors.Call(errors.ACTIONS[0], _sdk_errors.ECR_PUBLIC)
URL = "https://sts.us-east-1.amazonaws.com"
TEXTS: dict[str, tuple[str, type[errors.AwsError], list[str]]] = {
    "a timeout while connecting": (
        f'Connect timeout on endpoint URL: "{URL}/"',
        errors.UnreachableError,
        [f"No response from {URL} (a timeout while connecting). "],
    ),
    "a timeout while reading": (
        f'Read timeout on endpoint URL: "{URL}/?Action=a"',
        errors.UnreachableError,
        [f"No response from {URL} (a timeout while reading). "],
    ),
    "another host's certificate": (
        f"SSL validation failed for {URL}/ [SSL: CERTIFICATE_VERIFY_FAILED] Hostname mismatch. (_ssl.c:1000)",
        errors.UnreachableError,
        [f"The certificate of {URL} is not trusted: Hostname mismatch. Set"],
    ),
    "a source of credentials that does not exist": (
        'The credential source "Ec2" referenced in profile "assumed" is not valid.',
        errors.CredentialsError,
        ['could not be loaded: The credential source "Ec2" referenced in profile "assumed" is not valid. Check'],
    ),
    "profiles in a circle": (
        "Infinite loop in credential configuration detected. Attempting to load from profile a which has already been",
        errors.CredentialsError,
        ["could not be loaded: Infinite loop in credential configuration detected"],
    ),
    "an agent that returns a page": (
        "Error when retrieving credentials from container-role: Unable to parse JSON returned from container metadata",
        errors.CredentialsError,
        ["The container agent returned no credentials: the response is no JSON with credentials. "],
    ),
    "single sign-on of version 2": (
        "Your session has expired. Please reauthenticate using 'aws login'.",
        errors.CredentialsError,
        ["Single sign-on has no valid session: Your session has expired"],
    ),
    "a response that is not JSON": (
        "Unable to parse response (Expecting value: line 1 column 1 (char 0)), invalid JSON received: b'never-shown'",
        errors.ResponseError,
        [f"The response of {_sdk_errors.ECR_PUBLIC} is not an ECR Public response: it cannot be parsed"],
    ),
}


@pytest.mark.parametrize("case", TEXTS)
def test_each_text_is_explained(case: str) -> None:
    text, kind, parts = TEXTS[case]
    error = _sdk_errors.explain(text, CALL, {}, lambda: 0)
    assert error.__class__ is kind
    assert [part for part in parts if part not in str(error)] == [], str(error)
    assert "never-shown" not in str(error)


def test_another_text_is_not_explained() -> None:
    assert _sdk_errors.explain("Something new.", CALL, {}, lambda: 0) is None


PROXIES = {
    0: "does not respond",
    403: "its rules do not allow it",
    407: "requires a user name",
    502: "Its log states why",
}


@pytest.mark.parametrize("status", PROXIES)
def test_the_status_of_a_proxy(status: int) -> None:
    text = 'Failed to connect to proxy URL: "http://***:***@proxy.example:3128"'
    error = _sdk_errors.explain(text, CALL, {}, lambda: status)
    assert isinstance(error, errors.UnreachableError)
    assert "The proxy http://***:***@proxy.example:3128 " in str(error)
    assert PROXIES[status] in str(error)
    assert (f"HTTP {status}" in str(error)) == bool(status)


@pytest.mark.parametrize(
    ("environment", "url"),
    [
        ({}, URL),
        ({"AWS_USE_DUALSTACK_ENDPOINT": "true"}, "https://sts.us-east-1.api.aws"),
        ({"AWS_ENDPOINT_URL": "https://all.example"}, "https://all.example"),
        (
            {"AWS_ENDPOINT_URL": "https://all.example", "AWS_ENDPOINT_URL_STS": "https://sts.example"},
            "https://sts.example",
        ),
    ],
)
def test_the_endpoint_of_sts(environment: dict[str, str], url: str) -> None:
    assert _sdk_errors.sts_url(environment) == url


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({}, "The instance metadata service at http://169.254.169.254 returned no credentials."),
        ({"AWS_EC2_METADATA_DISABLED": "true"}, None),
    ],
)
def test_the_metadata_service_is_named_only_if_it_was_used(environment: dict[str, str], sentence: str | None) -> None:
    text = str(_sdk_errors.no_credentials(errors.ON_THE_CONTROL_NODE, environment))
    assert ("instance metadata service" in text) == bool(sentence)
    assert (sentence or "") in text
