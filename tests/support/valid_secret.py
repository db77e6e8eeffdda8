# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Watch one pull secret, or one login of a client, and measure for how long pulls with it were not authenticated."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import urllib3
from kubernetes import client, config, watch

from support.aws import FakeAws
from support.dockerconfig import auths_of
from support.logins import Site
from support.repeated import Repeated

REGISTRY = "public.ecr.aws"
_OK = 200


def is_accepted(aws: FakeAws, entry: Mapping[str, Any], authority: Path | None = None) -> bool:
    """Return whether the registry accepts the login of an entry of a Docker config."""
    auth = entry.get("auth") or base64.b64encode(f"{entry['username']}:{entry['password']}".encode()).decode()
    headers = {"Authorization": f"Basic {auth}"}
    with urllib3.PoolManager(ca_certs=authority and str(authority)) as http:
        return http.request("GET", f"{aws.registry_url}/token/", headers=headers, retries=False).status == _OK


def entries_for(registry: str, auths: Mapping[str, Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the entries that the kubelet or a client uses for a registry."""
    return [entry for key, entry in auths.items() if key.removeprefix("https://").rstrip("/") == registry]


class Watched(Repeated):
    """A context manager that records when a login became valid or invalid."""

    def __init__(self, action: Callable[[], None]) -> None:
        self._states: list[tuple[float, bool]] = []
        super().__init__(action)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        super().__exit__(kind, error, trace)
        self._end = time.monotonic()

    def _record(self, valid: bool) -> None:
        self._states.append((time.monotonic(), valid))

    @property
    def versions(self) -> int:
        """The number of versions that it saw. Absence is one too."""
        return len(self._states)

    @property
    def seconds_without(self) -> float:
        """The seconds without a valid login, after the end."""
        ends = [*(at for at, _valid in self._states[1:]), self._end]
        return sum(end - at for (at, valid), end in zip(self._states, ends, strict=True) if not valid)


class WatchedSecret(Watched):
    """Sees every version of a pull secret. A kubelet could pull with each of them."""

    def __init__(self, kubeconfig: str, aws: FakeAws, namespace: str, name: str) -> None:
        self._core = client.CoreV1Api(config.new_client_from_config(kubeconfig))
        self._aws = aws
        self._where = {"namespace": namespace, "field_selector": f"metadata.name={name}"}
        self._watch = watch.Watch()
        super().__init__(self._poll)

    def __enter__(self) -> Self:
        found = self._core.list_namespaced_secret(**self._where)
        self._record(self._is_valid(found.items[0] if found.items else None))
        self._version = found.metadata.resource_version
        return super().__enter__()

    def _poll(self) -> None:
        """Watch for a second, from the version at which the last watch ended."""
        options = {**self._where, "resource_version": self._version, "timeout_seconds": 1}
        for event in self._watch.stream(self._core.list_namespaced_secret, **options):
            self._record(self._is_valid(None if event["type"] == "DELETED" else event["object"]))
        self._version = self._watch.resource_version

    def _is_valid(self, secret: client.V1Secret | None) -> bool:
        if secret is None or secret.type != "kubernetes.io/dockerconfigjson":
            return False
        return any(is_accepted(self._aws, entry) for entry in entries_for(REGISTRY, auths_of(secret.data)))


class WatchedLogin(Watched):
    """Reads a client's file all the time."""

    def __init__(self, path: Path, site: Site) -> None:
        self._path, self._site = path, site
        self._text = ""
        super().__init__(self._read)

    def _read(self) -> None:
        text = self._path.read_text() if self._path.exists() else "{}"
        if text != self._text:
            self._text = text
            entries = entries_for(self._site.registry, json.loads(text).get("auths", {}))
            self._record(any(is_accepted(self._site.aws, entry, self._site.authority) for entry in entries))
        time.sleep(0.001)
