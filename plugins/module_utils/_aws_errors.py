# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What can go wrong on the way to a token, and what to do about it. Private to this collection.

Nothing here knows boto3: an AWS error comes as its code and message.
"""

from __future__ import annotations

import datetime as dt
import json
import re
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils._errors import CollectionError

ACTIONS = ("ecr-public:GetAuthorizationToken", "sts:GetServiceBearerToken")
# For a principal that needs a token and nothing else; also the session policy of an assumed role.
POLICY: dict[str, t.Any] = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": list(ACTIONS), "Resource": "*"}],
}
POLICY_TEXT = json.dumps(POLICY)
MANAGED_POLICY = "AmazonElasticContainerRegistryPublicReadOnly"
PRIVATE_POLICY = "AmazonEC2ContainerRegistryReadOnly"

MAX_QUOTE = 600  # characters; a proxy may answer with a whole page

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
_DENIED_ACTION = re.compile(r"not authorized to perform: ([a-z-]+:[A-Za-z]+)")
_SKEW = re.compile(r"(?:expired|not yet current): (\d{8}T\d{6}Z) is .* \((\d{8}T\d{6}Z) [-+]")


class EcrPublicError(CollectionError):
    """No token. The message says what, where and the next step; it never holds a token or a secret key."""


class OptionsError(EcrPublicError):
    """The options cannot be used as they are. AWS was not asked, so this is no reason to fail open."""


class LibraryError(EcrPublicError):
    """boto3 is missing."""


class AwsError(EcrPublicError):
    """AWS gave no token, or could not be asked."""


class CredentialsError(AwsError):
    """No credentials, or none that AWS accepts."""


class AccessDeniedError(AwsError):
    """The credentials are good, their rights are not."""


class ClockError(AwsError):
    """The clock is too far from AWS's."""


class ThrottledError(AwsError):
    """AWS turned the call away even after retries."""


class UnreachableError(AwsError):
    """No answer from the endpoint."""


class AnswerError(AwsError):
    """An answer that is not one of ECR Public."""


class Words(t.NamedTuple):
    """What differs in messages by where AWS is called from."""

    machine: str  # whose clock it is
    new_session: str  # what to do about a session that has expired
    missing_session: str  # what to do about temporary keys without their session token
    throttled: str  # what to do about throttling
    endpoint: str  # what may name another endpoint than ECR Public's
    external_id: str  # the option


ON_THE_CONTROL_NODE = Words(
    machine="the controller's",
    new_session=(
        "Get new ones: session_token, or AWS_SESSION_TOKEN or AWS_SECURITY_TOKEN, goes with the access key it was made "
        "for."
    ),
    missing_session="give session_token, or set AWS_SESSION_TOKEN or AWS_SECURITY_TOKEN.",
    throttled=(
        "Try again later; one call can serve a whole play: keep the token with set_fact, run_once and no_log. More "
        "patience: aws_config with retries.total_max_attempts."
    ),
    endpoint="endpoint_url, AWS_URL or AWS_ENDPOINT_URL_ECR_PUBLIC",
    external_id="assume_role_external_id",
)


class Call(t.NamedTuple):
    """The call that failed: what was asked, where, and with whose credentials."""

    action: str  # as IAM names it
    endpoint: str
    access_key: str = ""
    has_session_token: bool = False
    source: str = ""  # where the credentials were found, some in botocore's words
    partition: str = "aws"  # of the configured region, which the call itself does not use
    region: str = ""
    role_arn: str = ""
    words: Words = ON_THE_CONTROL_NODE


def explain(call: Call, code: str, message: str, *, status: int = 400, retries: int = 0) -> AwsError:
    """The error for what AWS answered: its code, message, HTTP status and the retries made."""
    said = message.strip().rstrip(".") or code
    says = f"AWS says: {said if len(said) <= MAX_QUOTE else said[:MAX_QUOTE] + '...'}"
    if code in _DENIED:
        return _denied(call, message, says)
    if code in _UNKNOWN_KEY:
        return CredentialsError(_unknown_key(call, code))
    if code in _EXPIRED:
        return CredentialsError(
            f"The session of the AWS credentials{_source(call)} has expired ({code} from {call.endpoint}). "
            f"{call.words.new_session}"
        )
    if code in _SIGNATURE:
        return _signature(call, code, message, says)
    if code in _WEB_IDENTITY:
        return CredentialsError(
            f"AWS does not accept the web identity token{_source(call)} ({code}). {says}. Its issuer must be an "
            "identity provider in IAM, which AWS can reach, with the token's audience."
        )
    if code in _THROTTLED:
        tried = f", {retries} retries included" if retries else ""
        return ThrottledError(f"{call.endpoint} throttled {call.action} ({code}){tried}. {call.words.throttled}")
    if code == "UnsupportedCommandException":
        return AnswerError(
            f"{call.endpoint} does not serve {call.action} ({says}). ECR Public answers in us-east-1 alone: if "
            f"{call.words.endpoint} is set, leave it out, or set the ECR Public API."
        )
    again = " This is AWS's side: try again later." if status >= 500 else ""
    return AwsError(f"{call.action} failed at {call.endpoint} with {code} (HTTP {status}). {says}.{again}")


def strange(call: Call, what: str) -> AnswerError:
    """The error for a response that is not one of ECR Public."""
    return AnswerError(
        f"The answer of {call.endpoint} is not one of ECR Public: {what}. If {call.words.endpoint} is set, it must "
        "lead to the ECR Public API, not to that of private ECR."
    )


def _denied(call: Call, message: str, says: str) -> AccessDeniedError:
    found = _DENIED_ACTION.search(message)
    if call.action == "sts:AssumeRoleWithWebIdentity":
        role = call.role_arn or "of the web identity"
        return AccessDeniedError(
            f"The role {role} could not be assumed: {call.action} is not allowed by {call.endpoint}. {says}. The role "
            "must exist, and its trust policy must name the token's identity provider, its audience and its subject."
        )
    if call.action.startswith("sts:AssumeRole"):
        role = call.role_arn or "of the profile"
        return AccessDeniedError(
            f"The role {role} could not be assumed: {call.action} is not allowed by {call.endpoint}. {says}. Its trust "
            "policy must name the principal of these credentials, an sts:ExternalId in it must equal "
            f"{call.words.external_id}, and the principal needs {call.action} on the role."
        )
    missing = found.group(1) if found else " or ".join(ACTIONS)
    if "session policy" in message:
        where = "The session policy that these credentials were made with leaves it out"
    elif "explicit deny" in message:
        where = "A policy denies it explicitly, so allowing it elsewhere does not help: that policy must change"
    elif "service control policy" in message or "permissions boundary" in message:
        where = "Not the principal's own policies but a service control policy or permissions boundary leaves it out"
    else:
        where = f"Attach the managed policy {MANAGED_POLICY}, or the policy below"
    return AccessDeniedError(
        f"The AWS principal lacks {missing}. {says}. {where}. A token needs both {' and '.join(ACTIONS)} on *; "
        f"{PRIVATE_POLICY} has neither. Policy: {POLICY_TEXT}"
    )


def _unknown_key(call: Call, code: str) -> str:
    parts = [f"AWS does not know the access key{_source(call)} ({code} from {call.endpoint})."]
    if call.access_key.startswith("ASIA") and not call.has_session_token:
        parts.append("It is a temporary one (ASIA...) and no session token came with it: " + call.words.missing_session)
    if call.partition != "aws":
        parts.append(f"The configured region {call.region} is of the partition {call.partition}.")
    parts.append(
        "ECR Public exists in the partition aws only: keys of AWS China or AWS GovCloud do not work, use some of a "
        "standard AWS account. Else the key is mistyped, deactivated or deleted."
    )
    return " ".join(parts)


def _signature(call: Call, code: str, message: str, says: str) -> AwsError:
    """AWS's message is quoted for clocks only: others hold what was signed, a session token included."""
    skew = _SKEW.search(message)
    if skew or "Signature expired" in message or "not yet current" in message:
        return ClockError(
            f"{call.words.machine.capitalize()} clock is {_distance(skew)} AWS's, so {call.endpoint} refused the "
            f"signature. {says}. Set the clock, for example with chrony or systemd-timesyncd; AWS accepts 5 minutes."
        )
    return CredentialsError(
        f"{call.endpoint} refused the signature ({code}): the secret key does not belong to the access key"
        f"{_source(call)}, or a proxy changed the request."
    )


def _distance(skew: re.Match[str] | None) -> str:
    if skew is None:
        return "too far from"
    ours, theirs = (dt.datetime.strptime(stamp, "%Y%m%dT%H%M%SZ") for stamp in skew.groups())
    minutes = round((ours - theirs).total_seconds() / 60)
    return f"{abs(minutes)} minutes {'behind' if minutes < 0 else 'ahead of'}"


def _source(call: Call) -> str:
    return f" (from {call.source})" if call.source else ""
