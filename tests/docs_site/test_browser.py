# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each page in headless Chromium, as wide as a phone and as a desktop: nothing is cut off or loaded from elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest
from selenium import webdriver

from docs_site.browser import LOADED, WIDTHS, show, take_screenshot
from docs_site.places import PAGES, SCREENSHOTS, SITE


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_fits_the_window(chromium: webdriver.Chrome, page: Path, width: int) -> None:
    wider = show(chromium, page.as_uri(), width)
    take_screenshot(chromium, SCREENSHOTS / f"{page.stem}-{width}.png", width)
    assert wider == []
    loaded = chromium.execute_script(LOADED)
    assert [address for address in loaded if not address.startswith(SITE.as_uri())] == []


@pytest.mark.parametrize(
    ("content", "number"),
    [
        ("<pre style='overflow: auto'>{}</pre>", 0),
        ("<p>{}</p>", 1),
        ("<div style='overflow: hidden'><p style='width: 500px'>{}</p></div>", 1),
    ],
)
def test_wide_content_is_found(chromium: webdriver.Chrome, tmp_path: Path, content: str, number: int) -> None:
    page = tmp_path / "page.html"
    page.write_text(f"<!DOCTYPE html><body><div role='main'>{content.format('x' * 200)}</div>")
    assert bool(show(chromium, page.as_uri(), WIDTHS[0])) == bool(number)
