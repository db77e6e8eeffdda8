# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The behaviour of both transports, the modules' with the real client and the refresher's, with real TLS servers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.transport import (
    APPLY_PATCH,
    JSON,
    MERGE_PATCH,
    NoResponseError,
    Request,
)
from support.aws import _http
from support.cluster.pki import Authority
from unit.plugins.module_utils._kubernetes.conftest import Make
from unit.plugins.module_utils._kubernetes.https import Server, cut_handshakes

READ = Request("GET", "/api/v1/namespaces", (("labelSelector", "a in (b, c)"), ("limit", "500")))


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path, "127.0.0.1")
    with server.http:
        yield server


@pytest.mark.parametrize(
    ("method", "kind"), [("POST", JSON), ("PATCH", MERGE_PATCH), ("PATCH", APPLY_PATCH), ("DELETE", JSON)]
)
def test_a_request_is_sent_as_it_is(server: Server, make: Make, method: str, kind: str) -> None:
    transport = make(server.http.url, server.ca)
    assert transport.host == server.http.url
    path, query = "/api/v1/secrets/a%2Fb", (("fieldManager", "x"), ("labelSelector", "a in (b)"))
    body = {"a": "\u00fc\x7f\u2028\\ud83d\\ude00\n", "b": [True, None, 1]}
    transport.send(Request(method, path, query, body, kind, "text/plain"))
    (seen,) = server.requests
    assert (seen.method, seen.raw_path.partition("?")[0]) == (method, path)
    assert seen.query == dict(query)
    assert json.loads(seen.body) == body
    headers = {name.lower(): value for name, value in seen.headers.items()}
    assert (headers["accept"], headers["content-type"].partition(";")[0]) == ("text/plain", kind)


def test_an_applied_object_is_yaml(server: Server, make: Make) -> None:
    """The API server reads it as YAML, which has no escapes for one half of a character."""
    body = {"a": "\N{GRINNING FACE} \u00fc\x7f\x85\u2028\ufeff\\ud83d\\ude00\n"}
    make(server.http.url, server.ca).send(Request("PATCH", "/", (), body, APPLY_PATCH))
    (seen,) = server.requests
    assert yaml.safe_load(seen.body) == json.loads(seen.body) == body


def test_a_request_without_a_body_has_none(server: Server, make: Make) -> None:
    make(server.http.url, server.ca).send(READ)
    assert server.requests[0].body == b""


@pytest.mark.parametrize("status", [200, 201, 403, 404, 409, 410, 422, 429, 500, 503])
def test_every_status_is_a_response(server: Server, make: Make, status: int) -> None:
    server.response = _http.Response(status, b'{"message": "\xc3\xbc"}', {"Retry-After": "7"})
    response = make(server.http.url, server.ca).send(READ)
    assert (response.status, response.body) == (status, b'{"message": "\xc3\xbc"}')
    assert response.headers.get("retry-after") == "7"
    assert len(server.requests) == 1


def test_connections_are_used_again(server: Server, make: Make) -> None:
    transport = make(server.http.url, server.ca)
    for status in (200, 404, 200):
        server.response = _http.Response(status, b"{}")
        transport.send(READ)
    assert (len(server.requests), server.handshakes) == (3, 1)


def test_a_lost_response_is_no_response(server: Server, make: Make) -> None:
    transport = make(server.http.url, server.ca)
    server.response = _http.Response(drop=True)
    with pytest.raises(NoResponseError) as caught:
        transport.send(READ)
    assert not caught.value.final
    assert len(server.requests) == 1
    server.response = _http.Response(200, b"{}")
    assert transport.send(READ).status == 200


def test_a_closed_port_is_no_response(server: Server, make: Make) -> None:
    with pytest.raises(NoResponseError, match=r"(?i)connection refused") as caught:
        make("https://127.0.0.1:1", server.ca).send(READ)
    assert not caught.value.final


def test_a_handshake_that_is_cut_is_not_final(server: Server, make: Make) -> None:
    """The modules' client raises the same ApiException as for an untrusted certificate."""
    with cut_handshakes() as url, pytest.raises(NoResponseError) as caught:
        make(url, server.ca).send(READ)
    assert not caught.value.final
    assert str(caught.value)


def test_a_certificate_that_is_not_trusted_is_final(server: Server, make: Make, tmp_path: Path) -> None:
    other = tmp_path / "other.crt"
    other.write_bytes(Authority().certificate)
    with pytest.raises(NoResponseError, match=r"(?i)certificate") as caught:
        make(server.http.url, str(other)).send(READ)
    assert caught.value.final


def test_a_certificate_for_another_host_is_final(make: Make, tmp_path: Path) -> None:
    server = Server(tmp_path, "127.0.0.2")
    with server.http, pytest.raises(NoResponseError, match=r"(?i)certificate|doesn't match") as caught:
        make(server.http.url, server.ca).send(READ)
    assert caught.value.final
