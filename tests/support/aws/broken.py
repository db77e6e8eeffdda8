# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server that fails in the ways of proxies, agents, metadata services and AWS."""

from __future__ import annotations

import ssl
import threading
from types import TracebackType

from ._http import HttpServer, Request, Response

SECONDS = 30  # that a silent server keeps a connection
_PAGE = b"<html><body>Sign in to the proxy</body></html>"
_AGENT = (
    b'{"message":"(AccessDeniedException): Unauthorized Exception! EKS does not have permissions to assume the '
    b'associated role."}'
)
_CUT_OFF = (
    b"<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIAIOSFODNN7EXAMPLE</AccessKeyId>"
    b"<SecretAccessKey>never-shown</SecretAccessKey><SessionToken>never-shown"
)
_RESPONSES = {
    "page": Response(200, _PAGE),
    "bad-gateway": Response(502, _PAGE),
    "forbidden": Response(403, _PAGE),
    "cut-off": Response(200, _CUT_OFF),
    "no-association": Response(400, _AGENT, {"Content-Type": "application/json"}),
}


class Broken(HttpServer):
    """The first part of the path names the failure: page, bad-gateway, forbidden, cut-off, no-association or silent.

    As a proxy it requires a login (407), and with one it allows no connection (403). Other paths do not exist (404).
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(self._respond, host="127.0.0.1", tls=tls)
        self._end = threading.Event()
        self.requests: list[str] = []
        """The method and the path of each request."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.set()
        super().__exit__(kind, error, trace)

    def _respond(self, request: Request) -> Response:
        self.requests.append(f"{request.method} {request.path}")
        if request.method == "CONNECT":
            return Response(403 if request.headers.get("Proxy-Authorization") else 407, _PAGE)
        failure = request.path.split("/")[1]
        if failure == "silent":
            self._end.wait(SECONDS)
            return Response(drop=True)
        return _RESPONSES.get(failure, Response(404))
