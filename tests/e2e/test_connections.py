# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An authority without key identifiers, IPv6, and something else instead of an API server, for all that connects."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from kubernetes import client

from support import module
from support.aws import FakeAws
from support.aws._http import HttpServer, Response
from support.aws.tls import server_context
from support.cluster.pki import Authority
from support.faults import FaultProxy
from support.module import Result
from support.program import FILES
from support.refresher import DUE, Refresher
from support.refresher_settings import KEYS

Make = Callable[..., list[str]]
KINDS = ["module", "info", "refresher module", "program"]
SECONDS = 12
"""A run that does not retry takes less, also on a busy machine."""


class Front:
    """A server in front of the real API server, or instead of it. kubeconfig: for it, with a token."""

    def __init__(self, url: str, authority: bytes, token: str) -> None:
        self.url, self._authority = url, authority
        encoded = base64.b64encode(authority).decode()
        self.kubeconfig: dict[str, Any] = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "c", "cluster": {"server": url, "certificate-authority-data": encoded}}],
            "users": [{"name": "u", "user": {"token": token}}],
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
            "current-context": "c",
        }

    def run(self, kind: str, namespace: str, refresher: Refresher, *, fails: bool) -> str:
        """Run one of KINDS, which must fail or not. Return its message."""
        if kind == "program":
            (refresher.directory / "api/ca.crt").write_bytes(self._authority)
            refresher.server = urlsplit(self.url)
            refresher.namespaces = [namespace]
            refresher.run(status=int(fails))
            assert "Traceback" not in refresher.output
            return refresher.termination_message
        result = self._module(kind, namespace)
        assert bool(result.values.get("failed")) is fails, result.msg
        assert "Traceback" not in result.errors
        rows = [each["msg"] for each in result.values.get("namespaces", []) if each.get("msg")]
        return " ".join([result.msg, *rows])

    def _module(self, kind: str, namespace: str) -> Result:
        if kind == "refresher module":
            options = {"namespaces": [namespace], "namespace": f"{namespace}-own", "_program": FILES, **KEYS}
            given = {"kubeconfig": self.kubeconfig, "_ansible_check_mode": True, **options}
            return module.ModuleProcess("ecr_public_refresher", given).wait()
        if kind == "info":
            given = {"kubeconfig": self.kubeconfig, "namespaces": [namespace]}
            return module.ModuleProcess("ecr_public_pull_secret_info", given).wait()
        given = {"kubeconfig": self.kubeconfig, "namespaces": [namespace], "token_unavailable": "of this test"}
        return module.ModuleProcess("ecr_public_pull_secret", given).wait()


@pytest.fixture
def administrator(core: client.CoreV1Api, make_namespaces: Make) -> Iterator[str]:
    """The token of a service account that may do everything."""
    (namespace,) = make_namespaces("administrator")
    core.create_namespaced_service_account(namespace, {"metadata": {"name": "all"}})
    rbac = client.RbacAuthorizationV1Api(core.api_client)
    rbac.create_cluster_role_binding(
        {
            "metadata": {"name": namespace},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
            "subjects": [{"kind": "ServiceAccount", "name": "all", "namespace": namespace}],
        }
    )
    request = {"spec": {"audiences": [], "expirationSeconds": 3600}}
    yield str(core.create_namespaced_service_account_token("all", namespace, request).status.token)
    rbac.delete_cluster_role_binding(namespace)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_an_authority_without_key_identifiers_and_an_ipv6_address(
    kind: str, host: str, kubeconfig: str, administrator: str, refresher: Refresher
) -> None:
    """A real API server behind a proxy of this address, whose certificates are like those of some clusters."""
    authority = Authority(key_identifiers=False)
    namespace = refresher.add(**DUE)
    with FaultProxy(kubeconfig, host, authority=authority) as proxy:
        front = Front(proxy.url, authority.certificate, administrator)
        message = front.run(kind, namespace, refresher, fails=kind == "module")
        assert proxy.seen
    # The module has no token for the secret that is due, which it has read.
    assert ("of this test" in message) is (kind == "module")
    if kind == "program":
        assert refresher.auths(namespace)


PAGE = b"<!DOCTYPE html><html><head><title>Rancher</title></head><body>never-shown</body></html>"
SHOWN = 'returned an HTML page with the title "Rancher" (text/html), which is not from a Kubernetes API server.'
INSTEAD: dict[str, tuple[Response, str]] = {
    "a page": (Response(200, PAGE, {"Content-Type": "text/html; charset=utf-8"}), SHOWN),
    "a page that is not found": (Response(404, PAGE, {"Content-Type": "text/html"}), SHOWN),
    "a redirect": (
        Response(302, b"", {"Location": "https://sso.example.com/?state=never-shown"}),
        "It redirects to https://sso.example.com, as a login page or a proxy does.",
    ),
    "another service": (
        Response(200, b'{"a": "never-shown"}', {"Content-Type": "application/json"}),
        "JSON of",
    ),
    "nothing": (Response(200, b""), "returned nothing (no Content-Type)"),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("case", INSTEAD)
def test_something_else_instead_of_an_api_server_is_described_at_once(
    case: str, kind: str, refresher: Refresher, aws: FakeAws, tmp_path: Path
) -> None:
    response, words = INSTEAD[case]
    (tmp_path / "tls").mkdir()
    tls, ca = server_context(tmp_path / "tls", "127.0.0.1")
    with HttpServer(lambda _request: response, host="127.0.0.1", tls=tls) as server:
        began = time.monotonic()
        message = Front(server.url, ca.read_bytes(), "t").run(kind, "default", refresher, fails=True)
        assert time.monotonic() - began < SECONDS, message
    assert words in message
    assert f"{server.url}/api" in message
    assert "Check the address" in message
    assert "/k8s/clusters/" in message
    assert "never-shown" not in message
    assert aws.calls == {}


def test_the_api_server_rejects_plain_http_and_wrong_tokens(kubeconfig: str) -> None:
    cluster = yaml.safe_load(Path(kubeconfig).read_text())["clusters"][0]["cluster"]
    url, authority = cluster["server"], base64.b64decode(cluster["certificate-authority-data"])
    plain = module.start_info(Front(url.replace("https:", "http:"), authority, "t").kubeconfig, namespaces=["a"]).wait()
    assert "Client sent an HTTP request to an HTTPS server. (HTTP 400)" in plain.msg
    wrong = module.start_info(Front(url, authority, "wrong").kubeconfig, namespaces=["a"]).wait()
    assert "Unauthorized (HTTP 401). The credentials for this cluster are wrong or have expired: log in" in wrong.msg
    for result in (plain, wrong):
        assert result.values["failed"]
        assert result.errors == ""
