# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The modules' transport. test_transport.py has the tests for all transports."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from kubernetes.client import Configuration

from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes import client
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.api import ClusterError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.transport import Request
from unit.plugins.module_utils._kubernetes.https import Server


def test_headers_of_the_configuration_are_sent(tmp_path: Path) -> None:
    server = Server(tmp_path, "127.0.0.1")
    configuration = Configuration()
    configuration.host, configuration.ssl_ca_cert = server.http.url, server.ca
    with server.http:
        transport = client.ClientTransport(configuration, connections=1, headers={"Impersonate-User": "somebody"})
        transport.send(Request("GET", "/api/v1/namespaces"))
    headers = {name.lower(): value for name, value in server.requests[0].headers.items()}
    assert headers["impersonate-user"] == "somebody"


@pytest.mark.parametrize(("given", "kept"), [("kubeconfig", False), ("context", False), ("host", False), (None, True)])
def test_options_for_a_cluster_switch_the_environment_off(
    monkeypatch: pytest.MonkeyPatch, given: str | None, kept: bool
) -> None:
    monkeypatch.setenv("K8S_AUTH_HOST", "https://other.invalid")
    monkeypatch.setenv("K8S_AUTH_API_KEY", "other")
    monkeypatch.setattr(client._k8s, "_create_auth_spec", lambda _module: {"host": os.environ.get("K8S_AUTH_HOST")})
    seen: list[dict[str, Any]] = []

    def configure(auth: dict[str, Any]) -> None:
        seen.append(auth)
        raise ValueError("enough")

    monkeypatch.setattr(client._k8s, "_create_configuration", configure)
    fake: Any = SimpleNamespace(params={given: "x"} if given else {})
    with pytest.raises(ClusterError, match="No cluster is configured: enough"):
        client.connect(fake, 1)
    assert (seen[0]["host"] is not None) is kept
    assert ("K8S_AUTH_API_KEY" in os.environ) is kept
