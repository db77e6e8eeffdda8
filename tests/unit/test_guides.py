# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The guides are plain reStructuredText: a repository page, which knows no Sphinx, shows them with working links.

tests/docs_site/conf.py turns the links between guides into links between the pages of the site.
"""

from __future__ import annotations

import io
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from docutils import nodes
from docutils.core import publish_doctree

ROOT = Path(__file__).resolve().parents[2]
RST = ROOT / "docs/docsite/rst"
GUIDES = sorted(RST.glob("*.rst"))
# As on repository pages: no files are included, and no HTML is passed on.
SETTINGS = {"file_insertion_enabled": False, "raw_enabled": False, "report_level": 2}


def parse(text: str) -> tuple[nodes.document, str]:
    """Return the document, and the warnings and errors of docutils."""
    messages = io.StringIO()
    settings: dict[str, Any] = {**SETTINGS, "warning_stream": messages}
    return publish_doctree(text, settings_overrides=settings), messages.getvalue()


@cache
def guide(path: Path) -> nodes.document:
    return parse(path.read_text(encoding="utf-8"))[0]


def anchors(document: nodes.document) -> set[str]:
    """Return the anchors of the sections that are the same by the rules of docutils and of repository pages."""
    sections = document.findall(nodes.section)
    slugs = (
        (section["ids"], re.sub(r"[^\w -]", "", section[0].astext().lower()).replace(" ", "-")) for section in sections
    )
    return {slug for ids, slug in slugs if slug in ids}


def broken(document: nodes.document) -> list[str]:
    """Return the links of a guide, other than addresses, that lead to no guide or to no section."""
    found = []
    for reference in document.findall(nodes.reference):
        link = reference.get("refuri", "")
        if link and not link.startswith("https://"):
            name, _sign, anchor = link.partition("#")
            target = RST / name
            if target not in GUIDES or (anchor and anchor not in anchors(guide(target))):
                found.append(link)
    return found


@pytest.mark.parametrize("path", GUIDES, ids=lambda path: path.stem)
def test_docutils_alone_renders_a_guide(path: Path) -> None:
    assert parse(path.read_text(encoding="utf-8"))[1] == ""


@pytest.mark.parametrize("path", GUIDES, ids=lambda path: path.stem)
def test_links_lead_to_files_and_sections(path: Path) -> None:
    assert broken(guide(path)) == []


@pytest.mark.parametrize("path", GUIDES, ids=lambda path: path.stem)
def test_pictures_exist(path: Path) -> None:
    assert [image["uri"] for image in guide(path).findall(nodes.image) if not (RST / image["uri"]).is_file()] == []


@pytest.mark.parametrize(
    "text", ["See :ref:`a <b>`.", ".. raw:: html\n\n   <p>", ".. toctree::\n\n   a", "An `unknown`_ one."]
)
def test_what_only_sphinx_knows_is_found(text: str) -> None:
    assert parse(text)[1] != ""


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ("guide_security.rst", []),
        ("guide_security.rst#aws-principal", []),
        ("guide_security.html", ["guide_security.html"]),
        ("guide_security.rst#nothing", ["guide_security.rst#nothing"]),
        ("../../../README.md", ["../../../README.md"]),
        ("http://example.com", ["http://example.com"]),
    ],
)
def test_broken_links_are_found(link: str, expected: list[str]) -> None:
    assert broken(parse(f"See `this <{link}>`__.")[0]) == expected


def test_anchors_that_repository_pages_spell_in_another_way_are_not_used() -> None:
    text = "Title\n=====\n\nThe code\n--------\n\nThe user's code\n---------------\n\nThe code_name\n-------------\n"
    assert anchors(parse("Text.\n\n" + text)[0]) == {"title", "the-code"}
