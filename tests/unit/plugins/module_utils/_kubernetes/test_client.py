# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules' transport, with the real client and a server of the test's own."""

from __future__ import annotations

import json
import os
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from kubernetes.client import Configuration

from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes import client
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.api import ClusterError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.transport import (
    APPLY_PATCH,
    JSON,
    MERGE_PATCH,
    NoResponseError,
    Request,
)
from support.aws import _http
from support.cluster.pki import Authority

READ = Request("GET", "/api/v1/namespaces", (("labelSelector", "a in (b, c)"), ("limit", "500")))


class Server:
    """An HTTPS server that gives one answer to everything and remembers what it was asked."""

    def __init__(self, folder: Path, name: str) -> None:
        """name: what its certificate is for."""
        self.authority = Authority()
        self.answer = _http.Response(200, b"{}", {})
        self.requests: list[_http.Request] = []
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(*self.authority.issue(name, addresses=[name]).write(folder, "server"))
        self.handshakes = 0
        tls.sni_callback = self._count
        self.http = _http.HttpServer(self._serve, host="127.0.0.1", tls=tls)
        (folder / "ca.crt").write_bytes(self.authority.certificate)
        self.ca = str(folder / "ca.crt")

    def _count(self, _connection: ssl.SSLObject, _name: str | None, _tls: ssl.SSLContext) -> None:
        self.handshakes += 1

    def _serve(self, request: _http.Request) -> _http.Response:
        self.requests.append(request)
        return self.answer


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path, "127.0.0.1")
    with server.http:
        yield server


def transport_to(url: str, ca: str) -> client.ClientTransport:
    configuration = Configuration()
    configuration.host = url
    configuration.ssl_ca_cert = ca
    return client.ClientTransport(configuration, connections=1, headers={"Impersonate-User": "somebody"})


@pytest.mark.parametrize(
    ("method", "kind"), [("POST", JSON), ("PATCH", MERGE_PATCH), ("PATCH", APPLY_PATCH), ("DELETE", JSON)]
)
def test_a_request_is_sent_as_it_is(server: Server, method: str, kind: str) -> None:
    transport = transport_to(server.http.url, server.ca)
    assert transport.host == server.http.url
    path, query = "/api/v1/secrets/a%2Fb", (("fieldManager", "x"), ("labelSelector", "a in (b)"))
    transport.send(Request(method, path, query, {"a": "\u00fc", "b": [True, None, 1]}, kind, "text/plain"))
    (seen,) = server.requests
    assert (seen.method, seen.raw_path.partition("?")[0]) == (method, path)
    assert seen.query == dict(query)
    assert json.loads(seen.body) == {"a": "\u00fc", "b": [True, None, 1]}
    headers = {name.lower(): value for name, value in seen.headers.items()}
    assert (headers["accept"], headers["content-type"]) == ("text/plain", kind)
    assert headers["impersonate-user"] == "somebody"


def test_a_request_without_a_body_has_none(server: Server) -> None:
    transport_to(server.http.url, server.ca).send(READ)
    assert server.requests[0].body == b""


@pytest.mark.parametrize("status", [200, 201, 403, 404, 409, 410, 422, 429, 500, 503])
def test_every_status_is_a_response(server: Server, status: int) -> None:
    server.answer = _http.Response(status, b'{"message": "\xc3\xbc"}', {"Retry-After": "7"})
    response = transport_to(server.http.url, server.ca).send(READ)
    assert (response.status, response.body) == (status, b'{"message": "\xc3\xbc"}')
    assert response.headers.get("retry-after") == "7"
    assert len(server.requests) == 1


def test_connections_are_used_again(server: Server) -> None:
    transport = transport_to(server.http.url, server.ca)
    for status in (200, 404, 200):
        server.answer = _http.Response(status, b"{}")
        transport.send(READ)
    assert (len(server.requests), server.handshakes) == (3, 1)


def test_an_answer_that_is_lost_is_no_response(server: Server) -> None:
    server.answer = _http.Response(drop=True)
    with pytest.raises(NoResponseError) as caught:
        transport_to(server.http.url, server.ca).send(READ)
    assert not caught.value.final
    assert len(server.requests) == 1


def test_nobody_there_is_no_response(server: Server) -> None:
    with pytest.raises(NoResponseError, match="Connection refused") as caught:
        transport_to("https://127.0.0.1:1", server.ca).send(READ)
    assert not caught.value.final


@pytest.fixture
def cutter() -> Iterator[str]:
    """The address of what accepts connections and ends them within the TLS handshake, as a load balancer may."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    connection, _address = listener.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(1024)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"https://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def test_a_handshake_that_is_cut_is_not_final(cutter: str, server: Server) -> None:
    """The client makes of it what it makes of a certificate that is not trusted: an ApiException with status 0."""
    with pytest.raises(NoResponseError) as caught:
        transport_to(cutter, server.ca).send(READ)
    assert not caught.value.final
    assert str(caught.value)


def test_a_certificate_that_is_not_trusted_is_final(server: Server, tmp_path: Path) -> None:
    other = tmp_path / "other.crt"
    other.write_bytes(Authority().certificate)
    with pytest.raises(NoResponseError, match=r"(?i)certificate verify failed") as caught:
        transport_to(server.http.url, str(other)).send(READ)
    assert caught.value.final


def test_a_certificate_for_another_host_is_final(tmp_path: Path) -> None:
    server = Server(tmp_path, "127.0.0.2")
    with server.http, pytest.raises(NoResponseError, match=r"(?i)certificate|doesn't match") as caught:
        transport_to(server.http.url, server.ca).send(READ)
    assert caught.value.final


@pytest.mark.parametrize(("given", "kept"), [("kubeconfig", False), ("context", False), ("host", False), (None, True)])
def test_options_for_a_cluster_switch_the_environment_off(
    monkeypatch: pytest.MonkeyPatch, given: str | None, kept: bool
) -> None:
    monkeypatch.setenv("K8S_AUTH_HOST", "https://other.invalid")
    monkeypatch.setenv("K8S_AUTH_API_KEY", "other")
    monkeypatch.setattr(client._k8s, "_create_auth_spec", lambda _module: {"host": os.environ.get("K8S_AUTH_HOST")})
    seen: list[dict[str, Any]] = []

    def configure(auth: dict[str, Any]) -> None:
        seen.append(auth)
        raise ValueError("enough")

    monkeypatch.setattr(client._k8s, "_create_configuration", configure)
    fake: Any = SimpleNamespace(params={given: "x"} if given else {})
    with pytest.raises(ClusterError, match="No cluster to talk to: enough"):
        client.connect(fake, 1)
    assert (seen[0]["host"] is not None) is kept
    assert ("K8S_AUTH_API_KEY" in os.environ) is kept
