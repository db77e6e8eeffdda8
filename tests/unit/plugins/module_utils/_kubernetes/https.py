# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers for the tests of transports."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

from support.aws import _http
from support.cluster.pki import Authority, Identity


class Server:
    """An HTTPS server that returns one response to each request and records the requests."""

    def __init__(
        self,
        directory: Path,
        name: str,
        *,
        authority: Authority | None = None,
        identity: Identity | None = None,
        host: str = "127.0.0.1",
    ) -> None:
        """name: the name in its certificate. identity: another certificate. host: the address to listen on."""
        self.authority = authority or Authority()
        identity = identity or self.authority.issue(name, addresses=[name])
        self.response = _http.Response(200, b"{}", {})
        self.requests: list[_http.Request] = []
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(*identity.write(directory, "server"))
        self.handshakes = 0
        tls.sni_callback = self._count
        self.http = _http.HttpServer(self._serve, host=host, tls=tls)
        (directory / "ca.crt").write_bytes(self.authority.certificate)
        self.ca = str(directory / "ca.crt")

    def _count(self, _connection: ssl.SSLObject, _name: str | None, _tls: ssl.SSLContext) -> None:
        self.handshakes += 1

    def _serve(self, request: _http.Request) -> _http.Response:
        self.requests.append(request)
        return self.response


@contextlib.contextmanager
def cut_handshakes() -> Iterator[str]:
    """Yield the URL of a server that closes each connection within the TLS handshake, as a load balancer can."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    connection, _address = listener.accept()
                except OSError:
                    return
                with connection:
                    connection.recv(1024)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"https://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
