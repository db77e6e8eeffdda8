# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The AWS errors that the fake can return, with the messages of AWS."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass

from ._http import Response

JSON_TYPE = "application/x-amz-json-1.1"


@dataclass(frozen=True)
class AwsError(Exception):
    """An error of an AWS API."""

    code: str
    message: str
    status: int = 400


def unrecognized() -> AwsError:
    """Return the error for an unknown access key: mistyped, deleted, or of another partition."""
    return AwsError("UnrecognizedClientException", "The security token included in the request is invalid.")


def expired_token() -> AwsError:
    return AwsError("ExpiredTokenException", "The security token included in the request is expired")


def bad_signature() -> AwsError:
    return AwsError(
        "InvalidSignatureException",
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access "
        "Key and signing method. Consult the service documentation for details.",
    )


def bad_region() -> AwsError:
    return AwsError("InvalidSignatureException", "Credential should be scoped to a valid region. ")


def bad_service(service: str) -> AwsError:
    return AwsError("InvalidSignatureException", f"Credential should be scoped to correct service: '{service}'. ")


def missing_authentication() -> AwsError:
    return AwsError("MissingAuthenticationTokenException", "Missing Authentication Token")


def incomplete_signature(what: str) -> AwsError:
    return AwsError("IncompleteSignatureException", f"Authorization header requires {what}.", 403)


def access_denied(arn: str, action: str, reason: str = "no identity-based policy allows") -> AwsError:
    return AwsError(
        "AccessDeniedException",
        f"User: {arn} is not authorized to perform: {action} on resource: * because {reason} the {action} action",
    )


def throttled() -> AwsError:
    return AwsError("ThrottlingException", "Rate exceeded")


def unsupported() -> AwsError:
    return AwsError("UnsupportedCommandException", "This command is not supported in this region.")


def server_error() -> AwsError:
    return AwsError("ServerException", "Internal failure. Please try again later.", 500)


def unknown_operation() -> AwsError:
    return AwsError("UnknownOperationException", "")


# Values of behave(error=...): errors that no request can cause.
FORCED = {
    "UnsupportedCommandException": unsupported,
    "ServerException": server_error,
    "ExpiredTokenException": expired_token,
    "UnrecognizedClientException": unrecognized,
    "InvalidSignatureException": bad_signature,
}


def json_response(error: AwsError, date: str) -> Response:
    """Return the error in the JSON 1.1 protocol."""
    body = json.dumps({"__type": error.code, "message": error.message}).encode()
    headers = {"Content-Type": JSON_TYPE, "x-amzn-RequestId": str(uuid.uuid4()), "Date": date}
    return Response(error.status, body, headers)


def xml_response(error: AwsError) -> Response:
    """Return the error in the query protocol of STS."""
    kind = "Receiver" if error.status >= 500 else "Sender"
    code = {"AccessDeniedException": "AccessDenied", "UnrecognizedClientException": "InvalidClientTokenId"}
    body = (
        '<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error>'
        f"<Type>{kind}</Type><Code>{code.get(error.code, error.code)}</Code><Message>{error.message}</Message>"
        f"</Error><RequestId>{uuid.uuid4()}</RequestId></ErrorResponse>"
    )
    return Response(403 if error.status == 400 else error.status, body.encode(), {"Content-Type": "text/xml"})
