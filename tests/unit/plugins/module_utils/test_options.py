# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import datetime as dt

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.freshpull.ecr_public.plugins.module_utils._errors import OptionError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._options import TOKEN, read_duration, read_registries
from ansible_collections.freshpull.ecr_public.plugins.module_utils._time import format_time
from ansible_collections.freshpull.ecr_public.plugins.module_utils._token import Token

WHOLE = Token(dt.datetime(2099, 1, 1, tzinfo=dt.timezone.utc), "AWS", "never-shown").to_mapping()


def test_the_lookup_s_result_is_accepted_whole_or_in_part() -> None:
    for given in (WHOLE, {key: WHOLE[key] for key in ("password", "expires_at")}):
        result = ArgumentSpecValidator({"token": TOKEN}).validate({"token": dict(given)})
        assert result.error_messages == []
        assert format_time(Token.from_mapping(result.validated_parameters["token"]).expires_at) == WHOLE["expires_at"]


def test_only_the_secret_parts_of_a_token_are_masked() -> None:
    """Masking replaces substrings: the expiry and "AWS" would disappear all over the result."""
    result = ArgumentSpecValidator({"token": TOKEN}).validate({"token": dict(WHOLE)})
    assert result._no_log_values == {WHOLE[key] for key in ("password", "authorization_token", "dockerconfigjson")}


def test_registries_keep_their_order_without_duplicates() -> None:
    given = ["public.ecr.aws", "localhost:5000", "public.ecr.aws"]
    assert read_registries(given) == ("public.ecr.aws", "localhost:5000")


@pytest.mark.parametrize("registry", ["https://public.ecr.aws", "public.ecr.aws/a", "Public.ECR.aws", "", "a:b", "-a"])
def test_invalid_hosts_of_registries(registry: str) -> None:
    with pytest.raises(OptionError, match="registries") as caught:
        read_registries(["public.ecr.aws", registry])
    assert repr(registry) in str(caught.value)


def test_an_empty_list_of_registries() -> None:
    with pytest.raises(OptionError, match=r"registries.*state: absent"):
        read_registries([])


def test_a_duration_names_its_option() -> None:
    assert read_duration("renew_before", "1h30m") == dt.timedelta(minutes=90)
    with pytest.raises(OptionError, match=r"^renew_before: .*'8 hours'"):
        read_duration("renew_before", "8 hours")
