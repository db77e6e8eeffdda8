# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options with which no request is possible: an error of the task if it set one of them."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils._aws_errors import (
    CredentialsError,
    EcrPublicError,
    OptionsError,
)
from ansible_collections.freshpull.ecr_public.plugins.plugin_utils._aws_options import AwsOptions, check

USER: dict[str, Any] = {"access_key": "AKIAIOSFODNN7EXAMPLE", "secret_key": "never-shown"}
INVALID: dict[str, tuple[dict[str, Any], str]] = {
    "a session token of another key": ({**USER, "session_token": "never-shown"}, "Remove the session token"),
    "single quotes": ({**USER, "secret_key": "'never-shown'"}, "The secret_key from .* has quotes around it"),
    "a double quote": ({**USER, "secret_key": 'never-shown"'}, "The secret_key from .* has quotes around it"),
    "a line break": ({**USER, "secret_key": "never-shown\n"}, "contains a space or a line break"),
    "a key alone": ({"access_key": USER["access_key"]}, "no secret_key"),
    "a profile and a key": ({**USER, "profile": "ci"}, "Both a profile"),
    "no such bundle": ({"aws_ca_bundle": "/nowhere/ca.pem"}, "There is no aws_ca_bundle"),
    "no PEM": ({"aws_ca_bundle": __file__}, "has no certificates in PEM format"),
}


@pytest.mark.parametrize("case", INVALID)
@pytest.mark.parametrize(("given", "kind"), [(True, OptionsError), (False, CredentialsError)])
def test_the_source_decides_whose_error_it_is(case: str, given: bool, kind: type[EcrPublicError]) -> None:
    options, words = INVALID[case]
    with pytest.raises(kind, match=words) as caught:
        check(AwsOptions(**options, given=frozenset(options if given else ())))
    assert "never-shown" not in str(caught.value)


def test_valid_options_are_accepted() -> None:
    check(AwsOptions(**USER))
    check(AwsOptions(**{**USER, "access_key": "ASIAIOSFODNN7EXAMPLE"}, session_token="never-shown"))
    check(AwsOptions(aws_ca_bundle="/nowhere/ca.pem", validate_certs=False))


def test_a_fips_endpoint_does_not_exist() -> None:
    with pytest.raises(OptionsError, match="ECR Public has no FIPS endpoint"):
        check(AwsOptions(aws_config={"use_fips_endpoint": True}))
