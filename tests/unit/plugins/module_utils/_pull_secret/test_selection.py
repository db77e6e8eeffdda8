# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import re

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils._errors import OptionError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.api import Namespace
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.selection import Selection, select

PRESENT = {name: Namespace(name) for name in ("default", "team-a", "team-b", "kube-system")}
WITH_TERMINATING = {**PRESENT, "team-c": Namespace("team-c", terminating=True)}

SELECTIONS = {
    "names keep their order, once each": (
        Selection(("team-b", "default", "team-b")),
        {"team-b": None, "default": None},
    ),
    "a glob": (Selection(("team-*",)), {"team-a": None, "team-b": None}),
    "all but some": (Selection(("*",), ("kube-*", "default")), {"team-a": None, "team-b": None}),
    "a named one may be excluded": (Selection(("team-a", "team-b"), ("team-b",)), {"team-a": None}),
    "a missing one": (Selection(("nowhere",)), {"nowhere": "missing_namespace"}),
    "one that the selector left out": (Selection(("nowhere",), selector="a=b"), {"nowhere": "not_selected"}),
    "a character class": (Selection(("team-[ab]",)), {"team-a": None, "team-b": None}),
}


@pytest.mark.parametrize("case", SELECTIONS)
def test_select(case: str) -> None:
    selection, expected = SELECTIONS[case]
    assert dict(select(selection, PRESENT).namespaces) == expected


def test_terminating_is_a_problem_if_named_and_skipped_if_globbed() -> None:
    assert select(Selection(("team-c",)), WITH_TERMINATING).namespaces == {"team-c": "terminating"}
    globbed = select(Selection(("team-*",)), WITH_TERMINATING)
    assert set(globbed.namespaces) == {"team-a", "team-b"}
    assert globbed.skipped == ("team-c",)
    both = select(Selection(("team-c", "team-*")), WITH_TERMINATING)
    assert both.namespaces["team-c"] == "terminating"
    assert both.skipped == ()


def test_a_glob_without_a_match_is_reported() -> None:
    assert select(Selection(("x-*", "team-*")), PRESENT).unmatched_globs == ("x-*",)


def test_without_a_list_named_namespaces_count_as_existing() -> None:
    assert select(Selection(("nowhere",)), None).namespaces == {"nowhere": None}


@pytest.mark.parametrize(
    "name",
    [
        "Team",
        "a_b",
        "",
        "-a",
        "a" * 64,
        "a/b",
        "a b",
        "- a",
        "team-*, x",
        '["a"',
        "['a']",
        "[a",
        "team-[]",
        "Team-*",
        "{a,b}-*",
        "*|b",
        "a.*",
        "a]*",
        "[!]*",
        "a b*",
        "*$",
        "[a-]*",
        "*\n",
    ],
)
def test_what_no_namespace_can_match_is_rejected(name: str) -> None:
    words = re.escape(f"{name!r} cannot be a namespace")
    with pytest.raises(OptionError, match=f"^namespaces: {words}"):
        Selection(("a", name))
    with pytest.raises(OptionError, match=f"^exclude_namespaces: {words}"):
        Selection(("*",), ("kube-*", name))


def test_an_empty_list_of_names_is_rejected() -> None:
    with pytest.raises(OptionError, match="empty"):
        Selection(())


@pytest.mark.parametrize(
    ("selection", "needed"),
    [(Selection(("a",)), False), (Selection(("a*",)), True), (Selection(("a",), selector="x"), True)],
)
def test_when_a_list_is_needed(selection: Selection, needed: bool) -> None:
    assert selection.needs_list is needed
