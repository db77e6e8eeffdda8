# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The refresher's connection to the API server, by the standard library alone. Private to this collection."""

from __future__ import annotations

import http.client
import select
import socket
import ssl
import threading
import typing as t
import urllib.parse

from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.connections import (
    CONNECT_SECONDS,
    READ_SECONDS,
    accept_missing_key_identifiers,
    no_response,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.transport import (
    NoResponseError,
    Request,
    Response,
    TooLargeError,
    encoded,
)

MOST_BYTES = 8 * 1024 * 1024
"""The limit of one response. A Secret of 1 MiB fits. A list that is larger is read again in smaller pages."""
_CHUNK = 64 * 1024


class PodTransport:
    """Send requests as the pod's service account. Each thread keeps its own connection open."""

    def __init__(self, host: str, port: int, *, token_file: str, ca_file: str) -> None:
        """host: a name, an IPv4 or an IPv6 address. token_file: read for each request, since the kubelet replaces it.

        Raises NoResponseError if ca_file holds no certificate.
        """
        self._address = (host, port)
        self._where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self.host = f"https://{self._where}"
        self._token_file = token_file
        self._tls = _context(ca_file)
        self._local = threading.local()

    def send(self, request: Request) -> Response:
        """Send a request once. Raises NoResponseError."""
        headers = {
            "Authorization": f"Bearer {self._token()}",
            "Accept": request.accept,
            "Content-Type": request.content_type,
            "User-Agent": "freshpull-refresher",
        }
        body = None if request.body is None else encoded(request.body)
        target = f"{request.path}?{urllib.parse.urlencode(request.query)}" if request.query else request.path
        connection = self._connection()
        try:
            connection.request(request.method, target, body, headers)
            response = connection.getresponse()
            # The headers can be read as a mapping, without regard to case.
            headers_of_response = t.cast("t.Mapping[str, str]", response.headers)
            return Response(response.status, headers_of_response, _read(response))
        except (OSError, http.client.HTTPException) as exc:
            connection.close()
            raise no_response(exc, self._where) from exc
        except NoResponseError:
            connection.close()
            raise

    def _token(self) -> str:
        try:
            with open(self._token_file, encoding="ascii") as file:
                token = file.read().strip()
        except (OSError, ValueError) as exc:
            raise NoResponseError(f"the token of the service account cannot be read: {exc}", final=True) from exc
        if len(token.split()) != 1:
            # http.client would quote the text in an error.
            raise NoResponseError(f"{self._token_file} contains no token of the service account", final=True)
        return token

    def _connection(self) -> http.client.HTTPSConnection:
        """Return this thread's connection. One that the server closed is replaced: a request on it gets no response."""
        kept: http.client.HTTPSConnection | None = getattr(self._local, "connection", None)
        if kept is not None and kept.sock is not None:
            if not _is_dropped(kept.sock):
                return kept
            kept.close()
        connection = http.client.HTTPSConnection(*self._address, timeout=CONNECT_SECONDS, context=self._tls)
        try:
            connection.connect()
        except OSError as exc:
            connection.close()
            raise no_response(exc, self._where, connecting=True) from exc
        connection.sock.settimeout(READ_SECONDS)
        self._local.connection = connection
        return connection


def _context(ca_file: str) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except (OSError, ValueError) as exc:
        raise NoResponseError(
            f"{ca_file} contains no certificate of the API server's authority: {exc}", final=True
        ) from exc
    accept_missing_key_identifiers(context)
    return context


def _read(response: http.client.HTTPResponse) -> bytes:
    """Read the body, up to MOST_BYTES. Raises HTTPException if it ends early, TooLargeError if it is larger."""
    found, size = [], 0
    while chunk := response.read(_CHUNK):
        size += len(chunk)
        if size > MOST_BYTES:
            raise TooLargeError(f"the response is larger than {MOST_BYTES // 1024 // 1024} MiB")
        found.append(chunk)
    if response.length:
        # http.client does not notice this when a body is read in parts.
        raise http.client.IncompleteRead(b"", response.length)
    return b"".join(found)


def _is_dropped(connection: socket.socket) -> bool:
    """Whether the server has closed the connection, or sent something without a request."""
    poll = select.poll()
    poll.register(connection, select.POLLIN)
    return bool(poll.poll(0))
