# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The proxy that injects faults: each fault has exactly its effect."""

from __future__ import annotations

import base64
import http.client
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml

from support.aws._http import HttpServer, Request, Response
from support.cluster.pki import Authority, write_kubeconfig, write_private
from support.faults import AFTER, BEFORE, Fault, FaultProxy


class Upstream:
    """A server in place of the API server, which records its requests."""

    def __init__(self) -> None:
        self.requests: list[Request] = []

    def __call__(self, request: Request) -> Response:
        self.requests.append(request)
        return Response(201, b'{"real": true}', {"Date": "Thu, 01 Jan 2026 00:00:00 GMT", "X-Kept": "yes"})


@pytest.fixture
def upstream() -> Upstream:
    return Upstream()


@pytest.fixture
def proxy(upstream: Upstream, tmp_path: Path) -> Iterator[FaultProxy]:
    authority = Authority()
    certificate, key = authority.issue("api", addresses=["127.0.0.1"]).write(tmp_path, "api")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate, key)
    with HttpServer(upstream, host="127.0.0.1", tls=tls) as server:
        path = write_kubeconfig(
            tmp_path / "kubeconfig",
            server=server.url,
            authority=authority.certificate,
            identity=authority.issue("admin"),
        )
        with FaultProxy(path) as proxy:
            yield proxy


def connect(proxy: FaultProxy, directory: Path) -> http.client.HTTPSConnection:
    cluster = yaml.safe_load(Path(proxy.kubeconfig).read_text())["clusters"][0]["cluster"]
    authority = write_private(directory / "proxy-ca.crt", base64.b64decode(cluster["certificate-authority-data"]))
    address = urlsplit(cluster["server"])
    context = ssl.create_default_context(cafile=str(authority))
    return http.client.HTTPSConnection(str(address.hostname), address.port, context=context, timeout=10)


@pytest.fixture
def connection(proxy: FaultProxy, tmp_path: Path) -> Iterator[http.client.HTTPSConnection]:
    made = connect(proxy, tmp_path)
    yield made
    made.close()


def send(
    connection: http.client.HTTPSConnection, method: str = "GET", path: str = "/a?b=c", body: str | None = None
) -> tuple[int, bytes]:
    connection.request(method, path, body, {"Content-Type": "text/x"})
    response = connection.getresponse()
    return response.status, response.read()


REAL = (201, b'{"real": true}')


def test_without_a_fault_requests_pass_unchanged(
    proxy: FaultProxy, upstream: Upstream, connection: http.client.HTTPSConnection
) -> None:
    assert send(connection, "PATCH", body="text") == REAL
    [request] = upstream.requests
    assert (request.method, request.raw_path, request.body) == ("PATCH", "/a?b=c", b"text")
    assert request.headers["Content-Type"] == "text/x"
    assert [(seen.method, seen.path) for seen in proxy.seen] == [("PATCH", "/a?b=c")]


@pytest.mark.parametrize(("strikes", "reached"), [(BEFORE, 0), (AFTER, 1)])
def test_a_lost_connection(
    proxy: FaultProxy, upstream: Upstream, connection: http.client.HTTPSConnection, strikes: str, reached: int
) -> None:
    fault = proxy.inject(Fault("POST", "/a", times=1, strikes=strikes))
    assert send(connection) == REAL
    with pytest.raises(http.client.RemoteDisconnected):
        send(connection, "POST")
    assert fault.hits == 1
    assert len([request for request in upstream.requests if request.method == "POST"]) == reached
    assert send(connection, "POST") == REAL


@pytest.mark.parametrize(("strikes", "reached"), [(BEFORE, 0), (AFTER, 1)])
def test_an_injected_response(
    proxy: FaultProxy, upstream: Upstream, connection: http.client.HTTPSConnection, strikes: str, reached: int
) -> None:
    proxy.inject(Fault(times=1, strikes=strikes, status=429, headers={"Retry-After": "7"}))
    connection.request("GET", "/a")
    response = connection.getresponse()
    assert (response.status, response.headers["Retry-After"]) == (429, "7")
    assert b"injected" in response.read()
    assert len(upstream.requests) == reached


def test_skipped_and_other_requests_pass(proxy: FaultProxy, connection: http.client.HTTPSConnection) -> None:
    proxy.inject(Fault("GET", "/a", skip=2, times=1, strikes=BEFORE, status=500))
    statuses = [send(connection, path=path)[0] for path in ("/a", "/b", "/a", "/a", "/a")]
    assert statuses == [201, 201, 201, 500, 201]


def test_another_clock(proxy: FaultProxy, connection: http.client.HTTPSConnection) -> None:
    proxy.inject(Fault(headers={"Date": "Fri, 02 Jan 2026 00:00:00 GMT"}))
    connection.request("GET", "/a")
    response = connection.getresponse()
    assert response.read() == REAL[1]
    assert response.headers.get_all("Date") == ["Fri, 02 Jan 2026 00:00:00 GMT"]
    assert response.headers["X-Kept"] == "yes"


def test_a_delay_and_a_call_before_forwarding(
    proxy: FaultProxy, upstream: Upstream, connection: http.client.HTTPSConnection
) -> None:
    reached: list[int] = []
    proxy.inject(Fault(delay=0.2, meanwhile=lambda: reached.append(len(upstream.requests))))
    began = time.monotonic()
    assert send(connection) == REAL
    assert time.monotonic() - began >= 0.2
    assert reached == [0]


def test_heal(proxy: FaultProxy, connection: http.client.HTTPSConnection) -> None:
    proxy.inject(Fault(strikes=BEFORE, status=500))
    assert send(connection)[0] == 500
    assert len(proxy.times("GET", "/a")) == 1
    proxy.heal()
    assert proxy.seen == []
    assert send(connection) == REAL


def test_an_unreachable_server_is_a_lost_connection(tmp_path: Path) -> None:
    authority = Authority()
    path = write_kubeconfig(
        tmp_path / "kubeconfig",
        server="https://127.0.0.1:9",
        authority=authority.certificate,
        identity=authority.issue("admin"),
    )
    with FaultProxy(path) as proxy, pytest.raises(http.client.RemoteDisconnected):
        send(connect(proxy, tmp_path))
