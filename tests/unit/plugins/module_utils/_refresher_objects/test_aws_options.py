# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of ecr_public_refresher for its access to AWS: which values are rejected, and in which words."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.freshpull.ecr_public.plugins.module_utils._errors import OptionError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects import aws_options
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.settings import AwsAccess
from support.refresher_settings import ANYWHERE, ARN, KEYS, PROFILE, TRUST_ANCHOR, WITH_CERTIFICATE, WITH_KEYS

CASES: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "no keys": ({"aws_auth": "secret"}, ("AKIA",)),
    "temporary keys": ({**KEYS, "aws_access_key": "ASIA" + "A" * 16}, ("Temporary keys",)),
    "no name of the secret": ({"aws_auth": "existing_secret"}, ("existing_secret",)),
    "the refresher's own secret": (
        {"aws_auth": "existing_secret", "aws_existing_secret": "refresh-ecr-public-token-aws"},
        ("Use another name for yours",),
    ),
    "an existing secret": ({"aws_auth": "existing_secret", "aws_existing_secret": "keys"}, ()),
    "a secret that cannot be": (
        {"aws_auth": "existing_secret", "aws_existing_secret": "My keys"},
        ("aws_existing_secret: 'My keys' cannot be the name of a secret",),
    ),
    "an endpoint": (
        {**KEYS, "aws_endpoint_url": "https://vpce-1.api.ecr-public.us-east-1.vpce.amazonaws.com/"},
        (),
    ),
    "an endpoint without a scheme": (
        {**KEYS, "aws_endpoint_url": "vpce.example.com"},
        ("aws_endpoint_url: use an address such as https",),
    ),
    "an endpoint without a valid port": (
        {**KEYS, "aws_endpoint_url": "https://vpce.example.com:99999"},
        ("aws_endpoint_url: use an address",),
    ),
    "an endpoint without a host": ({**KEYS, "aws_endpoint_url": "https://:443"}, ("aws_endpoint_url: use an address",)),
    "an endpoint in two lines": (
        {**KEYS, "aws_endpoint_url": "https://vpce.example.com\n"},
        ("aws_endpoint_url: use an address",),
    ),
    "an endpoint with a password": (
        {**KEYS, "aws_endpoint_url": "https://me:never-said@vpce.example"},
        ("without a user name",),
    ),
    "web identity": ({"aws_auth": "web_identity", "role_arn": ARN}, ()),
    "web identity without a role": ({"aws_auth": "web_identity"}, ("role_arn",)),
    "irsa": ({"aws_auth": "irsa", "role_arn": ARN, "audience": "my-audience"}, ()),
    "irsa without a role": ({"aws_auth": "irsa"}, ("role_arn",)),
    "pod identity": ({"aws_auth": "pod_identity"}, ()),
    "ambient": ({"aws_auth": "ambient"}, ()),
    "a role with an external ID": ({**KEYS, "role_arn": ARN, "external_id": "partner"}, ()),
    "China": ({**KEYS, "role_arn": ARN.replace("aws", "aws-cn")}, ("in the partition aws",)),
    "a role in two lines": ({**KEYS, "role_arn": f"{ARN}\nregion = x"}, ("role_arn",)),
    "an external ID without a role": ({**KEYS, "external_id": "partner"}, ("external_id",)),
    "an external ID in two lines": ({**KEYS, "role_arn": ARN, "external_id": "a\nb"}, ("external_id",)),
    "an external ID with web identity": (
        {"aws_auth": "web_identity", "role_arn": ARN, "external_id": "partner"},
        ("in the role's trust policy",),
    ),
    "roles anywhere": (ANYWHERE, ()),
    "roles anywhere without a role": ({**ANYWHERE, "role_arn": ""}, ("roles_anywhere require it",)),
    "roles anywhere with an external ID": (
        {**ANYWHERE, "external_id": "partner"},
        ("the trust anchor in the role's trust policy",),
    ),
    "no trust anchor": (
        {**ANYWHERE, "trust_anchor_arn": ""},
        ("trust_anchor_arn: ''", ":trust-anchor/", "requires it"),
    ),
    "a profile as the trust anchor": ({**ANYWHERE, "trust_anchor_arn": PROFILE}, ("trust_anchor_arn: '",)),
    "a trust anchor in two lines": (
        {**ANYWHERE, "trust_anchor_arn": f"{TRUST_ANCHOR}\n--debug"},
        ("trust_anchor_arn: '",),
    ),
    "a trust anchor in China": (
        {**ANYWHERE, "trust_anchor_arn": TRUST_ANCHOR.replace("aws", "aws-cn", 1)},
        ("trust_anchor_arn: '",),
    ),
    "no profile": ({**ANYWHERE, "profile_arn": ""}, ("profile_arn: ''", ":profile/")),
    "a profile in another region": (
        {**ANYWHERE, "profile_arn": PROFILE.replace("eu-central-1", "us-east-1")},
        ("eu-central-1 and us-east-1, must be the same",),
    ),
    "no certificate": ({**ANYWHERE, "certificate_secret": ""}, ("certificate_secret: name a Secret",)),
    "the refresher's own secret as the certificate": (
        {**ANYWHERE, "certificate_secret": "refresh-ecr-public-token-aws"},
        ("certificate_secret: refresh-ecr-public-token-aws is", "Use another name for yours"),
    ),
    "a certificate that cannot be": (
        {**ANYWHERE, "certificate_secret": "My certificate"},
        ("certificate_secret: 'My certificate' cannot be the name of a secret",),
    ),
    "a sidecar without a tag": (
        {**ANYWHERE, "roles_anywhere_image": "public.ecr.aws/rolesanywhere/credential-helper"},
        ("roles_anywhere_image: 'public", "a tag or a digest", "mirror/credential-helper@sha256:"),
    ),
    "a sidecar from a mirror": ({**ANYWHERE, "roles_anywhere_image": f"registry.example.com/a@sha256:{'0' * 64}"}, ()),
    "options of roles anywhere, not used": ({**KEYS, "trust_anchor_arn": "later", "roles_anywhere_image": "a"}, ()),
    "no audience": ({**KEYS, "audience": ""}, ("sts.amazonaws.com",)),
}


def read(given: dict[str, Any]) -> AwsAccess:
    """Read options as the module does."""
    result = ArgumentSpecValidator(aws_options.SPEC).validate(copy.deepcopy(given))
    assert result.error_messages == []
    return aws_options.read(result.validated_parameters)


@pytest.mark.parametrize("name", CASES)
def test_case(name: str) -> None:
    given, rejected = CASES[name]
    if not rejected:
        assert read(given).kind == given["aws_auth"]
        return
    with pytest.raises(OptionError) as caught:
        read(given)
    assert [words for words in rejected if words not in str(caught.value)] == [], caught.value
    assert "never-said" not in str(caught.value)


def test_the_access_has_what_its_kind_needs() -> None:
    assert read(KEYS) == WITH_KEYS
    assert read(ANYWHERE) == WITH_CERTIFICATE
    assert read({**ANYWHERE, **KEYS}).roles_anywhere is None
