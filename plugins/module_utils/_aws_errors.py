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
NO_FIPS = "ECR Public has no FIPS endpoint."

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
_OF_AWS = ("ServerException", "InternalFailure", "InternalError", "InternalServerError", "ServiceUnavailable")
_WEB_IDENTITY = ("InvalidIdentityToken", "IDPCommunicationError", "IDPRejectedClaim")
_DENIED = ("AccessDeniedException", "AccessDenied", "UnauthorizedOperation", "NotAuthorized")
_EXPLICIT = re.compile(r"explicit deny in (?:an? |the )?([A-Za-z -]+? policy|permissions boundary)")
_DENIED_ACTION = re.compile(r"not authorized to perform: ([a-z-]+:[A-Za-z]+)")
_PRINCIPAL = re.compile(r"User: (arn:\S+) is not authorized")
_ROLE = re.compile(r"on resource: (arn:\S+:role/\S+)")
_SESSION = re.compile(r"arn:[a-z-]+:sts::([0-9]+):assumed-role/([^/]+)/.*")
# Part of AWS's sentence -> where the permission is missing.
_NOT_ALLOWED = {
    "session policy": "The session policy of these credentials does not allow it: change it where they are requested",
    "VPC endpoint policy": "The policy of the VPC endpoint does not allow it: change that",
    "service control policy": "The service control policies of the organization do not allow it: change these",
    "resource control policy": "The resource control policies of the organization do not allow it: change these",
    "permissions boundary": "The permissions boundary of the principal does not allow it: change that",
}
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
    """The response is not one of AWS."""


class Words(t.NamedTuple):
    """The parts of messages that depend on the host that calls AWS."""

    host: str  # for the sources of credentials
    machine: str  # the owner of the clock
    new_session: str  # next step for an expired session
    renewer: str  # next step for an expired web identity token
    missing_session: str  # next step for a temporary access key without a session token
    again: str  # when to try again
    throttled: str  # next step after throttling
    endpoint: str  # the options and variables that set another endpoint
    role: str  # the place of role_arn and its companions
    external_id: str  # the option for the external ID
    network: str  # next step if an endpoint does not respond
    proxy: str  # the place of the proxy's address
    login: str  # next step for a proxy that requires a login
    authority: str  # next step for an authority that is not trusted
    no_prompt: str  # why a code cannot be entered
    sign_on: str  # next step for single sign-on without a session
    agent: str  # next step for a container agent that returns no credentials
    no_credentials: str  # that there are no credentials
    sources: str  # the sources of credentials; "" if no_credentials names them
    no_fips: str  # next step for FIPS endpoints


ON_THE_CONTROL_NODE = Words(
    host="the control node",
    machine="the control node's",
    new_session=(
        "Get a new access key, secret key and session token (session_token, AWS_SESSION_TOKEN or AWS_SECURITY_TOKEN). "
        "The three belong together."
    ),
    renewer="Check what renews it, and its clock.",
    missing_session="Set session_token, AWS_SESSION_TOKEN or AWS_SECURITY_TOKEN.",
    again="Run again later.",
    throttled=(
        "Run again later. To request one token for a whole play, store it with set_fact, run_once and no_log. For more "
        "retries, set retries.total_max_attempts in aws_config."
    ),
    endpoint="endpoint_url, AWS_URL or AWS_ENDPOINT_URL_ECR_PUBLIC",
    role="role_arn, role_session_name and external_id of the profile",
    external_id="assume_role_external_id",
    network="The control node must reach it over HTTPS. If there is a proxy, set HTTPS_PROXY.",
    proxy="HTTPS_PROXY or aws_config.proxies",
    login="Add them to its address in HTTPS_PROXY or aws_config.proxies.",
    authority="Set aws_ca_bundle or AWS_CA_BUNDLE to the file with its certificate authority.",
    no_prompt="which a task cannot ask for",
    sign_on="Run `aws sso login` on the control node, or use other credentials for tasks that run unattended.",
    agent=(
        "In EKS the Pod Identity Agent must run, and an association must name the namespace and the service account of "
        "this pod. In ECS the task needs a task role."
    ),
    no_credentials="There are no AWS credentials on the control node, where the lookup runs.",
    sources=(
        "Set access_key and secret_key, or profile, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run on a host "
        "with an IAM role. Required permissions: " + " and ".join(ACTIONS) + "."
    ),
    no_fips="Set AWS_USE_FIPS_ENDPOINT to false for this task.",
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
    web_identity_file: str = ""
    words: Words = ON_THE_CONTROL_NODE


def explain(call: Call, code: str, message: str, *, status: int = 0, retries: int = 0) -> AwsError:
    """Build the error for an error response of AWS.

    code, message: AWS's own; without an error of AWS, code is the HTTP status or Unknown. status: the HTTP status, 0 if
    it is not known.
    """
    text = message.strip().rstrip(".") or code
    quote = f"AWS returned: {text if len(text) <= MAX_QUOTE else text[:MAX_QUOTE] + '...'}"
    retried = f", {retries} retries included" if retries else ""
    if code in _DENIED:
        return _denied(call, message, quote)
    if code in _UNKNOWN_KEY:
        return CredentialsError(_unknown_key(call, code))
    if code in _EXPIRED and call.action == "sts:AssumeRoleWithWebIdentity":
        return CredentialsError(
            f"The web identity token{_source(call)} has expired ({code} from {call.endpoint}). {quote}. The file "
            f"{call.web_identity_file or 'that AWS_WEB_IDENTITY_TOKEN_FILE names'} must hold a new one. "
            f"{call.words.renewer}"
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
            f"AWS does not accept the web identity token{_source(call)} ({code} from {call.endpoint}). {quote}. Its "
            "issuer must be an identity provider in IAM that AWS can reach, and the provider must have the token's "
            "audience."
        )
    if code in _THROTTLED:
        return ThrottledError(f"{call.endpoint} throttled {call.action} ({code}){retried}. {call.words.throttled}")
    if code == "UnsupportedCommandException":
        return ResponseError(
            f"{call.endpoint} does not support {call.action} ({quote}). The ECR Public API exists in us-east-1 only. "
            f"If {call.words.endpoint} is set, remove it or set it to the ECR Public API."
        )
    if code == "ValidationError" and call.action.startswith("sts:"):
        return CredentialsError(
            f"{call.endpoint} does not accept the parameters of {call.action}. {quote}. Correct {call.words.role}."
        )
    if code.isdigit() or code == "Unknown":
        return _no_aws_error(call, int(code) if code.isdigit() else status, retried)
    http = f" (HTTP {status})" if status else ""
    if status >= 500 or code in _OF_AWS:
        return AwsError(
            f"{call.action} failed at {call.endpoint} with {code}{http}{retried}. {quote}. This is an error of AWS "
            f"itself. {call.words.again}"
        )
    return AwsError(f"{call.action} failed at {call.endpoint} with {code}{http}. {quote}.")


def _no_aws_error(call: Call, status: int, retried: str) -> UnreachableError:
    endpoint = "AWS_ENDPOINT_URL_STS" if call.action.startswith("sts:") else call.words.endpoint
    origin = "AWS or a gateway in between is not available"
    if status < 500:
        origin = "the response is that of a proxy, a firewall or another server"
    returned = f"with HTTP {status} and " if status else ""
    return UnreachableError(
        f"{call.endpoint} rejected {call.action} {returned}without an error of AWS{retried}: {origin}. "
        f"{call.words.again} If the error stays, check the proxy ({call.words.proxy}) and {endpoint}."
    )


def response_error(call: Call, problem: str) -> ResponseError:
    """Build the error for a response that is not one of the ECR Public API."""
    return ResponseError(
        f"The response of {call.endpoint} is not an ECR Public response: {problem}. If {call.words.endpoint} is set, "
        f"set it to the ECR Public API, not to the private ECR API. Otherwise check the proxy ({call.words.proxy})."
    )


def _denied(call: Call, message: str, quote: str) -> AccessDeniedError:
    denied_action = _DENIED_ACTION.search(message)
    if call.action.startswith("sts:"):
        return _denied_role(call, denied_action.group(1) if denied_action else call.action, message, quote)
    missing = denied_action.group(1) if denied_action else " or ".join(ACTIONS)
    where = _where(message)
    both = f"A token needs both {' and '.join(ACTIONS)} on *."
    if where:
        return AccessDeniedError(f"The AWS principal lacks {missing}. {quote}. {where}. {both}")
    return AccessDeniedError(
        f"The AWS principal lacks {missing}. {quote}. Attach the managed policy {MANAGED_POLICY}, or the policy below. "
        f"{both} {PRIVATE_POLICY} has neither. Policy: {POLICY_TEXT}"
    )


def _denied_role(call: Call, denied_action: str, message: str, quote: str) -> AccessDeniedError:
    """Build the error for a role that cannot be assumed. AWS's sentence names the role and the principal of its hop."""
    found = _ROLE.search(message)
    role = found.group(1) if found else call.role_arn
    found = _PRINCIPAL.search(message)
    principal = _name(found.group(1)) if found else "the principal of these credentials"
    where = _where(message)
    if where:
        step = where
    elif denied_action == "sts:TagSession":
        step = (
            "These credentials have session tags, as those of EKS Pod Identity have, which are passed on to the next "
            "role. Allow sts:TagSession beside sts:AssumeRole, in the trust policy of this role and for "
            f"{principal}"
        )
    elif call.action == "sts:AssumeRoleWithWebIdentity":
        step = (
            "The role must exist, and its trust policy must name the token's identity provider, its audience and its "
            "subject"
        )
    else:
        step = (
            f"The role must exist, its trust policy must name {principal}, and {principal} needs {call.action} on it. "
            f"An sts:ExternalId in the trust policy must equal {call.words.external_id}"
        )
    return AccessDeniedError(
        f"{f'The role {role}' if role else 'The role'} could not be assumed: {call.endpoint} denies {denied_action}. "
        f"{quote}. {step}."
    )


def _name(arn: str) -> str:
    """Return the principal as a trust policy names it. The ARN of a session is not that of its role."""
    session = _SESSION.fullmatch(arn)
    return f"the role {session.group(2)} of account {session.group(1)}" if session else arn


def _where(message: str) -> str:
    """Return which policy other than that of the principal denies a request, and the next step; "" if none does."""
    explicit = _EXPLICIT.search(message)
    if explicit or "explicit deny" in message:
        policy = explicit.group(1) if explicit else "policy"
        return f"The {policy} denies it explicitly: change that. An allow in another policy has no effect"
    found = [text for part, text in _NOT_ALLOWED.items() if part in message]
    return f"{found[0]}, not the policies of the principal" if found else ""


def _unknown_key(call: Call, code: str) -> str:
    parts = [f"AWS does not know the access key{_source(call)} ({code} from {call.endpoint})."]
    if call.access_key.startswith("ASIA") and not call.has_session_token:
        return f"{parts[0]} It is a temporary key (ASIA...) without a session token. {call.words.missing_session}"
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
