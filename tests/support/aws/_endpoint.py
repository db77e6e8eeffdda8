# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ECR Public API (JSON 1.1), and under C(/_fake/) the control of the fake by other processes."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Callable
from typing import Any

from . import _errors
from ._errors import JSON_TYPE, AwsError
from ._http import Request, Response
from ._images import Images
from ._oidc import Provider
from ._sigv4 import Key, verify
from ._state import Issued, State, as_lookup

ACTION = "GetAuthorizationToken"
TARGET = f"SpencerFrontendService.{ACTION}"
REGION = "us-east-1"
SERVICE = "ecr-public"
NEEDED = ("ecr-public:GetAuthorizationToken", "sts:GetServiceBearerToken")


class Endpoint:
    """The server of api.ecr-public.us-east-1.amazonaws.com."""

    def __init__(self, state: State, images: Images, find_key: Callable[[str], Key | None]) -> None:
        self._state = state
        self._images = images
        self._find_key = find_key

    def __call__(self, request: Request) -> Response:
        if request.path.startswith("/_fake/"):
            return self._control(request)
        self._state.count(request.headers.get("X-Amz-Target", "none").rpartition(".")[2])
        self._state.pause()
        if self._state.hang() or self._state.take("drop"):
            return Response(drop=True)
        try:
            body = self._respond(request)
        except AwsError as error:
            return _errors.json_response(error, self._state.http_date())
        headers = {
            "Content-Type": JSON_TYPE,
            "x-amzn-RequestId": str(uuid.uuid4()),
            "Date": self._state.http_date(),
        }
        return Response(200, json.dumps(body).encode(), headers)

    def _respond(self, request: Request) -> dict[str, Any]:
        behaviour = self._state.behaviour
        if request.method != "POST" or request.headers.get("X-Amz-Target") != TARGET:
            raise _errors.unknown_operation()
        if self._state.take("throttle"):
            raise _errors.throttled()
        if behaviour.error is not None:
            raise _errors.FORCED[behaviour.error]()
        if rejection := self._state.rejection(ACTION):
            raise rejection
        find = self._find_key if behaviour.partition in (None, "aws") else _find_no_key
        key = verify(request, find=find, service=SERVICE, region=REGION, now=self._state.now())
        for action in NEEDED:
            if behaviour.deny == action:
                raise _errors.access_denied(key.arn, action)
            if not _policy_allows(key.session_policy, action):
                raise _errors.access_denied(key.arn, action, "no session policy allows")
        return _body(self._state.issue(), behaviour.malformed)

    def _control(self, request: Request) -> Response:
        try:
            result = self._command(request, json.loads(request.body or b"{}"))
        except (KeyError, TypeError, ValueError) as error:
            return _json(400, {"error": str(error)})
        return _json(404, {"error": "no such control"}) if result is None else _json(200, result)

    def _command(self, request: Request, options: dict[str, Any]) -> dict[str, Any] | None:
        state = self._state
        match request.method, request.path.removeprefix("/_fake/"):
            case "PUT", "behaviour":
                state.behave(**options)
            case "POST", "reset":
                state.reset()
            case "POST", "trust":
                state.provider = Provider(**options)
            case "POST", "expire":
                state.expire(options["password"])
            case "POST", "issue":
                return as_lookup(state.issue(options.get("life")))
            case "POST", "image":
                files = {path: base64.b64decode(content) for path, content in options["files"].items()}
                digest = self._images.add(options["repository"], options["tag"], files, options["entrypoint"])
                return {"digest": digest}
            case "GET", "state":
                return {
                    "calls": dict(state.calls),
                    "registry_requests": list(state.registry_requests),
                    "tokens": state.tokens,
                    "assumed": list(state.assumed),
                }
            case _:
                return None
        return {}


def _find_no_key(_access_key: str) -> Key | None:
    return None


def _policy_allows(policy: str | None, action: str) -> bool:
    """Return whether a session policy, if any, allows the action. Only the form that this collection sends is read."""
    if policy is None:
        return True
    return any(
        statement["Effect"] == "Allow" and action in statement["Action"] and statement["Resource"] == "*"
        for statement in json.loads(policy)["Statement"]
    )


def _body(issued: Issued, malformed: str | None) -> dict[str, Any]:
    token = base64.b64encode(f"AWS:{issued.password}".encode()).decode()
    data: dict[str, Any] = {"authorizationToken": token, "expiresAt": issued.expires_at}
    match malformed:
        case "list":
            return {"authorizationData": [data]}
        case "empty":
            return {}
        case "no_expiry":
            del data["expiresAt"]
        case "not_base64":
            data["authorizationToken"] = "!" + token
        case "no_colon":
            data["authorizationToken"] = base64.b64encode(issued.password.encode()).decode()
    return {"authorizationData": data}


def _json(status: int, body: dict[str, Any]) -> Response:
    return Response(status, json.dumps(body).encode(), {"Content-Type": "application/json"})
