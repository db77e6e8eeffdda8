# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each page in headless Chromium, as wide as a phone and as a desktop: nothing is cut off or loaded from elsewhere."""

from __future__ import annotations

import base64
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium import webdriver

from docs_site.places import PAGES, SCREENSHOTS, SITE

WIDTHS = (360, 1200)
HEIGHT = 800
HIGHEST = 16_000
"""Chromium cuts off higher screenshots."""
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND",
)
# What is wider than the window, unless it is inside a box that scrolls. The page itself must not be such a box.
WIDER = """
const scrolls = (element) => ["auto", "scroll"].includes(getComputedStyle(element).overflowX);
const page = document.querySelector("[role=main]");
const inBox = (element) =>
  element !== page && page.contains(element) && (scrolls(element) || inBox(element.parentElement));
const name = (element) => `${element.tagName}.${element.className}: ${element.textContent.trim().slice(0, 60)}`;
const end = (element) => element.getBoundingClientRect().left + Math.max(element.offsetWidth || 0, element.scrollWidth);
const wider = [...document.querySelectorAll("body *")].filter((element) => end(element) > innerWidth + 1)
  .filter((element) => !scrolls(element) && !inBox(element.parentElement));
if (document.scrollingElement.scrollWidth > innerWidth) wider.push(document.scrollingElement);
return wider.map(name);
"""
LOADED = 'return performance.getEntriesByType("resource").map((entry) => entry.name);'


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    """Start Chromium with a new profile."""
    options = webdriver.ChromeOptions()
    options.binary_location = str(shutil.which("chromium") or shutil.which("google-chrome"))
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('chromium')}"):
        options.add_argument(flag)
    driver = webdriver.Chrome(options, webdriver.ChromeService(shutil.which("chromedriver")))
    yield driver
    driver.quit()


def show(driver: webdriver.Chrome, address: str, width: int) -> list[str]:
    """Open a page in a window of this width, and return what is wider than the window."""
    window = {"width": width, "height": HEIGHT, "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", window)
    driver.get(address)
    wider: list[str] = driver.execute_script(WIDER)
    return wider


def take_screenshot(driver: webdriver.Chrome, path: Path, width: int) -> None:
    """Write a picture of the whole page."""
    height = min(driver.execute_script("return document.scrollingElement.scrollHeight;"), HIGHEST)
    picture = {
        "captureBeyondViewport": True,
        "clip": {"x": 0, "y": 0, "width": width, "height": height, "scale": 1},
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(base64.b64decode(driver.execute_cdp_cmd("Page.captureScreenshot", picture)["data"]))


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
