# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets that are deleted and held by a finalizer, for example for hours: no token stays in them until it expires."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from kubernetes import client

from support import module
from support.aws import FakeAws
from support.cluster.audit import AuditLog
from support.refresher import NAME, Refresher, life
from unit.cases import decide as cases

Hold = Callable[..., None]
SHARED: dict[str, Any] = {
    "auths": {"public.ecr.aws": "old", "other.example": "theirs"},
    "registries": ["public.ecr.aws"],
}


@pytest.fixture
def hold(core: client.CoreV1Api) -> Iterator[Hold]:
    """A function that creates a secret and deletes it, while a finalizer holds it until the end of the test."""
    held: list[str] = []

    def hold(namespace: str, **fields: Any) -> None:
        body = cases.secret(name=NAME, namespace=namespace, **fields)
        for key in ("uid", "resourceVersion"):
            del body["metadata"][key]
        body["metadata"]["finalizers"] = ["test.example.com/held"]
        core.create_namespaced_secret(namespace, body)
        held.append(namespace)
        core.delete_namespaced_secret(NAME, namespace)
        assert core.read_namespaced_secret(NAME, namespace).metadata.deletion_timestamp

    yield hold
    for namespace in held:
        core.patch_namespaced_secret(NAME, namespace, {"metadata": {"finalizers": None}})


@pytest.mark.parametrize(("state", "action"), [("present", "skipped"), ("absent", "removed")])
def test_the_module_removes_the_entries_once(
    refresher: Refresher, aws: FakeAws, audit: AuditLog, kubeconfig: str, hold: Hold, state: str, action: str
) -> None:
    managed, shared, adopted = (refresher.add() for _number in range(3))
    hold(managed, **life(5))
    hold(shared, **life(5), **SHARED)
    hold(adopted, managed=False, auths={"public.ecr.aws": "theirs"})
    before = refresher.secret(adopted).to_dict()
    token = {"token": aws.issue()} if state == "present" else {}
    options: dict[str, Any] = {"namespaces": refresher.namespaces, "state": state, "adopt": state == "present", **token}
    found = module.run(kubeconfig, **options).ok().actions
    unadopted = ("skipped", "terminating") if state == "present" else ("unchanged", "unmanaged")
    assert found == {managed: (action, "terminating"), shared: (action, "terminating"), adopted: unadopted}
    assert (refresher.auths(managed), list(refresher.auths(shared))) == ({}, ["other.example"])
    assert refresher.secret(adopted).to_dict() == before
    mark = audit.mark()
    again = module.run(kubeconfig, **options).ok().actions
    assert again[managed] == ("unchanged" if state == "absent" else "skipped", "terminating")
    assert audit.writes(mark, resource="secrets") == []


def test_the_refresher_removes_the_entries_once(
    refresher: Refresher, aws: FakeAws, audit: AuditLog, hold: Hold
) -> None:
    held, good = refresher.add(), refresher.add(**life(1))
    hold(held, **life(5), **SHARED)
    results = refresher.run()
    assert (results[held]["action"], results[held]["reason"]) == ("skipped", "terminating")
    assert (results[good]["action"], results[good]["reason"]) == ("renewed", "due")
    assert list(refresher.auths(held)) == ["other.example"]
    mark = audit.mark()
    assert refresher.run()[held]["action"] == "skipped"
    assert (audit.writes(mark, resource="secrets"), aws.calls) == ([], {"GetAuthorizationToken": 1})
