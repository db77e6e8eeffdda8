# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The refresher's objects are those that the role's templates make."""

from __future__ import annotations

import json
from typing import Any

import pytest

from support.manifests import rendered
from support.refresher_settings import CASES, objects

Object = dict[str, Any]


@pytest.fixture(scope="module")
def by_role(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Object]]:
    return rendered(tmp_path_factory.mktemp("rendered"))


def plain(content: Any) -> Any:
    """Without what may differ: the layout of CEL and JSON, the words of messages, and keys without a value."""
    if isinstance(content, dict):
        shown = {key: plain(value) for key, value in content.items() if key not in ("message", "expression")}
        if "policy.json" in shown:
            shown["policy.json"] = json.loads(shown["policy.json"])
        return {key: value for key, value in shown.items() if value != {}}
    return [plain(each) for each in content] if isinstance(content, list) else content


@pytest.mark.parametrize("case", CASES)
def test_objects_equal_those_of_the_templates(by_role: dict[str, list[Object]], case: str) -> None:
    found = {(each["kind"], each["metadata"].get("namespace", "")): each for each in objects(CASES[case])}
    theirs = {(each["kind"], each["metadata"].get("namespace", "")): each for each in by_role[case]}
    assert set(found) == set(theirs)
    for key, wanted in theirs.items():
        assert plain(found[key]) == plain(wanted), key
