# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A transport over objects in memory, which can only be read. It counts requests."""

from __future__ import annotations

import json
from typing import Any

from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.api import Cluster
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.transport import Request, Response


class Store:
    """Objects by their plural name. denied: the verb and the path of requests that are rejected."""

    host = "https://store.invalid"

    def __init__(self, **objects: list[dict[str, Any]]) -> None:
        self.objects = objects
        self.denied: set[str] = set()
        self.sent: list[str] = []
        """Verb, path and field selector of each request."""

    @property
    def cluster(self) -> Cluster:
        return Cluster(self)

    def send(self, request: Request) -> Response:
        parts = request.path.removeprefix("/api/v1/").split("/")
        namespace = parts[1] if parts[0] == "namespaces" and len(parts) > 2 else ""
        plural, name = (parts[2:] if namespace else parts) + ([""] if len(parts) % 2 else [])
        selector = dict(request.query).get("fieldSelector", "")
        call = f"{'get' if name else 'list'} {'/'.join(parts)}"
        self.sent.append(f"{call} {selector}".strip())
        if call in self.denied:
            return _response(403, {"kind": "Status", "message": f"{call} is forbidden"})
        found = [
            one
            for one in self.objects.get(plural, [])
            if namespace in ("", one["metadata"].get("namespace", ""))
            and name in ("", one["metadata"]["name"])
            and _matches(one, selector)
        ]
        if not name:
            return _response(200, {"metadata": {}, "items": found})
        return _response(200, found[0]) if found else _response(404, {"kind": "Status", "message": "not found"})


def _matches(one: dict[str, Any], selector: str) -> bool:
    key, _equals, value = selector.partition("=")
    if key == "metadata.name":
        return bool(one["metadata"]["name"] == value)
    return key != "type" or one["type"] == value


def _response(status: int, body: dict[str, Any]) -> Response:
    return Response(status, {}, json.dumps(body).encode())
