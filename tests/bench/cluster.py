# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cluster of the benchmark: its namespaces, tokens, and the removal of secrets before each candidate."""

from __future__ import annotations

import concurrent.futures
import http.client
import json
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from kubernetes import client, config

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _docker_config
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret import managed_metadata
from support.aws import FakeAws
from support.workloads import wait_for

PREFIX = "bench-"
SECRET = "ecr-public-secret"
ADMIN = "freshpull-admin"
LOAD = "bench-load"
"""The service account of h2load, which cannot use a client certificate."""
THREADS = 32
PAGE = 500
SETTLE_SECONDS = 600


class BenchCluster:
    """One cluster and one fake AWS. No measurement includes the work of this class."""

    def __init__(self, kubeconfig: str, aws: FakeAws, directory: Path) -> None:
        """directory: for the input files of the candidates."""
        self.kubeconfig = kubeconfig
        self.aws = aws
        self.directory = directory
        self.namespaces: list[str] = []
        settings = client.Configuration()
        config.load_kube_config(kubeconfig, client_configuration=settings)
        settings.connection_pool_maxsize = THREADS
        self.server = settings.host
        self._pool = client.ApiClient(settings).rest_client.pool_manager
        self._lifetime = 12 * 3600
        self._added: list[str] = []

    def grow(self, count: int) -> None:
        """Create namespaces up to this number, and wait until the controllers have created their objects in them."""
        missing = [f"{PREFIX}{number:04}" for number in range(len(self.namespaces), count)]
        self._all("POST", [("/api/v1/namespaces", {"metadata": {"name": name}}) for name in missing])
        self.namespaces += missing
        for path in ("/api/v1/serviceaccounts", "/api/v1/configmaps"):
            wait_for(partial(self._all_have, path), f"{path} of {count} namespaces", seconds=SETTLE_SECONDS)

    def add_namespace(self, name: str) -> None:
        """Create a namespace that does not count. It is removed by clear()."""
        self.create("/api/v1/namespaces", {"metadata": {"name": name}})
        self._added.append(name)

    def create(self, path: str, body: dict[str, Any]) -> None:
        """Create an object unless it exists."""
        self._send("POST", path, body)

    def create_all(self, objects: Iterable[tuple[str, dict[str, Any]]]) -> None:
        """Create objects, each at the path of its list, unless they exist."""
        self._all("POST", list(objects))

    def clear(self) -> None:
        """Remove the secret from every namespace."""
        found = list(self._list(f"/api/v1/secrets?fieldSelector=metadata.name={SECRET}"))
        paths = [f"/api/v1/namespaces/{item['metadata']['namespace']}/secrets/{SECRET}" for item in found]
        self._all("DELETE", [(path, None) for path in paths])
        for name in self._added:
            self._send("DELETE", f"/api/v1/namespaces/{name}")
            wait_for(partial(self._is_gone, name), f"the end of namespace {name}", seconds=SETTLE_SECONDS)
        self._added.clear()

    def longer_lifetime(self) -> int:
        """Return the lifetime of the next token in seconds. It increases: else a candidate could skip the write."""
        self._lifetime += 60
        return self._lifetime

    def new_token(self) -> dict[str, str]:
        """Issue a token in the form that the lookup returns, without a call of AWS."""
        return self.aws.issue(self.longer_lifetime())

    def load_token(self) -> str:
        """Return a bearer token with all permissions, for h2load."""
        where = "/api/v1/namespaces/kube-system/serviceaccounts"
        binding = {
            "metadata": {"name": LOAD},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
            "subjects": [{"kind": "ServiceAccount", "name": LOAD, "namespace": "kube-system"}],
        }
        self._send("POST", where, {"metadata": {"name": LOAD}})
        self._send("POST", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", binding)
        response = self._send("POST", f"{where}/{LOAD}/token", {"spec": {}})
        return str(response["status"]["token"])

    def version(self) -> str:
        """Return the version of the API server."""
        return str(self._send("GET", "/version")["gitVersion"])

    def _all_have(self, path: str) -> bool:
        found = {item["metadata"]["namespace"] for item in self._list(path)}
        return found.issuperset(self.namespaces)

    def _is_gone(self, namespace: str) -> bool:
        return namespace not in {item["metadata"]["name"] for item in self._list("/api/v1/namespaces")}

    def _list(self, path: str) -> Iterator[dict[str, Any]]:
        page = ""
        while True:
            join = "&" if "?" in path else "?"
            response = self._send("GET", f"{path}{join}limit={PAGE}{page}")
            yield from response["items"]
            if not response["metadata"].get("continue"):
                return
            page = f"&continue={response['metadata']['continue']}"

    def _all(self, method: str, requests: Sequence[tuple[str, Any]]) -> None:
        with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
            for done in [pool.submit(self._send, method, path, body) for path, body in requests]:
                done.result()

    def _send(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        headers = {"Content-Type": "application/json"}
        data = None if body is None else json.dumps(body)
        response = self._pool.request(method, self.server + path, body=data, headers=headers)
        if response.status >= http.client.BAD_REQUEST and not (
            method == "POST" and response.status == http.client.CONFLICT
        ):
            raise RuntimeError(f"{method} {path}: {response.status} {response.data[:500]!r}")
        return dict(json.loads(response.data))


def secret(namespace: str, token: dict[str, str]) -> dict[str, Any]:
    """Return the body of a pull secret with managed metadata. All candidates send about as many bytes."""
    entries = {_docker_config.DEFAULT_REGISTRY: _docker_config.auth_entry(token["username"], token["password"])}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {
            "name": SECRET,
            "namespace": namespace,
            "labels": {
                managed_metadata.MANAGED_LABEL: "true",
                managed_metadata.MANAGED_BY_LABEL: managed_metadata.MANAGED_BY,
            },
            "annotations": {
                managed_metadata.EXPIRES_AT: token["expires_at"],
                managed_metadata.RENEWED_AT: token["expires_at"],
                managed_metadata.RENEWED_BY: "module",
                managed_metadata.FINGERPRINT: _docker_config.fingerprint(entries),
                managed_metadata.REGISTRIES: _docker_config.DEFAULT_REGISTRY,
                managed_metadata.CREATED: "true",
            },
        },
        "type": _docker_config.DOCKERCONFIG_TYPE,
        "stringData": {_docker_config.DATA_KEY: _docker_config.docker_config(entries)},
    }
