# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is no longer chosen does not stay behind to die. Under a name of its own: pruning looks at the whole cluster."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from kubernetes import client

from support.aws import FakeAws
from support.cluster.audit import AuditLog
from support.dockerconfig import auths_of
from support.playbook import Ansible
from unit.cases import decide as cases

Make = Callable[..., list[str]]
NAME = "pruned-secret"
ADMIN = "freshpull-admin"


def fill(core: client.CoreV1Api, namespace: str, **secret: Any) -> None:
    body = cases.secret(namespace=namespace, name=NAME, **secret)
    for key in ("uid", "resourceVersion"):
        del body["metadata"][key]
    core.create_namespaced_secret(namespace, body)


def names_of(core: client.CoreV1Api) -> set[str]:
    """The namespaces that have a secret of the name."""
    found = core.list_secret_for_all_namespaces(field_selector=f"metadata.name={NAME}").items
    return {secret.metadata.namespace for secret in found}


@pytest.mark.core
def test_orphans_go_and_what_others_have_stays(
    ansible: Ansible,
    core: client.CoreV1Api,
    aws: FakeAws,
    aws_options: dict[str, Any],
    audit: AuditLog,
    make_namespaces: Make,
) -> None:
    kept, excluded, shared, foreign = names = make_namespaces("kept", "excluded", "shared", "foreign")
    options: dict[str, Any] = {"name": NAME, "aws": aws_options}
    ansible.pull_secret(namespaces=[kept, excluded], **options)
    both = {"public.ecr.aws": "old", "other.example": "theirs"}
    fill(core, shared, auths=both, registries=["public.ecr.aws"], created=False, labels={"theirs": "x"})
    fill(core, foreign, managed=False)
    before = core.read_namespaced_secret(NAME, foreign)
    chosen: dict[str, Any] = {
        "namespaces": [kept[: -len("kept")] + "*"],
        "exclude_namespaces": [excluded, shared, foreign],
        "prune": True,
    }

    # Without prune nobody is asked about secrets elsewhere, and nothing more is said.
    mark = audit.mark()
    plain = ansible.pull_secret(**{**chosen, "prune": False}, **options).results["result"]
    assert (plain["summary"], plain.get("warnings", [])) == ({"unchanged": 1}, [])
    assert audit.requests(mark, user=ADMIN, resource="secrets", verb="list") == []

    mark = audit.mark()
    check = ansible.pull_secret("--check", "--diff", **chosen, **options).results["result"]
    assert check["changed"]
    assert audit.writes(mark, user=ADMIN) == []

    done = ansible.pull_secret("--diff", **chosen, **options).results["result"]
    for result in (check, done):
        found = {entry["namespace"]: (entry["action"], entry["reason"]) for entry in result["namespaces"]}
        assert found == {
            kept: ("unchanged", "fresh"),
            excluded: ("removed", "orphaned"),
            shared: ("removed", "orphaned"),
        }
    assert not done.get("failed", False)
    written = sorted((event["verb"], event["objectRef"]["namespace"]) for event in audit.writes(mark, user=ADMIN))
    assert written == [("delete", excluded), ("patch", shared)]
    # One for check mode; for the real run one to plan and one to write.
    assert len(audit.requests(mark, user=ADMIN, resource="secrets", verb="list")) == 3
    assert names_of(core) == {kept, shared, foreign}
    assert core.read_namespaced_secret(NAME, foreign) == before
    left = core.read_namespaced_secret(NAME, shared)
    assert left.metadata.labels == {"theirs": "x"}
    assert list(auths_of(left.data)) == ["other.example"]

    mark = audit.mark()
    again = ansible.pull_secret(**chosen, **options).results["result"]
    assert again["summary"] == {"unchanged": 1}
    assert audit.writes(mark, user=ADMIN) == []
    assert aws.calls == {"GetAuthorizationToken": 1}
    assert len(names) == 4


def test_a_typing_error_takes_nothing_away(
    ansible: Ansible, core: client.CoreV1Api, aws_options: dict[str, Any], audit: AuditLog, make_namespaces: Make
) -> None:
    names = make_namespaces("a", "b")
    options: dict[str, Any] = {"name": NAME, "aws": aws_options, "prune": True}
    ansible.pull_secret(namespaces=names, **options)
    mark = audit.mark()
    for wrong, words in (
        ([names[0], "no-such-namespace"], "Nothing was pruned: namespace no-such-namespace does not exist"),
        (["no-such-*"], "No namespace is selected"),
    ):
        result = ansible.pull_secret(namespaces=wrong, **options).results["result"]
        assert result["failed"]
        assert words in result["msg"]
    assert audit.writes(mark, user=ADMIN) == []
    assert names_of(core) >= set(names)
