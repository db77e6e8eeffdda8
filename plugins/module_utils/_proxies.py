# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Addresses of servers and proxies, and their user info, which no message may show. Private to this collection."""

from __future__ import annotations

import base64
import http.client
import re
import typing as t
import urllib.parse

from ansible_collections.freshpull.ecr_public.plugins.module_utils._masking import MASK

_VARIABLES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "https_proxy", "http_proxy", "all_proxy", "K8S_AUTH_PROXY")
_SPACE = re.compile(r"\s")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*:)?/+")
_REJECTED = re.compile(r"Tunnel connection failed: (\d{3})")
_SECONDS = 5.0


def of_environment(environment: t.Mapping[str, str]) -> list[str]:
    """Return the proxies that libraries find in the environment."""
    return [environment[name] for name in _VARIABLES if environment.get(name)]


def is_usable(url: t.Any) -> bool:
    """Return whether an HTTP client can connect to the host and the port of a URL."""
    if not isinstance(url, str) or _SPACE.search(url):
        return False
    try:
        address = urllib.parse.urlsplit(url)
        return address.scheme in ("http", "https") and bool(address.hostname) and address.port != 0
    except ValueError:
        return False


def secrets_in(url: t.Any) -> list[str]:
    """Return user info and password of an address, as they are and decoded; [] if it has none.

    An unquoted password may contain any character, and the scheme may be missing, so the address need not be a valid
    URL.
    """
    user_info = _split(str(url or ""))[1]
    password = user_info.partition(":")[2]
    return [secret for secret in (user_info, password, urllib.parse.unquote(password)) if secret]


def without_user_info(url: str) -> str:
    """Return an address with the user info hidden."""
    before, user_info, after = _split(url)
    return f"{before}{MASK}@{after}" if user_info else url


def _split(url: str) -> tuple[str, str, str]:
    """Return what is before the user info, the user info, and what is after its "@"."""
    scheme = _SCHEME.match(url)
    start = scheme.end() if scheme else 0
    user_info, _at, host = url[start:].rpartition("@")
    return url[:start], user_info, host


def status_in(text: str) -> int:
    """Return the HTTP status with which a proxy rejected a connection, from an error's text; 0 if it has none."""
    found = _REJECTED.search(text)
    return int(found.group(1)) if found else 0


def status_of(proxy: str, host: str) -> int:
    """Request a connection to port 443 of a host. Return the HTTP status with which the proxy rejects it, or 0."""
    try:
        if proxy.startswith(("https://", "socks")):
            return 0
        address = urllib.parse.urlsplit(proxy if "://" in proxy else f"http://{proxy}")
        connection = http.client.HTTPConnection(str(address.hostname), address.port or 80, timeout=_SECONDS)
        headers = {}
        if address.username:
            login = f"{urllib.parse.unquote(address.username)}:{urllib.parse.unquote(address.password or '')}"
            headers["Proxy-Authorization"] = "Basic " + base64.b64encode(login.encode()).decode()
        connection.set_tunnel(host, 443, headers)
        try:
            connection.connect()
        finally:
            connection.close()
    except (OSError, ValueError, http.client.HTTPException) as exc:
        return status_in(str(exc))
    return 0
