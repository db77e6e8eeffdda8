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

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _cluster

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


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The pauses that were made, none of them real."""
    made: list[float] = []
    monkeypatch.setattr(_cluster.time, "sleep", made.append)
    return made


def cluster(*answers: Any) -> tuple[_cluster.Cluster, ScriptedClient]:
    client = ScriptedClient(*answers)
    scripted: Any = client
    port: DynamicClient = scripted
    return _cluster.Cluster(HOST, port), client


RETRIED = {
    "429": refusal(429),
    "500": refusal(500),
    "503": refusal(503),
    "lost connection": urllib3.exceptions.ProtocolError("Connection aborted."),
    "time-out": urllib3.exceptions.TimeoutError("Read timed out."),
}


@pytest.mark.parametrize("kind", RETRIED)
@pytest.mark.parametrize("verb", ["get", "create", "patch"])
def test_what_passes_is_tried_again(pauses: list[float], kind: str, verb: str) -> None:
    port, client = cluster(RETRIED[kind], RETRIED[kind], OK)
    if verb == "get":
        assert port.secret("ns", "a") == OK
    elif verb == "create":
        assert port.create_secret("ns", {"metadata": {"name": "a"}}) == "u"
    else:
        assert port.patch_secret("ns", "a", {"metadata": {}}) == "u"
    assert len(client.requests) == 3
    assert len(pauses) == 2


def test_the_server_says_how_long_to_wait(pauses: list[float]) -> None:
    port, _client = cluster(refusal(429, headers={"Retry-After": "7"}), OK)
    port.secret("ns", "a")
    assert pauses == [7.0]


def test_it_is_given_up_in_the_end(pauses: list[float]) -> None:
    port, client = cluster(*[refusal(503, "overloaded")] * _cluster.ATTEMPTS)
    with pytest.raises(_cluster.ClusterError, match=r"get secret ns/a at https://api.invalid:6443: overloaded"):
        port.secret("ns", "a")
    assert not client.answers
    assert len(pauses) == _cluster.ATTEMPTS - 1


REFUSED = {
    "conflict": (refusal(409), _cluster.ConflictError, "conflict"),
    "forbidden": (refusal(403, "User x cannot"), _cluster.ForbiddenError, "forbidden"),
    "unauthorized": (refusal(401), _cluster.ClusterError, "unauthorized"),
    "terminating": (refusal(403, "x", ["NamespaceTerminating"]), _cluster.ClusterError, "terminating"),
    "no namespace": (refusal(404), _cluster.NotFoundError, "not_found"),
    "invalid": (refusal(422, "bad"), _cluster.ClusterError, "api_error"),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_does_not_pass_is_not_tried_again(pauses: list[float], kind: str) -> None:
    answer, error, reason = REFUSED[kind]
    port, client = cluster(answer)
    with pytest.raises(error) as caught:
        port.create_secret("ns", {"metadata": {"name": "a"}, "data": {"x": "token"}})
    assert caught.value.reason == reason
    assert "create secret ns/a" in str(caught.value)
    assert "token" not in str(caught.value)
    assert len(client.requests) == 1
    assert pauses == []


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
    monkeypatch.setattr(_cluster._k8s, "_create_auth_spec", lambda _module: {"host": os.environ.get("K8S_AUTH_HOST")})
    seen: list[dict[str, Any]] = []

    def configure(auth: dict[str, Any]) -> None:
        seen.append(auth)
        raise ValueError("enough")

    monkeypatch.setattr(_cluster._k8s, "_create_configuration", configure)
    fake: Any = SimpleNamespace(params={given: "x"} if given else {})
    with pytest.raises(_cluster.ClusterError, match="No cluster to talk to: enough"):
        _cluster.connect(fake, 1)
    assert (seen[0]["host"] is not None) is kept
    assert ("K8S_AUTH_API_KEY" in os.environ) is kept
