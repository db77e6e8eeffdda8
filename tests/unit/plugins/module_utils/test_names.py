# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils._names import (
    LONGEST,
    SHOWN,
    globs_of,
    is_glob,
    matches,
    names_of,
    shortened,
    some,
)

PATTERNS = ("team-a", "team-*", "team-a", "b?", "[ab]", "team-*")


@pytest.mark.parametrize(("pattern", "glob"), [("team-a", False), ("team-*", True), ("b?", True), ("[ab]", True)])
def test_a_glob_has_a_wildcard(pattern: str, glob: bool) -> None:
    assert is_glob(pattern) is glob


def test_names_and_globs_keep_their_order_and_come_once() -> None:
    assert names_of(PATTERNS) == ("team-a",)
    assert globs_of(PATTERNS) == ("team-*", "b?", "[ab]")


@pytest.mark.parametrize(
    ("name", "found"), [("team-a", True), ("team-", True), ("Team-a", False), ("b1", True), ("b", True), ("c", False)]
)
def test_case_counts(name: str, found: bool) -> None:
    assert matches(name, PATTERNS) is found


def test_a_long_list_is_cut() -> None:
    names = [f"n{number:02}" for number in range(SHOWN + 2)]
    assert some(names[:2]) == "n00, n01"
    assert some(names[:SHOWN]).endswith("n09")
    assert some(names).endswith("n09 and 2 more")


def test_a_long_text_is_cut() -> None:
    assert shortened("x" * LONGEST) == "x" * LONGEST
    assert shortened("x" * 1_000_000) == "x" * LONGEST + "... (1000000 characters)"
