# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The refresher's transport. Tests for all transports are in test_transport.py."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.transport import (
    NoResponseError,
    Request,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher.pod_transport import PodTransport
from unit.plugins.module_utils._kubernetes.https import Server

READ = Request("GET", "/api/v1/namespaces")
IPV6 = "fd00::1"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path, "127.0.0.1")
    with server.http:
        yield server


@pytest.fixture
def token(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.write_text("first\n")
    return path


def port_of(server: Server) -> int:
    return urlsplit(server.http.url).port or 443


def to(server: Server, token: Path, **changes: Any) -> PodTransport:
    given = {"host": "127.0.0.1", "port": port_of(server), "ca_file": server.ca, **changes}
    return PodTransport(token_file=str(token), **given)


def test_the_token_is_read_for_each_request(server: Server, token: Path) -> None:
    transport = to(server, token)
    transport.send(READ)
    token.write_text("second")
    transport.send(READ)
    assert [request.headers["Authorization"] for request in server.requests] == ["Bearer first", "Bearer second"]


@pytest.mark.parametrize(
    "content", [None, b"", b"\n", b"\xff\xfe", b"never-said\nnever-said", b"never-said never-said"]
)
def test_a_token_that_cannot_be_used_is_final_and_not_shown(server: Server, token: Path, content: bytes | None) -> None:
    transport = to(server, token)
    token.unlink()
    if content is not None:
        token.write_bytes(content)
    with pytest.raises(NoResponseError, match=r"token of the service account( cannot be read|$)") as caught:
        transport.send(READ)
    assert caught.value.final
    assert "never-said" not in str(caught.value)
    assert server.requests == []


@pytest.mark.parametrize("content", [None, b"", b"no certificate\n"])
def test_authorities_that_cannot_be_read_are_final(server: Server, token: Path, content: bytes | None) -> None:
    ca = Path(server.ca)
    ca.unlink()
    if content is not None:
        ca.write_bytes(content)
    with pytest.raises(
        NoResponseError, match=r"ca\.crt contains no certificate of the API server's authority"
    ) as caught:
        to(server, token)
    assert caught.value.final


def test_a_name_that_does_not_exist_is_final(server: Server, token: Path) -> None:
    with pytest.raises(NoResponseError, match=r"nowhere\.invalid:\d+ cannot be resolved") as caught:
        to(server, token, host="nowhere.invalid").send(READ)
    assert caught.value.final


def test_a_name_server_that_does_not_respond_is_not(
    server: Server, token: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_args: object, **_kwargs: object) -> None:
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(NoResponseError, match="Temporary failure") as caught:
        to(server, token, host="server.invalid").send(READ)
    assert not caught.value.final


def test_an_ipv6_address(token: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The address leads to the test's server, as not every machine has IPv6."""
    server = Server(tmp_path, IPV6)
    connect = socket.create_connection
    asked: list[Any] = []

    def redirect(address: Any, *args: Any, **kwargs: Any) -> socket.socket:
        asked.append(address)
        return connect(("127.0.0.1", port_of(server)), *args, **kwargs)

    monkeypatch.setattr(socket, "create_connection", redirect)
    with server.http:
        transport = to(server, token, host=IPV6)
        assert transport.send(READ).status == 200
    assert transport.host == f"https://[{IPV6}]:{port_of(server)}"
    assert asked == [(IPV6, port_of(server))]
    assert server.requests[0].headers["Host"] == f"[{IPV6}]:{port_of(server)}"


def test_proxies_are_for_aws_alone(server: Server, token: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert to(server, token).send(READ).status == 200
