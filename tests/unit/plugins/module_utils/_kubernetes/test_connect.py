# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a module connects: by the standard library if its kubeconfig is plain, else by the client library."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes import client, connect
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.api import ClusterError
from unit.plugins.module_utils._kubernetes.test_plain_kubeconfig import SERVER, certificate, kubeconfig

VARIABLES = {
    f"K8S_AUTH_{name}"
    for name in (
        *("KUBECONFIG", "CONTEXT", "HOST", "API_KEY", "USERNAME", "PASSWORD", "CERT_FILE", "KEY_FILE", "CLIENT_CERT"),
        *("CLIENT_KEY", "SSL_CA_CERT", "CA_CERT", "VERIFY_SSL", "VALIDATE_CERTS", "PERSIST_CONFIG", "IMPERSONATE_USER"),
    )
}
OF_PROXIES = {"K8S_AUTH_PROXY", "K8S_AUTH_NO_PROXY", "K8S_AUTH_PROXY_HEADERS_BASIC_AUTH"}


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ({"kubeconfig": "x"}, set()),
        ({"kubeconfig": {"a": 1}}, set()),
        ({"host": "x"}, set()),
        ({"context": "x"}, {"K8S_AUTH_KUBECONFIG"}),
        ({"context": "x", "host": "x"}, set()),
        ({"kubeconfig": ""}, VARIABLES),
        ({}, VARIABLES),
    ],
)
def test_options_for_a_cluster_switch_the_environment_off(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, Any], read: set[str]
) -> None:
    for name in VARIABLES | OF_PROXIES:
        monkeypatch.setenv(name, "other")
    monkeypatch.setattr(client._k8s, "_create_auth_spec", lambda _module: {})
    seen: set[str] = set()

    def configure(_auth: dict[str, Any]) -> None:
        seen.update(name for name in os.environ if name.startswith("K8S_AUTH_"))
        raise ValueError("enough")

    monkeypatch.setattr(client._k8s, "_create_configuration", configure)
    fake: Any = SimpleNamespace(params=given)
    with pytest.raises(ClusterError, match="No cluster is configured: enough"):
        connect.connect(fake, 1)
    assert seen == read | OF_PROXIES


def test_a_plain_kubeconfig_is_read_without_the_client_library(tmp_path: Path) -> None:
    """Its import takes longer than a task with nothing to do."""
    (tmp_path / "config").write_text(yaml.safe_dump(kubeconfig(**certificate())))
    code = f"""
import sys, types
from {connect.__name__} import connect
module = types.SimpleNamespace(params={{"kubeconfig": {str(tmp_path / "config")!r}}}, warn=print)
print(connect(module, 1).host)
print(sorted({{"kubernetes", "urllib3", "requests"}} & sys.modules.keys()))
"""
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.splitlines() == [SERVER, "[]"]


@pytest.mark.parametrize("installed", ["", "24.2.0"])
def test_an_old_or_missing_library_is_named(installed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "has_at_least", lambda _name, minimum=None: bool(installed) and minimum is None)
    monkeypatch.setattr(client.kubernetes, "__version__", installed)
    module: Any = SimpleNamespace(params={"host": SERVER, "api_key": "t"})
    with pytest.raises(ClusterError, match=r"kubernetes>=26\.1\.0") as caught:
        connect.connect(module, 1)
    assert ("(found 24.2.0)" in str(caught.value)) is bool(installed)
