# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of the lookup, and the checks before a request. Private to this collection."""

from __future__ import annotations

import dataclasses
import os
import re
import ssl
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _aws_keys, _proxies
from ansible_collections.freshpull.ecr_public.plugins.module_utils._aws_errors import (
    NO_FIPS,
    CredentialsError,
    EcrPublicError,
    OptionsError,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._names import shortened

# The environment variables of the lookup's options, in order of precedence.
ENVIRONMENT = {
    "access_key": ("AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY"),
    "secret_key": ("AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY"),
    "session_token": ("AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN"),
    "profile": ("AWS_PROFILE", "AWS_DEFAULT_PROFILE"),
    "endpoint_url": ("AWS_URL",),
    "aws_ca_bundle": ("AWS_CA_BUNDLE",),
}

# https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
_ROLE_ARN = re.compile(r"arn:aws[a-z-]*:iam::[0-9]{12}:role/[!-~]+")
_SESSION_NAME = re.compile(r"[A-Za-z0-9_+=,.@-]{2,64}")
_EXTERNAL_ID = re.compile(r"[A-Za-z0-9_+=,.@:/-]{2,1224}")


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


def invalid(options: AwsOptions, names: t.Iterable[str], text: str) -> EcrPublicError:
    """Build the error for options that cannot be used. The modules fail open if the task sets none of them."""
    return OptionsError(text) if options.given.intersection(names) else CredentialsError(text)


def check(options: AwsOptions) -> None:
    """Raise EcrPublicError for options with which no request is possible."""
    present = [name for name in _aws_keys.NAMES if getattr(options, name)]
    if options.profile and present:
        keys = ", ".join(options.origin(name) for name in present)
        raise invalid(
            options,
            ("profile", *present),
            f"Both a profile ({options.profile!r}, from {options.origin('profile')}) and access keys (from {keys}) "
            "are set. Use only one of them. To ignore one, set it to an empty text in the lookup: profile='', or "
            "access_key='', secret_key='', session_token=''.",
        )
    if bool(options.access_key) != bool(options.secret_key):
        have, lack = ("access_key", "secret_key") if options.access_key else ("secret_key", "access_key")
        raise invalid(
            options,
            (have, lack),
            f"There is {options.origin(have)} but no {lack}. Set the option {lack} or {ENVIRONMENT[lack][0]}.",
        )
    mistake = _aws_keys.find(vars(options), options.origin)
    if mistake:
        raise invalid(options, mistake.names, mistake.text)
    if options.endpoint_url and not _proxies.is_usable(options.endpoint_url):
        raise invalid(
            options,
            ("endpoint_url",),
            f"endpoint_url {_proxies.without_user_info(options.endpoint_url)!r} (from {options.origin('endpoint_url')})"
            " is not the address of a server. Use https:// or http://, a host and, if needed, a port.",
        )
    _check_proxies((options.aws_config or {}).get("proxies"))
    if options.validate_certs and options.aws_ca_bundle:
        _check_bundle(options)
    if (options.aws_config or {}).get("use_fips_endpoint"):
        raise OptionsError(f"aws_config has use_fips_endpoint. {NO_FIPS} Remove it.")
    _check_role(options)


def _check_role(options: AwsOptions) -> None:
    """Raise OptionsError for parameters that sts:AssumeRole does not accept, whose names in AWS are others."""
    arn, name, external_id = (
        options.assume_role_arn,
        options.assume_role_session_name,
        options.assume_role_external_id,
    )
    if arn and not _ROLE_ARN.fullmatch(arn):
        raise OptionsError(
            f"assume_role_arn {shortened(arn)!r} is not the ARN of a role. Use one such as "
            "arn:aws:iam::123456789012:role/ecr-public-pull."
        )
    if external_id and not arn:
        raise OptionsError("assume_role_external_id has no effect without assume_role_arn. Set both or neither.")
    if arn and not _SESSION_NAME.fullmatch(name):
        raise OptionsError(
            f"assume_role_session_name {shortened(name)!r} is not valid. Use 2 to 64 letters, digits and characters of "
            "_+=,.@-."
        )
    if external_id and not _EXTERNAL_ID.fullmatch(external_id):
        raise OptionsError(
            "assume_role_external_id is not valid. Use that of the role's trust policy: 2 to 1224 letters, digits and "
            "characters of _+=,.@:/-."
        )


def _check_proxies(proxies: t.Any) -> None:
    """Raise OptionsError for proxies that botocore ignores or cannot use. An address may hold a password."""
    use = "Use a dict such as {'https': 'http://proxy.example.com:3128'}"
    if proxies and not isinstance(proxies, dict):
        raise OptionsError(f"aws_config.proxies is not a dict. {use}.")
    for proxy in filter(None, (proxies or {}).values()):
        # botocore adds a scheme that is missing.
        with_scheme = proxy if "://" in str(proxy) else f"http://{str(proxy).lstrip('/')}"
        if not isinstance(proxy, str) or not _proxies.is_usable(with_scheme):
            raise OptionsError(
                f"aws_config.proxies has an address that cannot be used. {use}, with the scheme http or https, and "
                "percent-encode special characters in its user name and password."
            )


def _check_bundle(options: AwsOptions) -> None:
    bundle = str(options.aws_ca_bundle)
    origin = options.origin("aws_ca_bundle")
    if not os.path.exists(bundle):
        raise invalid(
            options,
            ("aws_ca_bundle",),
            f"There is no aws_ca_bundle {bundle} (from {origin}) on the control node. Correct the path or create the "
            "file.",
        )
    try:
        if os.path.isdir(bundle):
            ssl.create_default_context(capath=bundle)
        else:
            ssl.create_default_context(cafile=bundle)
    except (OSError, ValueError) as error:
        raise invalid(
            options,
            ("aws_ca_bundle",),
            f"aws_ca_bundle {bundle} (from {origin}) has no certificates in PEM format ({type(error).__name__}). Use "
            "a file with the certificates of the authorities.",
        ) from None
