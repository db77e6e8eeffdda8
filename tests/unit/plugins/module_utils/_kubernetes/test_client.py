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
import yaml
from kubernetes.client import Configuration

from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes import client, connect
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.api import ClusterError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.transport import NoResponseError, Request
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


HOST = "https://10.1.2.3:6443"
IN_POD: dict[str, tuple[dict[str, Any], dict[str, str], bool]] = {
    "KUBECONFIG alone": ({}, {"KUBECONFIG": "x"}, True),
    "an empty option": ({"kubeconfig": "", "context": ""}, {"KUBECONFIG": "x"}, True),
    "an empty variable": ({}, {"KUBECONFIG": "x", "K8S_AUTH_KUBECONFIG": "", "K8S_AUTH_CONTEXT": ""}, True),
    "an empty KUBECONFIG": ({}, {"KUBECONFIG": ""}, False),
    "no KUBECONFIG": ({}, {}, False),
    "an option": ({"kubeconfig": "y"}, {"KUBECONFIG": "x"}, False),
    "a dict": ({"kubeconfig": {"kind": "Config"}}, {"KUBECONFIG": "x"}, False),
    "a variable": ({}, {"KUBECONFIG": "x", "K8S_AUTH_KUBECONFIG": "y"}, False),
    # The library then reads KUBECONFIG, with the context.
    "a context": ({"context": "c"}, {"KUBECONFIG": "x"}, False),
    "a context as a variable": ({}, {"KUBECONFIG": "x", "K8S_AUTH_CONTEXT": "c"}, False),
    "host and token": ({"host": HOST, "api_key": "t"}, {"KUBECONFIG": "x"}, False),
    "host and token as variables": ({}, {"KUBECONFIG": "x", "K8S_AUTH_HOST": HOST, "K8S_AUTH_API_KEY": "t"}, False),
    # The library would send the token of the pod's service account to the host.
    "host alone": ({"host": HOST}, {"KUBECONFIG": "x"}, True),
    "host with an empty token": ({"host": HOST, "api_key": ""}, {"KUBECONFIG": "x"}, True),
    "host, with a token that is not read": ({"host": HOST}, {"KUBECONFIG": "x", "K8S_AUTH_API_KEY": "t"}, True),
}


@pytest.mark.parametrize("case", IN_POD)
@pytest.mark.parametrize("pod", ["in a pod", "with a token alone", "with a variable alone"])
def test_kubeconfig_is_rejected_in_a_pod_that_would_use_its_own_account(
    case: str, pod: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    params, variables, rejected = IN_POD[case]
    for name in [name for name in os.environ if name.startswith(("K8S_AUTH_", "KUBE"))]:
        monkeypatch.delenv(name)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(client, "_POD_TOKEN", str(tmp_path / "token"))
    if pod != "with a variable alone":
        (tmp_path / "token").write_text("token")
    if pod != "with a token alone":
        monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")

    def configure(_auth: dict[str, Any]) -> None:
        raise ValueError("enough")

    monkeypatch.setattr(client._k8s, "_create_configuration", configure)
    fake: Any = SimpleNamespace(params=params)
    expected = "KUBECONFIG is set in a pod.*the option kubeconfig or K8S_AUTH_KUBECONFIG"
    with pytest.raises(ClusterError, match=expected if rejected and pod == "in a pod" else "enough") as caught:
        connect.connect(fake, 1)
    assert caught.value.reason == "no_cluster"


def test_in_a_pod_the_default_kubeconfig_is_a_warning(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """kubectl would use it, the library does not."""
    for name in [name for name in os.environ if name.startswith(("K8S_AUTH_", "KUBE"))]:
        monkeypatch.delenv(name)
    (tmp_path / ".kube").mkdir()
    (tmp_path / ".kube/config").write_text("kind: Config\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "token").write_text("token")
    monkeypatch.setattr(client, "_POD_TOKEN", str(tmp_path / "token"))
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setattr(client._k8s, "_create_configuration", lambda _auth: SimpleNamespace(host=""))
    warnings: list[str] = []
    fake: Any = SimpleNamespace(params={}, warn=warnings.append)
    with pytest.raises(ClusterError):
        connect.connect(fake, 1)
    (warning,) = warnings
    assert "~/.kube/config is not read in a pod" in warning
    assert "K8S_AUTH_KUBECONFIG" in warning


SERVER = "https://cluster.invalid"
KUBECONFIG: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "Config",
    "current-context": "default",
    "clusters": [{"name": "default", "cluster": {"server": SERVER}}],
    "contexts": [{"name": "default", "context": {"cluster": "default", "user": "default"}}],
}
BROKEN: dict[str, Any] = {
    "a misplaced token": {"users": [{"name": "default", "token": "never-shown"}]},
    "a token as a user": {"users": ["never-shown"]},
    "users of another type": {"users": {"token": "never-shown"}},
    "a key that is no key": {"users": [{"name": "default", "user": {"client-key-data": "never-shown"}}]},
    "no cluster": {"clusters": [], "users": [{"name": "default", "user": {"token": "never-shown"}}]},
}


@pytest.mark.parametrize("case", BROKEN)
@pytest.mark.parametrize("in_file", [False, True])
def test_a_broken_kubeconfig_is_one_error_without_its_secrets(case: str, in_file: bool, tmp_path: Path) -> None:
    """The library accepts some of them, with other credentials or none."""
    given: Any = {**KUBECONFIG, **BROKEN[case]}
    if in_file:
        (tmp_path / "config").write_text(yaml.safe_dump(given))
        given = str(tmp_path / "config")
    fake: Any = SimpleNamespace(params={"kubeconfig": given}, warn=lambda _text: None)
    problem = ""
    try:
        connect.connect(fake, 1)
    except ClusterError as error:
        problem = str(error)
    assert problem == "" or "No cluster is configured: " in problem
    assert "never-shown" not in problem


@pytest.mark.parametrize("content", ["users:\n- token: never-shown\n", '{"users": [{"token": "never-shown"}]}'])
@pytest.mark.parametrize("variable", ["", "K8S_AUTH_KUBECONFIG", "KUBECONFIG"])
def test_the_content_of_a_kubeconfig_is_no_path(content: str, variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if variable:
        monkeypatch.setenv(variable, content)
    fake: Any = SimpleNamespace(params={"kubeconfig": None if variable else content})
    with pytest.raises(ClusterError, match="Use the path of its file, or a dict") as caught:
        connect.connect(fake, 1)
    assert "never-shown" not in str(caught.value)


@pytest.mark.parametrize("option", ["api_key", "kubeconfig", "K8S_AUTH_API_KEY"])
def test_a_token_with_a_line_break_is_in_no_error(option: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A header cannot have one, and the library quotes the header."""
    token = "never-shown\n"
    # With http it is quoted before there is a connection.
    server = "http://cluster.invalid"
    params: dict[str, Any] = {"host": server}
    if option == "api_key":
        params["api_key"] = token
    elif option == "kubeconfig":
        clusters = [{"name": "default", "cluster": {"server": server}}]
        users = [{"name": "default", "user": {"token": f"{token}\n"}}]
        params = {"kubeconfig": {**KUBECONFIG, "clusters": clusters, "users": users}}
    else:
        params = {}
        monkeypatch.setenv("K8S_AUTH_HOST", server)
        monkeypatch.setenv(option, token)
    fake: Any = SimpleNamespace(params=params, warn=lambda _text: None)
    with pytest.raises(NoResponseError, match="contains a line break") as caught:
        connect.connect(fake, 1)._transport.send(Request("GET", "/version"))
    assert "never-shown" not in str(caught.value)
    assert caught.value.final


def test_the_user_info_of_the_host_is_not_shown() -> None:
    warnings: list[str] = []
    params = {"host": "https://builder:never-shown@cluster.invalid", "api_key": "a", "validate_certs": False}
    fake: Any = SimpleNamespace(params=params, warn=warnings.append)
    cluster = connect.connect(fake, 1)
    assert cluster.host == "https://********@cluster.invalid"
    assert "https://********@cluster.invalid" in warnings[0]
    with pytest.raises(NoResponseError) as caught:
        cluster._transport.send(Request("GET", "/version"))
    assert "never-shown" not in f"{caught.value} {warnings}"


def test_a_command_that_fails_is_an_error_without_its_output(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """The library writes all that the command printed to standard error."""
    command = tmp_path / "command"
    command.write_text('#!/bin/sh\necho "cannot log in with $KEY" >&2\nexit 3\n')
    command.chmod(0o700)
    config = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": str(command),
        "env": [{"name": "KEY", "value": "never-shown"}],
        "interactiveMode": "Never",
    }
    fake: Any = SimpleNamespace(
        params={"kubeconfig": {**KUBECONFIG, "users": [{"name": "default", "user": {"exec": config}}]}}
    )
    with pytest.raises(ClusterError, match=r"exec: process returned 3\. Its output is not shown") as caught:
        connect.connect(fake, 1)
    output = capfd.readouterr()
    assert "cannot log in" not in f"{caught.value} {output.out} {output.err}"


@pytest.mark.parametrize("password", ["Winter2026", "Win#ter2026", "Win/ter2026", "Win?ter2026", "Win@ter2026"])
@pytest.mark.parametrize("scheme", ["http", "socks5"])
@pytest.mark.parametrize("source", ["option", "environment", "kubeconfig"])
def test_the_password_of_a_proxy_is_in_no_error(
    password: str, scheme: str, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = f"{scheme}://builder:{password}@127.0.0.1:9"
    config = {**KUBECONFIG, "users": [{"name": "default", "user": {}}]}
    params: dict[str, Any] = {"kubeconfig": config}
    if source == "option":
        params["proxy"] = proxy
    elif source == "environment":
        monkeypatch.setenv("K8S_AUTH_PROXY", proxy)
    else:
        config["clusters"] = [{"name": "default", "cluster": {"server": SERVER, "proxy-url": proxy}}]
    fake: Any = SimpleNamespace(params=params, warn=lambda _text: None)
    with pytest.raises((ClusterError, NoResponseError)) as caught:
        connect.connect(fake, 1)._transport.send(Request("GET", "/version"))
    assert "Win" not in str(caught.value)
    assert "2026" not in str(caught.value)
