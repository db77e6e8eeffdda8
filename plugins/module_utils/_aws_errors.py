# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Build the error messages for failed token requests, each with the next step. Private to this collection.

This file does not use boto3: an AWS error is passed as its code and message.
"""

from __future__ import annotations

import datetime as dt
import json
import re
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils._errors import CollectionError

ACTIONS = ("ecr-public:GetAuthorizationToken", "sts:GetServiceBearerToken")
# The permissions that a token needs and no more. Also the session policy of an assumed role.
POLICY: dict[str, t.Any] = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": list(ACTIONS), "Resource": "*"}],
}
POLICY_TEXT = json.dumps(POLICY)
MANAGED_POLICY = "AmazonElasticContainerRegistryPublicReadOnly"
PRIVATE_POLICY = "AmazonEC2ContainerRegistryReadOnly"

MAX_QUOTE = 600  # characters; a proxy can return a whole HTML page

_UNKNOWN_KEY = ("UnrecognizedClientException", "InvalidClientTokenId", "InvalidAccessKeyId", "AuthFailure")
_EXPIRED = ("ExpiredTokenException", "ExpiredToken")
_SIGNATURE = ("InvalidSignatureException", "SignatureDoesNotMatch", "IncompleteSignature", "RequestExpired")
_THROTTLED = (
    "ThrottlingException",
    "Throttling",
    "ThrottledException",
    "RequestThrottled",
    "RequestThrottledException",
    "TooManyRequestsException",
    "RequestLimitExceeded",
    "LimitExceededException",
    "SlowDown",
)
_WEB_IDENTITY = ("InvalidIdentityToken", "IDPCommunicationError", "IDPRejectedClaim")
_DENIED = ("AccessDeniedException", "AccessDenied", "UnauthorizedOperation", "NotAuthorized")
_EXPLICIT = re.compile(r"explicit deny in (?:an? |the )?([A-Za-z -]+? policy|permissions boundary)")
_DENIED_ACTION = re.compile(r"not authorized to perform: ([a-z-]+:[A-Za-z]+)")
_SKEW = re.compile(r"(?:expired|not yet current): (\d{8}T\d{6}Z) is .* \((\d{8}T\d{6}Z) [-+]")


class EcrPublicError(CollectionError):
    """No token. The message states the problem, its place and the next step. It never holds a token or a secret key."""


class OptionsError(EcrPublicError):
    """Invalid options. No token was requested, and the modules do not fail open."""


class LibraryError(EcrPublicError):
    """boto3 is missing."""


class AwsError(EcrPublicError):
    """No token is available: AWS returned an error or could not be called."""


class CredentialsError(AwsError):
    """No credentials, or credentials that AWS rejects."""


class AccessDeniedError(AwsError):
    """The credentials are valid, but permissions are missing."""


class ClockError(AwsError):
    """The local clock differs too much from AWS's."""


class ThrottledError(AwsError):
    """AWS throttled the request, also after retries."""


class UnreachableError(AwsError):
    """The endpoint did not respond."""


class ResponseError(AwsError):
    """The response is not one of the ECR Public API."""


class Words(t.NamedTuple):
    """The parts of messages that depend on the host that calls AWS."""

    machine: str  # the owner of the clock
    new_session: str  # next step for an expired session
    missing_session: str  # next step for a temporary access key without a session token
    throttled: str  # next step after throttling
    endpoint: str  # the options and variables that set another endpoint
    external_id: str  # the option for the external ID


ON_THE_CONTROL_NODE = Words(
    machine="the control node's",
    new_session=(
        "Get a new access key, secret key and session token (session_token, AWS_SESSION_TOKEN or AWS_SECURITY_TOKEN). "
        "The three belong together."
    ),
    missing_session="set session_token, AWS_SESSION_TOKEN or AWS_SECURITY_TOKEN.",
    throttled=(
        "Run again later. To request one token for a whole play, store it with set_fact, run_once and no_log. For more "
        "retries, set retries.total_max_attempts in aws_config."
    ),
    endpoint="endpoint_url, AWS_URL or AWS_ENDPOINT_URL_ECR_PUBLIC",
    external_id="assume_role_external_id",
)


class Call(t.NamedTuple):
    """The failed request: its action, endpoint and credentials."""

    action: str  # the name in IAM
    endpoint: str
    access_key: str = ""
    has_session_token: bool = False
    source: str = ""  # the source of the credentials; botocore has names of its own for some
    partition: str = "aws"  # of the configured region, which the request does not use
    region: str = ""
    role_arn: str = ""
    words: Words = ON_THE_CONTROL_NODE


def explain(call: Call, code: str, message: str, *, status: int = 400, retries: int = 0) -> AwsError:
    """Build the error for an error response of AWS. code, message: AWS's own. status: the HTTP status."""
    text = message.strip().rstrip(".") or code
    quote = f"AWS returned: {text if len(text) <= MAX_QUOTE else text[:MAX_QUOTE] + '...'}"
    if code in _DENIED:
        return _denied(call, message, quote)
    if code in _UNKNOWN_KEY:
        return CredentialsError(_unknown_key(call, code))
    if code in _EXPIRED and call.action == "sts:AssumeRoleWithWebIdentity":
        return CredentialsError(
            f"The web identity token{_source(call)} has expired ({code} from {call.endpoint}). {quote}. The file that "
            "AWS_WEB_IDENTITY_TOKEN_FILE names must hold a new one: check what renews it, and its clock."
        )
    if code in _EXPIRED:
        return CredentialsError(
            f"The session of the AWS credentials{_source(call)} has expired ({code} from {call.endpoint}). "
            f"{call.words.new_session}"
        )
    if code in _SIGNATURE:
        return _signature(call, code, message, quote)
    if code in _WEB_IDENTITY:
        return CredentialsError(
            f"AWS does not accept the web identity token{_source(call)} ({code}). {quote}. Its issuer must be an "
            "identity provider in IAM that AWS can reach, and the provider must have the token's audience."
        )
    if code in _THROTTLED:
        retried = f", {retries} retries included" if retries else ""
        return ThrottledError(f"{call.endpoint} throttled {call.action} ({code}){retried}. {call.words.throttled}")
    if code == "UnsupportedCommandException":
        return ResponseError(
            f"{call.endpoint} does not support {call.action} ({quote}). The ECR Public API exists in us-east-1 only. "
            f"If {call.words.endpoint} is set, remove it or set it to the ECR Public API."
        )
    later = " This is an error of AWS. Try again later." if status >= 500 else ""
    return AwsError(f"{call.action} failed at {call.endpoint} with {code} (HTTP {status}). {quote}.{later}")


def response_error(call: Call, problem: str) -> ResponseError:
    """Build the error for a response that is not one of the ECR Public API."""
    return ResponseError(
        f"The response of {call.endpoint} is not an ECR Public response: {problem}. If {call.words.endpoint} is set, "
        "set it to the ECR Public API, not to the private ECR API."
    )


def _denied(call: Call, message: str, quote: str) -> AccessDeniedError:
    denied_action = _DENIED_ACTION.search(message)
    if denied_action and denied_action.group(1) == "sts:TagSession":
        role = call.role_arn or "of the profile"
        return AccessDeniedError(
            f"The role {role} could not be assumed: sts:TagSession is not allowed by {call.endpoint}. {quote}. These "
            "credentials have session tags, as those of EKS Pod Identity have, which are passed on to the next role. "
            "Allow sts:TagSession beside sts:AssumeRole, in the trust policy of the role and for the principal."
        )
    if call.action == "sts:AssumeRoleWithWebIdentity":
        role = call.role_arn or "of the web identity"
        return AccessDeniedError(
            f"The role {role} could not be assumed: {call.action} is not allowed by {call.endpoint}. {quote}. The role "
            "must exist, and its trust policy must name the token's identity provider, its audience and its subject."
        )
    if call.action.startswith("sts:AssumeRole"):
        role = call.role_arn or "of the profile"
        return AccessDeniedError(
            f"The role {role} could not be assumed: {call.action} is not allowed by {call.endpoint}. {quote}. Its "
            "trust policy must name the principal of these credentials, an sts:ExternalId in it must equal "
            f"{call.words.external_id}, and the principal needs {call.action} on the role."
        )
    missing = denied_action.group(1) if denied_action else " or ".join(ACTIONS)
    explicit = _EXPLICIT.search(message)
    if explicit or "explicit deny" in message:
        policy = explicit.group(1) if explicit else "policy"
        where = f"The {policy} denies it explicitly: change that. An allow in another policy has no effect"
    elif "session policy" in message:
        where = "The session policy of these credentials does not include it"
    elif "VPC endpoint policy" in message:
        where = "The policy of the VPC endpoint does not include it: change that, not the policies of the principal"
    elif "service control policy" in message or "permissions boundary" in message:
        where = (
            "A service control policy or permissions boundary does not include it: change that, not the policies of "
            "the principal"
        )
    else:
        where = f"Attach the managed policy {MANAGED_POLICY}, or the policy below"
    return AccessDeniedError(
        f"The AWS principal lacks {missing}. {quote}. {where}. A token needs both {' and '.join(ACTIONS)} on *. "
        f"{PRIVATE_POLICY} has neither. Policy: {POLICY_TEXT}"
    )


def _unknown_key(call: Call, code: str) -> str:
    parts = [f"AWS does not know the access key{_source(call)} ({code} from {call.endpoint})."]
    if call.access_key.startswith("ASIA") and not call.has_session_token:
        parts.append("It is a temporary key (ASIA...) without a session token: " + call.words.missing_session)
    if call.partition != "aws":
        parts.append(f"The configured region {call.region} is in the partition {call.partition}.")
    parts.append(
        "ECR Public exists in the partition aws only: keys of AWS China or AWS GovCloud do not work. Use a key of a "
        "standard AWS account, and check that it is correct and active."
    )
    return " ".join(parts)


def _signature(call: Call, code: str, message: str, quote: str) -> AwsError:
    """Build the error. AWS's message is quoted only for clocks: others hold the signed text with the session token."""
    skew = _SKEW.search(message)
    if skew or "Signature expired" in message or "not yet current" in message:
        return ClockError(
            f"{call.words.machine.capitalize()} clock is {_distance(skew)} AWS's, and {call.endpoint} rejected the "
            f"signature. {quote}. Set the clock, for example with chrony or systemd-timesyncd. AWS accepts a "
            "difference of 5 minutes."
        )
    return CredentialsError(
        f"{call.endpoint} rejected the signature ({code}): the secret key does not belong to the access key"
        f"{_source(call)}, or a proxy changed the request. Correct the secret key or the proxy."
    )


def _distance(skew: re.Match[str] | None) -> str:
    if skew is None:
        return "too far from"
    local, aws = (dt.datetime.strptime(stamp, "%Y%m%dT%H%M%SZ") for stamp in skew.groups())
    minutes = round((local - aws).total_seconds() / 60)
    return f"{abs(minutes)} minutes {'behind' if minutes < 0 else 'ahead of'}"


def _source(call: Call) -> str:
    return f" (from {call.source})" if call.source else ""
