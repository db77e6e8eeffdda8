# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests in the name of a service account, with a token that the API server issued for it: no impersonation."""

from __future__ import annotations

import json
from typing import Any

import urllib3
from kubernetes import client

APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"


class Account:
    """A service account as whoever holds its token."""

    def __init__(self, core: client.CoreV1Api, namespace: str, name: str) -> None:
        request = {"spec": {"audiences": [], "expirationSeconds": 3600}}
        answer = core.create_namespaced_service_account_token(name, namespace, request)
        self.token = str(answer.status.token)
        settings = core.api_client.configuration
        self._host = settings.host
        self._http = urllib3.PoolManager(ca_certs=settings.ssl_ca_cert)

    def send(
        self, method: str, path: str, body: dict[str, Any] | None = None, content_type: str = "application/json"
    ) -> tuple[int, dict[str, Any]]:
        """The status and the object of the answer."""
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": content_type}
        text = None if body is None else json.dumps(body)
        answer = self._http.request(method, self._host + path, body=text, headers=headers, retries=False)
        return answer.status, dict(json.loads(answer.data))
