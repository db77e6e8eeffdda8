# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the errors for failures of the AWS SDK outside of AWS: credentials, connections and responses. Private to this
collection.

The SDK states them in the same texts in boto3's exceptions and on the AWS CLI's standard error.
"""

from __future__ import annotations

import re
import typing as t
import urllib.parse

from ansible_collections.freshpull.ecr_public.plugins.module_utils._aws_errors import (
    MAX_QUOTE,
    AwsError,
    Call,
    CredentialsError,
    ResponseError,
    UnreachableError,
    Words,
    response_error,
)

ECR_PUBLIC = "https://api.ecr-public.us-east-1.amazonaws.com"
STS = "https://sts.us-east-1.amazonaws.com"
_DUAL_STACK = ("https://ecr-public.us-east-1.api.aws", "https://sts.us-east-1.api.aws")
# The names of botocore's credential providers -> the setting that leads to them.
SOURCES = {
    "env": "the environment",
    "shared-credentials-file": "the AWS credentials file",
    "config-file": "the AWS configuration file",
    "custom-process": "credential_process of the profile",
    "assume-role": "the role of the profile",
    "assume-role-with-web-identity": "the web identity",
    "container-role": "the container agent",
    "iam-role": "the instance metadata service",
    "EcsContainer": "the container agent",
    "Ec2InstanceMetadata": "the instance metadata service",
    "sso": "single sign-on of the profile",
}
_AGENTS = {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "http://169.254.170.2", "AWS_CONTAINER_CREDENTIALS_FULL_URI": ""}
_METADATA = "http://169.254.169.254"

_OF_CREDENTIALS = re.compile(
    r"AWS_((DEFAULT_)?PROFILE|CONFIG_FILE|SHARED_|ACCESS_|SECRET_|SE(SSION|CURITY)_TOKEN|ROLE_|WEB_|CONTAINER_)"
)
_ROLE_PARAMETER = re.compile(r"parameter (RoleArn|RoleSessionName|ExternalId)\b")
# The profile default is where keys are expected, so that a role without it has none.
_NO_CREDENTIALS = re.compile(
    r"Unable to locate credentials|No credentials found in|must have credentials|source_profile \"default\" referenced"
)
_PROXY = re.compile(r"Failed to connect to proxy URL: \"?([^\s\"]+)", re.IGNORECASE)
_CERTIFICATE = re.compile(r"SSL validation failed for (\S+)(?: \[SSL: \w+\])?:? ?(.*?)(?: \(_ssl\.c:\d+\))?$")
_CONNECTIONS = {
    "could not connect to the": "the connection failed",
    "connect timeout on": "a timeout while connecting",
    "read timeout on": "a timeout while reading",
    "connection was closed before we received a valid response from": "the connection was closed",
}
_CONNECTION = re.compile(rf"({'|'.join(_CONNECTIONS)}) endpoint URL: \"?([^\s\"]+)", re.IGNORECASE)
# Of older versions, too, which name ECS.
_AGENT = re.compile(r"(container|ECS) metadata|from container-role|can only retrieve metadata from", re.IGNORECASE)
_AGENT_STATUS = re.compile(r"Received non 200 response \(?(\d+)\)? from (?:container|ECS) metadata: ?(.*)")
_PROFILE = re.compile(r"The config profile \((.*?)\) could not be found")
_RETRIEVAL = re.compile(r"Error when retrieving credentials from ([^:]+): (.*)")
_FILE = re.compile(r"\[Errno \d+\] ([^:]+): '(.*?)'")
_LOADING = re.compile(
    r"(Unable to parse config file: .*|Partial credentials found in .*|.* referenced in .*"
    r"|Parameter validation failed: .*|Infinite loop in credential configuration.*)"
)
_STS_RESULT = re.compile(r"'(AssumeRole\w*)Result'|'Credentials'|invalid XML received")


def explain(
    text: str, call: Call, environment: t.Mapping[str, str], proxy_status: t.Callable[[], int]
) -> AwsError | None:
    """Build the error for a text of the SDK in one line. Return None for an unknown text.

    environment: the SDK's. proxy_status: returns the HTTP status with which the proxy rejects connections, or 0.
    """
    for explanation in (_connection, _agent, _credentials, _response):
        error = explanation(text, call, environment)
        if error:
            return error
    proxy = _PROXY.search(text)
    return _proxy(proxy.group(1), proxy_status(), call.words, environment) if proxy else None


def not_loaded(problem: str, words: Words, environment: t.Mapping[str, str], source: str = "") -> CredentialsError:
    """Build the error for credentials that the SDK was configured to use. source: the name of its provider."""
    named = SOURCES.get(source, source)
    step = next_step(words, _of_credentials(environment))
    if problem.endswith(")") and "(AWS_" in problem:
        step = "Correct the variable or the file."
    elif _ROLE_PARAMETER.search(problem):
        step = f"Correct {words.role}."
    return CredentialsError(
        f"The AWS credentials{f' of {named}' if named else ''} could not be loaded: {problem.rstrip('.')}. {step}"
    )


def next_step(words: Words, environment: t.Mapping[str, str]) -> str:
    """Return the names of what the SDK reads, without values."""
    names = sorted(name for name in environment if name.startswith("AWS_"))
    found = f"the variables {', '.join(names)} and " if names else ""
    return f"Check {found}the AWS configuration files of {words.host}."


def loading_problem(text: str, environment: t.Mapping[str, str]) -> str:
    """Return what is wrong with the source of credentials, or "" if the text is unknown. Quotes paths only."""
    file = _FILE.search(text)
    if file:
        variables = [name for name, value in environment.items() if value == file.group(2) and name.startswith("AWS_")]
        return f"{file.group(1)}: {file.group(2)}{f' ({variables[0]})' if variables else ''}"
    if "parameter WebIdentityToken" in text:
        variable = "AWS_WEB_IDENTITY_TOKEN_FILE"
        path = environment.get(variable)
        return f"{path} has no token ({variable})" if path else "web_identity_token_file of the profile has no token"
    if "credentials are still expired" in text:
        return "they have expired"
    if re.match(r"(Expecting (value|property name|',').*|Extra data): line \d+", text):
        return "their source returned no JSON"
    return ""


def _of_credentials(environment: t.Mapping[str, str]) -> dict[str, str]:
    """Return the variables that lead to credentials."""
    return {name: value for name, value in environment.items() if _OF_CREDENTIALS.match(name)}


def session_error(url: str, action: str, detail: str = "") -> ResponseError:
    """Build the error for a response of STS without a session. Its text is left out: it can hold the secret key."""
    return ResponseError(
        f"The response of {url} to {action} cannot be parsed{f' ({detail})' if detail else ''}. Check whether a proxy "
        "or AWS_ENDPOINT_URL_STS leads to another server."
    )


def addresses(environment: t.Mapping[str, str]) -> tuple[str, str]:
    """Return the endpoints that the SDK uses for ECR Public and STS if no other is set."""
    dual_stack = environment.get("AWS_USE_DUALSTACK_ENDPOINT", "").lower() == "true"
    return _DUAL_STACK if dual_stack else (ECR_PUBLIC, STS)


def sts_url(environment: t.Mapping[str, str]) -> str:
    """Return the endpoint of STS."""
    return environment.get("AWS_ENDPOINT_URL_STS") or environment.get("AWS_ENDPOINT_URL") or addresses(environment)[1]


def no_credentials(words: Words, environment: t.Mapping[str, str], detail: str = "") -> CredentialsError:
    """Build the error for an environment without any credentials. detail: the SDK's text."""
    stated = f" The AWS SDK states: {detail.rstrip('.')}." if detail else ""
    return CredentialsError(f"{words.no_credentials}{_metadata(environment)}{stated} {words.sources}".rstrip())


def _connection(text: str, call: Call, _environment: t.Mapping[str, str]) -> AwsError | None:
    certificate, connection = _CERTIFICATE.search(text), _CONNECTION.search(text)
    if "Failed to parse: " in text:
        # The text quotes a part of the address, which can be a part of the password.
        return UnreachableError(
            f"The address of the proxy cannot be used. It is in {call.words.proxy}. Percent-encode special characters "
            "in its user name and password."
        )
    if certificate:
        url, reason = certificate.groups()
        return UnreachableError(
            f"The certificate of {url.rstrip('/')} is not trusted: {reason.rstrip('.')}. {call.words.authority}"
        )
    if connection and not _AGENT.search(text):
        how, url = connection.groups()
        return UnreachableError(
            f"No response from {_without_query(url)} ({_CONNECTIONS[how.lower()]}). {call.words.network}"
        )
    return None


def _agent(text: str, call: Call, environment: t.Mapping[str, str]) -> AwsError | None:
    if not _AGENT.search(text):
        return None
    status, connection = _AGENT_STATUS.search(text), _CONNECTION.search(text)
    detail, step = "the response is no JSON with credentials", call.words.agent
    if status:
        detail = f"HTTP {status.group(1)}: {status.group(2)[:MAX_QUOTE]}"
    elif connection:
        detail = f"no response ({_CONNECTIONS[connection.group(1).lower()]})"
    elif "Unsupported host" in text:
        detail = "the AWS SDK allows only addresses of the host itself and those of AWS"
        step = "Correct the variable."
    variables = [name for name in _AGENTS if environment.get(name)]
    place = ""
    if variables:
        url = urllib.parse.urlsplit(_AGENTS[variables[0]] or environment[variables[0]])
        place = f" at {url.scheme}://{url.netloc} ({variables[0]})"
    return CredentialsError(f"The container agent{place} returned no credentials: {detail.rstrip('.')}. {step}")


def _credentials(text: str, call: Call, environment: t.Mapping[str, str]) -> AwsError | None:
    words = call.words
    if _NO_CREDENTIALS.search(text):
        detail = text.partition("from Ec2InstanceMetadata: ")[2] or text
        return no_credentials(words, environment, "" if "Unable to locate" in text else detail)
    if "Enter MFA code" in text:
        return CredentialsError(
            f"The profile needs an MFA code, {words.no_prompt}. Use a role without mfa_serial, or credentials of a "
            "session that was opened with MFA."
        )
    if re.search(r"\bSSO\b|'aws login'|\baws sso login\b", text):
        return CredentialsError(f"Single sign-on has no valid session: {text[:MAX_QUOTE].rstrip('.')}. {words.sign_on}")
    profile = _PROFILE.search(text)
    if profile:
        return CredentialsError(
            f"There is no AWS profile {profile.group(1)!r} (from the environment variable AWS_PROFILE). "
            f"{next_step(words, _of_credentials(environment))}"
        )
    retrieval = _RETRIEVAL.search(text)
    source, problem = (retrieval.group(1), retrieval.group(2)) if retrieval else ("", "")
    loading = _LOADING.search(text)
    problem = loading_problem(text, environment) or problem or (loading.group(1) if loading else "")
    return not_loaded(problem[:MAX_QUOTE], words, environment, source) if problem else None


def _response(text: str, call: Call, environment: t.Mapping[str, str]) -> AwsError | None:
    result = _STS_RESULT.search(text)
    if result:
        default = "AssumeRoleWithWebIdentity" if environment.get("AWS_WEB_IDENTITY_TOKEN_FILE") else "AssumeRole"
        return session_error(sts_url(environment), f"sts:{result.group(1) or default}")
    if re.search(r"Unable to parse response|object has no attribute", text):
        return response_error(call, "it cannot be parsed")
    return None


def _proxy(url: str, status: int, words: Words, environment: t.Mapping[str, str]) -> UnreachableError:
    if not status:
        return UnreachableError(f"The proxy {url} does not respond. Correct {words.proxy}.")
    rejects = f"The proxy {url} rejects the connection to AWS with HTTP {status}"
    if status == 407:
        return UnreachableError(f"{rejects}: it requires a user name and a password. {words.login}")
    if status == 403:
        hosts = " and ".join(address.partition("://")[2] for address in addresses(environment))
        return UnreachableError(f"{rejects}: its rules do not allow it. Let it allow {hosts} on port 443.")
    return UnreachableError(f"{rejects}. Its log states why.")


def _metadata(environment: t.Mapping[str, str]) -> str:
    """Return a sentence about the instance metadata service, or "" if it is not used."""
    if environment.get("AWS_EC2_METADATA_DISABLED", "").lower() == "true":
        return ""
    url = environment.get("AWS_EC2_METADATA_SERVICE_ENDPOINT") or _METADATA
    return f" The instance metadata service at {url} returned no credentials."


def _without_query(url: str) -> str:
    return url.partition("?")[0].rstrip("/.,:")
