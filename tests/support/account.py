# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests as a service account, with a token that the API server issued: no impersonation."""

from __future__ import annotations

import json
from typing import Any

import urllib3
from kubernetes import client

APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"


class Account:
    """A client with a token of a service account."""

    def __init__(self, core: client.CoreV1Api, namespace: str, name: str) -> None:
        request = {"spec": {"audiences": [], "expirationSeconds": 3600}}
        response = core.create_namespaced_service_account_token(name, namespace, request)
        self.token = str(response.status.token)
        settings = core.api_client.configuration
        self._host = settings.host
        self._http = urllib3.PoolManager(ca_certs=settings.ssl_ca_cert)

    def send(
        self, method: str, path: str, body: dict[str, Any] | None = None, content_type: str = "application/json"
    ) -> tuple[int, dict[str, Any]]:
        """Send a request. Return the status and the object of the response."""
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": content_type}
        text = None if body is None else json.dumps(body)
        response = self._http.request(method, self._host + path, body=text, headers=headers, retries=False)
        return response.status, dict(json.loads(response.data))
