# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The refresher's program with a selector: it finds its namespaces itself. Other tests cover its policy."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client

from support.aws import FakeAws
from support.cluster.audit import AuditLog
from support.refresher import DUE, PREFIX, Refresher, entry

SELECTED = "served-by"
# Its own name: the refresher also changes secrets of this name in the namespaces of other tests.
NAME = "selected-by-program"


@pytest.fixture
def refresher(core: client.CoreV1Api, aws: FakeAws, tmp_path: Path) -> Iterator[Refresher]:
    """A refresher with the permissions of the role's ClusterRole for selectors."""
    refresher = Refresher(core, aws, tmp_path, NAME)
    refresher.policy |= {"selector": f"{SELECTED}={refresher.home}", "namespaces": "^(.*)$", "excluded": "^(ex.*)$"}
    refresher.policy |= {"labels": {"team": "a", PREFIX + "managed": "true"}, "annotations": {"note": "b"}}
    refresher.allow_everywhere()
    yield refresher
    client.RbacAuthorizationV1Api(core.api_client).delete_cluster_role_binding(refresher.home)


def add(refresher: Refresher, name: str = "team", selected: bool = True, **secret: Any) -> str:
    namespace = refresher.add(name, allowed=False, **secret)
    if selected:
        refresher.core.patch_namespace(namespace, {"metadata": {"labels": {SELECTED: refresher.home}}})
    return namespace


def outcomes(refresher: Refresher, *namespaces: str, status: int = 0) -> list[tuple[str, str] | None]:
    results = refresher.run(status=status)
    found = {namespace: (each["action"], each["reason"]) for namespace, each in results.items()}
    return [found.get(namespace) for namespace in namespaces]


def test_only_selected_namespaces_are_served(refresher: Refresher, aws: FakeAws, audit: AuditLog) -> None:
    due = add(refresher, **DUE)
    missing = add(refresher)
    unmanaged = add(refresher, managed=False)
    excluded = add(refresher, "ex", **DUE)
    shared: dict[str, Any] = {
        "auths": {"public.ecr.aws": "old", "other.example": "theirs"},
        "registries": ["public.ecr.aws"],
    }
    others = add(refresher, selected=False, **shared)
    others_unmanaged = add(refresher, selected=False, managed=False)
    namespaces = (due, missing, unmanaged, excluded, others, others_unmanaged)
    before = {name: refresher.secret(name).to_dict() for name in (unmanaged, others_unmanaged)}

    assert outcomes(refresher, *namespaces) == [
        ("renewed", "expired"),
        ("created", "missing"),
        ("skipped", "unmanaged"),
        # It matches the selector, but its name is excluded: its secret is not renewed.
        ("removed", "orphaned"),
        ("removed", "orphaned"),
        None,
    ]
    assert aws.calls == {"GetAuthorizationToken": 1}
    made = refresher.secret(missing)
    assert made.metadata.labels == {
        "app.kubernetes.io/managed-by": "freshpull",
        "team": "a",
        PREFIX + "managed": "true",
    }
    assert (made.metadata.annotations["note"], made.metadata.annotations[PREFIX + "created"]) == ("b", "true")
    assert refresher.auths(missing) == refresher.auths(due) == {"public.ecr.aws": entry(aws.tokens[0])}
    # The refresher does not change labels of an existing secret.
    assert "team" not in refresher.secret(due).metadata.labels
    assert refresher.auths(others) == {"other.example": entry("theirs")}
    assert PREFIX + "expires-at" not in refresher.secret(others).metadata.annotations
    assert before == {name: refresher.secret(name).to_dict() for name in before}

    mark = audit.mark()
    assert outcomes(refresher, *namespaces) == [("unchanged", "fresh")] * 2 + [
        ("skipped", "unmanaged"),
        None,
        None,
        None,
    ]
    assert (audit.writes(since=mark, resource="secrets"), aws.calls) == ([], {"GetAuthorizationToken": 1})


def test_a_label_that_is_removed_and_added_again(refresher: Refresher) -> None:
    namespace = add(refresher)
    assert outcomes(refresher, namespace) == [("created", "missing")]
    uid = refresher.secret(namespace).metadata.uid
    for value, expected in ((None, ("removed", "orphaned")), (refresher.home, ("renewed", "empty"))):
        refresher.core.patch_namespace(namespace, {"metadata": {"labels": {SELECTED: value}}})
        assert outcomes(refresher, namespace) == [expected]
    assert refresher.secret(namespace).metadata.uid == uid


def test_a_namespace_that_is_labelled_during_the_run_keeps_its_secret(refresher: Refresher) -> None:
    """The namespace is not selected at the start, and its secret is like the others."""
    add(refresher, **DUE)
    labelled = add(refresher, selected=False, **DUE)
    before = refresher.secret(labelled).to_dict()
    refresher.meanwhile(labelled, f"$KUBECTL label namespace {labelled} {SELECTED}={refresher.home}")
    assert outcomes(refresher, labelled) == [None]
    assert refresher.secret(labelled).to_dict() == before


def test_a_namespace_that_is_gone_meanwhile_is_no_failure(refresher: Refresher) -> None:
    add(refresher, **DUE)
    gone = add(refresher)
    refresher.meanwhile(gone, f"$KUBECTL delete namespace {gone} --wait=false")
    [outcome] = outcomes(refresher, gone)
    assert outcome in (("skipped", "terminating"), ("skipped", "not_selected"), ("created", "missing"))


def in_pages(refresher: Refresher, size: int) -> None:
    [path] = (refresher.directory / "program").rglob("_kubernetes/api.py")
    text = path.read_text()
    assert text.count("PAGE_SIZE = 500") == 1
    path.write_text(text.replace("PAGE_SIZE = 500", f"PAGE_SIZE = {size}"))


def test_a_quota_in_one_namespace_stops_no_other(refresher: Refresher, audit: AuditLog) -> None:
    """The program tries once, and reports the API server's message."""
    full, good = add(refresher, "full"), add(refresher)
    quota = {"metadata": {"name": "none"}, "spec": {"hard": {"count/secrets": "0"}}}
    refresher.core.create_namespaced_resource_quota(full, quota)
    mark = audit.mark()
    results = refresher.run(status=1)
    assert (results[full]["action"], results[full]["reason"]) == ("failed", "forbidden")
    assert "quota" in results[full]["msg"]
    assert (results[good]["action"], results[good]["reason"]) == ("created", "missing")
    assert f"{full}: forbidden: " in refresher.termination_message
    denied = [
        event for event in audit.requests(since=mark, resource="secrets") if event["objectRef"].get("namespace") == full
    ]
    assert len(denied) == 1


def test_pages(refresher: Refresher, audit: AuditLog) -> None:
    in_pages(refresher, 2)
    namespaces = [add(refresher, **DUE) for _number in range(5)]
    mark = audit.mark()
    assert set(outcomes(refresher, *namespaces)) == {("renewed", "expired")}
    user = f"system:serviceaccount:{refresher.home}:refresher"
    assert len(audit.requests(since=mark, user=user, resource="secrets", verb="list")) >= 3


def test_large_secrets_are_read_in_smaller_pages(refresher: Refresher) -> None:
    """Ten secrets of almost the maximum size: more than the program reads at once."""
    padding = "x" * 700_000
    namespaces = []
    for _number in range(10):
        namespace = add(refresher)
        body: dict[str, Any] = {"metadata": {"name": NAME}, "stringData": {"theirs": padding}}
        refresher.core.create_namespaced_secret(namespace, body)
        namespaces.append(namespace)
    good = add(refresher, **DUE)
    assert outcomes(refresher, *namespaces, good) == [("skipped", "unmanaged")] * 10 + [("renewed", "expired")]


def test_missing_permissions_are_named(refresher: Refresher, core: client.CoreV1Api) -> None:
    client.RbacAuthorizationV1Api(core.api_client).patch_cluster_role(refresher.home, {"rules": []})
    assert refresher.run(status=1) == {}
    assert 'cannot list resource "namespaces"' in refresher.termination_message
    assert "Run the role again" in refresher.termination_message
