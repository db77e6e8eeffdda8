# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The adapter to the API server: what is tried again, and what is said of what cannot be helped."""

from __future__ import annotations

import json
import os
from types import SimpleNamespace
from typing import Any

import pytest
import urllib3
from kubernetes.client.exceptions import ApiException
from kubernetes.dynamic import DynamicClient
from kubernetes.dynamic.exceptions import api_exception

from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes import api
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.retry import (
    SECONDS,
    SECONDS_AT_FIRST,
    SECONDS_TO_SETTLE,
    Patience,
)

HOST = "https://api.invalid:6443"
OK = {"metadata": {"name": "a", "uid": "u"}}


def refusal(
    status: int, message: str = "no", causes: list[str] | None = None, headers: dict[str, str] | None = None
) -> Exception:
    """What the client raises for an answer of the API server."""
    body = {"kind": "Status", "message": message, "details": {"causes": [{"reason": cause} for cause in causes or []]}}
    answer = SimpleNamespace(
        status=status,
        reason="Refused",
        data=json.dumps(body).encode(),
        headers=headers or {},
        getheaders=lambda: headers or {},
    )
    return api_exception(ApiException(http_resp=answer))


class ScriptedClient:
    """Answers with what it is given, in order; all of it must be used."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.requests: list[tuple[str, str, dict[str, Any]]] = []

    def request(self, method: str, path: str, **kwargs: Any) -> SimpleNamespace:
        self.requests.append((method, path, kwargs))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return SimpleNamespace(data=json.dumps(answer).encode(), headers={"Date": "Thu, 01 Jan 2026 00:00:00 GMT"})


class Clock:
    """Stands still but for the pauses that are made, none of which is real."""

    def __init__(self) -> None:
        self.now = 1000.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def cluster(*answers: Any, clock: Clock | None = None) -> tuple[api.Cluster, ScriptedClient]:
    clock = clock or Clock()
    client = ScriptedClient(*answers)
    scripted: Any = client
    port: DynamicClient = scripted
    return api.Cluster(HOST, port, Patience(lambda: clock.now, clock.sleep)), client


RETRIED = {
    "429": refusal(429),
    "500": refusal(500),
    "503": refusal(503),
    "lost connection": urllib3.exceptions.ProtocolError("Connection aborted."),
    "time-out": urllib3.exceptions.TimeoutError("Read timed out."),
}


@pytest.mark.parametrize("kind", RETRIED)
@pytest.mark.parametrize("verb", ["get", "create", "patch"])
def test_what_passes_is_tried_again(kind: str, verb: str) -> None:
    port, client = cluster(RETRIED[kind], RETRIED[kind], OK)
    if verb == "get":
        assert port.secret("ns", "a") == OK
    elif verb == "create":
        assert port.create_secret("ns", {"metadata": {"name": "a"}}) == "u"
    else:
        assert port.patch_secret("ns", "a", {"metadata": {}}) == "u"
    assert len(client.requests) == 3


def test_the_server_says_how_long_to_wait() -> None:
    clock = Clock()
    port, _client = cluster(refusal(429, headers={"Retry-After": "7"}), OK, clock=clock)
    port.secret("ns", "a")
    assert clock.now == pytest.approx(1007)


def test_an_error_of_one_request_is_given_up_soon() -> None:
    """A webhook's, for instance: the server lives, and others are still served."""
    clock = Clock()
    port, client = cluster(*[refusal(500, "webhook")] * api.ATTEMPTS, OK, clock=clock)
    with pytest.raises(api.ClusterError, match=r"get secret ns/a at https://api.invalid:6443: webhook"):
        port.secret("ns", "a")
    assert clock.now < 1010
    assert port.secret("ns", "b") == OK
    assert not client.answers


@pytest.mark.parametrize(("served", "seconds"), [(False, SECONDS_AT_FIRST), (True, SECONDS)])
def test_a_server_that_is_gone_is_given_up_once_and_for_all(served: bool, seconds: float) -> None:
    clock = Clock()
    refused = urllib3.exceptions.ProtocolError("Connection refused.")
    port, client = cluster(*[OK] * served, *[refused] * 100, clock=clock)
    if served:
        port.secret("ns", "a")
    with pytest.raises(api.ClusterError, match=r"patch secret ns/a at \S+: Connection refused\.\. It may have been"):
        port.patch_secret("ns", "a", {})
    assert seconds - 5 < clock.now - 1000 <= seconds
    clock.now += 5
    asked = len(client.requests)
    with pytest.raises(api.ClusterError, match=f"Did not patch secret ns/b: {HOST} serves no requests") as caught:
        port.patch_secret("ns", "b", {})
    assert caught.value.reason == "unreachable"
    assert len(client.requests) == asked


@pytest.mark.parametrize(
    ("first", "doubt"), [("answer lost", True), ("504", True), ("read", False), (None, False)], ids=str
)
def test_a_conflict_tells_whether_it_may_be_with_ourselves(first: str | None, doubt: bool) -> None:
    failures = {"answer lost": urllib3.exceptions.ProtocolError("Connection aborted."), "504": refusal(504)}
    answers = [OK, refusal(409)] if first == "read" else [*([failures[first]] if first else []), refusal(409)]
    port, _client = cluster(*answers)
    if first == "read":
        port.secret("ns", "a")
    with pytest.raises(api.ConflictError) as caught:
        port.patch_secret("ns", "a", {})
    assert caught.value.in_doubt is doubt


@pytest.mark.parametrize("status", [401, 403])
def test_just_after_a_restart_a_refusal_is_no_answer(status: int) -> None:
    """The API server listens before it knows all accounts and bindings."""
    clock = Clock()
    refused = urllib3.exceptions.ProtocolError("Connection refused.")
    port, client = cluster(OK, refused, refusal(status), refusal(status), OK, refusal(status), clock=clock)
    port.secret("ns", "a")
    assert port.patch_secret("ns", "a", {}) == "u"
    assert len(client.requests) == 5
    clock.now += SECONDS_TO_SETTLE
    with pytest.raises(api.ClusterError):
        port.patch_secret("ns", "a", {})


def test_a_true_refusal_after_a_restart_is_told_in_bounded_time() -> None:
    clock = Clock()
    refused = urllib3.exceptions.ProtocolError("Connection refused.")
    port, _client = cluster(OK, refused, *[refusal(403, "User x cannot")] * 50, clock=clock)
    port.secret("ns", "a")
    with pytest.raises(api.ForbiddenError, match="User x cannot"):
        port.patch_secret("ns", "a", {})
    assert SECONDS_TO_SETTLE < clock.now - 1000 < SECONDS_TO_SETTLE + 6


def test_once_stopped_nothing_is_read_but_a_write_may_need_its_second_half() -> None:
    patience = Patience()
    client: Any = ScriptedClient(OK)
    port = api.Cluster(HOST, client, patience)
    patience.stop("SIGTERM")
    assert port.stopped_by == "SIGTERM"
    with pytest.raises(api.ClusterError, match="Stopped by SIGTERM before it could get secret ns/a") as caught:
        port.secret("ns", "a")
    assert caught.value.reason == "stopped"
    assert port.create_secret("ns", {"metadata": {"name": "a"}}) == "u"


REFUSED = {
    "conflict": (refusal(409), api.ConflictError, "conflict"),
    "forbidden": (refusal(403, "User x cannot"), api.ForbiddenError, "forbidden"),
    "unauthorized": (refusal(401), api.ClusterError, "unauthorized"),
    "terminating": (refusal(403, "x", ["NamespaceTerminating"]), api.ClusterError, "terminating"),
    "no namespace": (refusal(404), api.NotFoundError, "not_found"),
    "invalid": (refusal(422, "bad"), api.ClusterError, "api_error"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_does_not_pass_is_not_tried_again(kind: str) -> None:
    answer, error, reason = REFUSED[kind]
    port, client = cluster(answer)
    with pytest.raises(error) as caught:
        port.create_secret("ns", {"metadata": {"name": "a"}, "data": {"x": "token"}})
    assert caught.value.reason == reason
    assert "create secret ns/a" in str(caught.value)
    assert "token" not in str(caught.value)
    assert len(client.requests) == 1


def test_a_missing_secret_is_none() -> None:
    port, _client = cluster(refusal(404))
    assert port.secret("ns", "a") is None


def test_lists_go_on_page_by_page_with_the_field_selector() -> None:
    port, client = cluster({"items": [{"n": 1}], "metadata": {"continue": "t"}}, {"items": [{"n": 2}], "metadata": {}})
    assert list(port.secrets("a")) == [{"n": 1}, {"n": 2}]
    queries = [kwargs["query_params"] for _method, _path, kwargs in client.requests]
    assert queries == [
        [("fieldSelector", "metadata.name=a"), ("limit", 500)],
        [("fieldSelector", "metadata.name=a"), ("limit", 500), ("continue", "t")],
    ]


def test_a_patch_is_a_merge_patch_in_our_name() -> None:
    port, client = cluster(OK)
    port.patch_secret("ns", "a", {"metadata": {}})
    method, path, kwargs = client.requests[0]
    assert (method, path) == ("PATCH", "/api/v1/namespaces/ns/secrets/a")
    assert kwargs["content_type"] == "application/merge-patch+json"
    assert kwargs["query_params"] == [("fieldManager", "freshpull")]


def test_a_deletion_is_bound_to_what_was_read() -> None:
    port, client = cluster({})
    port.delete_secret({"metadata": {"namespace": "ns", "name": "a", "uid": "u", "resourceVersion": "7"}})
    assert client.requests[0][2]["body"]["preconditions"] == {"uid": "u", "resourceVersion": "7"}


def test_the_clock_is_read_from_the_first_answer() -> None:
    port, _client = cluster(OK)
    port.secret("ns", "a")
    assert port.clock_offset.days < -200


@pytest.mark.parametrize(("given", "kept"), [("kubeconfig", False), ("context", False), ("host", False), (None, True)])
def test_options_for_a_cluster_switch_the_environment_off(
    monkeypatch: pytest.MonkeyPatch, given: str | None, kept: bool
) -> None:
    monkeypatch.setenv("K8S_AUTH_HOST", "https://other.invalid")
    monkeypatch.setenv("K8S_AUTH_API_KEY", "other")
    monkeypatch.setattr(api._k8s, "_create_auth_spec", lambda _module: {"host": os.environ.get("K8S_AUTH_HOST")})
    seen: list[dict[str, Any]] = []

    def configure(auth: dict[str, Any]) -> None:
        seen.append(auth)
        raise ValueError("enough")

    monkeypatch.setattr(api._k8s, "_create_configuration", configure)
    fake: Any = SimpleNamespace(params={given: "x"} if given else {})
    with pytest.raises(api.ClusterError, match="No cluster to talk to: enough"):
        api.connect(fake, 1)
    assert (seen[0]["host"] is not None) is kept
    assert ("K8S_AUTH_API_KEY" in os.environ) is kept
