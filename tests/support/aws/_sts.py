# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The STS of moto, with additions: signatures are checked, calls are counted and parameters are recorded."""

from __future__ import annotations

import io
import ssl
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from email.message import Message
from typing import Any
from urllib.parse import parse_qsl

from moto.core.utils import utcnow
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.server import MotoRequestHandler
from moto.sts.models import AssumedRole, sts_backends
from werkzeug.serving import make_server

from . import _errors
from ._errors import AwsError
from ._http import Background, Request
from ._sigv4 import Key, verify
from ._state import State

UNSIGNED = ("AssumeRoleWithWebIdentity", "AssumeRoleWithSAML")
ASSUMING = ("AssumeRole", *UNSIGNED)


class _Quiet(MotoRequestHandler):
    def log_request(self, code: object = "-", size: object = "-") -> None:
        """Print nothing: the fake records calls itself."""


class Sts(Background):
    """A moto server, a context manager. It listens on C(url)."""

    def __init__(
        self, state: State, host: str, find_key: Callable[[str], Key | None], tls: ssl.SSLContext | None = None
    ) -> None:
        self._state = state
        self._find_key = find_key
        self._moto = DomainDispatcherApplication(create_backend_app)
        server = make_server(host, 0, self._app, threaded=True, request_handler=_Quiet, ssl_context=tls)
        super().__init__(server)
        self.address = (host, server.server_port)
        self.url = f"{'https' if tls else 'http'}://{host}:{server.server_port}"

    def _app(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = io.BytesIO(body)
        form = dict(parse_qsl(body.decode()))
        action = form.get("Action", "none")
        self._state.count(action)
        try:
            claims = self._check(action, form, _request(environ, body))
        except AwsError as error:
            response = _errors.xml_response(error)
            start_response(f"{response.status} Error", list(response.headers.items()))
            return [response.body]
        if action in ASSUMING:
            parameters = {name: value for name, value in form.items() if name != "WebIdentityToken"}
            self._state.record_assumed({**parameters, "claims": claims} if claims else parameters)
        return self._moto(environ, start_response)

    def _check(self, action: str, form: dict[str, str], request: Request) -> dict[str, Any]:
        """Check a request. Return the claims of its web identity token, if that is checked."""
        claims: dict[str, Any] = {}
        arn = "arn:aws:iam::123456789012:user/unsigned"
        if action not in UNSIGNED:
            header = request.headers.get("Authorization", "")
            scope = header.partition("Credential=")[2].split("/")
            region = scope[2] if len(scope) > 2 else "us-east-1"  # each region has an STS of its own
            arn = verify(request, find=self._find_key, service="sts", region=region, now=self._state.now()).arn
        if action == "AssumeRoleWithWebIdentity" and self._state.provider:
            claims = self._state.provider.check(form.get("WebIdentityToken", ""), self._state.now())
        if rejection := self._state.rejection(action, form.get("RoleArn", "")):
            raise rejection
        if self._state.behaviour.deny == f"sts:{action}":
            resource = form.get("RoleArn", "*")
            message = f"User: {arn} is not authorized to perform: sts:{action} on resource: {resource}"
            raise AwsError("AccessDeniedException", message)
        return claims


def find_session_key(access_key: str) -> Key | None:
    """Return an access key that moto's STS issued, for any account."""
    role = _find_role(access_key)
    if role is None:
        return None
    return Key(
        access_key=role.access_key_id,
        secret_key=role.secret_access_key,
        arn=role.arn,
        session_token=role.session_token,
        expired=_utc(role.expiration) <= utcnow(),
        session_policy=role.policy or None,
    )


def expire_sessions() -> None:
    """Expire all sessions that STS issued so far."""
    for role in _roles():
        role.expiration = utcnow() - timedelta(seconds=1)


def _find_role(access_key: str) -> AssumedRole | None:
    return next((role for role in _roles() if role.access_key_id == access_key), None)


def _roles() -> list[AssumedRole]:
    backends = [backend for account in list(sts_backends.values()) for backend in list(account.values())]
    return [role for backend in backends for role in list(backend.assumed_roles)]


def _utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=None)


def _request(environ: dict[str, Any], body: bytes) -> Request:
    headers = Message()
    for name, value in environ.items():
        if name.startswith("HTTP_"):
            headers[name[5:].replace("_", "-")] = value
    for name in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        if environ.get(name):
            headers[name.replace("_", "-")] = environ[name]
    path = environ.get("PATH_INFO", "/")
    return Request(environ["REQUEST_METHOD"], path, path, {}, headers, body)
