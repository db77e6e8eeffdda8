# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Label selectors as requirements, and globs as regular expressions."""

from __future__ import annotations

import fnmatch
import itertools
import re

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils._names import is_glob, matches_namespaces
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.selector import (
    Requirement,
    SelectorError,
    pattern,
    requirements,
)

SELECTORS = {
    "": (),
    "a=b": (Requirement("a", ("b",)),),
    "a==b": (Requirement("a", ("b",)),),
    "a=": (Requirement("a", ("",)),),
    "a!=b": (Requirement("a", ("b",), negate=True),),
    "a in (b, c)": (Requirement("a", ("b", "c")),),
    "a notin (b,c)": (Requirement("a", ("b", "c"), negate=True),),
    "example.com/a": (Requirement("example.com/a"),),
    "!a": (Requirement("a", negate=True),),
    " a = b , ! c ": (Requirement("a", ("b",)), Requirement("c", negate=True)),
    "a in (b),c,d!=e": (Requirement("a", ("b",)), Requirement("c"), Requirement("d", ("e",), negate=True)),
}
REJECTED = ["a>1", "a=b,", "a b", "!a=b", "!a in (b)", "a in b", "a in (b", "a=b=c", ",", "a=(b)", "ä=b", "a='b'"]


@pytest.mark.parametrize("selector", SELECTORS)
def test_requirements(selector: str) -> None:
    assert requirements(selector) == SELECTORS[selector]


@pytest.mark.parametrize("selector", REJECTED)
def test_an_invalid_selector_is_rejected(selector: str) -> None:
    with pytest.raises(SelectorError):
        requirements(selector)


GLOBS = [*map("".join, itertools.product("ab-*?", repeat=3)), "*", "a", "[ab]*", "[!a]?", "a[a-b]", "[!a-b]*"]
NAMES = ["".join(name) for length in (1, 2, 3) for name in itertools.product("abc-", repeat=length)]


def test_the_pattern_matches_what_the_globs_match() -> None:
    assert [glob for glob in GLOBS if is_glob(glob) and not matches_namespaces(glob)] == []
    for globs in ([], *([glob] for glob in GLOBS), *itertools.pairwise(GLOBS)):
        matches = re.compile(pattern(globs)).search
        expected = {name for name in NAMES if any(fnmatch.fnmatchcase(name, glob) for glob in globs)}
        assert {name for name in NAMES if matches(name)} == expected, globs
