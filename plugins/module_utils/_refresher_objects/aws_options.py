# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read and check the options of ecr_public_refresher for its access to AWS. Private to this collection."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _proxies
from ansible_collections.freshpull.ecr_public.plugins.module_utils._errors import OptionError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._names import is_dns_subdomain
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.pod_options import check_image
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.settings import (
    AWS_SECRET,
    OF_A_ROLE,
    ROLES_ANYWHERE,
    AwsAccess,
    RolesAnywhere,
)

SPEC: dict[str, t.Any] = {
    "aws_auth": {
        "type": "str",
        "choices": [
            "secret",
            "existing_secret",
            "irsa",
            "pod_identity",
            "web_identity",
            "ambient",
            ROLES_ANYWHERE,
        ],
    },
    "aws_access_key": {"type": "str", "no_log": False},
    "aws_secret_key": {"type": "str", "no_log": True},
    "aws_existing_secret": {"type": "str", "no_log": False},
    "role_arn": {"type": "str", "default": ""},
    "external_id": {"type": "str", "default": ""},
    "audience": {"type": "str", "default": "sts.amazonaws.com"},
    "trust_anchor_arn": {"type": "str", "default": ""},
    "profile_arn": {"type": "str", "default": ""},
    "certificate_secret": {"type": "str", "default": "", "no_log": False},
    "roles_anywhere_image": {
        "type": "str",
        "default": "public.ecr.aws/rolesanywhere/credential-helper:1.8.1-2026.04.09.16.01",
    },
    "roles_anywhere_resources": {
        "type": "dict",
        "default": {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"memory": "128Mi"}},
    },
    "aws_endpoint_url": {"type": "str", "default": ""},
}

_ACCESS_KEY = re.compile(r"AKIA[A-Z0-9]{12,}")
_SECRET_KEY = re.compile(r"[!-~]{16,}")
# No line break and no space, since the value is written into a configuration file.
_ROLE_ARN = re.compile(r"(arn:aws:iam::[0-9]{12}:role/[A-Za-z0-9_+=,.@/-]+)?")
_EXTERNAL_ID = re.compile(r"([A-Za-z0-9_+=,.@:/-]{2,1224})?")
_AUDIENCE = re.compile(r"[!-~]+")
_ENDPOINT = re.compile(r"https?://[A-Za-z0-9.:\[\]-]+(/[!-~]*)?")
_ANYWHERE_ARN = r"arn:aws:rolesanywhere:([a-z0-9-]+):[0-9]{{12}}:{}/[A-Za-z0-9-]+"
# Option -> the kind of resource in its ARN.
_ANYWHERE = {"trust_anchor_arn": "trust-anchor", "profile_arn": "profile"}


def read(params: t.Mapping[str, t.Any]) -> AwsAccess:
    """Read the options. Raises OptionError, without any key."""
    kind = params["aws_auth"]
    if not kind or (kind == "existing_secret" and not params["aws_existing_secret"]):
        raise OptionError(
            "aws_auth: the refresher needs AWS access of its own, since the credentials of the control node are never "
            "copied. Use irsa, pod_identity, web_identity, roles_anywhere or ambient, which need no AWS keys in the "
            "cluster, secret (with aws_access_key and aws_secret_key) or existing_secret (with aws_existing_secret)."
        )
    if kind == "existing_secret":
        _check_name("aws_existing_secret", params)
    if kind == "secret" and not (
        _ACCESS_KEY.fullmatch(params["aws_access_key"] or "") and _SECRET_KEY.fullmatch(params["aws_secret_key"] or "")
    ):
        # The message contains no value.
        raise OptionError(
            "aws_access_key and aws_secret_key: use the AWS access key of an IAM user, which begins with AKIA, and its "
            "AWS secret key. Temporary keys (ASIA) are rejected: once they expire, the refresher cannot renew the pull "
            "secrets."
        )
    _check_role(params, kind)
    if not _AUDIENCE.fullmatch(params["audience"]):
        raise OptionError(
            f"audience: {params['audience']!r} cannot be an audience. Use that of the identity provider in IAM, most "
            "often sts.amazonaws.com."
        )
    endpoint_url = params["aws_endpoint_url"]
    if endpoint_url and not (_ENDPOINT.fullmatch(endpoint_url) and _proxies.is_usable(endpoint_url)):
        # The value may hold a password.
        raise OptionError(
            "aws_endpoint_url: use an address such as https://api.ecr-public.us-east-1.amazonaws.com, without a user "
            "name and a password: everyone who can read the ConfigMap with the settings would see them."
        )
    return AwsAccess(
        kind,
        access_key=params["aws_access_key"] or "",
        secret_key=params["aws_secret_key"] or "",
        existing_secret=params["aws_existing_secret"] or "",
        role_arn=params["role_arn"],
        external_id=params["external_id"],
        audience=params["audience"],
        endpoint_url=endpoint_url,
        roles_anywhere=_roles_anywhere(params) if kind == ROLES_ANYWHERE else None,
    )


def _check_name(option: str, params: t.Mapping[str, t.Any]) -> None:
    if not is_dns_subdomain(params[option]):
        raise OptionError(
            f"{option}: {params[option]!r} cannot be the name of a secret. Use lower-case letters, digits, '-' and '.'."
        )
    if params[option] == AWS_SECRET:
        raise OptionError(
            f"{option}: {AWS_SECRET} is the name of the Secret that this module itself creates and deletes. Use "
            "another name for yours."
        )


def _check_role(params: t.Mapping[str, t.Any], kind: str) -> None:
    arn, external_id = params["role_arn"], params["external_id"]
    if not _ROLE_ARN.fullmatch(arn) or (kind in OF_A_ROLE and not arn):
        raise OptionError(
            f"role_arn: {arn!r} is not the ARN of a role in the partition aws, the only one that has ECR Public. Use "
            "an ARN such as arn:aws:iam::123456789012:role/ecr-public-pull. aws_auth irsa, web_identity and "
            "roles_anywhere require it."
        )
    if external_id and (not _EXTERNAL_ID.fullmatch(external_id) or not arn or kind in OF_A_ROLE):
        raise OptionError(
            "external_id: use 2 or more letters, digits and characters of _+=,.@:/-, and set role_arn. irsa, "
            "web_identity and roles_anywhere have no external ID: name the service account or the trust anchor in the "
            "role's trust policy instead."
        )


def _roles_anywhere(params: t.Mapping[str, t.Any]) -> RolesAnywhere:
    regions = []
    for option, resource in _ANYWHERE.items():
        found = re.fullmatch(_ANYWHERE_ARN.format(resource), params[option])
        if not found:
            raise OptionError(
                f"{option}: {params[option]!r} is not an ARN such as "
                f"arn:aws:rolesanywhere:eu-central-1:123456789012:{resource}/01234567-89ab-cdef-0123-456789abcdef. "
                "aws_auth roles_anywhere requires it."
            )
        regions.append(found.group(1))
    if regions[0] != regions[1]:
        # The sidecar does not report this.
        raise OptionError(
            f"trust_anchor_arn and profile_arn: their regions, {regions[0]} and {regions[1]}, must be the same. Create "
            "the profile in the region of the trust anchor."
        )
    if not params["certificate_secret"]:
        raise OptionError(
            "certificate_secret: name a Secret of the type kubernetes.io/tls in the refresher's namespace. aws_auth "
            "roles_anywhere requires it."
        )
    _check_name("certificate_secret", params)
    check_image("roles_anywhere_image", params["roles_anywhere_image"], SPEC["roles_anywhere_image"]["default"])
    return RolesAnywhere(
        params["trust_anchor_arn"],
        params["profile_arn"],
        params["certificate_secret"],
        params["roles_anywhere_image"],
        params["roles_anywhere_resources"],
    )
