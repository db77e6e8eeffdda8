# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The check of links finds what is broken, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest

from docs_site.links import check, main

OTHER = '<h1 id="top">Other</h1><a name="old name">Here</a>'


def site(directory: Path, link: str) -> Path:
    (directory / "sub").mkdir()
    (directory / "style.css").write_text("")
    (directory / "other.html").write_text(OTHER)
    (directory / "sub/page.html").write_text(f'<a id="here" href="{link}">A link</a>')
    return directory


@pytest.mark.parametrize(
    "link", ["#", "#here", "../other.html", "../other.html#top", "../other.html#old%20name", "../style.css?v=1"]
)
def test_links_that_work(tmp_path: Path, link: str) -> None:
    found = check(site(tmp_path, link))
    assert (found.pages, found.inside, found.broken, found.outside) == (2, 1, [], set())


@pytest.mark.parametrize(
    "link", ["", "..", "other.html", "../other.html#here", "#top", "../style.css#top", "/other.html"]
)
def test_links_that_are_broken(tmp_path: Path, link: str) -> None:
    assert check(site(tmp_path, link)).broken == [f"sub/page.html: {link}"]


@pytest.mark.parametrize("link", ["https://example.com/#top", "//example.com", "mailto:a@example.com"])
def test_addresses_outside_are_listed(tmp_path: Path, link: str) -> None:
    found = check(site(tmp_path, link))
    assert (found.inside, found.broken, found.outside) == (0, [], {link})


def test_the_site_may_be_a_relative_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(site(tmp_path, "../other.html#top").parent)
    assert check(Path(tmp_path.name)).broken == []


def test_a_picture_is_a_link_too(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text('<img src="missing.svg">')
    assert check(tmp_path).broken == ["page.html: missing.svg"]


def test_a_broken_link_is_a_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(site(tmp_path, "../other.html")) == 0
    (tmp_path / "other.html").unlink()
    assert main(tmp_path) == 1
    assert "sub/page.html: ../other.html" in capsys.readouterr().err
