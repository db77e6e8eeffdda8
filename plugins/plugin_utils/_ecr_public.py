# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Gets a token from the ECR Public API; the only file that touches boto3. Private to this collection."""

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
    strange,
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

# The API answers here and nowhere else, whatever the environment, the profile or the options say.
REGION = "us-east-1"
CONNECT_TIMEOUT = 10  # seconds
READ_TIMEOUT = 30  # seconds

# Where the options of the lookup come from when they are not given, first one first.
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
    """The options of the lookup, by the names they have there. repr() shows no secret."""

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
    given: frozenset[str] = frozenset()  # the names that the caller gave; the others are from the environment

    @classmethod
    def from_options(cls, options: t.Mapping[str, t.Any], given: t.Collection[str]) -> AwsOptions:
        """From what a plugin's get_options() returns. Empty text counts as not given, as in amazon.aws."""
        names = {field.name for field in dataclasses.fields(cls)}
        # str() because templating hands out subclasses of it.
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
        """Where the value of an option comes from, for messages."""
        if name not in self.given:
            for variable in ENVIRONMENT.get(name, ()):
                if os.environ.get(variable):
                    return f"the environment variable {variable}"
        return f"the option {name}"

    @property
    def keys(self) -> dict[str, str | None]:
        """As boto3's clients take them."""
        return {
            "aws_access_key_id": self.access_key,
            "aws_secret_access_key": self.secret_key,
            "aws_session_token": self.session_token,
        }

    @property
    def verify(self) -> bool | str | None:
        """As boto3's clients take it; None lets AWS_CA_BUNDLE and the profile's ca_bundle have their say."""
        return (self.aws_ca_bundle or None) if self.validate_certs else False


def fetch_token(options: AwsOptions) -> Token:
    """One GetAuthorizationToken call, after one AssumeRole call if a role is given. Raises EcrPublicError."""
    if not HAS_BOTO3:
        raise LibraryError(missing_required_lib("boto3 and botocore", reason="on the controller"))
    _check(options)
    with _quiet_sdk():
        return _Fetch(options).token()


def _check(options: AwsOptions) -> None:
    """Raises OptionsError for what no AWS call can come of."""
    present = [name for name in KEYS if getattr(options, name)]
    if options.profile and present:
        keys = ", ".join(options.origin(name) for name in present)
        raise OptionsError(
            f"Both a profile ({options.profile!r}, from {options.origin('profile')}) and access keys (from {keys}) "
            "are given, and one of them would be ignored. Unset one, or blank it in the lookup: profile='', or "
            "access_key='', secret_key='', session_token=''."
        )
    if bool(options.access_key) != bool(options.secret_key):
        have, lack = ("access_key", "secret_key") if options.access_key else ("secret_key", "access_key")
        raise OptionsError(
            f"There is {options.origin(have)} but no {lack}: give it too, or set {ENVIRONMENT[lack][0]}."
        )
    for name in present:
        if re.search(r"\s", getattr(options, name)):
            raise OptionsError(
                f"The {name} from {options.origin(name)} has a blank or a line break in it: copy it again, or trim it."
            )
    if options.validate_certs and options.aws_ca_bundle and not os.path.exists(options.aws_ca_bundle):
        raise OptionsError(f"There is no aws_ca_bundle {options.aws_ca_bundle} on the controller.")
    if options.assume_role_external_id and not options.assume_role_arn:
        raise OptionsError("assume_role_external_id has no effect without assume_role_arn: give both or none.")


class _Fetch:
    """The calls of one fetch_token."""

    def __init__(self, options: AwsOptions) -> None:
        self._options = options
        self._call = Call(ACTIONS[0], options.endpoint_url or "ECR Public")
        self._secrets = [text for text in (options.secret_key, options.session_token) if text]

    def token(self) -> Token:
        """Raises EcrPublicError. Without a cause: the SDK's own texts were not written with secrets in mind."""
        try:
            return self._token()
        except sdk.ClientError as error:
            raise self._refused(error) from None
        except sdk.BotoCoreError as error:
            raise self._failed(error) from None

    def _token(self) -> Token:
        keys: dict[str, str | None] = self._options.keys
        session = self._session()
        if self._options.assume_role_arn:
            keys = self._assume_role(session, keys)
        client = self._client(session, "ecr-public", keys, self._options.endpoint_url)
        self._describe(session, client, ACTIONS[0], keys)
        try:
            answer = client.get_authorization_token()
        except (AttributeError, TypeError, ValueError, ResponseParserError) as error:
            # What botocore's parser makes of JSON in another form than the API's own.
            raise strange(self._call, f"it cannot be read as one ({type(error).__name__})") from None
        return _aws_response.read(answer, self._call)

    def _session(self) -> t.Any:
        # AWS_PROFILE has been read already, as the option's default: blanking the option must blank the variable.
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
            raise OptionsError(f"No client for {service} can be made: {self._clean(error)}") from None

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
        """Remember what messages say about the call that comes next."""
        # Once a role is assumed the call is made with other keys than those that were found.
        assumed = action != "sts:AssumeRole" and bool(self._options.assume_role_arn)
        self._call = self._call._replace(action=action, endpoint=client.meta.endpoint_url)
        found = None if keys["aws_access_key_id"] else session.get_credentials()
        region = os.environ.get("AWS_REGION") or session.region_name or ""
        self._call = self._call._replace(
            access_key=(found.access_key if found else keys["aws_access_key_id"]) or "",
            has_session_token=bool(found.token if found else keys["aws_session_token"]),
            source="assumed role" if assumed else found.method if found else self._options.origin("access_key"),
            region=region,
            partition=_partition(session, region),
            role_arn=self._options.assume_role_arn or "",
        )

    def _refused(self, error: t.Any) -> AwsError:
        details, metadata = error.response.get("Error", {}), error.response.get("ResponseMetadata", {})
        call, operation = self._call, error.operation_name
        if operation != call.action.partition(":")[2]:
            # boto3 itself asks for credentials: of a profile's role, of a web identity, of single sign-on.
            action = f"sts:{operation}" if operation.startswith("AssumeRole") else operation
            call = call._replace(action=action, endpoint="AWS, asked for credentials", role_arn="")
        return explain(
            call,
            str(details.get("Code", "Unknown")),
            self._clean(details.get("Message", "")),
            status=metadata.get("HTTPStatusCode", 400),
            retries=metadata.get("RetryAttempts", 0),
        )

    def _failed(self, error: t.Any) -> EcrPublicError:
        text, endpoint = self._clean(error), self._call.endpoint
        if isinstance(error, sdk.ProfileNotFound):
            return OptionsError(
                f"There is no AWS profile {self._options.profile!r} (from {self._options.origin('profile')}) on the "
                "controller, whose ~/.aws/config and ~/.aws/credentials, or AWS_CONFIG_FILE and "
                "AWS_SHARED_CREDENTIALS_FILE, are read. In an execution environment mount them, or use keys."
            )
        if isinstance(error, sdk.UnknownServiceError):
            return LibraryError(f"boto3 {boto3.__version__} on the controller does not know ECR Public: update it.")
        if isinstance(error, sdk.NoCredentialsError):
            return CredentialsError(
                "There are no AWS credentials on the controller, where the lookup runs. Give access_key and "
                "secret_key, or profile, or set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run where an IAM "
                "role is at hand. Rights needed: " + " and ".join(ACTIONS)
            )
        if isinstance(error, sdk.ParamValidationError):
            return OptionsError(f"{self._call.action} cannot be asked for with these options: {text}")
        if isinstance(error, sdk.SSLError):
            return UnreachableError(
                f"The certificate of {endpoint} is not trusted: {text}. Name the authority's file in aws_ca_bundle or "
                "AWS_CA_BUNDLE."
            )
        if isinstance(error, (sdk.ConnectionError, sdk.HTTPClientError)):
            return UnreachableError(
                f"No answer from {endpoint}: {text}. The controller must reach it over HTTPS; where there is a proxy, "
                "set HTTPS_PROXY."
            )
        return AwsError(f"{self._call.action} could not be asked for: {text}")

    def _clean(self, text: object) -> str:
        """Text of the SDK, in which none of the secrets that we know of is left."""
        cleaned = str(text).strip().rstrip(".")
        for secret in self._secrets:
            cleaned = cleaned.replace(secret, "********")
        return cleaned


def _config(aws_config: dict[str, t.Any] | None) -> t.Any:
    """The given botocore configuration over ours. Raises OptionsError."""
    ours = Config(connect_timeout=CONNECT_TIMEOUT, read_timeout=READ_TIMEOUT, user_agent_extra="freshpull.ecr_public")
    given = dict(aws_config or {})
    try:
        # Else a number of attempts alone would bring back botocore's legacy mode, which tries without waiting enough.
        given["retries"] = {"mode": "standard", **(given.get("retries") or {})}
        return ours.merge(Config(**given))
    except (TypeError, ValueError, sdk.BotoCoreError) as error:
        raise OptionsError(f"aws_config is not a botocore configuration: {error}") from None


def _partition(session: t.Any, region: str) -> str:
    """Of a region; aws too for one that does not exist, since it only serves a hint."""
    try:
        return str(session.get_partition_for_region(region)) if region else "aws"
    except sdk.UnknownRegionError:
        return "aws"


@contextlib.contextmanager
def _quiet_sdk() -> t.Iterator[None]:
    """At DEBUG the SDK logs requests and answers whole, tokens included: keep it above, whoever turned that on."""
    names = {"boto3", "botocore", "urllib3", *filter(_SDK_LOGGERS.match, list(logging.root.manager.loggerDict))}
    before = {name: logging.getLogger(name).level for name in names}
    for name, level in before.items():
        logging.getLogger(name).setLevel(max(level, logging.INFO))
    try:
        yield
    finally:
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)
