# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Mistakes in AWS access keys are named without a value. cases/aws_failures.yml has the whole messages."""

from __future__ import annotations

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _aws_keys

USER = {"access_key": "AKIAIOSFODNN7EXAMPLE", "secret_key": "never-shown"}
MISTAKES = {
    "single quotes": ({"secret_key": "'never-shown'"}, ("secret_key",)),
    "a double quote at the end": ({"secret_key": 'never-shown"'}, ("secret_key",)),
    "a quote at the start": ({"access_key": "'AKIAIOSFODNN7EXAMPLE"}, ("access_key",)),
    "a line break": ({"session_token": "never-shown\n"}, ("session_token",)),
    "a session token of another key": ({"session_token": "never-shown"}, ("access_key", "session_token")),
}


@pytest.mark.parametrize(("changes", "names"), MISTAKES.values(), ids=MISTAKES)
def test_the_wrong_key_and_its_origin_are_named(changes: dict[str, str], names: tuple[str, ...]) -> None:
    found = _aws_keys.find({**USER, **changes}, lambda name: f"the place of {name}")
    assert found is not None
    assert found.names == names
    assert f"{_aws_keys.NAMES[names[0]]} from the place of {names[0]}" in found.text
    assert "never" not in found.text


@pytest.mark.parametrize("keys", [{}, USER, {**USER, "access_key": "ASIAIOSFODNN7EXAMPLE", "session_token": "x"}])
def test_other_keys_are_accepted(keys: dict[str, str]) -> None:
    assert _aws_keys.find(keys, str) is None
