# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook report over clusters of which some cannot be read."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from kubernetes import client

from support import leaks
from support.aws import FakeAws
from support.cluster.audit import AuditLog
from support.fleet import Fleet, recap
from support.playbook import Ansible

PLAYBOOK = "freshpull.ecr_public.report"
ADMIN = "freshpull-admin"

pytestmark = pytest.mark.role


def test_clusters_that_can_be_read_and_others(
    ansible: Ansible,
    aws: FakeAws,
    core: client.CoreV1Api,
    audit: AuditLog,
    make_namespaces: Callable[..., list[str]],
) -> None:
    namespaces = make_namespaces("a", "b", "c")
    first, second, third = namespaces
    path = ansible.directory / "reports"
    path.mkdir()
    with Fleet(ansible, aws) as fleet:
        fleet.add("good", [first])
        fleet.add("mixed", [second, third], owner="us")
        dead = fleet.add_dead("dead", [first])
        fleet.add("silent", [first], delay=None)
        fleet.run("--limit=good,mixed")
        core.delete_namespaced_secret("mixed", third)
        mark = audit.mark()
        aws.reset()

        def report(*args: str, **variables: Any) -> tuple[dict[str, Any], str]:
            # The role's limit for a cluster that does not respond would cost the test two minutes.
            given = {"_pull_secret_seconds_to_respond": 60, "report_path": str(path / "report.html"), **variables}
            run = fleet.run("-vvv", "-e", json.dumps(given), *args, playbook=PLAYBOOK)
            assert [counts["failed"] + counts["unreachable"] for counts in recap(run).values()] == [0] * 4
            return json.loads((path / "report.json").read_text()), run.ok().output

        found, output = report()
        checked, _output = report("--check", "--diff")
    assert (audit.writes(since=mark, user=ADMIN), aws.calls) == ([], {})
    clusters = {one["cluster"]: one for one in found["clusters"]}
    assert [one["cluster"] for one in found["clusters"]] == ["dead", "silent", "mixed", "good"]
    assert [clusters[name]["reachable"] for name in ("dead", "silent", "mixed", "good")] == [False, False, True, True]
    assert dead in clusters["dead"]["msg"]
    states = {
        one["namespace"]: (one["status"], one["owner"], one["planned_action"])
        for one in clusters["mixed"]["namespaces"]
    }
    assert states == {second: ("fresh", "us", "unchanged"), third: ("missing", "", "created")}
    (good,) = clusters["good"]["namespaces"]
    assert good["renewed_at"] < found["generated_at"] < good["expires_at"]
    assert found["summary"] == {
        "clusters": 4,
        "unreachable": 2,
        "namespaces": 3,
        "statuses": {"missing": 1, "fresh": 2},
    }
    assert [one["statuses"] for one in checked["clusters"]] == [one["statuses"] for one in found["clusters"]]

    page = (path / "report.html").read_text()
    assert all(name in page for name in (*clusters, *namespaces, "not read", "missing"))
    assert [each.stat().st_mode & 0o777 for each in sorted(path.iterdir())] == [0o600] * 2
    secrets = [
        core.read_namespaced_secret(name, namespace).data for name, namespace in (("good", first), ("mixed", second))
    ]
    needles = {value for data in secrets for value in data.values()}
    needles |= {form for token in aws.tokens for form in leaks.forms(token)}
    for text in (page, json.dumps(found), output):
        assert leaks.find(text, needles) == []
