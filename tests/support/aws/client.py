# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Control a fake in another process, with the methods of FakeAws."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener

from ._oidc import Provider

TIMEOUT = 30  # seconds


class FakeClient:
    """Methods raise ValueError for an argument that FakeAws rejects, OSError if the fake does not respond."""

    def __init__(self, endpoint_url: str) -> None:
        self.endpoint_url = endpoint_url.rstrip("/")
        self._opener = build_opener(ProxyHandler({}))

    def behave(self, **changes: Any) -> None:
        self._send("PUT", "behaviour", changes)

    def reset(self) -> None:
        self._send("POST", "reset", {})

    def trust(self, provider: Provider) -> None:
        self._send("POST", "trust", asdict(provider))

    def expire(self, password: str) -> None:
        self._send("POST", "expire", {"password": password})

    def issue(self, life: float | None = None) -> dict[str, str]:
        return dict(self._send("POST", "issue", {"life": life}))

    def add_image(self, repository: str, tag: str, files: Mapping[str, Path], entrypoint: Sequence[str]) -> str:
        contents = {to: base64.b64encode(path.read_bytes()).decode() for to, path in files.items()}
        options = {"repository": repository, "tag": tag, "files": contents, "entrypoint": list(entrypoint)}
        return str(self._send("POST", "image", options)["digest"])

    @property
    def calls(self) -> dict[str, int]:
        return dict(self._state()["calls"])

    @property
    def registry_requests(self) -> list[dict[str, Any]]:
        return list(self._state()["registry_requests"])

    @property
    def assumed(self) -> list[dict[str, Any]]:
        return list(self._state()["assumed"])

    @property
    def tokens(self) -> list[str]:
        return list(self._state()["tokens"])

    def _state(self) -> dict[str, Any]:
        return self._send("GET", "state", None)

    def _send(self, method: str, command: str, options: dict[str, Any] | None) -> dict[str, Any]:
        data = None if options is None else json.dumps(options).encode()
        headers = {"Content-Type": "application/json"}
        request = Request(f"{self.endpoint_url}/_fake/{command}", data=data, headers=headers, method=method)
        try:
            with self._opener.open(request, timeout=TIMEOUT) as response:
                return dict(json.load(response))
        except HTTPError as error:
            raise ValueError(f"{method} {command}: {error.read().decode()}") from error
