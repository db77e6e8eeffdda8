# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The audit log: which events are requests, and which are writes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from support.cluster.audit import AuditLog, resource_of

ADMIN = "freshpull-admin"


def event(verb: str, resource: str = "secrets", **more: Any) -> dict[str, Any]:
    """Return an event as the API server writes it. more: fields to replace."""
    return {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": "Metadata",
        "stage": "ResponseComplete",
        "requestURI": f"/api/v1/namespaces/a/{resource}?fieldManager=freshpull",
        "verb": verb,
        "user": {"username": ADMIN},
        "objectRef": {"resource": resource, "namespace": "a", "apiVersion": "v1"},
        "responseStatus": {"code": 200},
    } | more


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """An empty audit log."""
    log = tmp_path / "audit.log"
    log.touch()
    return log


def append(path: Path, *events: dict[str, Any]) -> None:
    """Write events as the API server does."""
    with path.open("a", encoding="utf-8") as log:
        log.writelines(json.dumps(each) + "\n" for each in events)


def verbs(events: list[dict[str, Any]]) -> list[str]:
    """Return the verbs of events."""
    return [each["verb"] for each in events]


def test_reads_are_requests_but_no_writes(path: Path) -> None:
    append(path, event("get"), event("list"), event("watch"), event("create"), event("patch"))
    log = AuditLog(path)
    assert verbs(log.requests()) == ["get", "list", "watch", "create", "patch"]
    assert verbs(log.writes()) == ["create", "patch"]


def test_all_verbs_that_write(path: Path) -> None:
    written = ["create", "update", "patch", "delete", "deletecollection"]
    append(path, *map(event, written))
    assert verbs(AuditLog(path).writes()) == written


def test_only_events_after_the_mark_are_returned(path: Path) -> None:
    log = AuditLog(path)
    assert log.mark() == 0
    append(path, event("create"))
    mark = log.mark()
    assert log.writes(since=mark) == []
    append(path, event("delete"))
    assert verbs(log.writes(since=mark)) == ["delete"]


def test_a_line_being_written_is_not_read_yet(path: Path) -> None:
    append(path, event("create"))
    whole = path.stat().st_size
    with path.open("a", encoding="utf-8") as log:
        log.write('{"stage": "Respo')
    assert AuditLog(path).mark() == whole
    assert verbs(AuditLog(path).requests()) == ["create"]


def test_a_request_counts_once_whatever_its_stages(path: Path) -> None:
    append(path, event("watch", stage="ResponseStarted"), event("watch"), event("create", stage="Panic"))
    assert verbs(AuditLog(path).requests()) == ["watch"]
    assert AuditLog(path).writes() == []


def test_user_and_resource_select(path: Path) -> None:
    controller = {"username": "system:serviceaccount:kube-system:cronjob-controller"}
    append(path, event("create"), event("patch", user=controller), event("delete", "serviceaccounts"))
    log = AuditLog(path)
    assert verbs(log.writes(user=ADMIN)) == ["create", "delete"]
    assert verbs(log.writes(resource="secrets")) == ["create", "patch"]
    assert verbs(log.requests(user=ADMIN, resource="serviceaccounts", verb="delete")) == ["delete"]


def test_rejected_writes_are_included(path: Path) -> None:
    append(path, event("create", responseStatus={"code": 409}))
    assert [each["responseStatus"]["code"] for each in AuditLog(path).writes()] == [409]


@pytest.mark.parametrize(
    "event_fields",
    [
        pytest.param(event("patch", requestURI="/api/v1/namespaces/a/secrets/x?dryRun=All&force=true"), id="dry run"),
        pytest.param(
            event("create", objectRef={"resource": "selfsubjectaccessreviews", "apiGroup": "authorization.k8s.io"}),
            id="access review",
        ),
        pytest.param(
            event("create", objectRef={"resource": "tokenreviews", "apiGroup": "authentication.k8s.io"}),
            id="token review",
        ),
        pytest.param(
            event("deletecollection", user={"username": "system:serviceaccount:kube-system:namespace-controller"}),
            id="what the cluster clears out",
        ),
    ],
)
def test_events_that_are_no_writes(path: Path, event_fields: dict[str, Any]) -> None:
    append(path, event_fields)
    assert len(AuditLog(path).requests()) == 1
    assert AuditLog(path).writes() == []


def test_resources_have_their_subresource() -> None:
    assert resource_of(event("get")) == "secrets"
    assert resource_of(event("create", objectRef={"resource": "serviceaccounts", "subresource": "token"})) == (
        "serviceaccounts/token"
    )
    plain = event("get", requestURI="/version")
    del plain["objectRef"]
    assert resource_of(plain) == ""
