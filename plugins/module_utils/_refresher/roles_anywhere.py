# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait for the session that the sidecar gets from IAM Roles Anywhere. Private to this collection.

The sidecar is AWS's credential helper in the mode `serve`, which has the API of the instance metadata service. It gets
a session when it starts, and listens after that. It ignores errors, and then serves empty keys. The AWS CLI would
report only that it has no credentials.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import time
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils._aws_errors import CredentialsError, UnreachableError

CONTAINER = "roles-anywhere"
"""The name of the sidecar."""
HOST, PORT = "127.0.0.1", 9911
"""Where it listens. No other address is possible."""
ENDPOINT = f"http://{HOST}:{PORT}/"
SECONDS = 30.0
"""Time limit for its port, and again for its response."""

# The same lifetime as the AWS CLI requests. Each token of the API that expires is a line in the sidecar's log.
_LIFETIME = "21600"
_ROLES = "/latest/meta-data/iam/security-credentials/"
_PAUSE = 0.2
_REACH = (
    "Pods of this namespace must reach rolesanywhere.REGION.amazonaws.com over HTTPS, where REGION is that of the "
    "trust anchor. Check network policies, firewalls and the proxy (aws_proxy)."
)


def await_session(ends: float, port: int = PORT) -> None:
    """Return when the sidecar has a session. Raises AwsError, whose text contains no key.

    ends: a time of time.monotonic(), after which there is no time left.
    """
    waits = max(0.0, min(SECONDS, ends - time.monotonic()))
    if not _listens(port, time.monotonic() + waits):
        raise UnreachableError(
            f"The sidecar {CONTAINER} does not listen on {HOST}:{port} after {waits:.0f} s. It requests a session from "
            f"IAM Roles Anywhere first. {_REACH} If the sidecar has ended, {_log()}"
        )
    waits = max(1.0, min(SECONDS, ends - time.monotonic()))
    try:
        document = _document(port, waits)
    except (OSError, http.client.HTTPException, ValueError, RecursionError) as exc:
        raise UnreachableError(
            f"The sidecar {CONTAINER} gave no credentials within {waits:.0f} s ({type(exc).__name__}). IAM Roles "
            f"Anywhere may not respond. {_REACH} For other causes, {_log()}"
        ) from exc
    if not (isinstance(document, dict) and document.get("AccessKeyId")):
        raise CredentialsError(
            "Roles Anywhere returned no session. The certificate in certificate_secret must not have expired, the "
            "trust anchor must have the certificate of the CA that issued it, the profile must have the role, and the "
            "role's trust policy must allow rolesanywhere.amazonaws.com. For the response of AWS, "
            f"{_log()}"
        )


def _log() -> str:
    # Kubernetes sets the host name of a pod to the pod's name.
    return f"read the sidecar's log: kubectl logs {os.environ.get('HOSTNAME') or 'POD'} -c {CONTAINER}."


def _listens(port: int, ends: float) -> bool:
    while True:
        try:
            with socket.create_connection((HOST, port), timeout=1):
                return True
        except OSError:
            if time.monotonic() >= ends:
                return False
        time.sleep(_PAUSE)


def _document(port: int, seconds: float) -> t.Any:
    """Read the credentials. If the sidecar has no session, it requests one now, and logs why it gets none."""
    # Not urllib, which would use a proxy of the environment.
    connection = http.client.HTTPConnection(HOST, port, timeout=seconds)
    try:
        token = _send(connection, "PUT", "/latest/api/token", {"X-aws-ec2-metadata-token-ttl-seconds": _LIFETIME})
        headers = {"X-aws-ec2-metadata-token": token}
        role = _send(connection, "GET", _ROLES, headers)
        return json.loads(_send(connection, "GET", _ROLES + role, headers))
    finally:
        connection.close()


def _send(connection: http.client.HTTPConnection, method: str, path: str, headers: t.Mapping[str, str]) -> str:
    connection.request(method, path, headers=dict(headers))
    response = connection.getresponse()
    text = response.read(65536).decode(errors="replace")
    if response.status != 200:
        raise http.client.HTTPException(f"status {response.status}")
    return text
