# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Responses that are not from an API server: a login page, a load balancer, another service."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes import api
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.clocks import Clocks
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.retry import SECONDS_UNTIL_FIRST_RESPONSE
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.transport import Request, Response
from unit.plugins.module_utils._kubernetes.test_api import DATE, HOST, LOG, OK, Clock, cluster

SECRET_PATH = "/api/v1/namespaces/ns/secrets/a"
RANCHER = b"<!doctype html><html><head><title>\n  Rancher &amp; friends\n</title></head><body>never-shown</body></html>"
JWT = "eyJhbGciOiJSUzI1NiIsImtpZCI6Im5ldmVyLXNob3duIn0"


def page(status: int, body: bytes = RANCHER, kind: str = "text/html; charset=utf-8", **headers: str) -> Response:
    return Response(status, {"Content-Type": kind, **headers, **DATE}, body)


OTHERS: dict[str, tuple[Response, str]] = {
    "a page": (page(200), 'OK (HTTP 200). {url} returned an HTML page with the title "Rancher & friends" (text/html)'),
    "a page without its type": (Response(200, {}, RANCHER), '"Rancher & friends" (no Content-Type)'),
    "a page without a title": (page(200, b"<html>"), "an HTML page (text/html)"),
    "a page that is not found": (page(404), "Not Found (HTTP 404). {url} returned an HTML page"),
    "a redirect": (
        page(302, b"", Location="https://sso.example.com/login?state=never-shown"),
        "API server. It redirects to https://sso.example.com, as a login page or a proxy does. Check the address.",
    ),
    "a redirect without a target": (page(307, b""), "It redirects, as a login page or a proxy does."),
    "nothing": (Response(200, {}, b""), "{url} returned nothing (no Content-Type)"),
    "a text": (page(200, b"healthy: never-shown", "text/plain"), "{url} returned a text (text/plain)"),
    "JSON of another service": (
        page(200, b'{"type": "collection", "data": ["never-shown"]}', "application/json"),
        "{url} returned JSON of another service (application/json)",
    ),
    "a list": (page(200, b"[]", "application/json"), "JSON of another service"),
    "JSON that is too deep": (page(200, b"[" * 100000, "application/json"), "(application/json)"),
    "an error of another service": (
        page(404, b'{"timestamp": 1, "error": "Not Found"}', "application/json"),
        "Not Found (HTTP 404). {url} returned JSON of another service",
    ),
    "an ingress without a backend": (
        page(404, b"default backend - 404", "text/plain"),
        "default backend - 404 (HTTP 404). {url} returned a text",
    ),
    "another program in Go": (page(404, b"404 page not found\n", "text/plain"), "404 page not found (HTTP 404)"),
    "a proxy that wants a login": (page(407), "Proxy Authentication Required (HTTP 407)"),
}


@pytest.mark.parametrize("case", OTHERS)
@pytest.mark.parametrize("write", [False, True], ids=["read", "write"])
def test_the_response_of_another_server_is_described_at_once(case: str, write: bool) -> None:
    response, words = OTHERS[case]
    clock = Clock()
    port, transport = cluster(response, clock=clock)
    request = Request("PATCH" if write else "GET", SECRET_PATH)
    with pytest.raises(api.ClusterError) as caught:
        port.request(request, "do it")
    assert caught.type is api.ClusterError
    assert caught.value.reason == "unreachable"
    text = str(caught.value)
    assert text.startswith(f"Could not do it at {HOST}: ")
    assert words.format(url=HOST + SECRET_PATH) in text
    assert "which is not from a Kubernetes API server. " in text
    assert "/k8s/clusters/" in text
    assert "never-shown" not in text
    assert "\n" not in text
    assert ".." not in text
    assert (len(transport.requests), clock.now) == (1, 1000)
    assert ("The write may have succeeded" in text) is (write and response.status == 200)


@pytest.mark.parametrize("status", [401, 403])
def test_a_denial_by_another_server_is_described_and_keeps_its_reason(status: int) -> None:
    port, _transport = cluster(page(status, b"<html><title>Blocked by the proxy</title>"))
    with pytest.raises(api.ClusterError, match='with the title "Blocked by the proxy"') as caught:
        port.secret("ns", "a")
    assert caught.value.reason == ("unauthorized" if status == 401 else "forbidden")


@pytest.mark.parametrize("status", [502, 503, 504])
def test_the_page_of_a_load_balancer_is_described_after_retries(status: int) -> None:
    clock = Clock()
    port, _transport = cluster(*[page(status, b"<html><title>No backend</title></html>")] * 100, clock=clock)
    with pytest.raises(api.ClusterError) as caught:
        port.secret("ns", "a")
    text = str(caught.value)
    assert f'(HTTP {status}). {HOST}{SECRET_PATH} returned an HTML page with the title "No backend"' in text
    assert "A load balancer or a proxy responds in its place: the API server behind it is not available." in text
    assert "/k8s/clusters/" not in text
    assert SECONDS_UNTIL_FIRST_RESPONSE - 5 < clock.now - 1000 <= SECONDS_UNTIL_FIRST_RESPONSE


@pytest.mark.parametrize("verb", ["get", "patch"])
def test_a_page_after_responses_of_the_api_server_is_retried(verb: str) -> None:
    """Something may respond in its place while it restarts."""
    port, transport = cluster(OK, page(200), page(200), OK)
    port.secret("ns", "a")
    if verb == "get":
        assert port.secret("ns", "a") == OK
    else:
        assert port.patch_secret("ns", "a", {"metadata": {}}) == "u"
    assert len(transport.requests) == 4


def test_a_page_is_no_log() -> None:
    port, _transport = cluster(page(200))
    with pytest.raises(api.ClusterError, match='"Rancher & friends"'):
        port.text(LOG, "read the log of Pod ns/a")


def test_the_clock_of_another_server_is_not_read() -> None:
    port, _transport = cluster(page(404))
    with pytest.raises(api.ClusterError):
        port.secret("ns", "a")
    assert port.clocks == Clocks()


TEXTS: dict[str, tuple[Response, str]] = {
    "too many requests": (
        page(429, b"Too many requests, please try again later.\n", "text/plain; charset=utf-8"),
        "Too many requests, please try again later. (HTTP 429)",
    ),
    "http": (
        page(400, b"Client sent an HTTP request to an HTTPS server.\n", "text/plain"),
        "Client sent an HTTP request to an HTTPS server. (HTTP 400)",
    ),
    "a proxy": (page(503, b"no healthy upstream", "text/plain"), "no healthy upstream (HTTP 503)"),
    "a token": (page(500, f"bad {JWT} in header\nnever-shown".encode(), "text/plain"), "bad ... in header (HTTP 500)"),
    "long": (page(500, b"word " * 100, "text/plain"), f"{'word ' * 12}... (HTTP 500)"),
}


@pytest.mark.parametrize("case", TEXTS)
def test_the_text_of_an_api_server_is_its_message(case: str) -> None:
    response, words = TEXTS[case]
    port, _transport = cluster(*[response] * 100)
    with pytest.raises(api.ClusterError) as caught:
        port.secret("ns", "a")
    assert caught.type is api.ClusterError
    assert str(caught.value) == f"Could not get secret ns/a at {HOST}: {words}"
    assert caught.value.reason == "api_error"


def test_an_api_that_is_not_served_is_not_found() -> None:
    """An API server returns the same text as other programs in Go."""
    port, _transport = cluster(page(404, b"404 page not found\n", "text/plain"))
    with pytest.raises(api.NotFoundError):
        port.request(Request("GET", "/apis/example.com/v1"), "list the resources")


def test_the_version_of_an_api_server_is_accepted() -> None:
    """It has neither kind nor metadata."""
    version = {"major": "1", "minor": "37", "gitVersion": "v1.37.0"}
    port, _transport = cluster(version)
    assert port.request(Request("GET", "/version"), "read the version") == version


def test_an_address_with_a_path_is_not_told_to_have_one() -> None:
    port, transport = cluster(page(200))
    transport.host = "https://rancher.example.com/k8s/clusters/c-1"
    with pytest.raises(api.ClusterError, match="Check the address") as caught:
        port.secret("ns", "a")
    assert "It may lack a path" not in str(caught.value)


def test_a_title_shows_no_token() -> None:
    port, _transport = cluster(page(200, f"<html><title>Hello {JWT} {'x ' * 100}</title>".encode()))
    with pytest.raises(api.ClusterError, match=r'title "Hello [.]{3} x x') as caught:
        port.secret("ns", "a")
    assert JWT not in str(caught.value)


def test_a_request_without_credentials_is_named() -> None:
    body: dict[str, Any] = {"kind": "Status", "message": 'User "system:anonymous" cannot get resource "secrets"'}
    port, _transport = cluster(Response(403, {}, json.dumps(body).encode()))
    with pytest.raises(api.ForbiddenError, match="The request had no credentials"):
        port.secret("ns", "a")
