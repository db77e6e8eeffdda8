# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One term for each concept, in all texts that a user or a maintainer reads."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PLACES = ("plugins", "roles", "playbooks", "docs/docsite", "extensions", "changelogs", "meta", "*.md")

# What is not written -> what is written instead.
WORDS = {
    r"foreign": "unmanaged",
    r"ours\b|\bour\b": "managed, or the collection",
    r"chosen": "selected",
    r"whoever|somebody|nobody": "the actor's name: the user, an administrator, another controller",
    r"anew": "again; delete and create",
    r"give[sn]? (it )?up|gave (it )?up": "remove, fail open, stop",
    r"tak(e|es|en|ing) (it )?out|taken? away": "remove",
    r"put back": "restore",
    r"bears? with": "retry",
    r"in doubt": "unconfirmed write",
    r"stale|dying|dies\b": "expired, expiring",
    r"life left|life is left": "remaining lifetime",
    r"rights\b": "permissions",
    r"(?<!kube-)(?<!Job )(?<!GitOps )(?<!another )controller\b(?! manager)(?!-credentials)(?!\": True)": "control node",
    r"ask(s|ed|ing)? AWS|AWS (gave|gives)\b": "request a token; AWS returns",
    r"looks? after": "manage",
    r"(?<!recreate_)(?<!connection )refus(e|es|ed|ing|al)\b": "reject; deny (AWS)",
    r"answer(s|ed|ing)?\b": "response, return",
    r"folders?\b": "directory",
    r"marks?\b": "managed metadata; expiry record",
    r"managed hosts?\b": "target host",
    r"as well\b": "also, too",
}
# The page is written by `make bench`, from tests/bench/page.py and its measurements.
GENERATED = ("docs/docsite/rst/guide_benchmarks.rst",)


def texts() -> dict[str, str]:
    listed = subprocess.check_output(["git", "ls-files", "-z", "--", *PLACES], cwd=ROOT, text=True)
    names = [name for name in listed.split("\0") if name and name not in GENERATED]
    return {name: (ROOT / name).read_text(encoding="utf-8") for name in names if not name.endswith((".svg", ".png"))}


def pattern_of(word: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w-])(?:{word})", re.IGNORECASE)


@pytest.mark.parametrize("word", WORDS)
def test_the_vocabulary_is_used(word: str) -> None:
    pattern = pattern_of(word)
    found = [
        f"{name}:{number}: {line.strip()}"
        for name, text in texts().items()
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]
    assert found == [], f"write instead: {WORDS[word]}"


NOT_WRITTEN = (
    "A foreign secret is left alone.",
    "Our marks are removed.",
    "The namespaces that are chosen.",
    "Whoever reads it.",
    "It is made anew.",
    "It was given up and taken out.",
    "A stale token.",
    "The rights of the account.",
    "The controller asked AWS.",
    "The registry refuses it.",
    "No answer came.",
)
WRITTEN = (
    "connection refused",
    "kube-controller-manager and another controller",
    "recreate_refused",
    "benchmark and bookmark",
    "four hours",
)


def test_the_search_finds_what_it_should() -> None:
    def found(text: str) -> bool:
        return any(pattern_of(word).search(text) for word in WORDS)

    assert [text for text in NOT_WRITTEN if not found(text)] == []
    assert [text for text in WRITTEN if found(text)] == []
    assert len(texts()) > 100
