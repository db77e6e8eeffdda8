# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of a task. The module's tests have the whole task."""

from __future__ import annotations

import base64
import json
from typing import Any

from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects import plan
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.task import DIFFS, RefresherReport
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.test_run import RunOutcome

KEY = "secret-key/never-shown"


def config_map(name: str, **fields: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "a"}, **fields}


def test_a_report_that_was_never_filled_is_no_change() -> None:
    report = RefresherReport()
    assert report.problem == ""
    result = report.to_result()
    assert (result["changed"], result["objects"], result["complete"]) == (False, [], False)
    assert result["test_run"] == {"due": False, "outcome": "", "job": "", "msg": ""}
    assert report.diff() == []


def test_objects_are_sorted_and_unchanged_ones_are_no_change() -> None:
    same = [plan.applied(config_map(name), config_map(name)) for name in ("b", "a")]
    result = RefresherReport(changes=same, unbound=["y", "x"]).to_result()
    assert [each["name"] for each in result["objects"]] == ["a", "b"]
    assert (result["changed"], result["unbound"]) == (False, ["x", "y"])


def test_a_test_run_is_a_change() -> None:
    result = RefresherReport(test_run=RunOutcome("succeeded", "test-1")).to_result()
    assert (result["changed"], result["test_run"]["job"]) == (True, "test-1")


def test_no_text_has_a_secret_or_its_base64() -> None:
    encoded = base64.b64encode(KEY.encode()).decode()
    report = RefresherReport(
        problems=["rejected:", KEY],
        warnings=[f"warned: {encoded}"],
        test_run=RunOutcome("failed", "test-1", f"log: {KEY}"),
        secrets=[KEY],
    )
    shown = json.dumps([report.problem, report.shown_warnings(), report.to_result()])
    assert KEY not in shown
    assert encoded not in shown
    assert "rejected:" in report.problem


def test_a_diff_is_cut_and_has_what_changes_alone() -> None:
    changes = [plan.applied(config_map("same"), config_map("same"))]
    changes += [plan.applied(None, config_map(f"n{number:03}")) for number in range(DIFFS + 2)]
    shown = RefresherReport(changes=changes).diff()
    assert len(shown) == DIFFS + 1
    assert (shown[0]["before"], shown[0]["after_header"]) == ({}, "ConfigMap a n000")
    assert "2 more" in shown[-1]["prepared"]
