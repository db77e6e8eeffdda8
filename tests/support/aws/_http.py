# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A threaded HTTP/1.1 server with keep-alive and limits for body size, idle time and connections."""

from __future__ import annotations

import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

if TYPE_CHECKING:
    # Not in Python 3.10, with which `make matrix` runs unit tests.
    from typing import Self

MAX_BODY = 64 * 1024 * 1024  # bytes; the largest body is a test image in base64
MAX_CONNECTIONS = 512
IDLE_SECONDS = 30
_LINE = 65536  # bytes of a line between chunks


@dataclass(frozen=True)
class Request:
    """A complete request. Header names are case-insensitive."""

    method: str
    path: str
    raw_path: str
    query: Mapping[str, str]
    headers: Message
    body: bytes


@dataclass
class Response:
    """A response. drop: close the connection without a response."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    drop: bool = False


App = Callable[[Request], Response]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], app: App, tls: ssl.SSLContext | None) -> None:
        self.app = app
        self._tls = tls
        self._slots = threading.BoundedSemaphore(MAX_CONNECTIONS)
        self.address_family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        super().__init__(address, _Handler)

    def get_request(self) -> tuple[socket.socket, tuple[str, int]]:
        connection, address = super().get_request()
        if self._tls is not None:
            # The handshake happens at the first read, in the thread of the connection: a slow client delays no other.
            connection = self._tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return connection, address

    def process_request_thread(self, request: socket.socket | tuple[bytes, socket.socket], client_address: Any) -> None:
        with self._slots:
            super().process_request_thread(request, client_address)

    def handle_error(self, request: object, client_address: object) -> None:
        """Print no traceback: tests have clients that disconnect or do not trust the certificate."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = IDLE_SECONDS
    disable_nagle_algorithm = True
    wbufsize = -1  # head and body in one segment
    server: _Server

    def _serve(self) -> None:
        body = self._body()
        if body is None:
            self._send(Response(413, b"too large"), close=True)
            return
        target = urlsplit(self.path)
        request = Request(
            method=self.command,
            path=target.path,
            raw_path=self.path,
            query=dict(parse_qsl(target.query)),
            headers=self.headers,
            body=body,
        )
        response = self.server.app(request)
        if response.drop:
            self.close_connection = True
            return
        self._send(response)

    def _body(self) -> bytes | None:
        """Read the body. None: it is too large."""
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            length = int(self.headers.get("Content-Length") or 0)
            return self.rfile.read(length) if length <= MAX_BODY else None
        body = b""
        while size := int(self.rfile.readline(_LINE).partition(b";")[0], 16):
            if len(body) + size > MAX_BODY:
                return None
            body += self.rfile.read(size)
            self.rfile.readline(_LINE)
        while self.rfile.readline(_LINE).strip():
            pass
        return body

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = do_CONNECT = _serve

    def _send(self, response: Response, close: bool = False) -> None:
        self.send_response_only(response.status)
        headers = {"Date": self.date_time_string(), **response.headers, "Content-Length": str(len(response.body))}
        if close:
            self.close_connection = True
            headers["Connection"] = "close"
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(response.body)

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing: the fake records requests itself."""


class Background:
    """A context manager that runs a server in a thread."""

    def __init__(self, server: socketserver.BaseServer) -> None:
        self._server = server
        self._thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class HttpServer(Background):
    """A server of C(app)."""

    def __init__(self, app: App, *, host: str, port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        server = _Server((host, port), app, tls)
        super().__init__(server)
        bound_host, bound_port = server.server_address[:2]
        self.address = (str(bound_host), int(bound_port))
        scheme = "https" if tls else "http"
        where = f"[{bound_host!s}]" if ":" in str(bound_host) else str(bound_host)
        self.url = f"{scheme}://{where}:{bound_port}"
