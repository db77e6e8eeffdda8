# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A proxy of a real API server that drops, delays and rejects requests as a test requires."""

from __future__ import annotations

import base64
import http.client
import re
import ssl
import tempfile
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from urllib.parse import urlsplit

import yaml

from support.aws._http import HttpServer, Request, Response
from support.cluster.pki import Authority, write_kubeconfig, write_private

SECONDS = 60
_CONNECTION_HEADERS = ("connection", "content-length", "transfer-encoding", "host", "accept-encoding")
"""Headers of one connection, which are not passed on."""

NEVER = ""
BEFORE = "before"
AFTER = "after"


@dataclass
class Fault:
    """What the proxy does with the requests that match.

    method, path: an HTTP method, and a regular expression to find in path and query; '' matches all.
    skip: the number of matching requests to pass on first. times: the number to hit after them.
    strikes: BEFORE the API server gets the request, AFTER it has executed it, or NEVER, to return the real response.
    status: of the injected response; None closes the connection. headers: of the injected or the real response.
    delay: seconds to wait first. meanwhile: called before the request is forwarded.
    """

    method: str = ""
    path: str = ""
    skip: int = 0
    times: float = float("inf")
    strikes: str = NEVER
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    delay: float = 0
    meanwhile: Callable[[], None] | None = None
    hits: int = 0

    def matches(self, request: Request) -> bool:
        return self.method in ("", request.method) and bool(re.search(self.path, request.raw_path))


@dataclass(frozen=True)
class Seen:
    """A request that the proxy received. at: by the monotonic clock."""

    at: float
    method: str
    path: str


class FaultProxy:
    """A proxy for clients with `kubeconfig`. It authenticates as the user of `upstream`, or with a client's token."""

    def __init__(self, upstream: str | Path, host: str = "127.0.0.1", *, authority: Authority | None = None) -> None:
        """upstream: a kubeconfig with embedded certificates. host: the address to listen on.

        authority: of the proxy's certificate.
        """
        self._lock = threading.Lock()
        self._local = threading.local()
        self._faults: list[Fault] = []
        self.seen: list[Seen] = []
        self._directory = tempfile.TemporaryDirectory()
        directory = Path(self._directory.name)
        config = yaml.safe_load(Path(upstream).read_text(encoding="utf-8"))
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        self._upstream = urlsplit(cluster["server"])
        trusted = str(_file(directory / "upstream-ca.crt", cluster["certificate-authority-data"]))
        # Two ways to the API server: as the administrator, and without a certificate for clients that have a token.
        self._anonymous = ssl.create_default_context(cafile=trusted)
        self._known = ssl.create_default_context(cafile=trusted)
        self._known.load_cert_chain(
            _file(directory / "upstream.crt", user["client-certificate-data"]),
            _file(directory / "upstream.key", user["client-key-data"]),
        )
        own = authority or Authority()
        certificate, key = own.issue("proxy", addresses=[host]).write(directory, "proxy")
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate, key)
        self._server = HttpServer(self._serve, host=host, tls=tls)
        self.url = self._server.url
        self.kubeconfig = str(
            write_kubeconfig(
                directory / "kubeconfig", server=self.url, authority=own.certificate, identity=own.issue("nobody")
            )
        )

    def __enter__(self) -> FaultProxy:
        self._server.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.__exit__(kind, error, trace)
        self._directory.cleanup()

    def inject(self, fault: Fault) -> Fault:
        """Apply a fault from now on. Of several that match a request the first one applies."""
        with self._lock:
            self._faults.append(fault)
        return fault

    def heal(self) -> None:
        """Remove all faults, and forget the requests so far."""
        with self._lock:
            self._faults.clear()
            self.seen.clear()

    def times(self, method: str, path: str = "") -> list[float]:
        """Return when requests with this method and path came, by the monotonic clock."""
        return [seen.at for seen in self.seen if seen.method == method and re.search(path, seen.path)]

    def _find(self, request: Request) -> Fault:
        """Record the request. Return the fault that applies to it, or one that does nothing."""
        with self._lock:
            self.seen.append(Seen(time.monotonic(), request.method, request.raw_path))
            for fault in self._faults:
                if fault.matches(request):
                    if fault.skip:
                        fault.skip -= 1
                    elif fault.hits < fault.times:
                        fault.hits += 1
                        return fault
        return Fault()

    def _serve(self, request: Request) -> Response:
        fault = self._find(request)
        if fault.meanwhile:
            fault.meanwhile()
        if fault.delay:
            time.sleep(fault.delay)
        if fault.strikes == BEFORE:
            return _struck(fault)
        try:
            response = self._forward(request)
        except (OSError, http.client.HTTPException):
            self._local.connections = {}
            return Response(drop=True)
        if fault.strikes == AFTER:
            return _struck(fault)
        response.headers.update(fault.headers)
        return response

    def _forward(self, request: Request) -> Response:
        """Send a request to the API server. Each thread serves one client connection and has its own upstream ones."""
        connections = self._local.__dict__.setdefault("connections", {})
        has_token = "authorization" in request.headers
        if has_token not in connections:
            tls = self._anonymous if has_token else self._known
            connections[has_token] = http.client.HTTPSConnection(
                str(self._upstream.hostname), self._upstream.port, context=tls, timeout=SECONDS
            )
        connection = connections[has_token]
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _CONNECTION_HEADERS}
        connection.request(request.method, request.raw_path, request.body or None, headers)
        response = connection.getresponse()
        kept = {name: value for name, value in response.getheaders() if name.lower() not in _CONNECTION_HEADERS}
        return Response(response.status, response.read(), kept)


def _struck(fault: Fault) -> Response:
    if fault.status is None:
        return Response(drop=True)
    body = b'{"kind": "Status", "apiVersion": "v1", "message": "injected"}'
    return Response(fault.status, body, {"Content-Type": "application/json", **fault.headers})


def _file(path: Path, data: str) -> Path:
    return write_private(path, base64.b64decode(data))
