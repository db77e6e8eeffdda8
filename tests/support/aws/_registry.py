# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The registry public.ecr.aws: its challenge, its token endpoint, its errors for expired tokens, and images."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable

from ._http import Request, Response
from ._images import Blob, Images
from ._state import REGISTRY, State

EXPIRED = "Your authorization token has expired. Reauthenticate and try again."
_CONTENT = re.compile(r"/v2/(?P<repository>.+)/(?P<kind>manifests|blobs)/(?P<reference>[^/]+)")


class Registry:
    """The server of public.ecr.aws. It records every request, and whether the request had a valid token."""

    def __init__(self, state: State, images: Images, realm: Callable[[], str]) -> None:
        self._state = state
        self._images = images
        self._realm = realm

    def __call__(self, request: Request) -> Response:
        self._state.pause()
        is_token = request.path in ("/token", "/token/")
        forced = self._state.behaviour.registry_status
        if forced:
            response, authenticated = Response(forced, b"<html>not a registry</html>"), False
        else:
            response, authenticated = self._token(request) if is_token else self._content(request)
        self._state.record_registry(
            {
                "method": request.method,
                "path": request.path,
                "query": dict(request.query),
                "authenticated": authenticated,
                "status": response.status,
            }
        )
        return response

    def _token(self, request: Request) -> tuple[Response, bool]:
        if request.method != "GET":
            # With credentials containerd tries an OAuth2 POST first, and a GET after this response.
            return Response(405, b"", {"Allow": "GET"}), False
        header = request.headers.get("Authorization")
        if header is None:
            return _json(200, {"token": self._state.bearer(None)}), False
        username, password = _basic(header)
        status = self._state.token_status(password) if username == "AWS" else "unknown"
        if status == "valid" and not self._state.behaviour.registry_refuses:
            return _json(200, {"token": self._state.bearer(password)}), True
        if status == "expired":
            return _denied(403, EXPIRED), False
        return _denied(403, "Invalid username or password."), False

    def _content(self, request: Request) -> tuple[Response, bool]:
        scheme, _space, bearer = request.headers.get("Authorization", "").partition(" ")
        status = self._state.bearer_status(bearer) if scheme.lower() == "bearer" else "unknown"
        if status == "expired":
            return _denied(400, EXPIRED), False
        if status == "unknown":
            return self._challenge(request), False
        if status == "anonymous" and self._state.behaviour.registry_limits_anonymous:
            return _error(429, "TOOMANYREQUESTS", "Rate exceeded"), False
        if request.method not in ("GET", "HEAD"):
            return _error(405, "UNSUPPORTED", "The operation is unsupported."), status == "authenticated"
        return self._read(request.path), status == "authenticated"

    def _challenge(self, request: Request) -> Response:
        scope = _scope(request.path)
        parts = [f'realm="{self._realm()}"', f'service="{REGISTRY}"'] + ([f'scope="{scope}"'] if scope else [])
        response = _error(401, "UNAUTHORIZED", "Not Authorized")
        response.headers["WWW-Authenticate"] = "Bearer " + ",".join(parts)
        return response

    def _read(self, path: str) -> Response:
        if path in ("/v2", "/v2/"):
            return _json(200, {})
        found = _CONTENT.fullmatch(path)
        if not found:
            return _error(404, "NAME_UNKNOWN", "Not found")
        repository, reference = found["repository"], found["reference"]
        if found["kind"] == "manifests":
            manifest = self._images.manifest(repository, reference)
            return _content(manifest) if manifest else _error(404, "MANIFEST_UNKNOWN", "Requested image not found")
        blob = self._images.blob(repository, reference)
        return _content(blob, "application/octet-stream") if blob else _error(404, "BLOB_UNKNOWN", "Unknown blob")


def _scope(path: str) -> str | None:
    found = _CONTENT.fullmatch(path)
    return f"repository:{found['repository']}:pull" if found else None


def _basic(header: str) -> tuple[str, str]:
    scheme, _space, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        username, _colon, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return username, password


def _content(blob: Blob, media_type: str | None = None) -> Response:
    headers = {"Content-Type": media_type or blob.media_type, "Docker-Content-Digest": blob.digest}
    return Response(200, blob.content, headers)


def _denied(status: int, message: str) -> Response:
    return _error(status, "DENIED", message)


def _error(status: int, code: str, message: str) -> Response:
    return _json(status, {"errors": [{"code": code, "message": message}]})


def _json(status: int, body: dict[str, object]) -> Response:
    headers = {"Content-Type": "application/json; charset=utf-8", "Docker-Distribution-Api-Version": "registry/2.0"}
    return Response(status, json.dumps(body).encode(), headers)
