# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Request a token from the ECR Public API. The only file that uses boto3. Private to this collection."""

from __future__ import annotations

import contextlib
import logging
import os
import re
import traceback
import typing as t

from ansible.module_utils.basic import missing_required_lib

from ansible_collections.freshpull.ecr_public.plugins.module_utils import (
    _aws_profile,
    _aws_response,
    _proxies,
    _sdk_errors,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._aws_errors import (
    ACTIONS,
    NO_FIPS,
    ON_THE_CONTROL_NODE,
    POLICY_TEXT,
    AwsError,
    Call,
    CredentialsError,
    EcrPublicError,
    LibraryError,
    OptionsError,
    explain,
    response_error,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._masking import masked
from ansible_collections.freshpull.ecr_public.plugins.module_utils._token import Token
from ansible_collections.freshpull.ecr_public.plugins.plugin_utils._aws_options import AwsOptions, check, invalid

try:
    import boto3
    import botocore.credentials
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

_SDK_LOGGERS = re.compile(r"(boto3|botocore|urllib3|s3transfer)(\.|$)")


def fetch_token(options: AwsOptions) -> Token:
    """Call GetAuthorizationToken once, after AssumeRole if a role is set. Raises EcrPublicError."""
    if not HAS_BOTO3:
        raise LibraryError(missing_required_lib("boto3 and botocore", reason="on the control node"))
    check(options)
    with _quiet_sdk():
        return _Fetch(options).token()


class _Fetch:
    """The requests of one fetch_token()."""

    def __init__(self, options: AwsOptions) -> None:
        self._options = options
        self._call = Call(ACTIONS[0], _proxies.without_user_info(options.endpoint_url or "ECR Public"))
        self._secrets = [text for text in (options.secret_key, options.session_token) if text]
        self._secrets += _secrets_of_addresses(options)
        self._region = ""
        # What the SDK reads outside of the options. Keys in variables are the values of options.
        self._outside = {name: value for name, value in os.environ.items() if not name.startswith("AWS_ACCESS_KEY")}
        self._outside["AWS_PROFILE"] = options.profile or ""
        self._loading = False  # whether the SDK loads credentials, which can need requests of its own

    def token(self) -> Token:
        """Request a token. Raises EcrPublicError, without the SDK's error as its cause: that text can hold secrets."""
        try:
            return self._token()
        except EcrPublicError:
            raise
        except sdk.ClientError as error:
            raise self._client_error(error) from None
        except sdk.BotoCoreError as error:
            raise self._sdk_error(error) from None
        except Exception as error:  # noqa: BLE001
            # Providers of credentials read files, start processes and parse responses, and let any exception through.
            raise self._provider_error(error) from None

    def _token(self) -> Token:
        keys: dict[str, str | None] = self._options.keys
        session = self._session()
        default = None if keys["aws_access_key_id"] else self._credentials(session)
        if self._options.assume_role_arn:
            keys = self._assume_role(session, keys, default)
        client = self._client(session, "ecr-public", keys, self._options.endpoint_url)
        self._describe(session, client, ACTIONS[0], keys, default)
        try:
            response = client.get_authorization_token()
        except (AttributeError, TypeError, ValueError, ResponseParserError) as error:
            # The errors of botocore's parser for JSON that is not in the format of the API.
            raise response_error(self._call, f"it cannot be parsed ({type(error).__name__})") from None
        return _aws_response.read(response, self._call)

    def _session(self) -> t.Any:
        # AWS_PROFILE is already read as the option's value. An empty option must also override the variable.
        core = botocore.session.Session(session_vars={"profile": (None, None, None, None)})
        session = boto3.session.Session(botocore_session=core, profile_name=self._options.profile)
        if core.get_config_variable("use_fips_endpoint") and not self._options.endpoint_url:
            setting = _aws_profile.fips_setting(self._outside) or "use_fips_endpoint"
            raise CredentialsError(f"{setting} is set. {NO_FIPS} {ON_THE_CONTROL_NODE.no_fips}")
        self._region = os.environ.get("AWS_REGION") or core.get_config_variable("region") or ""
        # Providers of credentials call STS there, too.
        core.set_config_variable("region", REGION)
        chain = core.get_component("credential_provider")
        if "access_key" in self._options.given and not self._options.access_key:
            # The same for the keys.
            chain.remove("env")
        with contextlib.suppress(sdk.BotoCoreError):
            # A prompt on the control node would wait for ever.
            chain.get_provider("assume-role")._prompter = _reject_prompt
        return session

    def _credentials(self, session: t.Any) -> t.Any:
        """Load credentials outside of the options, once: a silent metadata service takes seconds each time."""
        keys = _aws_profile.keys(self._outside)
        if keys.mistake:
            raise CredentialsError(keys.mistake)
        access_key, has_token = keys.values.get("access_key", ""), "session_token" in keys.values
        self._call = self._call._replace(access_key=access_key, has_session_token=has_token, source=keys.origin)
        self._loading = True
        found = session.get_credentials()
        if found is None:
            raise sdk.NoCredentialsError
        frozen = found.get_frozen_credentials()
        self._loading = False
        self._secrets += [text for text in (frozen.secret_key, frozen.token) if text]
        source = _sdk_errors.SOURCES.get(found.method, found.method)
        if found.method in ("shared-credentials-file", "config-file"):
            source = keys.origin or source
        return _Default(source, frozen.access_key, bool(frozen.token))

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
            problem = f"The client for {service} cannot be created: {self._clean(error)}."
            if endpoint and "endpoint" in str(error):
                raise invalid(self._options, ("endpoint_url",), f"{problem} Correct endpoint_url.") from None
            if "timeout" in str(error).lower():
                raise OptionsError(f"aws_config is not a valid botocore configuration: {self._clean(error)}.") from None
            raise AwsError(f"{problem} {_next_step()}") from None

    def _assume_role(
        self, session: t.Any, keys: dict[str, str | None], default: _Default | None
    ) -> dict[str, str | None]:
        client = self._client(session, "sts", keys)
        self._describe(session, client, "sts:AssumeRole", keys, default)
        request = {
            "RoleArn": self._options.assume_role_arn,
            "RoleSessionName": self._options.assume_role_session_name,
        }
        if self._options.assume_role_external_id:
            request["ExternalId"] = self._options.assume_role_external_id
        if self._options.assume_role_session_policy:
            request["Policy"] = POLICY_TEXT
        try:
            credentials = client.assume_role(**request)["Credentials"]
        except (AttributeError, KeyError, TypeError, ValueError, ResponseParserError) as error:
            raise _sdk_errors.session_error(self._call.endpoint, self._call.action, type(error).__name__) from None
        self._secrets += [credentials["SecretAccessKey"], credentials["SessionToken"]]
        return {
            "aws_access_key_id": credentials["AccessKeyId"],
            "aws_secret_access_key": credentials["SecretAccessKey"],
            "aws_session_token": credentials["SessionToken"],
        }

    def _describe(
        self, session: t.Any, client: t.Any, action: str, keys: dict[str, str | None], default: _Default | None
    ) -> None:
        """Store the details of the next request for error messages. default: credentials outside of the options."""
        # After AssumeRole the request uses the credentials of the role.
        assumed = action != "sts:AssumeRole" and bool(self._options.assume_role_arn)
        # It can come from a variable or a profile, too.
        self._secrets += _proxies.secrets_in(client.meta.endpoint_url)
        self._call = self._call._replace(action=action, endpoint=self._clean(client.meta.endpoint_url))
        used = None if assumed else default
        self._call = self._call._replace(
            access_key=(used.access_key if used else keys["aws_access_key_id"]) or "",
            has_session_token=used.has_token if used else bool(keys["aws_session_token"]),
            source="assumed role" if assumed else used.source if used else self._options.origin("access_key"),
            region=self._region,
            partition=_partition(session, self._region),
            role_arn=self._options.assume_role_arn or "",
        )

    def _client_error(self, error: t.Any) -> EcrPublicError:
        details, metadata = error.response.get("Error", {}), error.response.get("ResponseMetadata", {})
        call, operation, code = self._call, error.operation_name, str(details.get("Code", "Unknown"))
        message = self._clean(details.get("Message", ""))
        if operation != call.action.partition(":")[2]:
            # A request that boto3 itself sends for credentials: profile role, web identity, single sign-on.
            action = f"sts:{operation}" if operation.startswith("AssumeRole") else operation
            place = _place(error)
            url = self._clean(place.url) or ("AWS STS" if action.startswith("sts:") else "AWS")
            file = os.environ.get("AWS_WEB_IDENTITY_TOKEN_FILE", "")
            words = call.words._replace(external_id="external_id of the profile")
            call = call._replace(
                action=action, endpoint=url, role_arn=place.role_arn, web_identity_file=file, words=words
            )
        elif code == "ValidationError" and call.action == "sts:AssumeRole":
            return OptionsError(
                f"{call.endpoint} does not accept assume_role_arn {self._options.assume_role_arn!r}, "
                f"assume_role_session_name {self._options.assume_role_session_name!r} or assume_role_external_id. AWS "
                f"returned: {message}. Correct them."
            )
        status, retries = metadata.get("HTTPStatusCode", 400), metadata.get("RetryAttempts", 0)
        return explain(call, code, message, status=status, retries=retries)

    def _sdk_error(self, error: t.Any) -> EcrPublicError:
        text = self._clean(error)
        if isinstance(error, sdk.ProfileNotFound) and self._options.profile:
            return invalid(
                self._options,
                ("profile",),
                f"There is no AWS profile {self._options.profile!r} (from {self._options.origin('profile')}) on the "
                "control node. Profiles are read from ~/.aws/config and ~/.aws/credentials, or from AWS_CONFIG_FILE "
                "and AWS_SHARED_CREDENTIALS_FILE. In an execution environment mount these files, or use an access "
                "key.",
            )
        if isinstance(error, sdk.UnknownServiceError):
            return LibraryError(
                f"boto3 {boto3.__version__} on the control node does not support ECR Public. Update boto3."
            )

        def proxy_status() -> int:
            return _proxies.status_in(str(error.kwargs.get("error", "")))

        explained = _sdk_errors.explain(text, self._call, os.environ, proxy_status)
        if explained:
            return explained
        if self._loading:
            return _sdk_errors.not_loaded(text, ON_THE_CONTROL_NODE, os.environ)
        return AwsError(f"{self._call.action} failed: {text}. {_next_step()}")

    def _provider_error(self, error: Exception) -> AwsError:
        """Build the error for an exception that is not of the SDK. Its text is left out, since it may hold secrets."""
        place, text = _place(error), self._clean(error)
        if "Unsupported host" in text:
            explained = _sdk_errors.explain(text, self._call, os.environ, lambda: 0)
            if explained:
                return explained
        if place.url and place.method.startswith("assume-role"):
            action = "sts:AssumeRoleWithWebIdentity" if place.method.endswith("web-identity") else "sts:AssumeRole"
            return _sdk_errors.session_error(self._clean(place.url), action, type(error).__name__)
        problem = _sdk_errors.loading_problem(text, os.environ) or type(error).__name__
        return _sdk_errors.not_loaded(problem, ON_THE_CONTROL_NODE, os.environ, place.method)

    def _clean(self, text: object) -> str:
        """Return a text of the SDK in one line, with all known secrets replaced."""
        return " ".join(masked(str(text), self._secrets).split()).rstrip(".")


class _Default(t.NamedTuple):
    """Credentials that the SDK found outside of the options. source: for messages."""

    source: str
    access_key: str
    has_token: bool


class _Place(t.NamedTuple):
    """Where an exception comes from: the name of botocore's credential provider, a URL and the ARN of a role, or ""."""

    method: str
    url: str
    role_arn: str


def _place(error: BaseException) -> _Place:
    method = url = role_arn = ""
    for frame, _line in traceback.walk_tb(error.__traceback__):
        this, client = frame.f_locals.get("self"), frame.f_locals.get("client")
        # Credentials that are loaded later have the name of their provider, too.
        known = getattr(this, "method", "") if isinstance(this, botocore.credentials.Credentials) else ""
        method = str(getattr(this, "METHOD", None) or known or method)
        role_arn = str(getattr(this, "_role_arn", None) or role_arn)
        for each in (this, client):
            url = str(getattr(getattr(each, "meta", None), "endpoint_url", None) or url)
    return _Place(method, url, role_arn)


def _next_step() -> str:
    return _sdk_errors.next_step(ON_THE_CONTROL_NODE, os.environ)


def _secrets_of_addresses(options: AwsOptions) -> list[str]:
    given = (options.aws_config or {}).get("proxies")
    urls = [options.endpoint_url, *_proxies.of_environment(os.environ)]
    urls += given.values() if isinstance(given, dict) else [given]
    return [secret for url in urls for secret in _proxies.secrets_in(url)]


def _reject_prompt(_text: str) -> t.NoReturn:
    raise CredentialsError(
        "The profile needs an MFA code, which a task cannot ask for. Use a role without mfa_serial, or credentials of "
        "a session that was opened with MFA."
    )


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
    """Switch the SDK's loggers off: at DEBUG, and in some warnings, they log whole responses with the tokens."""
    names = {"boto3", "botocore", "urllib3", *filter(_SDK_LOGGERS.match, list(logging.root.manager.loggerDict))}
    before = {name: logging.getLogger(name).level for name in names}
    for name in before:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)
