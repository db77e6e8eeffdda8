# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A proxy like those of companies: it only accepts CONNECT, and connects the names of AWS to the fake."""

from __future__ import annotations

import select
import socket
import socketserver
from collections.abc import Mapping

from ._http import Background

_SECONDS = 30
_CHUNK = 65536


class _Handler(socketserver.StreamRequestHandler):
    timeout = _SECONDS
    server: _Server

    def handle(self) -> None:
        words = self.rfile.readline(_CHUNK).decode("latin-1").split()
        while self.rfile.readline(_CHUNK).strip():
            pass
        if len(words) != 3 or words[0] != "CONNECT":
            self.wfile.write(b"HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n")
            return
        self.server.targets.append(words[1])
        address = self.server.routes.get(words[1])
        if address is None:
            self.wfile.write(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
            return
        with socket.create_connection(address, timeout=_SECONDS) as there:
            self.wfile.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            _carry(self.connection, there)


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, host: str, routes: Mapping[str, tuple[str, int]]) -> None:
        self.routes = routes
        self.targets: list[str] = []
        super().__init__((host, 0), _Handler)

    def handle_error(self, request: object, client_address: object) -> None:
        """Print no traceback: tests have clients that disconnect."""


def _carry(here: socket.socket, there: socket.socket) -> None:
    """Copy data in both directions until one side ends or nothing comes for _SECONDS."""
    other = {here: there, there: here}
    while ready := select.select([here, there], [], [], _SECONDS)[0]:
        for side in ready:
            data = side.recv(_CHUNK)
            if not data:
                return
            other[side].sendall(data)


class Proxy(Background):
    """routes: the "host:port" that clients request to the address to connect to. All other targets are rejected."""

    def __init__(self, host: str, routes: Mapping[str, tuple[str, int]]) -> None:
        self._tcp = _Server(host, routes)
        super().__init__(self._tcp)
        self.url = f"http://{host}:{self._tcp.server_address[1]}"

    @property
    def targets(self) -> list[str]:
        """The targets that clients requested, also the rejected ones."""
        return list(self._tcp.targets)
