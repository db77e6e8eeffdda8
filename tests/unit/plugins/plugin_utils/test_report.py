# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
from typing import Any

from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret import status
from ansible_collections.freshpull.ecr_public.plugins.module_utils._time import parse_time
from ansible_collections.freshpull.ecr_public.plugins.plugin_utils import _report

NOW = parse_time("2026-01-01T12:00:00Z")
REFRESHER = {"namespace": "r", "exists": True, "last_success_at": "2026-01-01T10:17:12Z", "msg": ""}


def entry(namespace: str, status: str, **fields: Any) -> dict[str, Any]:
    known: dict[str, Any] = {"owner": "us", "expires_at": "2026-01-01T18:00:00Z", "remaining_seconds": 21600, "msg": ""}
    return {
        "namespace": namespace,
        "status": status,
        "planned_action": "unchanged",
        "reason": status,
        **known,
        **fields,
    }


def result(*entries: dict[str, Any], **fields: Any) -> dict[str, Any]:
    summary = {each["status"]: 1 for each in entries}
    return {"host": "https://a.invalid", "namespaces": list(entries), "summary": summary, "warnings": ["W."], **fields}


RESULTS = {
    "good": result(entry("a", "fresh"), refresher=REFRESHER),
    "empty": result(),
    "mixed": result(entry("b", "fresh"), entry("a", "fresh"), entry("c", "expired"), entry("d", "due")),
    "down": {"failed": True, "host": "https://down.invalid", "msg": "Could not connect."},
    "silent": {"failed": True, "timedout": {"period": 120}, "msg": ""},
    "skipped": {},
}


def test_the_worst_comes_first() -> None:
    found = _report.build(RESULTS, NOW)
    assert [one["cluster"] for one in found["clusters"]] == ["down", "silent", "skipped", "mixed", "good", "empty"]
    mixed = found["clusters"][3]
    assert [(one["namespace"], one["status"]) for one in mixed["namespaces"]] == [
        ("c", "expired"),
        ("d", "due"),
        ("a", "fresh"),
        ("b", "fresh"),
    ]


def test_the_totals() -> None:
    found = _report.build(RESULTS, NOW)
    assert found["generated_at"] == "2026-01-01T12:00:00Z"
    statuses = {"expired": 1, "due": 1, "fresh": 3}
    assert found["summary"] == {"clusters": 6, "unreachable": 3, "namespaces": 5, "statuses": statuses}
    assert list(found["summary"]["statuses"]) == list(statuses)


def test_a_cluster() -> None:
    found = {one["cluster"]: one for one in _report.build(RESULTS, NOW)["clusters"]}
    assert {key: value for key, value in found["good"].items() if key != "namespaces"} == {
        "cluster": "good",
        "host": "https://a.invalid",
        "reachable": True,
        "msg": "",
        "expires_at": None,
        "statuses": {"fresh": 1},
        "refresher": REFRESHER,
        "warnings": ["W."],
    }
    assert (found["down"]["reachable"], found["down"]["msg"]) == (False, "Could not connect.")
    assert [found[name]["msg"] for name in ("silent", "skipped")] == ["The task returned no result."] * 2


def test_what_is_not_known_is_left_out() -> None:
    secret = {"invocation": {"module_args": {"api_key": "never-shown"}}, "token": "never-shown"}
    found = _report.build({"a": result(entry("a", "fresh", token="never-shown"), **secret)}, NOW)
    assert "never-shown" not in json.dumps(found)


def test_a_status_that_is_not_known_is_the_worst() -> None:
    found = _report.build({"a": result(entry("a", "expired"), entry("b", "new-in-a-later-version"))}, NOW)
    assert [one["namespace"] for one in found["clusters"][0]["namespaces"]] == ["b", "a"]


def test_each_status_has_a_level() -> None:
    words = {"unmanaged", "wrong_type", "malformed", "missing", "expired", "due", "fresh", "other_owner", "copy"}
    named = {*status._STATUS.values(), *status._STATUS_UNREAD.values(), status.UNREAD, "orphaned", *words}
    assert set(_report.LEVELS) == named
