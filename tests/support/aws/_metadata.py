# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The services that give credentials on a node: the instance metadata service and the EKS Pod Identity Agent."""

from __future__ import annotations

import json
import secrets
from datetime import timezone

from moto.sts.models import AssumedRole, sts_backends

from ._errors import AwsError
from ._http import HttpServer, Request, Response
from ._oidc import Provider
from ._state import State

INSTANCE_ADDRESS = "169.254.169.254"
AGENT_ADDRESS = "169.254.170.23"
AGENT_PATH = "/v1/credentials"
_ACCOUNT = "123456789012"
_INSTANCE = "/latest/meta-data/iam/security-credentials/"


class Metadata:
    """Version 2 of the instance metadata service, or with a provider the EKS Pod Identity Agent."""

    def __init__(self, state: State, role: str, provider: Provider | None) -> None:
        self._state = state
        self._role = role
        self._provider = provider
        self._session = secrets.token_urlsafe(16)

    def __call__(self, request: Request) -> Response:
        if self._provider:
            return self._agent(request)
        if (request.method, request.path) == ("PUT", "/latest/api/token"):
            return Response(200, self._session.encode(), {"X-aws-ec2-metadata-token-ttl-seconds": "60"})
        if request.headers.get("X-aws-ec2-metadata-token") != self._session:
            return Response(401)
        if request.path == _INSTANCE:
            return Response(200, self._role.encode())
        if request.path == _INSTANCE + self._role:
            self._state.count("InstanceCredentials")
            return _json({"Code": "Success", "Type": "AWS-HMAC", **self._credentials()})
        return Response(404)

    def _agent(self, request: Request) -> Response:
        assert self._provider
        if request.path != AGENT_PATH:
            return Response(404)
        try:
            self._provider.check(request.headers.get("Authorization", ""), self._state.now())
        except AwsError as error:
            return _json({"message": error.message}, status=400)
        self._state.count("AssumeRoleForPodIdentity")
        return _json(self._credentials())

    def _credentials(self) -> dict[str, str]:
        return role_session(self._role, 3600)


class MetadataServer(HttpServer):
    """A server on the link-local address of one of the two services, which the caller must add to the machine."""

    def __init__(self, state: State, role: str, provider: Provider | None = None) -> None:
        host = AGENT_ADDRESS if provider else INSTANCE_ADDRESS
        super().__init__(Metadata(state, role, provider), host=host, port=80)


def role_session(role: str, seconds: int) -> dict[str, str]:
    """Return the credentials of a new session of a role, with the names of the metadata service."""
    session: AssumedRole = sts_backends[_ACCOUNT]["aws"].assume_role(
        region_name="us-east-1",
        role_session_name="node",
        role_arn=f"arn:aws:iam::{_ACCOUNT}:role/{role}",
        policy="",
        duration=seconds,
        external_id="",
    )
    expiration = session.expiration.replace(tzinfo=timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "AccessKeyId": session.access_key_id,
        "SecretAccessKey": session.secret_access_key,
        "Token": session.session_token,
        "Expiration": expiration,
        "LastUpdated": expiration,
    }


def _json(body: dict[str, str], status: int = 200) -> Response:
    return Response(status, json.dumps(body).encode(), {"Content-Type": "application/json"})
