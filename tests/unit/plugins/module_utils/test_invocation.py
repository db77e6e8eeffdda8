# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options in a result: no secret, whatever their shape is, and the rest as it was."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils._invocation import MASK, NO_LOG, shown
from ansible_collections.freshpull.ecr_public.plugins.module_utils._options import TOKEN

SECRET = "never-shown"
SPEC: dict[str, Any] = {
    "name": {"type": "str", "aliases": ["secret"]},
    "key": {"type": "str", "no_log": True},
    "token": TOKEN,
    "headers": {"type": "dict", "options": {"agent": {}, "auth": {"no_log": True}}},
    "labels": {"type": "dict"},
}
PARAMS: dict[str, Any] = {
    "an option that does not exist": {"tokn": SECRET},
    "an option of another module": {"aws": {"secret_key": SECRET}},
    "a dict for a text": {"key": {"a": SECRET}},
    "a text for a dict": {"headers": SECRET},
    "a list for a dict": {"headers": [SECRET]},
    "a list of dicts for a dict": {"headers": [{"auth": SECRET}]},
    "an unknown suboption": {"headers": {"authorization": SECRET}},
    "a token": {"token": {"password": SECRET, "authorization_token": SECRET, "dockerconfigjson": SECRET}},
}


@pytest.mark.parametrize("case", PARAMS)
def test_no_secret_is_shown(case: str) -> None:
    options = {**PARAMS[case], "name": "a"}
    result = shown(options, SPEC)
    assert SECRET not in json.dumps(result)
    assert result.keys() == options.keys()
    assert result["name"] == "a"


def test_the_rest_stays() -> None:
    options = {
        "name": "default",
        "secret": "default",
        "labels": {"team": "a"},
        "headers": {"agent": "curl", "auth": SECRET},
        "token": {"username": "AWS", "expires_at": "2026-01-01T00:00:00Z", "password": SECRET},
        "key": None,
        "tokn": "x",
    }
    assert shown(options, SPEC) == {
        **options,
        "headers": {"agent": "curl", "auth": NO_LOG},
        "token": {"username": "AWS", "expires_at": "2026-01-01T00:00:00Z", "password": NO_LOG},
        "tokn": MASK,
    }
    assert shown({"token": None, "headers": ""}, SPEC) == {"token": None, "headers": ""}
