# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The source of an option decides whose error a mistake is. cases/aws_failures.yml has each mistake."""

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


@pytest.mark.parametrize(("given", "kind"), [("session_token", OptionsError), ("profile", CredentialsError)])
def test_the_source_decides_whose_error_it_is(given: str, kind: type[EcrPublicError]) -> None:
    with pytest.raises(kind, match="Remove the session token") as caught:
        check(AwsOptions(**USER, session_token="never-shown", given=frozenset([given])))
    assert "never-shown" not in str(caught.value)


def test_valid_options_are_accepted() -> None:
    check(AwsOptions(**USER))
    check(AwsOptions(**{**USER, "access_key": "ASIAIOSFODNN7EXAMPLE"}, session_token="never-shown"))
    check(AwsOptions(aws_ca_bundle="/nowhere/ca.pem", validate_certs=False))
