# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Create thousands of objects in seconds, and service accounts with exactly the permissions of a test."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import yaml
from kubernetes import client, config

from support.cluster.pki import write_private
from support.workloads import wait_for

CONNECTIONS = 32
RBAC = "/apis/rbac.authorization.k8s.io/v1"

Object = Mapping[str, Any]
Rules = Sequence[Object]


class BulkClient:
    """A client of the administrator with many parallel connections."""

    def __init__(self, kubeconfig: str) -> None:
        self._kubeconfig = kubeconfig
        settings = client.Configuration()
        config.load_kube_config(kubeconfig, client_configuration=settings)
        settings.connection_pool_maxsize = CONNECTIONS
        self._host = settings.host
        self.api = client.ApiClient(settings)
        self._pool = self.api.rest_client.pool_manager

    def send(self, method: str, path: str, body: Object | None = None) -> dict[str, Any]:
        """Send a request. Return the object of the response."""
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        data = json.dumps(body) if body is not None else None
        response = self._pool.request(method, self._host + path, body=data, headers={"Content-Type": kind})
        assert response.status < 300, f"{method} {path}: {response.data.decode()}"
        return dict(json.loads(response.data))

    def send_all(self, requests: Iterable[tuple[str, str, Object | None]]) -> list[dict[str, Any]]:
        """Send requests in parallel. Return the objects of the responses in the order of the requests."""
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            return list(pool.map(lambda request: self.send(*request), requests))

    def make_namespaces(self, names: Iterable[str]) -> None:
        self.send_all([("POST", "/api/v1/namespaces", {"metadata": {"name": name}}) for name in names])

    def secrets(self, name: str) -> dict[str, dict[str, Any]]:
        """Return the secrets with this name, by namespace."""
        found = self.send("GET", f"/api/v1/secrets?fieldSelector=metadata.name%3D{name}")["items"]
        return {secret["metadata"]["namespace"]: secret for secret in found}

    def account(
        self, directory: Path, home: str, *, rules: Rules = (), namespaces: Sequence[str] = (), everywhere: Rules = ()
    ) -> str:
        """Create a service account in `home`, wait for its permissions and return its kubeconfig.

        rules: of a ClusterRole, bound in the namespaces. everywhere: of a ClusterRole, bound in the whole cluster.
        """
        name = "limited-" + secrets.token_hex(4)
        self.send("POST", f"/api/v1/namespaces/{home}/serviceaccounts", {"metadata": {"name": name}})
        subject = {"kind": "ServiceAccount", "name": name, "namespace": home}
        self._make_role(name, rules)
        self._make_role(f"{name}-everywhere", everywhere)
        made = self.send_all(
            [
                *(("POST", f"{RBAC}/namespaces/{each}/rolebindings", _bind(name, subject)) for each in namespaces),
                ("POST", f"{RBAC}/clusterrolebindings", _bind(f"{name}-everywhere", subject)),
            ]
        )
        if rules and namespaces:
            last = max(made[:-1], key=lambda binding: int(binding["metadata"]["resourceVersion"]))
            self._wait_until_allowed(subject, rules[0], last["metadata"]["namespace"])
        if everywhere:
            self._wait_until_allowed(subject, everywhere[0])
        return self._login(directory / f"{name}.kubeconfig", subject)

    def _make_role(self, name: str, rules: Rules) -> None:
        self.send("POST", f"{RBAC}/clusterroles", {"metadata": {"name": name}, "rules": list(rules)})

    def _wait_until_allowed(self, subject: Object, rule: Object, namespace: str = "") -> None:
        attributes = {
            "namespace": namespace,
            "group": rule["apiGroups"][0],
            "resource": rule["resources"][0],
            "verb": rule["verbs"][0],
            "name": rule.get("resourceNames", [""])[0],
        }
        user = f"system:serviceaccount:{subject['namespace']}:{subject['name']}"
        review = {"spec": {"user": user, "resourceAttributes": attributes}}
        wait_for(
            lambda: self.send("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", review)["status"][
                "allowed"
            ],
            f"the permissions of {user}",
        )

    def _login(self, path: Path, subject: Object) -> str:
        account = f"/api/v1/namespaces/{subject['namespace']}/serviceaccounts/{subject['name']}"
        token = self.send("POST", f"{account}/token", {"spec": {}})["status"]["token"]
        with open(self._kubeconfig, encoding="utf-8") as file:
            settings = yaml.safe_load(file)
        settings["users"][0]["user"] = {"token": token}
        write_private(path, yaml.safe_dump(settings).encode())
        return str(path)


def _bind(role: str, subject: Object) -> dict[str, Any]:
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role}
    return {"metadata": {"name": role}, "roleRef": reference, "subjects": [subject]}
