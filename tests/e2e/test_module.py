# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module on a real API server: four runs of each state, with every request counted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from kubernetes import client

from support.aws import FakeAws
from support.cluster.audit import AuditLog
from support.dockerconfig import auths_of
from support.playbook import Ansible, Run

Make = Callable[..., list[str]]
NAME = "ecr-public-secret"
ADMIN = "freshpull-admin"


def auths(core: client.CoreV1Api, namespace: str, name: str = NAME) -> dict[str, Any]:
    return auths_of(core.read_namespaced_secret(name, namespace).data)


def actions(run: Run) -> dict[str, str]:
    return {entry["namespace"]: entry["action"] for entry in run.results["result"]["namespaces"]}


def writes(audit: AuditLog, mark: int) -> int:
    """Count the play's writes only: the cluster itself removes what earlier tests left."""
    return len(audit.writes(since=mark, resource="secrets", user=ADMIN))


@pytest.mark.core
def test_four_runs_of_present_and_absent(
    ansible: Ansible,
    core: client.CoreV1Api,
    aws: FakeAws,
    aws_options: dict[str, Any],
    audit: AuditLog,
    make_namespaces: Make,
) -> None:
    names = make_namespaces("a", "b", "c")
    options: dict[str, Any] = {"namespaces": names, "aws": aws_options}

    mark = audit.mark()
    check = ansible.pull_secret("--check", "--diff", **options)
    assert actions(check) == dict.fromkeys(names, "created")
    assert check.results["result"]["changed"]
    assert {entry["expires_at"] for entry in check.results["result"]["namespaces"]} == {"unknown"}
    assert (writes(audit, mark), aws.calls) == (0, {})

    create = ansible.pull_secret("--diff", **options)
    assert actions(create) == dict.fromkeys(names, "created")
    assert (writes(audit, mark), aws.calls) == (3, {"GetAuthorizationToken": 1})
    made = {name: core.read_namespaced_secret(NAME, name) for name in names}
    for name in names:
        assert made[name].type == "kubernetes.io/dockerconfigjson"
        assert auths(core, name)["public.ecr.aws"]["password"] == aws.tokens[-1]

    mark = audit.mark()
    for args in (["--check"], []):
        again = ansible.pull_secret(*args, **options)
        assert actions(again) == dict.fromkeys(names, "unchanged")
        assert not again.results["result"]["changed"]
    assert (writes(audit, mark), aws.calls) == (0, {"GetAuthorizationToken": 1})

    check = ansible.pull_secret("--check", "--diff", force_renew=True, **options)
    assert actions(check) == dict.fromkeys(names, "renewed")
    assert (writes(audit, mark), aws.calls) == (0, {"GetAuthorizationToken": 1})
    aws.behave(life=50000)
    renew = ansible.pull_secret(force_renew=True, **options)
    assert actions(renew) == dict.fromkeys(names, "renewed")
    assert (writes(audit, mark), aws.calls) == (3, {"GetAuthorizationToken": 2})
    for name in names:
        after = core.read_namespaced_secret(NAME, name)
        assert after.metadata.uid == made[name].metadata.uid
        key = "ecr-public.freshpull/expires-at"
        assert after.metadata.annotations[key] > made[name].metadata.annotations[key]

    mark = audit.mark()
    check = ansible.pull_secret("--check", "--diff", state="absent", namespaces=names)
    assert actions(check) == dict.fromkeys(names, "removed")
    assert writes(audit, mark) == 0
    removal = audit.mark()
    gone = ansible.pull_secret("--diff", state="absent", namespaces=names)
    assert actions(gone) == dict.fromkeys(names, "removed")
    assert writes(audit, mark) == 3
    # No token is requested, so the module runs once.
    assert len(audit.requests(since=removal, resource="secrets", user=ADMIN, verb="get")) == 3
    again = ansible.pull_secret(state="absent", namespaces=names)
    assert not again.results["result"]["changed"]
    assert (writes(audit, mark), aws.calls) == (3, {"GetAuthorizationToken": 2})


@pytest.mark.core
def test_fifty_namespaces_are_fifty_writes_and_one_call(
    ansible: Ansible,
    aws: FakeAws,
    aws_options: dict[str, Any],
    audit: AuditLog,
    make_namespaces: Make,
) -> None:
    names = make_namespaces(*(f"n{number:02}" for number in range(50)))
    glob = names[0].rsplit("-", 1)[0] + "-*"
    ansible.pull_secret(namespaces=[glob], aws=aws_options)
    aws.reset()
    aws.behave(life=50000)
    mark = audit.mark()
    run = ansible.pull_secret(namespaces=[glob], aws=aws_options, force_renew=True)
    assert run.results["result"]["summary"] == {"renewed": 50}
    assert writes(audit, mark) == 50
    assert aws.calls == {"GetAuthorizationToken": 1}

    mark = audit.mark()
    run = ansible.pull_secret(namespaces=[glob], aws=aws_options)
    assert run.results["result"]["summary"] == {"unchanged": 50}
    assert writes(audit, mark) == 0
    assert aws.calls == {"GetAuthorizationToken": 1}


@pytest.mark.parametrize("state", ["present", "absent"])
def test_a_selector_that_matches_nothing_is_no_failure(
    ansible: Ansible, aws_options: dict[str, Any], state: str
) -> None:
    run = ansible.pull_secret(state=state, namespace_selector="nobody=has-this", aws=aws_options)
    assert run.results["result"]["namespaces"] == []
    assert not run.results["result"].get("failed", False)
