# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A kubeconfig that cannot be used is one error with the next step, with the real client and a real TLS server."""

from __future__ import annotations

import base64
import os
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import kubernetes
import pytest
import yaml

from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes import connect as modules
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.api import Cluster, ClusterError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.kubeconfig import Kubeconfig
from support.aws import _http
from support.cluster.pki import Authority, Identity
from unit.plugins.module_utils._kubernetes.https import Server

TOKEN = "token-never-shown"
NEWEST = int(kubernetes.__version__.partition(".")[0]) >= 37
Config = dict[str, Any]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path, "127.0.0.1")
    server.response = _http.Response(200, b'{"metadata": {"name": "default"}}')
    with server.http:
        yield server


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An environment without any cluster."""
    for name in [name for name in os.environ if name.startswith(("K8S_AUTH_", "KUBE"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def config(server: Server, cluster: Config | None = None, user: Config | None = None) -> Config:
    """Return a kubeconfig for the server. cluster: changes; None removes a field."""
    entry = {"server": server.http.url, "certificate-authority-data": encoded(server.authority.certificate)}
    changed = {name: value for name, value in {**entry, **(cluster or {})}.items() if value is not None}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "one",
        "clusters": [{"name": "c", "cluster": changed}],
        "users": [{"name": "u", "user": {"token": TOKEN} if user is None else user}],
        "contexts": [{"name": name, "context": {"cluster": "c", "user": "u"}} for name in ("one", "two")],
    }


def connect(kubeconfig: Any, warnings: list[str] | None = None, **params: Any) -> Cluster:
    module: Any = SimpleNamespace(
        params={"kubeconfig": kubeconfig, **params}, warn=[].append if warnings is None else warnings.append
    )
    return modules.connect(module, 1)


def with_plugin(command: str, *args: str) -> Config:
    return {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": command, "args": list(args)}}


def with_certificate(identity: Identity, key: bytes | None = None) -> Config:
    return {
        "client-certificate-data": encoded(identity.certificate),
        "client-key-data": encoded(key or identity.key),
    }


def test_it_connects(server: Server) -> None:
    connect(config(server)).namespace("default")
    assert server.requests[0].headers["Authorization"] == f"Bearer {TOKEN}"


PLUGINS: dict[str, tuple[Config, str]] = {
    "missing": (
        with_plugin("kubelogin-freshpull", "get-token"),
        "credential plugin kubelogin-freshpull of the kubeconfig (exec) was not found. Install it on the target host",
    ),
    "failing": (
        with_plugin("sh", "-c", "echo 'Unable to locate\ncredentials.' >&2; exit 255"),
        "plugin sh of the kubeconfig (exec) failed: exec: process returned 255. Its output is not shown",
    ),
    "garbage": (with_plugin("echo", "hello"), "(exec) failed: exec: failed to decode process output"),
    "nothing": (
        with_plugin(
            "echo", '{"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": {}}'
        ),
        "(exec) failed: exec: missing token",
    ),
}


@pytest.mark.parametrize("case", PLUGINS)
def test_a_credential_plugin_that_fails_is_named_and_nothing_is_sent(case: str, server: Server) -> None:
    """The library only logs it, and sends requests without credentials."""
    user, words = PLUGINS[case]
    with pytest.raises(ClusterError) as caught:
        connect(config(server, user=user))
    assert words in str(caught.value)
    assert caught.value.reason == "no_cluster"
    assert server.requests == []


def test_a_context_that_does_not_exist_is_named_with_those_that_do(server: Server, tmp_path: Path) -> None:
    (tmp_path / "config").write_text(yaml.safe_dump(config(server)))
    for kubeconfig in (config(server), str(tmp_path / "config"), f"{tmp_path}/config:{tmp_path}/missing"):
        with pytest.raises(ClusterError, match=r"no context 'three'\. Set context to one of these: one, two\."):
            connect(kubeconfig, context="three")


def test_a_kubeconfig_without_a_current_context_needs_the_option(server: Server) -> None:
    with pytest.raises(ClusterError, match=r"no current-context\. Set context to one of these: one, two\."):
        connect({**config(server), "current-context": ""})
    connect({**config(server), "current-context": ""}, context="two").namespace("default")


def test_files_that_do_not_exist_are_named(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    with pytest.raises(ClusterError, match=f"{one} does not exist. Set kubeconfig"):
        connect(str(one))
    monkeypatch.setenv("KUBECONFIG", f"{one}:{two}")
    with pytest.raises(ClusterError, match=f"{one} and {two} do not exist. Set kubeconfig"):
        connect(None)
    two.write_text(yaml.safe_dump(config(server)))
    connect(f"{one}:{two}").namespace("default")


def test_a_vaulted_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text("$ANSIBLE_VAULT;1.1;AES256\n3634\n")
    with pytest.raises(ClusterError, match=f"{path} is encrypted with Ansible Vault"):
        connect(str(path))


UNUSABLE: dict[str, tuple[Config, str]] = {
    "no file of the authority": (
        {"certificate-authority-data": None, "certificate-authority": "/nowhere/ca.crt"},
        "names a file that does not exist: /nowhere/ca.crt. Create it on the target host",
    ),
    "no base64": ({"certificate-authority-data": "abc"}, "is not base64. Copy the kubeconfig again."),
    "no certificate": (
        {"certificate-authority-data": encoded(b"hello")},
        "The certificate authority of the cluster cannot be used: /tmp/",
    ),
    "no server": ({"server": None}, "the cluster in the kubeconfig has no server. Give its address"),
    "an empty server": ({"server": ""}, "the cluster in the kubeconfig has no server. Give its address"),
    "no scheme": ({"server": "127.0.0.1:6443"}, "the address of the API server is '127.0.0.1:6443'."),
    "no port": ({"server": "https://cluster:api"}, "the address of the API server is 'https://cluster:api'. Give host"),
    "a password with a slash": (
        {"server": "https://u:never/never-shown@cluster"},
        "the address of the API server is 'https://********@cluster'. Give host",
    ),
}


@pytest.mark.parametrize("case", UNUSABLE)
def test_a_cluster_that_cannot_be_used(case: str, server: Server) -> None:
    change, words = UNUSABLE[case]
    with pytest.raises(ClusterError) as caught:
        connect(config(server, change))
    assert words in str(caught.value)
    assert "never" not in str(caught.value)
    assert caught.value.reason == "no_cluster"


def test_an_empty_file_of_the_authority_is_named(server: Server, tmp_path: Path) -> None:
    empty = tmp_path / "empty.crt"
    empty.touch()
    change = {"certificate-authority-data": None, "certificate-authority": str(empty)}
    with pytest.raises(ClusterError, match=f"{empty} contains no certificate in PEM format"):
        connect(config(server, change))
    with pytest.raises(ClusterError, match=f"{tmp_path}/none cannot be read .No such file or directory"):
        connect(config(server), ca_cert=f"{tmp_path}/none")


def test_a_client_certificate_is_sent(server: Server) -> None:
    connect(config(server, user=with_certificate(server.authority.issue("admin")))).namespace("default")
    assert "Authorization" not in server.requests[0].headers


def test_an_expired_client_certificate_is_a_warning(server: Server) -> None:
    """The API server only says Unauthorized. kubeadm and k3s issue certificates for one year."""
    warnings: list[str] = []
    expired = server.authority.issue("admin", lifetime=timedelta(days=-1))
    connect(config(server, user=with_certificate(expired)), warnings)
    (warning,) = warnings
    assert warning.startswith(f"The client certificate for {server.http.url} expired at 20")
    warnings.clear()
    connect(config(server, user=with_certificate(server.authority.issue("admin"))), warnings)
    assert warnings == []


def test_a_key_of_another_certificate_is_named(server: Server) -> None:
    user = with_certificate(server.authority.issue("admin"), server.authority.issue("admin").key)
    with pytest.raises(ClusterError, match="does not fit: the key belongs to another certificate"):
        connect(config(server, user=user))
    assert server.requests == []


def test_without_verification_an_authority_is_not_read_and_the_reason_is_named(server: Server) -> None:
    """kubectl rejects the two together; the library does not verify."""
    warnings: list[str] = []
    connect(config(server, {"insecure-skip-tls-verify": True}), warnings).namespace("default")
    (warning,) = warnings
    assert "insecure-skip-tls-verify of the kubeconfig" in warning


def test_the_name_in_the_certificate_can_be_another(tmp_path: Path) -> None:
    """Also with versions of the library that do not read tls-server-name."""
    server = Server(tmp_path, "kubernetes.example")
    server.response = _http.Response(200, b'{"metadata": {"name": "default"}}')
    with server.http:
        connect(config(server, {"tls-server-name": "kubernetes.example"})).namespace("default")
        with pytest.raises(ClusterError, match=r"is rejected: .*set tls-server-name in the kubeconfig"):
            connect(config(server)).namespace("default")


def test_the_authority_of_another_cluster_is_named(server: Server) -> None:
    change = {"certificate-authority-data": encoded(Authority().certificate)}
    with pytest.raises(ClusterError, match=r"is rejected: .*Give the authority of this server as ca_cert"):
        connect(config(server, change)).namespace("default")


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://u:never-shown@nowhere.invalid:3128", "the proxy nowhere.invalid:3128 cannot be resolved"),
        # Versions of the library before 37 know no SOCKS proxy.
        ("socks5://127.0.0.1:1", "Install the Python package PySocks" if NEWEST else "Use http:// or https://"),
    ],
)
def test_a_proxy_that_cannot_be_used_is_named(
    url: str, words: str, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also with versions of the library that do not read proxy-url: they would connect without the proxy."""
    # PySocks is not there, whatever the tests need.
    monkeypatch.setitem(sys.modules, "socks", None)
    monkeypatch.delitem(sys.modules, "urllib3.contrib.socks", raising=False)
    with pytest.raises(ClusterError) as caught:
        connect(config(server, {"proxy-url": url})).namespace("default")
    assert words in str(caught.value)
    assert "never-shown" not in str(caught.value)
    assert server.requests == []


def test_a_proxy_that_rejects_is_named(server: Server) -> None:
    with _http.HttpServer(lambda _request: _http.Response(501), host="127.0.0.1") as proxy:
        words = f"the proxy {proxy.url.removeprefix('http://')} does not connect to the API server: 501 "
        with pytest.raises(ClusterError, match=words):
            connect(config(server, {"proxy-url": proxy.url})).namespace("default")
        with pytest.raises(ClusterError, match=words):
            connect(config(server, {"proxy-url": "http://127.0.0.1:1"}), proxy=proxy.url).namespace("default")


def test_a_token_with_a_line_break_is_not_shown(server: Server) -> None:
    """http.client quotes it, in a form in which it is not known as a secret."""
    with pytest.raises(ClusterError, match="contains a line break") as caught:
        connect(config(server, user={"token": f"{TOKEN}\n{TOKEN}"})).namespace("default")
    assert "never-shown" not in str(caught.value)


def test_fields_of_the_cluster_in_use_are_found(tmp_path: Path) -> None:
    one, two = {"server": "https://a/", "proxy-url": "http://p"}, {"server": "https://b", "tls-server-name": "n"}
    path = tmp_path / "config"
    path.write_text(yaml.safe_dump({"clusters": [{"name": "one", "cluster": one}, {"name": "two", "cluster": two}, 1]}))
    found = Kubeconfig(str(path), {})
    assert found.unread_fields("https://a") == {"proxy-url": "http://p"}
    assert found.unread_fields("https://b") == {"tls-server-name": "n"}
    assert found.unread_fields("https://c") == {}
    other = {"clusters": [{"name": "three", "cluster": {"server": "https://a"}}]}
    (tmp_path / "other").write_text(yaml.safe_dump(other))
    assert Kubeconfig(f"{path}:{tmp_path}/other", {}).unread_fields("https://a") == {}
