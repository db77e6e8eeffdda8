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
import time
import typing as t
import urllib.parse

from ansible_collections.freshpull.ecr_public.plugins.module_utils import (
    _aws_profile,
    _aws_response,
    _proxies,
    _sdk_errors,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._aws_errors import (
    ACTIONS,
    MAX_QUOTE,
    NO_FIPS,
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
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher import mounted_keys, roles_anywhere
from ansible_collections.freshpull.ecr_public.plugins.module_utils._token import Token

SECONDS = 110.0
"""Time limit for the AWS CLI. Its attempts, of 10 s to connect and 20 s to read, could take longer than a run may."""
ATTEMPTS = 4
WORDS = Words(
    host="the refresher's pod",
    machine="the node's",
    new_session="The refresher needs the AWS keys of an IAM user, which do not expire, or a role: see aws_auth.",
    renewer="The kubelet renews it: check the clocks of the node and of the control plane.",
    missing_session="The refresher needs the AWS keys of an IAM user, or a role: see aws_auth.",
    again="The next run tries again.",
    throttled="The next run tries again.",
    endpoint="aws_endpoint_url of the refresher",
    role="role_arn and external_id of the refresher",
    external_id="external_id of the refresher",
    network=(
        "Pods of this namespace must reach it over HTTPS. Check network policies, firewalls and the proxy (aws_proxy)."
    ),
    proxy="aws_proxy of the refresher",
    login="Let it accept this cluster without them, or use another proxy: aws_proxy cannot have a password.",
    authority="Name its authority in ca_bundle of the refresher.",
    no_prompt="which the refresher cannot enter",
    sign_on="The refresher runs unattended: use another aws_auth.",
    agent="",
    no_credentials="",
    sources="",
    no_fips="Set AWS_USE_FIPS_ENDPOINT to false in the refresher's pod.",
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
_SOURCES["roles_anywhere"] = f"the sidecar {roles_anywhere.CONTAINER} returned none. See its log"
_SOURCES["existing_secret"] = (
    f"the Secret of aws_existing_secret needs {mounted_keys.LAYOUTS}. The file needs a [default] section that has "
    "aws_access_key_id and aws_secret_access_key"
)

_AWS_ERROR = re.compile(
    r"An error occurred \(([^)]*)\) when calling the (\w+) operation(?: \(reached max retries: (\d+)\))?: ?([^\n]*)"
)
_PREFIX = re.compile(r"^aws: \[ERROR\]: ")  # of version 2
# A session token or a web identity token. No name, ARN or URL of AWS is that long.
_LONG = re.compile(r"[A-Za-z0-9+/=_.-]{100,}")
_SECRET_KEY = re.compile(r"(?<![A-Za-z0-9/+=.-])[A-Za-z0-9/+=]{40}(?![A-Za-z0-9/+=.-])")
_SECRET_VARIABLES = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN")
_KEYS_FILE = "AWS_SHARED_CREDENTIALS_FILE"
_SECRET_FILES = (_KEYS_FILE, "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")


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
        ends = time.monotonic() + self.seconds
        if self.auth == "existing_secret":
            # For the CLI, and for all that reads its settings here.
            os.environ[_KEYS_FILE] = mounted_keys.credentials_file(os.environ.get(_KEYS_FILE, ""), self.home)
        self._check()
        if self.auth == "roles_anywhere":
            roles_anywhere.await_session(ends)
        status, output, errors = self._run(max(1.0, ends - time.monotonic()))
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

    def _check(self) -> None:
        """Raise CredentialsError for settings with which no request is possible."""
        fips = "" if self.endpoint_url else _aws_profile.fips_setting(os.environ)
        if fips:
            raise CredentialsError(f"{fips} is set. {NO_FIPS} {WORDS.no_fips}")
        mistake = self._keys.mistake
        if mistake:
            raise CredentialsError(mistake)

    def _run(self, seconds: float) -> tuple[int, str, str]:
        """Run the CLI. Return its exit status, standard output and standard error. Raises AwsError."""
        command = [self.program, "ecr-public", "get-authorization-token", "--region", "us-east-1", "--output", "json"]
        command += ["--cli-connect-timeout", "10", "--cli-read-timeout", "20"]
        if self.endpoint_url:
            command += ["--endpoint-url", self.endpoint_url]
        try:
            with Process(command, env={**os.environ, **self._environment()}) as process:
                output, errors = process.communicate(timeout=seconds)
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
            "AWS_MAX_ATTEMPTS": str(ATTEMPTS),
            # A variable, since older versions reject the option. The enhanced format is the default of v2 since 2026.
            "AWS_CLI_ERROR_FORMAT": "legacy",
            # The sidecar may be slow on a busy node. The default is 1 s.
            **({"AWS_METADATA_SERVICE_TIMEOUT": "10"} if self.auth == "roles_anywhere" else {}),
        }

    @property
    def _keys(self) -> _aws_profile.Keys:
        return _aws_profile.keys(os.environ)

    @property
    def _call(self) -> Call:
        source, keys = _SOURCES.get(self.auth, "see aws_auth"), self._keys.values
        words = WORDS._replace(
            agent=f"{_capital(source)}.", no_credentials=f"The refresher has no AWS credentials: {source}."
        )
        return Call(
            ACTIONS[0],
            self.endpoint_url or _sdk_errors.addresses(os.environ)[0],
            access_key=keys.get("access_key", ""),
            has_session_token="session_token" in keys,
            source=f"aws_auth: {self.auth}",
            role_arn=self.role_arn,
            web_identity_file=os.environ.get("AWS_WEB_IDENTITY_TOKEN_FILE", ""),
            words=words,
        )

    def explain(self, errors: str) -> AwsError:
        """Return an error with the next step for what the CLI printed to standard error."""
        text, call = _clean(errors).strip(), self._call
        failure = _AWS_ERROR.search(text)
        if failure:
            code, operation, retries, message = failure.groups()
            if operation.startswith("AssumeRole"):
                call = call._replace(action=f"sts:{operation}", endpoint=_sdk_errors.sts_url(os.environ))
            elif operation != call.action.partition(":")[2]:
                call = call._replace(action=operation, endpoint="AWS")
            return explain(call, code, message, retries=int(retries or 0))
        text = " ".join(_PREFIX.sub("", text).split())
        metadata = {"AWS_EC2_METADATA_DISABLED": self._environment()["AWS_EC2_METADATA_DISABLED"]}
        return _sdk_errors.explain(text, call, {**os.environ, **metadata}, _proxy_status) or AwsError(
            f"The AWS CLI failed: {text[:MAX_QUOTE].rstrip('.') or 'it printed nothing'}. "
            f"{_sdk_errors.next_step(call.words, os.environ)}"
        )


def _proxy_status() -> int:
    """Return the HTTP status with which the proxy rejects connections, which the CLI does not print; 0 if none."""
    proxy = os.environ.get("https_proxy") or os.environ.get("HTTPS_PROXY") or ""
    hosts = [urllib.parse.urlsplit(url).netloc for url in _sdk_errors.addresses(os.environ)]
    return next(filter(None, (_proxies.status_of(proxy, host) for host in hosts)), 0)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _clean(text: str) -> str:
    """Mask the CLI's secrets, and everything that may be a secret."""
    return _SECRET_KEY.sub(MASK, _LONG.sub(MASK, masked(text, _secrets())))


def _secrets() -> t.Iterator[str]:
    """Yield the secret values in the variables and files that the CLI reads."""
    for proxy in _proxies.of_environment(os.environ):
        # A password of a few letters is a part of other words.
        yield from (secret for secret in _proxies.secrets_in(proxy) if len(secret) >= 4)
    for variable in _SECRET_VARIABLES:
        yield os.environ.get(variable, "")
    for variable in _SECRET_FILES:
        try:
            with open(os.environ.get(variable, ""), encoding="utf-8", errors="replace") as file:
                lines = file.read().splitlines()
        except OSError:
            continue
        for line in lines:
            value = line.partition("=")[2].strip() if variable == _KEYS_FILE else line.strip()
            if len(value) >= 8:
                yield value
