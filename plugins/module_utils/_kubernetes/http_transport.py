# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A connection to an API server, by the standard library alone. Private to this collection.

The refresher uses it, and the modules for a server that they reach without a proxy.
"""

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
NOT_SENDABLE = (
    "the request cannot be sent. A token, a password or a header contains a line break or another character that HTTP "
    "does not allow"
)
_CHUNK = 64 * 1024


class HttpTransport:
    """Sends requests over TLS. Each thread keeps its own connection open."""

    def __init__(
        self,
        host: str,
        *,
        tls: ssl.SSLContext,
        authorization: t.Callable[[], str],
        user_agent: str = "freshpull-module",
        describe: t.Callable[..., NoResponseError] = no_response,
    ) -> None:
        """host: the address, which begins with https:// and may have a path.

        authorization: returns the value of the header Authorization, or "". It is called for each request.
        describe: returns the error for an exception, with the parameters of no_response().
        """
        address = urllib.parse.urlsplit(host)
        self.host = host
        self._address = (str(address.hostname), address.port or http.client.HTTPS_PORT)
        self._where = address.netloc
        self._base = address.path
        self._tls = tls
        self._authorization = authorization
        self._user_agent = user_agent
        self._describe = describe
        self._local = threading.local()

    def send(self, request: Request) -> Response:
        """Send a request once. Raises NoResponseError."""
        headers = {"Accept": request.accept, "Content-Type": request.content_type, "User-Agent": self._user_agent}
        authorization = self._authorization()
        if authorization:
            headers["Authorization"] = authorization
        body = None if request.body is None else encoded(request.body)
        query = f"?{urllib.parse.urlencode(request.query)}" if request.query else ""
        connection = self._connection()
        try:
            connection.request(request.method, f"{self._base}{request.path}{query}", body, headers)
            response = connection.getresponse()
            # The headers can be read as a mapping, without regard to case.
            headers_of_response = t.cast("t.Mapping[str, str]", response.headers)
            return Response(response.status, headers_of_response, _read(response))
        except (OSError, http.client.HTTPException) as exc:
            connection.close()
            raise self._describe(exc, self._where) from exc
        except NoResponseError:
            connection.close()
            raise
        except ValueError:
            # http.client quotes the header.
            connection.close()
            raise NoResponseError(NOT_SENDABLE, final=True) from None

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
            raise self._describe(exc, self._where, connecting=True) from exc
        connection.sock.settimeout(READ_SECONDS)
        self._local.connection = connection
        return connection


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
