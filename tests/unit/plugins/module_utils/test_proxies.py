# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The password of a proxy is found in any address, and hidden in any text."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _proxies
from ansible_collections.freshpull.ecr_public.plugins.module_utils._masking import masked
from support.aws.broken import Broken

ADDRESSES = {
    "http://proxy.example:3128": [],
    "proxy.example:3128": [],
    "http://builder@proxy.example:3128": ["builder"],
    "http://builder:Winter2026@proxy.example": ["builder:Winter2026", "Winter2026"],
    "socks5://builder:Winter2026@127.0.0.1:9": ["Winter2026"],
    "http://builder:Win#ter2026@proxy.example": ["Win#ter2026"],
    "http://builder:Win/ter2026@proxy.example": ["Win/ter2026"],
    "http://builder:Win?ter2026@proxy.example": ["Win?ter2026"],
    "http://builder:Win@ter2026@proxy.example": ["Win@ter2026"],
    "http://builder:Winter%232026@proxy.example": ["Winter%232026", "Winter#2026"],
    "http://builder:Winter2026@[::1]:3128": ["Winter2026"],
    # Libraries add the scheme, or fail with the whole address.
    "builder:Winter2026@proxy.example:3128": ["builder:Winter2026", "Winter2026"],
    "http:/builder:Winter2026@proxy.example": ["builder:Winter2026", "Winter2026"],
    "http:builder:Winter2026@proxy.example": ["builder:Winter2026"],
    "//builder:Winter2026@proxy.example": ["builder:Winter2026", "Winter2026"],
}


@pytest.mark.parametrize("address", ADDRESSES)
def test_no_part_of_the_user_info_is_left(address: str) -> None:
    secrets = _proxies.secrets_in(address)
    assert set(ADDRESSES[address]) <= set(secrets)
    for text in (_proxies.without_user_info(address), masked(f"Cannot connect to {address}.", secrets)):
        assert "ter2026" not in text
        assert "2026" not in text
        assert address.rpartition("@")[2] in text


def test_the_environment_names_proxies() -> None:
    environment = {"HTTPS_PROXY": "a", "http_proxy": "b", "NO_PROXY": "c", "HTTP_PROXY": "", "K8S_AUTH_PROXY": "d"}
    assert sorted(_proxies.of_environment(environment)) == ["a", "b", "d"]


@pytest.fixture(scope="module")
def broken() -> Iterator[Broken]:
    with Broken() as server:
        yield server


# A proxy that requires a login and then allows nothing.
LOGINS = {"http://": 407, "": 407, "http://builder@": 403, "http://a:b%23c@": 403, "https://": 0, "socks5://": 0}


@pytest.mark.parametrize(("login", "status"), LOGINS.items())
def test_the_status_with_which_a_proxy_rejects_connections(broken: Broken, login: str, status: int) -> None:
    broken.requests.clear()
    address = broken.url.partition("://")[2]
    assert _proxies.status_of(f"{login}{address}", "api.example") == status
    assert len(broken.requests) == bool(status)


@pytest.mark.parametrize("proxy", ["http://127.0.0.1:9", "http://a:b#c@127.0.0.1:9", "http://[::1", ""])
def test_a_proxy_that_is_not_reached_has_no_status(proxy: str) -> None:
    assert _proxies.status_of(proxy, "api.example") == 0


def test_a_proxy_that_connects_has_no_status() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, contextlib.ExitStack() as stack:

        def connect() -> None:
            connection, _address = server.accept()
            stack.enter_context(connection)
            connection.recv(4096)
            connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")

        thread = threading.Thread(target=connect)
        thread.start()
        assert _proxies.status_of(f"http://127.0.0.1:{server.getsockname()[1]}", "api.example") == 0
        thread.join()


def test_the_status_in_the_text_of_an_error() -> None:
    assert _proxies.status_in("OSError('Tunnel connection failed: 407 Proxy Authentication Required')") == 407
    assert _proxies.status_in("Connection refused") == 0


USABLE = ["https://api.example", "http://127.0.0.1:9/path?query", "HTTPS://[::1]:8443", "https://a:b@api.example:1"]
UNUSABLE = [
    *(
        "ftp://api.example",
        "api.example:443",
        "//api.example",
        "https://",
        "https:///path",
        "https://:443",
        "",
        None,
        5,
    ),
    *(
        "https://api.example:port",
        "https://api.example:99999",
        "https://api.example:0",
        "https://[::1",
        "https://a:b#c@d",
    ),
    *(" https://api.example", "https://api.example\n", "https://api example"),
]


@pytest.mark.parametrize("url", [*USABLE, *UNUSABLE])
def test_a_usable_address_has_a_scheme_a_host_and_no_invalid_port(url: object) -> None:
    assert _proxies.is_usable(url) == (url in USABLE)
