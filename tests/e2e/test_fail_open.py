# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""AWS is down: valid tokens are kept, expiring tokens are removed, and the next token restores the entries."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from kubernetes import client

from support.aws import FakeAws
from support.cluster.audit import AuditLog
from support.dockerconfig import auths_of
from support.playbook import Ansible
from support.refresher import EMPTY, life
from unit.cases import decide as cases

Make = Callable[..., list[str]]
NAME = "ecr-public-secret"
ADMIN = "freshpull-admin"
PREFIX = "ecr-public.freshpull/"
DATA_KEY = ".dockerconfigjson"


def ago(hours: float) -> str:
    """Return the time this many hours ago."""
    return (dt.datetime.now(tz=dt.timezone.utc) - dt.timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ")


SHARED: dict[str, Any] = {
    "auths": {"public.ecr.aws": "old", "other.example": "theirs"},
    "registries": ["public.ecr.aws"],
}

# Each class of secret, and its action and reason while AWS is down.
CLASSES: dict[str, tuple[dict[str, Any] | None, tuple[str, str]]] = {
    "fresh": (life(10), ("unchanged", "fresh")),
    "due": (life(5), ("failed", "kept")),
    "expiring": (life(0.9), ("failed_open", "due")),
    "expired": ({**life(-1), **SHARED, "labels": {"theirs": "x"}}, ("failed_open", "expired")),
    "changed": ({**life(5), "fingerprint": "sha256:0000000000000000"}, ("failed_open", "modified")),
    "unknown": ({**life(5), "expires_at": None}, ("failed_open", "unknown_expiry")),
    "immutable": ({**life(0.9), "immutable": True}, ("failed", "immutable")),
    "empty": (EMPTY, ("failed", "token_unavailable")),
    "unmanaged": ({"managed": False}, ("failed", "unmanaged")),
    "missing": (None, ("failed", "token_unavailable")),
}
WRITTEN = {kind for kind, (_secret, (action, _reason)) in CLASSES.items() if action == "failed_open"}


def fill(core: client.CoreV1Api, namespace: str, secret: dict[str, Any]) -> None:
    body = cases.secret(namespace=namespace, **secret)
    for key in ("uid", "resourceVersion"):
        del body["metadata"][key]
    core.create_namespaced_secret(namespace, body)


@pytest.fixture
def places(core: client.CoreV1Api, make_namespaces: Make) -> dict[str, str]:
    """A namespace for each class of secret, by class."""
    found = dict(zip(CLASSES, make_namespaces(*CLASSES), strict=True))
    for kind, (secret, _expected) in CLASSES.items():
        if secret is not None:
            fill(core, found[kind], secret)
    return found


def state(core: client.CoreV1Api, namespace: str) -> Any:
    """Return the secret as stored; None if it does not exist."""
    found = core.list_namespaced_secret(namespace, field_selector=f"metadata.name={NAME}").items
    return core.api_client.sanitize_for_serialization(found[0]) if found else None


def auths(secret: Any) -> dict[str, Any]:
    return auths_of(secret["data"])


def entries(result: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {entry["namespace"]: entry for entry in result["namespaces"]}


def writes(audit: AuditLog, mark: int) -> list[str]:
    """Return the namespaces in which the play wrote secrets."""
    return sorted(event["objectRef"]["namespace"] for event in audit.writes(mark, user=ADMIN, resource="secrets"))


@pytest.mark.core
def test_each_class_of_secret_while_aws_is_down_and_after(
    ansible: Ansible,
    core: client.CoreV1Api,
    aws: FakeAws,
    aws_options: dict[str, Any],
    audit: AuditLog,
    places: dict[str, str],
) -> None:
    options: dict[str, Any] = {"namespaces": list(places.values()), "aws": aws_options}
    before = {kind: state(core, namespace) for kind, namespace in places.items()}
    aws.behave(deny="ecr-public:GetAuthorizationToken")

    mark = audit.mark()
    check = ansible.pull_secret("--check", "--diff", **options).results["result"]
    assert (writes(audit, mark), aws.calls) == ([], {})
    assert entries(check)[places["expiring"]]["action"] == "renewed"

    result = ansible.pull_secret("--diff", **options).results["result"]
    assert result["failed"]
    assert result["changed"]
    found = entries(result)
    assert {kind: (found[name]["action"], found[name]["reason"]) for kind, name in places.items()} == {
        kind: expected for kind, (_secret, expected) in CLASSES.items()
    }
    assert aws.calls == {"GetAuthorizationToken": 1}
    assert writes(audit, mark) == sorted(places[kind] for kind in WRITTEN)

    after = {kind: state(core, namespace) for kind, namespace in places.items()}
    for kind in set(CLASSES) - WRITTEN:
        assert after[kind] == before[kind]
    for kind in WRITTEN:
        assert after[kind]["metadata"]["uid"] == before[kind]["metadata"]["uid"]
        assert after[kind]["metadata"]["labels"] == before[kind]["metadata"]["labels"]
        assert "public.ecr.aws" not in auths(after[kind])
        assert after[kind]["metadata"]["annotations"][PREFIX + "failed-open-at"] > ago(0.1)
    assert auths(after["expired"])["other.example"] == auths(before["expired"])["other.example"]

    # The message names the missing permission and the result for each class.
    message = result["msg"]
    assert "lacks ecr-public:GetAuthorizationToken" in message
    failed_open = ", ".join(sorted(places[kind] for kind in WRITTEN))
    assert f"keep a token that is still valid: {places['due']}." in message
    assert f"it was removed, so pulls are anonymous: {failed_open}." in message
    assert f"2 of 10 namespaces have no managed token: {places['empty']}, {places['missing']}." in message
    assert "2 of 10 namespaces failed." in message
    assert found[places["due"]]["expires_at"] == before["due"]["metadata"]["annotations"][PREFIX + "expires-at"]
    diff = result["diff"]["after"][f"{places['expired']}/{NAME}"]
    assert diff["registries"] == {}

    # AWS is still down: secrets that failed open are not written again.
    mark = audit.mark()
    again = ansible.pull_secret(**options).results["result"]
    assert again["failed"]
    assert not again["changed"]
    assert {entries(again)[places[kind]]["reason"] for kind in WRITTEN} == {"token_unavailable"}
    assert writes(audit, mark) == []

    # AWS is back: all entries are restored, and the UIDs are the same.
    aws.behave(deny=None)
    restored = entries(ansible.pull_secret(**options).results["result"])
    assert {restored[places[kind]]["action"] for kind in WRITTEN} == {"renewed"}
    assert {restored[places[kind]]["reason"] for kind in WRITTEN} == {"restored"}
    assert restored[places["missing"]]["action"] == "created"
    for kind in WRITTEN:
        stored = state(core, places[kind])
        assert stored["metadata"]["uid"] == before[kind]["metadata"]["uid"]
        assert auths(stored)["public.ecr.aws"]["password"] == aws.tokens[-1]
        assert PREFIX + "failed-open-at" not in stored["metadata"]["annotations"]
    assert auths(state(core, places["expired"]))["other.example"] == auths(before["expired"])["other.example"]


def test_a_wrong_option_removes_only_tokens_that_have_expired(
    ansible: Ansible, core: client.CoreV1Api, aws: FakeAws, audit: AuditLog, places: dict[str, str]
) -> None:
    """Also where a service account that does not exist makes the namespace fail."""
    # Without `immutable`, whose reason alone leads to another plan.
    namespaces = [namespace for kind, namespace in places.items() if kind != "immutable"]
    options: dict[str, Any] = {"namespaces": namespaces, "aws": {"profil": "ci"}, "service_accounts": ["nowhere"]}
    mark = audit.mark()
    result = ansible.pull_secret(**options).results["result"]
    assert result["failed"]
    assert "profil" in result["msg"]
    assert writes(audit, mark) == [places["expired"]]
    assert list(auths(state(core, places["expired"]))) == ["other.example"]
    assert aws.calls == {}

    mark = audit.mark()
    again = ansible.pull_secret(**options).results["result"]
    assert again["failed"]
    assert writes(audit, mark) == []
