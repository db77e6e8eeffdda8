# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page of the playbook report in headless Chromium: it fits, sorts, loads nothing and runs no foreign script."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver

from ansible_collections.freshpull.ecr_public.plugins.plugin_utils import _report
from docs_site.browser import LOADED, WIDTHS, show, take_screenshot
from docs_site.places import ROOT, SCREENSHOTS
from support.playbook import Ansible

NOW = dt.datetime(2026, 1, 1, 12, tzinfo=dt.timezone.utc)
HOSTILE = "<script>window.foreign = 1</script><img src=x onerror='window.foreign = 1'>"
CLICK = """
[...document.querySelectorAll('#namespaces th button')].find((one) => one.innerText === arguments[0]).click();
"""
COLUMN = "return [...document.querySelectorAll('#namespaces tbody tr')].map((row) => row.cells[{}].textContent.trim());"


def entry(namespace: str, status: str, hours: float | None, **fields: Any) -> dict[str, Any]:
    expiry = None if hours is None else NOW + dt.timedelta(hours=hours)
    return {
        "namespace": namespace,
        "status": status,
        "owner": "ecr-public-refresher",
        "expires_at": expiry and f"{expiry:%Y-%m-%dT%H:%M:%SZ}",
        "remaining_seconds": None if hours is None else int(hours * 3600),
        "renewed_at": expiry and f"{expiry - dt.timedelta(hours=12):%Y-%m-%dT%H:%M:%SZ}",
        "planned_action": "unchanged",
        "reason": status,
        "msg": "",
        **fields,
    }


def cluster(number: int) -> dict[str, Any]:
    entries = [entry(f"team-{name}", "fresh", 11.9 - number / 10) for name in "abcdef"]
    if number == 3:
        entries += [entry("team-g", "due", 7.5, planned_action="renewed"), entry("team-h", "expired", -2.25)]
        entries += [entry("team-k", "expired", 0)]
    if number == 4:
        entries += [entry("team-i", "malformed", None, planned_action="failed", msg=f"The secret is broken. {HOSTILE}")]
        entries += [entry(HOSTILE, "unmanaged", None, owner=HOSTILE, reason=HOSTILE)]
        entries += [entry("team-j", "a-later-status", None, owner="x" * 300)]
    refresher = {"exists": True, "suspended": number == 5, "last_success_at": "2026-01-01T10:17:12Z", "msg": ""}
    summary = {status: sum(one["status"] == status for one in entries) for status in {one["status"] for one in entries}}
    host = f"https://api.cluster-{number}.example:6443"
    warnings = [f"The account was changed by {HOSTILE}."] if number == 4 else []
    return {"host": host, "namespaces": entries, "summary": summary, "refresher": refresher, "warnings": warnings}


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of 30 clusters, three of which could not be read."""
    directory = tmp_path_factory.mktemp("report")
    results = {f"cluster-{number}": cluster(number) for number in range(3, 30)}
    for number in range(3):
        results[f"cluster-{number}"] = {"msg": "Could not list namespaces: the connection was refused."}
    template = {
        "src": str(ROOT / "playbooks/templates/report.html.j2"),
        "dest": str(directory / "report.html"),
        "mode": "0600",
    }
    task = {"name": "Write the page", "ansible.builtin.template": template}
    # A template in a text would be one of the playbook.
    Ansible(directory, "").tasks([task], variables={"_report": _report.build(results, NOW)}).ok()
    return directory / "report.html"


@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_fits_the_window(chromium: webdriver.Chrome, page: Path, width: int) -> None:
    wider = show(chromium, page.as_uri(), width)
    take_screenshot(chromium, SCREENSHOTS / f"report-{width}.png", width)
    assert wider == []


def test_the_page_is_one_file_and_runs_no_foreign_script(chromium: webdriver.Chrome, page: Path) -> None:
    show(chromium, page.as_uri(), WIDTHS[1])
    assert chromium.execute_script(LOADED) == []
    assert chromium.execute_script("return document.links.length + document.images.length;") == 0
    assert chromium.execute_script("return typeof window.foreign;") == "undefined"
    assert HOSTILE in chromium.execute_script(COLUMN.format(1))


def test_the_totals_and_the_worst_come_first(chromium: webdriver.Chrome, page: Path) -> None:
    show(chromium, page.as_uri(), WIDTHS[1])
    totals = chromium.execute_script("return document.querySelector('#totals').innerText;").split("\n")
    assert totals[:3] == ["30 clusters", "3 not read", "168 namespaces"]
    # The status is a word with a symbol: it needs no colour.
    assert totals[3:] == [
        "✗ a-later-status 1",
        "✗ expired 2",
        "✗ malformed 1",
        "! due 1",
        "! unmanaged 1",
        "✓ fresh 162",
    ]
    rows = chromium.execute_script(
        "return [...document.querySelectorAll('#clusters tbody tr')].map((r) => r.innerText);"
    )
    assert ["not read" in row and "connection was refused" in row for row in rows] == [*[True] * 3, *[False] * 27]
    assert "suspended" in next(row for row in rows if row.startswith("cluster-5"))
    statuses = chromium.execute_script(COLUMN.format(2))
    assert statuses[:4] == ["✗ a-later-status", "✗ malformed", "! unmanaged", "✓ fresh"]


@pytest.mark.parametrize(
    ("title", "column", "first", "last"),
    [("Remaining", 5, "expired", "11 h 36 min"), ("Cluster", 0, "cluster-3", "cluster-29")],
)
def test_a_column_sorts_in_both_directions(
    chromium: webdriver.Chrome, page: Path, title: str, column: int, first: str, last: str
) -> None:
    show(chromium, page.as_uri(), WIDTHS[1])

    def click() -> list[str]:
        chromium.execute_script(CLICK, title)
        return [text for text in chromium.execute_script(COLUMN.format(column)) if text]

    up = click()
    assert (up[0], up[-1]) == (first, last)
    down = click()
    assert (down[0], down[-1]) == (last, first)
    sorted_by = "return [...document.querySelectorAll('#namespaces th')].map((one) => one.getAttribute('aria-sort'));"
    assert [one for one in chromium.execute_script(sorted_by) if one] == ["descending"]


def test_the_page_prints(chromium: webdriver.Chrome, page: Path) -> None:
    show(chromium, page.as_uri(), WIDTHS[1])
    printed = chromium.execute_cdp_cmd("Page.printToPDF", {"printBackground": False})
    assert len(printed["data"]) > 10_000
