# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Headless Chromium without a network, and what is wider than its window."""

from __future__ import annotations

import base64
import shutil
from pathlib import Path

from selenium import webdriver

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


def start_chromium(profile: Path) -> webdriver.Chrome:
    """Start Chromium with a new profile in this directory."""
    options = webdriver.ChromeOptions()
    options.binary_location = str(shutil.which("chromium") or shutil.which("google-chrome"))
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    return webdriver.Chrome(options, webdriver.ChromeService(shutil.which("chromedriver")))


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
