# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No secret value stays in a text from the cluster."""

from __future__ import annotations

import base64

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils._masking import MASK
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.redaction import (
    redacted,
    redacted_object,
)

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
FILE = f"[default]\naws_secret_access_key = {SECRET}\n"


def base64_of(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f"key {SECRET}, again {SECRET}.", f"key {MASK}, again {MASK}."),
        (f"data: {base64_of(SECRET)}", f"data: {MASK}"),
        (f"data: {base64_of(FILE)}!", f"data: {MASK}!"),
        (FILE, MASK),
        (f"aws_secret_access_key = {SECRET}", f"aws_secret_access_key = {MASK}"),
        ("nothing secret", "nothing secret"),
        ("", ""),
    ],
)
def test_each_secret_and_its_base64_is_masked(text: str, expected: str) -> None:
    assert redacted(text, [SECRET, FILE]) == expected


@pytest.mark.parametrize("secret", ["", " ", "\n"])
def test_an_empty_value_masks_nothing(secret: str) -> None:
    assert redacted("a b\nc", [secret]) == "a b\nc"


def test_a_secret_that_cannot_be_encoded_is_no_error() -> None:
    assert redacted("a \ud800b", ["\ud800b"]) == f"a {MASK}"


def test_every_string_of_an_object_is_masked() -> None:
    found = {"status": {"message": f"x{SECRET}", "codes": [1, None, True, [SECRET]]}, "spec": 1.5}
    expected = {"status": {"message": f"x{MASK}", "codes": [1, None, True, [MASK]]}, "spec": 1.5}
    assert redacted_object(found, [SECRET]) == expected
    assert found["status"] != expected["status"]
