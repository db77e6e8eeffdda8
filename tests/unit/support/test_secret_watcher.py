# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The lifetimes of tokens, from observations of secrets."""

from __future__ import annotations

import base64
import json
from types import SimpleNamespace
from typing import Any

import pytest

from support.secret_watcher import (
    EXPIRES_AT,
    Observation,
    lifetimes_at_removal,
    seconds_past_expiry,
    token_changes,
    token_expiry,
)

FRESH, RENEWED, REMOVED, OTHER = (
    Observation(0, "a", 100),
    Observation(60, "a", 160),
    Observation(150, "a", None),
    Observation(5, "b", 90),
)


def test_token_changes_and_lifetimes_at_removal() -> None:
    observations = [FRESH, OTHER, RENEWED, REMOVED, Observation(200, "a", 300)]
    assert token_changes(observations) == [(FRESH, RENEWED), (RENEWED, REMOVED)]
    assert lifetimes_at_removal(observations) == [10]


@pytest.mark.parametrize(
    ("observations", "until", "late"),
    [
        ([FRESH, RENEWED, REMOVED], 1000, {}),
        ([FRESH, RENEWED], 150, {}),
        ([FRESH, RENEWED], 165, {"a": 5}),
        ([FRESH, Observation(103, "a", None), OTHER], 91, {"a": 3, "b": 1}),
    ],
)
def test_seconds_past_expiry(observations: list[Observation], until: float, late: dict[str, float]) -> None:
    assert seconds_past_expiry(observations, until) == late


@pytest.mark.parametrize(
    ("auths", "annotations", "expiry"),
    [
        ({"public.ecr.aws": {}}, {EXPIRES_AT: "1970-01-01T00:01:40Z"}, 100),
        ({}, {EXPIRES_AT: "1970-01-01T00:01:40Z"}, None),
        ({"public.ecr.aws": {}}, None, None),
    ],
)
def test_token_expiry(auths: dict[str, Any], annotations: dict[str, str] | None, expiry: float | None) -> None:
    data = {".dockerconfigjson": base64.b64encode(json.dumps({"auths": auths}).encode()).decode()}
    assert token_expiry(SimpleNamespace(data=data, metadata=SimpleNamespace(annotations=annotations))) == expiry
