# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A proxy in front of a real API server that loses, delays, refuses and interrupts as it is told."""

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
_OURS = ("connection", "content-length", "transfer-encoding", "host", "accept-encoding")
"""Headers that concern one connection only."""

NEVER = ""
BEFORE = "before"
AFTER = "after"


@dataclass
class Fault:
    """What happens to the requests that it matches.

    method, path: a verb of HTTP and a regular expression that is searched in path and query; empty ones match all.
    skip: so many of them go through as if nothing were; times: so many are hit after that.
    strikes: BEFORE the request reaches the API server, or AFTER it was carried out; with NEVER it is answered.
    status: what is answered where it strikes; None for a lost connection. headers: of that, or of the real answer.
    delay: seconds until the answer. meanwhile: called before the request is forwarded.
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
    """A request that came to the proxy, by the monotonic clock."""

    at: float
    method: str
    path: str


class FaultProxy:
    """Clients reach it by `kubeconfig`; upstream it is whoever the given one names, unless a client has a token."""

    def __init__(self, upstream: str | Path, host: str = "127.0.0.1") -> None:
        """upstream: the kubeconfig of the API server, which holds everything itself. host: the address to listen at."""
        self._lock = threading.Lock()
        self._local = threading.local()
        self._faults: list[Fault] = []
        self.seen: list[Seen] = []
        self._folder = tempfile.TemporaryDirectory()
        folder = Path(self._folder.name)
        config = yaml.safe_load(Path(upstream).read_text(encoding="utf-8"))
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        self._upstream = urlsplit(cluster["server"])
        authority = _file(folder / "upstream-ca.crt", cluster["certificate-authority-data"])
        # Two ways to the API server: as the administrator, and as nobody, for clients that bring a token.
        self._anonymous = ssl.create_default_context(cafile=str(authority))
        self._known = ssl.create_default_context(cafile=str(authority))
        self._known.load_cert_chain(
            _file(folder / "upstream.crt", user["client-certificate-data"]),
            _file(folder / "upstream.key", user["client-key-data"]),
        )
        own = Authority()
        certificate, key = own.issue("proxy", addresses=[host]).write(folder, "proxy")
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(certificate, key)
        self._server = HttpServer(self._serve, host=host, tls=tls)
        self.url = self._server.url
        self.kubeconfig = str(
            write_kubeconfig(
                folder / "kubeconfig", server=self.url, authority=own.certificate, identity=own.issue("nobody")
            )
        )

    def __enter__(self) -> FaultProxy:
        self._server.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.__exit__(kind, error, trace)
        self._folder.cleanup()

    def inject(self, fault: Fault) -> Fault:
        """From now on; of several that match a request the first one hits."""
        with self._lock:
            self._faults.append(fault)
        return fault

    def heal(self) -> None:
        """No faults any more, and nothing seen yet."""
        with self._lock:
            self._faults.clear()
            self.seen.clear()

    def times(self, method: str, path: str = "") -> list[float]:
        """When such requests came."""
        return [seen.at for seen in self.seen if seen.method == method and re.search(path, seen.path)]

    def _find(self, request: Request) -> Fault:
        """The fault that hits this request; one that does nothing if there is none."""
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
            answer = self._forward(request)
        except (OSError, http.client.HTTPException):
            self._local.connections = {}
            return Response(drop=True)
        if fault.strikes == AFTER:
            return _struck(fault)
        answer.headers.update(fault.headers)
        return answer

    def _forward(self, request: Request) -> Response:
        """Each thread, so each of the clients' connections, has connections of its own to the API server."""
        connections = self._local.__dict__.setdefault("connections", {})
        has_token = "authorization" in request.headers
        if has_token not in connections:
            tls = self._anonymous if has_token else self._known
            connections[has_token] = http.client.HTTPSConnection(
                str(self._upstream.hostname), self._upstream.port, context=tls, timeout=SECONDS
            )
        connection = connections[has_token]
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _OURS}
        connection.request(request.method, request.raw_path, request.body or None, headers)
        answer = connection.getresponse()
        kept = {name: value for name, value in answer.getheaders() if name.lower() not in _OURS}
        return Response(answer.status, answer.read(), kept)


def _struck(fault: Fault) -> Response:
    if fault.status is None:
        return Response(drop=True)
    body = b'{"kind": "Status", "apiVersion": "v1", "message": "injected"}'
    return Response(fault.status, body, {"Content-Type": "application/json", **fault.headers})


def _file(path: Path, data: str) -> Path:
    return write_private(path, base64.b64decode(data))
