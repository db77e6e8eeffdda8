# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The requests to the API server that the start of a cluster needs."""

from __future__ import annotations

import http.client
import json
import ssl
from pathlib import Path

_SECONDS = 5


class ApiServer:
    """A client with a certificate. One connection per request: during the start connections often break."""

    def __init__(self, port: int, *, authority: Path, certificate: Path, key: Path) -> None:
        self._port = port
        self._context = ssl.create_default_context(cafile=str(authority))
        self._context.load_cert_chain(certificate, key)

    def get(self, path: str) -> bytes | None:
        """Send a GET and return the body; None for any status but 200 and for a failed connection."""
        connection = http.client.HTTPSConnection("127.0.0.1", self._port, context=self._context, timeout=_SECONDS)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            body = response.read()
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()
        return body if response.status == http.client.OK else None

    def exists(self, path: str) -> bool:
        """Return whether a GET returns 200."""
        return self.get(path) is not None

    def node_is_ready(self, name: str) -> bool:
        """Return whether a node is ready and pods can be scheduled on it."""
        body = self.get(f"/api/v1/nodes/{name}")
        return body is not None and is_ready(json.loads(body))


def is_ready(node: dict) -> bool:
    """Return whether a Node object is ready and has no taints."""
    conditions = node.get("status", {}).get("conditions", [])
    ready = any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)
    return ready and not node.get("spec", {}).get("taints")
