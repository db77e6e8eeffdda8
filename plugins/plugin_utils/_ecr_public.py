# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Request a token from the ECR Public API. The only file that uses boto3. Private to this collection."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import os
import re
import typing as t

from ansible.module_utils.basic import missing_required_lib

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _aws_response
from ansible_collections.freshpull.ecr_public.plugins.module_utils._aws_errors import (
    ACTIONS,
    POLICY_TEXT,
    AwsError,
    Call,
    CredentialsError,
    EcrPublicError,
    LibraryError,
    OptionsError,
    UnreachableError,
    explain,
    response_error,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._token import Token

try:
    import boto3
    import botocore.session
    from botocore import exceptions as sdk
    from botocore.config import Config
    from botocore.parsers import ResponseParserError

    HAS_BOTO3 = True
except ImportError:
    HAS_BOTO3 = False

# The only region with the API. The region of the environment, the profile and the options is not used.
REGION = "us-east-1"
CONNECT_TIMEOUT = 10  # seconds
READ_TIMEOUT = 30  # seconds

# The environment variables of the lookup's options, in order of precedence.
ENVIRONMENT = {
    "access_key": ("AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY"),
    "secret_key": ("AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY"),
    "session_token": ("AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN"),
    "profile": ("AWS_PROFILE", "AWS_DEFAULT_PROFILE"),
}
KEYS = ("access_key", "secret_key", "session_token")
_SDK_LOGGERS = re.compile(r"(boto3|botocore|urllib3|s3transfer)(\.|$)")


@dataclasses.dataclass(frozen=True)
class AwsOptions:
    """The options of the lookup, with the same names. repr() shows no secret."""

    access_key: str | None = None
    secret_key: str | None = dataclasses.field(default=None, repr=False)
    session_token: str | None = dataclasses.field(default=None, repr=False)
    profile: str | None = None
    endpoint_url: str | None = None
    validate_certs: bool = True
    aws_ca_bundle: str | None = None
    aws_config: dict[str, t.Any] | None = None
    assume_role_arn: str | None = None
    assume_role_external_id: str | None = None
    assume_role_session_name: str = "freshpull-ecr-public"
    assume_role_session_policy: bool = True
    given: frozenset[str] = frozenset()  # the options that the task sets; the others are from the environment

    @classmethod
    def from_options(cls, options: t.Mapping[str, t.Any], given: t.Collection[str]) -> AwsOptions:
        """Build the options from a plugin's get_options(). An empty text counts as not set, as in amazon.aws."""
        names = {field.name for field in dataclasses.fields(cls)}
        # str() because templating returns subclasses of it.
        values: dict[str, t.Any] = {
            name: str(value) if isinstance(value, str) else value
            for name, value in options.items()
            if name in names and value not in (None, "")
        }
        if "access_key" in given and "session_token" not in given:
            # The environment's session token belongs to the environment's access key, not to this one.
            values.pop("session_token", None)
        return cls(given=frozenset(given), **values)

    def origin(self, name: str) -> str:
        """Return the source of an option's value, for messages."""
        if name not in self.given:
            for variable in ENVIRONMENT.get(name, ()):
                if os.environ.get(variable):
                    return f"the environment variable {variable}"
        return f"the option {name}"

    @property
    def keys(self) -> dict[str, str | None]:
        """The access key, secret key and session token, as arguments of boto3's clients."""
        return {
            "aws_access_key_id": self.access_key,
            "aws_secret_access_key": self.secret_key,
            "aws_session_token": self.session_token,
        }

    @property
    def verify(self) -> bool | str | None:
        """The argument `verify` of boto3's clients. With None they use AWS_CA_BUNDLE or the profile's ca_bundle."""
        return (self.aws_ca_bundle or None) if self.validate_certs else False


def fetch_token(options: AwsOptions) -> Token:
    """Call GetAuthorizationToken once, after AssumeRole if a role is set. Raises EcrPublicError."""
    if not HAS_BOTO3:
        raise LibraryError(missing_required_lib("boto3 and botocore", reason="on the control node"))
    _check(options)
    with _quiet_sdk():
        return _Fetch(options).token()


def _check(options: AwsOptions) -> None:
    """Raise OptionsError for options with which no request is possible."""
    present = [name for name in KEYS if getattr(options, name)]
    if options.profile and present:
        keys = ", ".join(options.origin(name) for name in present)
        raise OptionsError(
            f"Both a profile ({options.profile!r}, from {options.origin('profile')}) and access keys (from {keys}) "
            "are set. Use only one of them. To ignore one, set it to an empty text in the lookup: profile='', or "
            "access_key='', secret_key='', session_token=''."
        )
    if bool(options.access_key) != bool(options.secret_key):
        have, lack = ("access_key", "secret_key") if options.access_key else ("secret_key", "access_key")
        raise OptionsError(
            f"There is {options.origin(have)} but no {lack}. Set the option {lack} or {ENVIRONMENT[lack][0]}."
        )
    for name in present:
        if re.search(r"\s", getattr(options, name)):
            raise OptionsError(f"The {name} from {options.origin(name)} contains a space or a line break. Remove it.")
    if options.validate_certs and options.aws_ca_bundle and not os.path.exists(options.aws_ca_bundle):
        raise OptionsError(
            f"There is no aws_ca_bundle {options.aws_ca_bundle} on the control node. Correct the path or create the "
            "file."
        )
    if options.assume_role_external_id and not options.assume_role_arn:
        raise OptionsError("assume_role_external_id has no effect without assume_role_arn. Set both or neither.")


class _Fetch:
    """The requests of one fetch_token()."""

    def __init__(self, options: AwsOptions) -> None:
        self._options = options
        self._call = Call(ACTIONS[0], options.endpoint_url or "ECR Public")
        self._secrets = [text for text in (options.secret_key, options.session_token) if text]

    def token(self) -> Token:
        """Request a token. Raises EcrPublicError, without the SDK's error as its cause: that text can hold secrets."""
        try:
            return self._token()
        except sdk.ClientError as error:
            raise self._client_error(error) from None
        except sdk.BotoCoreError as error:
            raise self._sdk_error(error) from None

    def _token(self) -> Token:
        keys: dict[str, str | None] = self._options.keys
        session = self._session()
        if self._options.assume_role_arn:
            keys = self._assume_role(session, keys)
        client = self._client(session, "ecr-public", keys, self._options.endpoint_url)
        self._describe(session, client, ACTIONS[0], keys)
        try:
            response = client.get_authorization_token()
        except (AttributeError, TypeError, ValueError, ResponseParserError) as error:
            # The errors of botocore's parser for JSON that is not in the format of the API.
            raise response_error(self._call, f"it cannot be parsed ({type(error).__name__})") from None
        return _aws_response.read(response, self._call)

    def _session(self) -> t.Any:
        # AWS_PROFILE is already read as the option's value. An empty option must also override the variable.
        core = botocore.session.Session(session_vars={"profile": (None, None, None, None)})
        return boto3.session.Session(botocore_session=core, profile_name=self._options.profile)

    def _client(self, session: t.Any, service: str, keys: dict[str, str | None], endpoint: str | None = None) -> t.Any:
        try:
            return session.client(
                service,
                region_name=REGION,
                endpoint_url=endpoint,
                verify=self._options.verify,
                config=_config(self._options.aws_config),
                **keys,
            )
        except ValueError as error:
            raise OptionsError(
                f"The client for {service} cannot be created: {self._clean(error)}. Correct its endpoint URL."
            ) from None

    def _assume_role(self, session: t.Any, keys: dict[str, str | None]) -> dict[str, str | None]:
        client = self._client(session, "sts", keys)
        self._describe(session, client, "sts:AssumeRole", keys)
        request = {
            "RoleArn": self._options.assume_role_arn,
            "RoleSessionName": self._options.assume_role_session_name,
        }
        if self._options.assume_role_external_id:
            request["ExternalId"] = self._options.assume_role_external_id
        if self._options.assume_role_session_policy:
            request["Policy"] = POLICY_TEXT
        credentials = client.assume_role(**request)["Credentials"]
        self._secrets += [credentials["SecretAccessKey"], credentials["SessionToken"]]
        return {
            "aws_access_key_id": credentials["AccessKeyId"],
            "aws_secret_access_key": credentials["SecretAccessKey"],
            "aws_session_token": credentials["SessionToken"],
        }

    def _describe(self, session: t.Any, client: t.Any, action: str, keys: dict[str, str | None]) -> None:
        """Store the details of the next request for error messages."""
        # After AssumeRole the request uses the credentials of the role.
        assumed = action != "sts:AssumeRole" and bool(self._options.assume_role_arn)
        self._call = self._call._replace(action=action, endpoint=client.meta.endpoint_url)
        default = None if keys["aws_access_key_id"] else session.get_credentials()
        region = os.environ.get("AWS_REGION") or session.region_name or ""
        self._call = self._call._replace(
            access_key=(default.access_key if default else keys["aws_access_key_id"]) or "",
            has_session_token=bool(default.token if default else keys["aws_session_token"]),
            source="assumed role" if assumed else default.method if default else self._options.origin("access_key"),
            region=region,
            partition=_partition(session, region),
            role_arn=self._options.assume_role_arn or "",
        )

    def _client_error(self, error: t.Any) -> AwsError:
        details, metadata = error.response.get("Error", {}), error.response.get("ResponseMetadata", {})
        call, operation = self._call, error.operation_name
        if operation != call.action.partition(":")[2]:
            # A request that boto3 itself sends for credentials: profile role, web identity, single sign-on.
            action = f"sts:{operation}" if operation.startswith("AssumeRole") else operation
            call = call._replace(action=action, endpoint="AWS STS" if action.startswith("sts:") else "AWS", role_arn="")
        return explain(
            call,
            str(details.get("Code", "Unknown")),
            self._clean(details.get("Message", "")),
            status=metadata.get("HTTPStatusCode", 400),
            retries=metadata.get("RetryAttempts", 0),
        )

    def _sdk_error(self, error: t.Any) -> EcrPublicError:
        text, endpoint = self._clean(error), self._call.endpoint
        if isinstance(error, sdk.ProfileNotFound):
            return OptionsError(
                f"There is no AWS profile {self._options.profile!r} (from {self._options.origin('profile')}) on the "
                "control node. Profiles are read from ~/.aws/config and ~/.aws/credentials, or from AWS_CONFIG_FILE "
                "and AWS_SHARED_CREDENTIALS_FILE. In an execution environment mount these files, or use an access key."
            )
        if isinstance(error, sdk.UnknownServiceError):
            return LibraryError(
                f"boto3 {boto3.__version__} on the control node does not support ECR Public. Update boto3."
            )
        if isinstance(error, sdk.NoCredentialsError):
            return CredentialsError(
                "There are no AWS credentials on the control node, where the lookup runs. Set access_key and "
                "secret_key, or profile, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run on a host with an IAM "
                "role. Required permissions: " + " and ".join(ACTIONS)
            )
        if isinstance(error, sdk.ParamValidationError):
            return OptionsError(f"{self._call.action} does not accept these options: {text}")
        if isinstance(error, sdk.SSLError):
            return UnreachableError(
                f"The certificate of {endpoint} is not trusted: {text}. Set aws_ca_bundle or AWS_CA_BUNDLE to the "
                "file with its certificate authority."
            )
        if isinstance(error, (sdk.ConnectionError, sdk.HTTPClientError)):
            return UnreachableError(
                f"No response from {endpoint}: {text}. The control node must reach it over HTTPS. If there is a proxy, "
                "set HTTPS_PROXY."
            )
        return AwsError(f"{self._call.action} failed: {text}. Check the AWS configuration of the control node.")

    def _clean(self, text: object) -> str:
        """Return a text of the SDK with all known secrets replaced."""
        cleaned = str(text).strip().rstrip(".")
        for secret in self._secrets:
            cleaned = cleaned.replace(secret, "********")
        return cleaned


def _config(aws_config: dict[str, t.Any] | None) -> t.Any:
    """Merge the user's botocore configuration over this collection's. Raises OptionsError."""
    defaults = Config(
        connect_timeout=CONNECT_TIMEOUT, read_timeout=READ_TIMEOUT, user_agent_extra="freshpull.ecr_public"
    )
    given = dict(aws_config or {})
    try:
        # Without a mode botocore uses its legacy mode, which waits too little between retries.
        given["retries"] = {"mode": "standard", **(given.get("retries") or {})}
        return defaults.merge(Config(**given))
    except (TypeError, ValueError, sdk.BotoCoreError) as error:
        raise OptionsError(f"aws_config is not a valid botocore configuration: {error}") from None


def _partition(session: t.Any, region: str) -> str:
    """Return the partition of a region; "aws" if the region does not exist, since it is only used for a hint."""
    try:
        return str(session.get_partition_for_region(region)) if region else "aws"
    except sdk.UnknownRegionError:
        return "aws"


@contextlib.contextmanager
def _quiet_sdk() -> t.Iterator[None]:
    """Keep the SDK's loggers above DEBUG, at which they log whole requests and responses with the tokens."""
    names = {"boto3", "botocore", "urllib3", *filter(_SDK_LOGGERS.match, list(logging.root.manager.loggerDict))}
    before = {name: logging.getLogger(name).level for name in names}
    for name, level in before.items():
        logging.getLogger(name).setLevel(max(level, logging.INFO))
    try:
        yield
    finally:
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)
