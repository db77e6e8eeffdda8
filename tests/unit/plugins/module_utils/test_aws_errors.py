# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The messages for error responses that the fake AWS cannot return."""

from __future__ import annotations

import json

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _aws_errors as errors
from ansible_collections.freshpull.ecr_public.plugins.module_utils._aws_errors import Call, Words, explain

CALL = Call("ecr-public:GetAuthorizationToken", "https://api.ecr-public.us-east-1.amazonaws.com", "AKIAEXAMPLE")
ASSUME = Call("sts:AssumeRole", "https://sts.us-east-1.amazonaws.com", "AKIAEXAMPLE", role_arn="arn:aws:iam::1:role/r")
NOT_AUTHORIZED = "User: arn:aws:iam::123456789012:user/ci is not authorized to perform: {action} on resource: * {why}"

DENIALS = {
    "identity policy": ("because no identity-based policy allows it", f"managed policy {errors.MANAGED_POLICY}"),
    "session policy": (
        "because no session policy allows it",
        "The session policy of these credentials does not allow it",
    ),
    "explicit deny": (
        "with an explicit deny in an identity-based policy",
        "The identity-based policy denies it explicitly",
    ),
    "explicit deny in the organization": (
        "with an explicit deny in a service control policy",
        "The service control policy denies it explicitly",
    ),
    "explicit deny of a boundary": (
        "with an explicit deny in a permissions boundary",
        "The permissions boundary denies it explicitly",
    ),
    "explicit deny of an endpoint": (
        "with an explicit deny in a VPC endpoint policy",
        "The VPC endpoint policy denies it explicitly",
    ),
    "explicit deny somewhere": ("with an explicit deny", "The policy denies it explicitly"),
    "VPC endpoint": (
        "because no VPC endpoint policy allows the action",
        "The policy of the VPC endpoint does not allow it",
    ),
    "service control policy": (
        "because no service control policy allows it",
        "The service control policies of the organization do not allow it",
    ),
    "resource control policy": (
        "because no resource control policy allows it",
        "The resource control policies of the organization do not allow it",
    ),
    "boundary": (
        "because no permissions boundary allows it",
        "The permissions boundary of the principal does not allow it",
    ),
}


@pytest.mark.parametrize("action", errors.ACTIONS)
@pytest.mark.parametrize(("why", "text"), DENIALS.values(), ids=DENIALS.keys())
def test_a_denial_names_the_one_action_and_where_to_allow_it(action: str, why: str, text: str) -> None:
    error = explain(CALL, "AccessDeniedException", NOT_AUTHORIZED.format(action=action, why=why))
    assert error.__class__ is errors.AccessDeniedError
    assert f"The AWS principal lacks {action}. AWS returned: User: arn:aws:iam::123456789012:user/ci" in str(error)
    assert text in str(error)
    assert f"A token needs both {' and '.join(errors.ACTIONS)} on *" in str(error)
    # A policy for the principal is no help if another policy denies the request.
    assert (errors.POLICY_TEXT in str(error)) == (errors.MANAGED_POLICY in text)


@pytest.mark.parametrize(("why", "text"), list(DENIALS.values())[1:], ids=list(DENIALS)[1:])
def test_a_denied_role_names_another_policy_too(why: str, text: str) -> None:
    error = explain(ASSUME, "AccessDenied", NOT_AUTHORIZED.format(action="sts:AssumeRole", why=why))
    assert f"The role {ASSUME.role_arn} could not be assumed: {ASSUME.endpoint} denies sts:AssumeRole. AWS" in str(
        error
    )
    assert text in str(error)
    assert "trust policy" not in str(error)


def test_a_denied_role_that_nothing_names() -> None:
    error = str(explain(ASSUME._replace(role_arn=""), "AccessDenied", "Access denied"))
    assert error.startswith("The role could not be assumed: ")
    assert "its trust policy must name the principal of these credentials, and the principal of these" in error


def test_a_denial_without_an_action_names_both() -> None:
    error = explain(CALL, "AccessDeniedException", "")
    assert "lacks ecr-public:GetAuthorizationToken or sts:GetServiceBearerToken. AWS returned: AccessDenied" in str(
        error
    )


def test_the_policy_can_be_copied() -> None:
    text = str(explain(CALL, "AccessDeniedException", ""))
    policy = json.loads(text[text.index("{") :])
    (statement,) = policy["Statement"]
    assert statement == {"Effect": "Allow", "Action": list(errors.ACTIONS), "Resource": "*"}


KINDS = {
    "UnrecognizedClientException": errors.CredentialsError,
    "InvalidClientTokenId": errors.CredentialsError,
    "ExpiredToken": errors.CredentialsError,
    "ExpiredTokenException": errors.CredentialsError,
    "SignatureDoesNotMatch": errors.CredentialsError,
    "InvalidSignatureException": errors.CredentialsError,
    "InvalidIdentityToken": errors.CredentialsError,
    "IDPCommunicationError": errors.CredentialsError,
    "ThrottlingException": errors.ThrottledError,
    "TooManyRequestsException": errors.ThrottledError,
    "AccessDenied": errors.AccessDeniedError,
    "UnsupportedCommandException": errors.ResponseError,
    "SomethingNewException": errors.AwsError,
}


@pytest.mark.parametrize("call", [CALL, ASSUME], ids=["token", "role"])
@pytest.mark.parametrize(("code", "kind"), KINDS.items())
def test_codes(call: Call, code: str, kind: type[errors.AwsError]) -> None:
    error = explain(call, code, "A message of AWS.")
    assert error.__class__ is kind
    assert any(words in str(error) for words in (call.endpoint, call.role_arn or "-", "web identity token"))


SKEWS = {
    "behind": (
        "Signature expired: 20260101T000000Z is now earlier than 20260101T001000Z (20260101T001500Z - 5 min.)",
        15,
    ),
    "ahead": (
        "Signature not yet current: 20260101T002000Z is still later than 20260101T001000Z (20260101T000500Z + 5 min.)",
        15,
    ),
}


@pytest.mark.parametrize(("direction", "message", "minutes"), [(d, *m) for d, m in SKEWS.items()])
def test_clock_skew_is_measured(direction: str, message: str, minutes: int) -> None:
    error = explain(ASSUME, "SignatureDoesNotMatch", message)
    assert error.__class__ is errors.ClockError
    assert f"clock is {minutes} minutes {direction}" in str(error)


def test_clock_skew_without_times() -> None:
    error = explain(CALL, "InvalidSignatureException", "Signature expired")
    assert error.__class__ is errors.ClockError
    assert "too far from AWS's" in str(error)


def test_the_signed_text_is_not_quoted() -> None:
    """The canonical string of a request holds the session token."""
    signed = "The Canonical String for this request should have been 'POST\n/\nx-amz-security-token:secret'"
    error = explain(CALL, "SignatureDoesNotMatch", signed)
    assert "rejected the signature (SignatureDoesNotMatch)" in str(error)
    assert "secret'" not in str(error)


WORDS = Words(*(f"<{name}>" for name in Words._fields))
NEXT_STEPS = {
    "ExpiredToken": "<new_session>",
    "InvalidClientTokenId": "<missing_session>",
    "Throttling": "<throttled>",
    "UnsupportedCommandException": "<endpoint>",
    "ServerException": "<again>",
    "502": "<proxy>",
}


@pytest.mark.parametrize(("code", "step"), NEXT_STEPS.items())
def test_the_next_step_depends_on_the_host(code: str, step: str) -> None:
    text = str(explain(CALL._replace(access_key="ASIAEXAMPLE", words=WORDS), code, "A message of AWS."))
    assert step in text
    assert [word for word in errors.ON_THE_CONTROL_NODE if word in text] == []


def test_a_long_response_is_cut() -> None:
    assert len(str(explain(CALL, "SomethingNewException", "<html>" * 1000))) < 1000


def test_invalid_options_are_no_error_of_aws() -> None:
    """The modules fail open for AwsError only."""
    assert not issubclass(errors.OptionsError, errors.AwsError)
    assert not issubclass(errors.LibraryError, errors.AwsError)
    for kind in set(KINDS.values()):
        assert issubclass(kind, errors.AwsError)
