# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What both transports accept and reject as the certificate of an API server, with real TLS servers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.transport import (
    NoResponseError,
    Request,
)
from support.cluster.pki import Authority
from unit.plugins.module_utils._kubernetes.conftest import Make
from unit.plugins.module_utils._kubernetes.https import Server

READ = Request("GET", "/api/v1/namespaces")
ADDRESS = "127.0.0.1"
Serve = Callable[[Server], None]


@pytest.fixture(params=[True, False], ids=["with key identifiers", "without"])
def authority(request: pytest.FixtureRequest) -> Authority:
    """An authority as those of most clusters, and one without key identifiers, as reported from EKS."""
    return Authority(key_identifiers=request.param)


@contextmanager
def running(server: Server) -> Iterator[Server]:
    with server.http:
        yield server


def test_an_authority_without_key_identifiers_is_trusted(make: Make, authority: Authority, tmp_path: Path) -> None:
    with running(Server(tmp_path, ADDRESS, authority=authority)) as server:
        assert make(server.http.url, server.ca).send(READ).status == 200


def test_another_authority_is_rejected(make: Make, authority: Authority, tmp_path: Path) -> None:
    """Two clusters can have authorities of the same name, as all of one installer have."""
    other = tmp_path / "other.crt"
    other.write_bytes(Authority(key_identifiers=False).certificate)
    with running(Server(tmp_path, ADDRESS, authority=authority)) as server, pytest.raises(NoResponseError) as caught:
        make(server.http.url, str(other)).send(READ)
    assert rejected(caught.value, server)
    assert server.requests == []


def test_another_host_is_rejected(make: Make, authority: Authority, tmp_path: Path) -> None:
    with (
        running(Server(tmp_path, "other.example", authority=authority)) as server,
        pytest.raises(NoResponseError, match=r"not valid for '127\.0\.0\.1'|'127\.0\.0\.1' doesn't match") as caught,
    ):
        make(server.http.url, server.ca).send(READ)
    assert rejected(caught.value, server)
    assert server.requests == []


def test_an_expired_certificate_is_rejected(make: Make, authority: Authority, tmp_path: Path) -> None:
    expired = authority.issue("server", addresses=[ADDRESS], lifetime=timedelta(hours=-1))
    with (
        running(Server(tmp_path, ADDRESS, authority=authority, identity=expired)) as server,
        pytest.raises(NoResponseError, match="certificate has expired") as caught,
    ):
        make(server.http.url, server.ca).send(READ)
    assert rejected(caught.value, server)
    assert server.requests == []


def rejected(error: NoResponseError, server: Server) -> bool:
    """Whether the error names the server and its certificate, in one line and without a retry."""
    where = server.http.url.removeprefix("https://")
    return error.final and str(error).startswith(f"the certificate of {where} is rejected: ") and "\n" not in str(error)


@pytest.mark.parametrize("authority", [True], indirect=True)
def test_an_ipv6_address(make: Make, authority: Authority, tmp_path: Path) -> None:
    with running(Server(tmp_path, "::1", host="::1")) as server:
        transport = make(server.http.url, server.ca)
        assert transport.send(READ).status == 200
    assert transport.host == server.http.url
    assert server.requests[0].headers["Host"] == server.http.url.removeprefix("https://")


def test_an_ipv6_address_that_the_certificate_lacks(make: Make, tmp_path: Path) -> None:
    with (
        running(Server(tmp_path, ADDRESS, host="::1")) as server,
        pytest.raises(NoResponseError, match=r"not valid for '::1'|'::1' doesn't match") as caught,
    ):
        make(server.http.url, server.ca).send(READ)
    assert rejected(caught.value, server)
