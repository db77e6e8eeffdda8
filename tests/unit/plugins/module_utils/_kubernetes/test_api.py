# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The requests to the API server: their retries and their errors."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes import api
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.clocks import Clocks
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.retry import (
    SECONDS,
    SECONDS_TO_SETTLE,
    SECONDS_UNTIL_FIRST_RESPONSE,
    RetryBudget,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.transport import (
    NoResponseError,
    Request,
    Response,
    TooLargeError,
)

HOST = "https://api.invalid:6443"
OK = {"metadata": {"name": "a", "uid": "u"}}

EMPTY = b'{"kind": "Status"}'
DATE = {"Date": "Thu, 01 Jan 2026 00:00:00 GMT"}


def rejection(
    status: int, message: str = "no", causes: list[str] | None = None, headers: dict[str, str] | None = None
) -> Response:
    """Build the API server's response to a rejected request."""
    body = {"kind": "Status", "message": message, "details": {"causes": [{"reason": cause} for cause in causes or []]}}
    return Response(status, headers or {}, json.dumps(body).encode())


class ScriptedTransport:
    """Returns or raises the given responses in order. Each must be used."""

    host = HOST

    def __init__(self, *responses: Any) -> None:
        self.responses = list(responses)
        self.requests: list[Request] = []

    def send(self, request: Request) -> Response:
        self.requests.append(request)
        response = self.responses.pop(0)
        if isinstance(response, Exception):
            raise response
        return response if isinstance(response, Response) else Response(200, DATE, json.dumps(response).encode())


class Clock:
    """A clock that only pauses move, none of which is real."""

    def __init__(self) -> None:
        self.now = 1000.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def cluster(*responses: Any, clock: Clock | None = None) -> tuple[api.Cluster, ScriptedTransport]:
    clock = clock or Clock()
    transport = ScriptedTransport(*responses)
    return api.Cluster(transport, retries=RetryBudget(now=lambda: clock.now, sleep=clock.sleep)), transport


RETRIED = {
    "429": rejection(429),
    "500": rejection(500),
    "503": rejection(503),
    "lost connection": NoResponseError("Connection aborted."),
}


@pytest.mark.parametrize("kind", RETRIED)
@pytest.mark.parametrize("verb", ["get", "create", "patch"])
def test_a_temporary_error_is_retried(kind: str, verb: str) -> None:
    port, transport = cluster(RETRIED[kind], RETRIED[kind], OK)
    if verb == "get":
        assert port.secret("ns", "a") == OK
    elif verb == "create":
        assert port.create_secret("ns", {"metadata": {"name": "a"}}) == "u"
    else:
        assert port.patch_secret("ns", "a", {"metadata": {}}) == "u"
    assert len(transport.requests) == 3


LOG = Request("GET", "/api/v1/namespaces/ns/pods/a/log", accept="*/*")


@pytest.mark.parametrize("kind", RETRIED)
def test_a_text_is_read_with_the_same_retries(kind: str) -> None:
    port, transport = cluster(RETRIED[kind], Response(200, DATE, b"{not JSON, \xc3\xa4, \xff"))
    assert port.text(LOG, "read the log of Pod ns/a") == "{not JSON, \u00e4, \ufffd"
    assert transport.requests == [LOG, LOG]


def test_a_text_that_is_rejected_is_the_same_error() -> None:
    port, _transport = cluster(rejection(404, 'pods "a" not found'))
    with pytest.raises(api.NotFoundError, match=r'read the log of Pod ns/a at \S+: pods "a" not found'):
        port.text(LOG, "read the log of Pod ns/a")


def test_retry_after_is_respected() -> None:
    clock = Clock()
    port, _transport = cluster(rejection(429, headers={"Retry-After": "7"}), OK, clock=clock)
    port.secret("ns", "a")
    assert clock.now == pytest.approx(1007)


def test_an_error_of_one_request_has_few_retries() -> None:
    """For example an error of a webhook: the server works, and other requests are served."""
    clock = Clock()
    port, transport = cluster(*[rejection(500, "webhook")] * api.ATTEMPTS, OK, clock=clock)
    with pytest.raises(api.ClusterError, match=r"get secret ns/a at https://api.invalid:6443: webhook"):
        port.secret("ns", "a")
    assert clock.now < 1010
    assert port.secret("ns", "b") == OK
    assert not transport.responses


@pytest.mark.parametrize(("served", "seconds"), [(False, SECONDS_UNTIL_FIRST_RESPONSE), (True, SECONDS)])
def test_a_server_that_is_gone_ends_the_retries_of_all_requests(served: bool, seconds: float) -> None:
    clock = Clock()
    lost = NoResponseError("Connection refused.")
    port, transport = cluster(*[OK] * served, *[lost] * 100, clock=clock)
    if served:
        port.secret("ns", "a")
    with pytest.raises(
        api.ClusterError, match=r"patch secret ns/a at \S+: Connection refused\.\. The write may have succeeded"
    ):
        port.patch_secret("ns", "a", {})
    assert seconds - 5 < clock.now - 1000 <= seconds
    clock.now += 5
    sent = len(transport.requests)
    with pytest.raises(api.ClusterError, match=f"Did not patch secret ns/b: {HOST} serves no requests") as caught:
        port.patch_secret("ns", "b", {})
    assert caught.value.reason == "unreachable"
    assert len(transport.requests) == sent


@pytest.mark.parametrize(
    ("first", "unconfirmed"), [("response lost", True), ("504", True), ("read", False), (None, False)], ids=str
)
def test_a_conflict_states_whether_an_earlier_attempt_may_have_succeeded(first: str | None, unconfirmed: bool) -> None:
    failures = {"response lost": NoResponseError("Connection aborted."), "504": rejection(504)}
    responses = [OK, rejection(409)] if first == "read" else [*([failures[first]] if first else []), rejection(409)]
    port, _transport = cluster(*responses)
    if first == "read":
        port.secret("ns", "a")
    with pytest.raises(api.ConflictError) as caught:
        port.patch_secret("ns", "a", {})
    assert caught.value.unconfirmed is unconfirmed


@pytest.mark.parametrize("status", [401, 403])
def test_after_a_restart_a_denial_is_retried(status: int) -> None:
    """The API server listens before it knows all accounts and bindings."""
    clock = Clock()
    lost = NoResponseError("Connection refused.")
    port, transport = cluster(OK, lost, rejection(status), rejection(status), OK, rejection(status), clock=clock)
    port.secret("ns", "a")
    assert port.patch_secret("ns", "a", {}) == "u"
    assert len(transport.requests) == 5
    clock.now += SECONDS_TO_SETTLE
    with pytest.raises(api.ClusterError):
        port.patch_secret("ns", "a", {})


def test_a_lasting_denial_after_a_restart_is_reported_in_bounded_time() -> None:
    clock = Clock()
    lost = NoResponseError("Connection refused.")
    port, _transport = cluster(OK, lost, *[rejection(403, "User x cannot")] * 50, clock=clock)
    port.secret("ns", "a")
    with pytest.raises(api.ForbiddenError, match="User x cannot"):
        port.patch_secret("ns", "a", {})
    assert SECONDS_TO_SETTLE < clock.now - 1000 < SECONDS_TO_SETTLE + 6


def test_after_a_stop_nothing_is_read_but_a_second_write_is_sent() -> None:
    budget = RetryBudget()
    port = api.Cluster(ScriptedTransport(OK), retries=budget)
    budget.stop("SIGTERM")
    assert port.stopped_by == "SIGTERM"
    with pytest.raises(api.ClusterError, match="Stopped by SIGTERM before it could get secret ns/a") as caught:
        port.secret("ns", "a")
    assert caught.value.reason == "stopped"
    assert port.create_secret("ns", {"metadata": {"name": "a"}}) == "u"


REJECTED = {
    "conflict": (rejection(409), api.ConflictError, "conflict"),
    "forbidden": (rejection(403, "User x cannot"), api.ForbiddenError, "forbidden"),
    "unauthorized": (rejection(401), api.ClusterError, "unauthorized"),
    "terminating": (rejection(403, "x", ["NamespaceTerminating"]), api.ClusterError, "terminating"),
    "no namespace": (rejection(404), api.NotFoundError, "not_found"),
    "invalid": (rejection(422, "bad"), api.ClusterError, "api_error"),
}


@pytest.mark.parametrize("kind", REJECTED)
def test_a_permanent_error_is_not_retried(kind: str) -> None:
    response, error, reason = REJECTED[kind]
    port, transport = cluster(response)
    with pytest.raises(error) as caught:
        port.create_secret("ns", {"metadata": {"name": "a"}, "data": {"x": "token"}})
    assert caught.value.reason == reason
    assert "create secret ns/a" in str(caught.value)
    assert "token" not in str(caught.value)
    assert len(transport.requests) == 1


def test_a_missing_secret_is_none() -> None:
    port, _transport = cluster(rejection(404))
    assert port.secret("ns", "a") is None


def named(*names: str, token: str = "") -> dict[str, Any]:
    """A page of a list."""
    items = [{"metadata": {"namespace": name, "name": "a"}} for name in names]
    return {"items": items, "metadata": {"continue": token} if token else {}}


def namespaces_of(port: api.Cluster) -> list[str]:
    return [secret["metadata"]["namespace"] for secret in port.secrets("a")]


def test_each_page_of_a_list_has_the_field_selector() -> None:
    port, transport = cluster(named("x", token="t"), named("y"))
    assert namespaces_of(port) == ["x", "y"]
    assert [list(request.query) for request in transport.requests] == [
        [("fieldSelector", "metadata.name=a"), ("limit", "500")],
        [("fieldSelector", "metadata.name=a"), ("limit", "500"), ("continue", "t")],
    ]


def test_a_list_whose_rest_has_expired_starts_again_without_duplicates() -> None:
    port, transport = cluster(named("w", "x", token="t"), rejection(410), named("x", "y", token="u"), named("z"))
    assert namespaces_of(port) == ["w", "x", "y", "z"]
    assert [dict(request.query).get("continue") for request in transport.requests] == [None, "t", None, "u"]


@pytest.mark.parametrize("depth", [986, 100_000])
def test_an_object_with_deep_metadata_stops_no_list(depth: int) -> None:
    """Who can write an object can set its managedFields, which may be nested as deep as the API server parses."""
    fields = '{"f:a":' * depth + "{}" + "}" * depth
    deep = f'{{"metadata":{{"namespace":"w","name":"a","managedFields":[{{"fieldsV1":{fields}}}]}}}}'
    other = json.dumps(named("x")["items"][0])
    port, _transport = cluster(Response(200, DATE, f'{{"metadata":{{}},"items":[{deep},{other}]}}'.encode()))
    assert namespaces_of(port) == ["w", "x"]


def test_a_list_that_never_ends_is_an_error() -> None:
    port, transport = cluster(*[named("x", token="t"), rejection(410, "too old")] * 10)
    with pytest.raises(api.ClusterError, match=r"list secrets named a in all namespaces at \S+: too old"):
        namespaces_of(port)
    assert len(transport.requests) == 2 * (api.LIST_RESTARTS + 1)


def test_a_page_that_is_too_large_is_read_in_smaller_ones() -> None:
    large = TooLargeError("the response is larger than 8 MiB")
    port, transport = cluster(named("w", token="t"), large, large, named("x", token="u"), named("y"))
    assert namespaces_of(port) == ["w", "x", "y"]
    sent = [dict(request.query) for request in transport.requests]
    assert [(query["limit"], query.get("continue")) for query in sent] == [
        ("500", None),
        ("500", "t"),
        ("125", "t"),
        ("31", "t"),
        ("31", "u"),
    ]


def test_pages_are_large_again_after_the_objects_of_a_page_that_was_too_large() -> None:
    """A few namespaces with the largest secrets must not cost a request for each of the others."""
    large = TooLargeError("the response is larger than 8 MiB")
    names = [f"n{number}" for number in range(api.PAGE_SIZE)]
    small = [named(*names[start : start + 125], token="t") for start in range(0, api.PAGE_SIZE, 125)]
    port, transport = cluster(large, *small, named("x", token="u"), large, named("y"))
    assert namespaces_of(port) == [*names, "x", "y"]
    limits = [dict(request.query)["limit"] for request in transport.requests]
    assert limits == ["500", "125", "125", "125", "125", "500", "500", "125"]


def test_an_object_that_is_too_large_is_an_error() -> None:
    port, transport = cluster(*[TooLargeError("the response is larger than 8 MiB")] * 6)
    with pytest.raises(api.LargeResponseError, match=r"list secrets named a in all namespaces at .*larger than 8 MiB"):
        namespaces_of(port)
    assert [dict(request.query)["limit"] for request in transport.requests] == ["500", "125", "31", "7", "1"]


def test_a_secret_is_applied_with_a_field_manager_for_each_run() -> None:
    port, transport = cluster({"metadata": {"uid": "u"}})
    assert port.apply_secret("ns", {"metadata": {"name": "a"}}) == "u"
    (request,) = transport.requests
    assert (request.method, request.path) == ("PATCH", "/api/v1/namespaces/ns/secrets/a")
    assert request.content_type == "application/apply-patch+yaml"
    # Another run of the refresher has another field manager, a retry has the same.
    ((key, manager),) = request.query
    assert (key, manager[: len("freshpull-")]) == ("fieldManager", "freshpull-")
    other, others = cluster({"metadata": {"uid": "u"}}, {"metadata": {"uid": "u"}})
    for _again in range(2):
        other.apply_secret("ns", {"metadata": {"name": "a"}})
    managers = [dict(each.query)["fieldManager"] for each in others.requests]
    assert managers[0] == managers[1] != manager


def test_one_namespace_can_be_listed_by_name_and_selector() -> None:
    port, transport = cluster({"items": [{"metadata": {"name": "x"}}], "metadata": {}})
    assert list(port.namespaces("a=b", "x")) == ["x"]
    assert list(transport.requests[0].query)[:2] == [("labelSelector", "a=b"), ("fieldSelector", "metadata.name=x")]


def test_a_patch_is_a_merge_patch_with_the_field_manager() -> None:
    port, transport = cluster(OK)
    port.patch_secret("ns", "a", {"metadata": {}})
    (request,) = transport.requests
    assert (request.method, request.path) == ("PATCH", "/api/v1/namespaces/ns/secrets/a")
    assert request.content_type == "application/merge-patch+json"
    assert list(request.query) == [("fieldManager", "freshpull")]


def test_a_deletion_is_bound_to_what_was_read() -> None:
    port, transport = cluster({"kind": "Status"})
    port.delete_secret({"metadata": {"namespace": "ns", "name": "a", "uid": "u", "resourceVersion": "7"}})
    body = transport.requests[0].body
    assert body is not None
    assert body["preconditions"] == {"uid": "u", "resourceVersion": "7"}


@pytest.mark.parametrize("status", [200, 401, 403, 404, 409, 410, 422])
def test_the_clock_is_read_from_the_first_response(status: int) -> None:
    """Also from a denial: for an account with few permissions all other responses may come too late."""
    first = rejection(status, headers=DATE) if status >= 400 else OK
    port, _transport = cluster(first, Response(200, {"Date": "Thu, 01 Jan 2099 00:00:00 GMT"}, EMPTY))
    with contextlib.suppress(api.ClusterError):
        port.secret("ns", "a")
    assert port.clocks.ahead.days < -200
    port.secret("ns", "b")
    assert port.clocks.ahead.days < -200


@pytest.mark.parametrize(
    "response",
    [
        rejection(503, headers=DATE),
        Response(200, {"Date": "yesterday"}, EMPTY),
        Response(200, {"Date": "Thu, 01 Jan 2026 00:00:00 -0000"}, EMPTY),
        Response(200, {}, EMPTY),
    ],
    ids=["a load balancer's", "unreadable", "of no time zone", "none"],
)
def test_a_date_that_is_not_the_server_s_is_ignored(response: Response) -> None:
    port, _transport = cluster(response, Response(200, {}, EMPTY))
    port.secret("ns", "a")
    assert port.clocks == Clocks()


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b'{"details": null}'], ids=str)
def test_a_rejection_without_a_status_object_is_named_by_its_number(body: bytes) -> None:
    port, _transport = cluster(Response(403, {}, body))
    with pytest.raises(api.ForbiddenError, match=r"get secret ns/a at \S+: Forbidden \(HTTP 403\)"):
        port.secret("ns", "a")


def test_a_final_error_is_not_retried() -> None:
    port, transport = cluster(NoResponseError("self-signed certificate", final=True))
    with pytest.raises(api.ClusterError, match="self-signed certificate"):
        port.secret("ns", "a")
    assert len(transport.requests) == 1
