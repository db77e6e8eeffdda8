# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Statuses of containers, with all or only some of their parts."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects import containers

Object = dict[str, Any]
SIDECAR = "roles-anywhere"
END = {"terminated": {"exitCode": 1, "reason": "Error", "message": "no key"}}


def status(name: str = "refresh", state: Object | None = None, **fields: Any) -> Object:
    return {"name": name, "state": state or {}, **fields}


def pod(*main: Object, init: tuple[Object, ...] = ()) -> Object:
    return {"status": {"containerStatuses": list(main), "initContainerStatuses": list(init)}}


RUNS: Object = {"running": {}}
WAITS: Object = {"waiting": {"reason": "PodInitializing"}}


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (pod(status(state=RUNS)), ["refresh"]),
        (pod(status(state=END)), ["refresh"]),
        (pod(status(state=WAITS)), []),
        (pod(status("x", RUNS)), []),
        (pod(status(state=WAITS), init=(status(SIDECAR, RUNS),)), [SIDECAR]),
        (pod(init=(status(SIDECAR, WAITS),)), []),
        (pod(init=(status(SIDECAR, {"waiting": {"reason": "CrashLoopBackOff"}}, restartCount=1),)), [SIDECAR]),
        (pod(status(state=END), init=(status("x", END), status(SIDECAR, END))), ["refresh", SIDECAR]),
        ({}, []),
        ({"status": {"containerStatuses": "x"}}, []),
    ],
)
def test_containers_that_were_started_may_have_a_log(found: Object, expected: list[str]) -> None:
    assert containers.started(found) == expected


def test_the_end_and_the_end_before_a_restart() -> None:
    again = status(state=RUNS, lastState=END)
    assert (containers.runs(again), containers.end(again), containers.last_end(again)) == (True, {}, END["terminated"])
    assert containers.end(status(state=END)) == END["terminated"]


@pytest.mark.parametrize(
    ("how", "words"),
    [
        (END["terminated"], "Container x ended with exit code 1 (Error): no key."),
        ({"exitCode": 0}, "Container x ended with exit code 0."),
        ({"exitCode": True}, "Container x ended with exit code (unknown)."),
        ({"exitCode": 2**40}, "Container x ended with exit code (unknown)."),
        ({}, "Container x ended with exit code (unknown)."),
    ],
)
def test_an_end_in_words(how: Object, words: str) -> None:
    assert containers.ended(status("x"), how) == words


def test_a_container_without_a_name() -> None:
    assert containers.ended({}, {"exitCode": 1}) == "Container (no name) ended with exit code 1."
