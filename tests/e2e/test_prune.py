# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pruning of orphans. The tests use their own secret name, because pruning covers the whole cluster."""

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
NAME, OWNER = "pruned-secret", "freshpull-test"
ADMIN = "freshpull-admin"


def fill(core: client.CoreV1Api, namespace: str, **secret: Any) -> None:
    body = cases.secret(namespace=namespace, name=NAME, owner=OWNER, **secret)
    for key in ("uid", "resourceVersion"):
        del body["metadata"][key]
    core.create_namespaced_secret(namespace, body)


def names_of(core: client.CoreV1Api) -> set[str]:
    """Return the namespaces that have a secret of this name."""
    found = core.list_secret_for_all_namespaces(field_selector=f"metadata.name={NAME}").items
    return {secret.metadata.namespace for secret in found}


@pytest.mark.core
def test_orphans_are_removed_and_unmanaged_content_stays(
    ansible: Ansible,
    core: client.CoreV1Api,
    aws: FakeAws,
    aws_options: dict[str, Any],
    audit: AuditLog,
    make_namespaces: Make,
) -> None:
    kept, excluded, shared, unmanaged = names = make_namespaces("kept", "excluded", "shared", "unmanaged")
    options: dict[str, Any] = {"name": NAME, "owner": OWNER, "aws": aws_options}
    ansible.pull_secret(namespaces=[kept, excluded], **options)
    both = {"public.ecr.aws": "old", "other.example": "theirs"}
    fill(core, shared, auths=both, registries=["public.ecr.aws"], created=False, labels={"theirs": "x"})
    fill(core, unmanaged, managed=False)
    before = core.read_namespaced_secret(NAME, unmanaged)
    selected: dict[str, Any] = {
        "namespaces": [kept[: -len("kept")] + "*"],
        "exclude_namespaces": [excluded, shared, unmanaged],
        "prune": True,
    }

    # Without prune, the module does not look for secrets elsewhere and gives no warning.
    mark = audit.mark()
    plain = ansible.pull_secret(**{**selected, "prune": False}, **options).results["result"]
    assert (plain["summary"], plain.get("warnings", [])) == ({"unchanged": 1}, [])
    assert audit.requests(mark, user=ADMIN, resource="secrets", verb="list") == []

    mark = audit.mark()
    check = ansible.pull_secret("--check", "--diff", **selected, **options).results["result"]
    assert check["changed"]
    assert audit.writes(mark, user=ADMIN) == []

    done = ansible.pull_secret("--diff", **selected, **options).results["result"]
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
    # One list in check mode, and two in the real run: one to plan and one to write.
    assert len(audit.requests(mark, user=ADMIN, resource="secrets", verb="list")) == 3
    assert names_of(core) == {kept, shared, unmanaged}
    assert core.read_namespaced_secret(NAME, unmanaged) == before
    left = core.read_namespaced_secret(NAME, shared)
    assert left.metadata.labels == {"theirs": "x"}
    assert list(auths_of(left.data)) == ["other.example"]

    mark = audit.mark()
    again = ansible.pull_secret(**selected, **options).results["result"]
    assert again["summary"] == {"unchanged": 1}
    assert audit.writes(mark, user=ADMIN) == []
    assert aws.calls == {"GetAuthorizationToken": 1}
    assert len(names) == 4


def test_a_typing_error_removes_nothing(
    ansible: Ansible, core: client.CoreV1Api, aws_options: dict[str, Any], audit: AuditLog, make_namespaces: Make
) -> None:
    names = make_namespaces("a", "b")
    options: dict[str, Any] = {"name": NAME, "owner": OWNER, "aws": aws_options, "prune": True}
    ansible.pull_secret(namespaces=names, **options)
    mark = audit.mark()
    for wrong, words in (
        ([names[0], "no-such-namespace"], "Nothing was pruned: namespace no-such-namespace does not exist"),
        (["no-such-*"], "No namespace is selected"),
        ([names[0], "no-such-*"], f"These orphans are no longer renewed: {names[1]} (expires at 2"),
    ):
        result = ansible.pull_secret(namespaces=wrong, **options).results["result"]
        assert result["failed"]
        assert words in result["msg"]
    assert audit.writes(mark, user=ADMIN) == []
    assert names_of(core) >= set(names)


def test_two_owners_share_a_name_and_touch_no_secret_of_each_other(
    ansible: Ansible, core: client.CoreV1Api, aws_options: dict[str, Any], audit: AuditLog, make_namespaces: Make
) -> None:
    """Ten alternating runs with changing namespaces, and a removal that selects all namespaces."""
    names = make_namespaces("a", "b", "c", "d")
    own = {"first": names[:2], "second": names[2:]}
    prefix = names[0].removesuffix("a")
    for number in range(10):
        owner = ("first", "second")[number % 2]
        selected = own[owner][: 1 + number // 2 % 2]
        mark = audit.mark()
        run = ansible.pull_secret(namespaces=selected, name=NAME, owner=owner, prune=True, aws=aws_options).ok()
        assert {event["objectRef"]["namespace"] for event in audit.writes(mark, user=ADMIN)} <= set(own[owner])
        left = [entry for entry in run.results["result"]["namespaces"] if entry["action"] != "removed"]
        assert [entry["namespace"] for entry in left] == selected
    both = ansible.pull_secret(namespaces=[f"{prefix}*"], name=NAME, owner="first", aws=aws_options).results["result"]
    found = {entry["namespace"]: (entry["action"], entry["reason"]) for entry in both["namespaces"]}
    assert found[names[2]] == ("failed", "other_owner")
    assert "belongs to the owner 'second'" in both["msg"]
    ansible.pull_secret(namespaces=["*"], name=NAME, owner="first", state="absent").ok()
    assert names_of(core) & set(names) == {names[2]}


def test_copies_stay_beside_orphans_that_are_pruned(
    ansible: Ansible, core: client.CoreV1Api, aws_options: dict[str, Any], audit: AuditLog, make_namespaces: Make
) -> None:
    """A copy has all managed labels and annotations. Only the recorded namespace differs."""
    source, orphan, reflected, plain = make_namespaces("source", "orphan", "reflected", "plain")
    options: dict[str, Any] = {"name": NAME, "owner": OWNER, "aws": aws_options}
    ansible.pull_secret(namespaces=[source], **options)
    fill(core, orphan)
    # Without a list of the managed entries, they are those of the option registries.
    lost = {"metadata": {"annotations": {"ecr-public.freshpull/registries": None}}}
    core.patch_namespaced_secret(NAME, orphan, lost)
    fill(core, reflected, written_for=source, annotations={"reflector.v1.k8s.emberstack.com/reflects": f"{source}/x"})
    fill(core, plain, written_for=source)
    copies = [core.read_namespaced_secret(NAME, namespace) for namespace in (reflected, plain)]
    mark = audit.mark()
    result = ansible.pull_secret(namespaces=[source], prune=True, **options).ok().results["result"]
    found = {entry["namespace"]: (entry["action"], entry["reason"]) for entry in result["namespaces"]}
    assert {name: found.get(name) for name in (source, orphan, reflected, plain)} == {
        source: ("unchanged", "fresh"),
        orphan: ("removed", "orphaned"),
        reflected: None,
        plain: None,
    }
    assert {event["objectRef"]["namespace"] for event in audit.writes(mark, user=ADMIN)} == {orphan}
    assert orphan not in names_of(core)
    assert [core.read_namespaced_secret(NAME, namespace) for namespace in (reflected, plain)] == copies
    for tool, namespace in (("reflector", reflected), ("Another tool", plain)):
        named = f"{tool} copied the secret {NAME} to other namespaces: {namespace}."
        assert [named in warning for warning in result["warnings"]].count(True) == 1
