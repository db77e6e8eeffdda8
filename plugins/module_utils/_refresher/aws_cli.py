# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Request a token with the AWS CLI of the refresher's image. Private to this collection."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import subprocess
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _aws_response
from ansible_collections.freshpull.ecr_public.plugins.module_utils._aws_errors import (
    ACTIONS,
    MAX_QUOTE,
    AwsError,
    Call,
    CredentialsError,
    UnreachableError,
    Words,
    explain,
    response_error,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._masking import MASK, masked
from ansible_collections.freshpull.ecr_public.plugins.module_utils._process import Process
from ansible_collections.freshpull.ecr_public.plugins.module_utils._token import Token

SECONDS = 110.0
"""Time limit for the AWS CLI. Its four tries, of 10 s to connect and 20 s to read, could take longer than a run may."""
WORDS = Words(
    machine="the node's",
    new_session="The refresher needs the AWS keys of an IAM user, which do not expire, or a role: see aws_auth.",
    missing_session="the refresher needs the AWS keys of an IAM user, or a role: see aws_auth.",
    throttled="The next run tries again.",
    endpoint="aws_endpoint_url of the refresher",
    external_id="external_id of the refresher",
)
# aws_auth -> why there are no credentials.
_SOURCES = {
    "secret": 'the Secret needs a key "credentials" with a [default] section that has aws_access_key_id and '
    "aws_secret_access_key",
    "irsa": "the webhook of Amazon EKS did not change the pod. The webhook must run, and the service account must have "
    "the annotation eks.amazonaws.com/role-arn",
    "pod_identity": "the EKS Pod Identity Agent must run, and an association must name this namespace and service "
    "account",
    "web_identity": "the pod has no token of its service account. Run the role again",
    "ambient": "the node has no instance profile, or does not respond to pods (its metadata options need a hop limit "
    "of 2)",
}
_SOURCES["existing_secret"] = _SOURCES["secret"]

_AWS_ERROR = re.compile(r"An error occurred \(([^)]*)\) when calling the (\w+) operation[^:\n]*: ?([^\n]*)")
_RETRIES = re.compile(r"reached max retries: (\d+)")
# What the CLI prints about a failed connection, with its URL -> the message for it.
_NOT_REACHED = {
    re.compile(r"failed to connect to proxy URL: \"?([^\s\"]+)", re.IGNORECASE): (
        "The proxy {} cannot be reached: see aws_proxy of the refresher."
    ),
    re.compile(r"SSL validation failed for (\S+)"): (
        "The certificate of {} is not trusted. Name its authority in ca_bundle of the refresher."
    ),
    re.compile(
        r"(?:could not connect to the|connect timeout on|read timeout on|valid response from) endpoint URL: "
        r"\"?([^\s\"]+)",
        re.IGNORECASE,
    ): (
        "No response from {}. Pods of this namespace must reach it over HTTPS. Check network policies, firewalls and "
        "the proxy (aws_proxy)."
    ),
}
_NO_CREDENTIALS = re.compile(
    r"unable to locate credentials|partial credentials|must have credentials|could not be found|referenced in"
    r"|retrieving credentials from|retrieving metadata|unable to parse config file|no such file or directory",
    re.IGNORECASE,
)
# A session token or a web identity token. No name, ARN or URL of AWS is that long.
_LONG = re.compile(r"[A-Za-z0-9+/=_.-]{100,}")
_SECRET_FILES = ("AWS_SHARED_CREDENTIALS_FILE", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")


@dataclasses.dataclass(frozen=True)
class AwsCli:
    """The AWS CLI with the settings of one run.

    auth: the option aws_auth. endpoint_url: of the ECR Public API, "" for the default. role_arn: for messages.
    home: a directory for the CLI's files. seconds: its time limit. program: its name or path.
    """

    auth: str
    endpoint_url: str
    role_arn: str
    home: str
    seconds: float = SECONDS
    program: str = "aws"

    def token(self) -> Token:
        """Call GetAuthorizationToken once. Raises AwsError, whose text contains no secret."""
        status, output, errors = self._run()
        if status:
            raise self.explain(errors)
        try:
            response = json.loads(output)
        except ValueError:
            response = None
        if response is None:
            # The output is not quoted, since it may be a token.
            raise response_error(self._call, "it is not JSON")
        return _aws_response.read(response, self._call)

    def _run(self) -> tuple[int, str, str]:
        """Run the CLI. Return its exit status, standard output and standard error. Raises AwsError."""
        command = [self.program, "ecr-public", "get-authorization-token", "--region", "us-east-1", "--output", "json"]
        command += ["--cli-connect-timeout", "10", "--cli-read-timeout", "20"]
        if self.endpoint_url:
            command += ["--endpoint-url", self.endpoint_url]
        try:
            with Process(command, env={**os.environ, **self._environment()}) as process:
                output, errors = process.communicate(timeout=self.seconds)
        except OSError as exc:
            raise AwsError(
                f"The AWS CLI cannot be started: {exc.strerror or exc} ({self.program}). The image needs the AWS CLI "
                "v2. public.ecr.aws/aws-cli/aws-cli has it."
            ) from exc
        except subprocess.TimeoutExpired:
            raise UnreachableError(
                f"The AWS CLI got no token from {self._call.endpoint} in {self.seconds:.0f} s and was stopped. Pods of "
                "this namespace must reach this address, and STS if a role is assumed, over HTTPS."
            ) from None
        return process.returncode, output.decode(errors="replace"), errors.decode(errors="replace")

    def _environment(self) -> dict[str, str]:
        """Return the variables that the CLI gets beside those of the container.

        The region is that of ECR Public, also for STS. The node's own role is used only if the CronJob allows it.
        """
        return {
            "HOME": self.home,
            "LC_ALL": "C.UTF-8",
            "AWS_PAGER": "",
            "AWS_EC2_METADATA_DISABLED": os.environ.get("AWS_EC2_METADATA_DISABLED", "true"),
            "AWS_REGION": "us-east-1",
            "AWS_STS_REGIONAL_ENDPOINTS": "regional",
            "AWS_RETRY_MODE": "standard",
            "AWS_MAX_ATTEMPTS": "4",
            # A variable, since older versions reject the option. The enhanced format is the default of v2 since 2026.
            "AWS_CLI_ERROR_FORMAT": "legacy",
        }

    @property
    def _call(self) -> Call:
        endpoint = self.endpoint_url or "https://api.ecr-public.us-east-1.amazonaws.com"
        return Call(ACTIONS[0], endpoint, source=f"aws_auth: {self.auth}", role_arn=self.role_arn, words=WORDS)

    def explain(self, errors: str) -> AwsError:
        """Return an error with the next step for what the CLI printed to standard error."""
        text = _clean(errors)
        failure = _AWS_ERROR.search(text)
        if failure:
            code, operation, message = failure.groups()
            call = self._call
            if operation != call.action.partition(":")[2]:
                action = f"sts:{operation}" if operation.startswith("AssumeRole") else operation
                call = call._replace(action=action, endpoint="AWS STS" if action.startswith("sts:") else "AWS")
            retries = _RETRIES.search(text)
            return explain(call, code, message, retries=int(retries.group(1)) if retries else 0)
        for pattern, error in _NOT_REACHED.items():
            found = pattern.search(text)
            if found:
                return UnreachableError(error.format(found.group(1).rstrip(".,:")))
        quote = " ".join(text.split())[:MAX_QUOTE]
        if _NO_CREDENTIALS.search(text):
            return CredentialsError(
                f"The refresher has no AWS credentials: {_SOURCES.get(self.auth, 'see aws_auth')}. The AWS CLI "
                f"printed: {quote}"
            )
        return AwsError(f"The AWS CLI failed: {quote or 'it printed nothing'}")


def _clean(text: str) -> str:
    """Mask the CLI's secrets, and everything that may be a secret."""
    return _LONG.sub(MASK, masked(text, _secrets()))


def _secrets() -> t.Iterator[str]:
    """Yield the secret values in the files that the CLI reads."""
    for variable in _SECRET_FILES:
        try:
            with open(os.environ.get(variable, ""), encoding="utf-8", errors="replace") as file:
                lines = file.read().splitlines()
        except OSError:
            continue
        for line in lines:
            value = line.partition("=")[2].strip() if variable == _SECRET_FILES[0] else line.strip()
            if len(value) >= 8:
                yield value
