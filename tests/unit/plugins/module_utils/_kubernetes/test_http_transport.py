# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The transport by the standard library. Tests for all transports are in test_transport.py."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes import connections, http_transport
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.http_transport import HttpTransport
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.transport import (
    NoResponseError,
    Request,
)
from support.aws import _http
from unit.plugins.module_utils._kubernetes.https import Server

READ = Request("GET", "/api/v1/namespaces", (("limit", "500"),))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path, "127.0.0.1")
    with server.http:
        yield server


def to(server: Server, path: str = "", authorization: str = "Bearer t") -> HttpTransport:
    tls = connections.context(ca_file=server.ca)
    return HttpTransport(f"{server.http.url}{path}", tls=tls, authorization=lambda: authorization)


def test_the_path_of_the_address_comes_first(server: Server) -> None:
    """As in the addresses of Rancher."""
    transport = to(server, "/k8s/clusters/c-1")
    transport.send(READ)
    assert server.requests[0].raw_path == "/k8s/clusters/c-1/api/v1/namespaces?limit=500"
    assert transport.host == f"{server.http.url}/k8s/clusters/c-1"


def test_without_authorization_there_is_no_header(server: Server) -> None:
    to(server, authorization="").send(READ)
    assert "authorization" not in {name.lower() for name in server.requests[0].headers}


def test_a_header_with_a_line_break_is_not_shown(server: Server) -> None:
    with pytest.raises(NoResponseError, match="contains a line break") as caught:
        to(server, authorization="Bearer never-shown\n\n").send(READ)
    assert "never-shown" not in f"{caught.value} {caught.value.__cause__}"
    assert caught.value.final
    assert server.requests == []


def test_a_response_has_a_limit(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http_transport, "MOST_BYTES", 1024 * 1024)
    transport = to(server)
    server.response = _http.Response(200, b"x" * 1024 * 1024)
    assert len(transport.send(READ).body) == 1024 * 1024
    server.response = _http.Response(200, b"x" * (1024 * 1024 + 1))
    with pytest.raises(NoResponseError, match="larger than 1 MiB") as caught:
        transport.send(READ)
    assert caught.value.final
    server.response = _http.Response(200, b"{}")
    assert transport.send(READ).body == b"{}"


def test_a_response_that_ends_too_early_is_none(server: Server) -> None:
    # The server's own Content-Length comes after this one, which counts.
    server.response = _http.Response(200, b"{}", {"content-length": "10", "Connection": "close"})
    with pytest.raises(NoResponseError, match="was cut") as caught:
        to(server).send(READ)
    assert not caught.value.final


def test_a_connection_that_the_server_closed_meanwhile_is_replaced(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A write on the closed connection would get no response: an unconfirmed write."""
    monkeypatch.setattr(_http._Handler, "timeout", 0.2)
    transport = to(server)
    transport.send(READ)
    connection = transport._local.connection
    while not http_transport._is_dropped(connection.sock):
        pass
    assert transport.send(Request("PATCH", "/api/v1/a", body={})).status == 200
    assert (len(server.requests), server.handshakes) == (2, 2)
