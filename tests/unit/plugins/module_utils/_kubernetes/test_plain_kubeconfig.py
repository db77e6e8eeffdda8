# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plain kubeconfig, compared with what the client library reads. Real TLS servers are in test_kubeconfig.py."""

from __future__ import annotations

import base64
import copy
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.kubernetes.core.plugins.module_utils.args_common import AUTH_ARG_SPEC
from kubernetes import config as library
from kubernetes.client import Configuration

from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes import plain_kubeconfig
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.plain_kubeconfig import Plain
from support.cluster.pki import Authority

SERVER = "https://cluster.invalid:6443"
AUTHORITY = Authority()
IDENTITY = AUTHORITY.issue("somebody")


def encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def kubeconfig(**user: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "one",
        "contexts": [
            {"name": "one", "context": {"cluster": "c", "user": "u", "namespace": "n"}},
            {"name": "two", "context": {"cluster": "d", "user": "u"}},
        ],
        "clusters": [
            {"name": name, "cluster": {"server": server, "certificate-authority-data": encoded(AUTHORITY.certificate)}}
            for name, server in (("c", f"{SERVER}/"), ("d", f"{SERVER}/k8s/clusters/d"))
        ],
        "users": [{"name": "u", "user": user or {"token": "secret-token"}}],
    }


def certificate(**more: str) -> dict[str, str]:
    return {"client-certificate-data": encoded(IDENTITY.certificate), "client-key-data": encoded(IDENTITY.key), **more}


def read(config: Any, environment: dict[str, str] | None = None, /, **params: Any) -> Plain | None:
    return plain_kubeconfig.read({"kubeconfig": config, **params}, AUTH_ARG_SPEC, environment or {})


def by_the_library(config: Any, context: str | None = None) -> tuple[str, str]:
    """Return the server and the header Authorization."""
    configuration = Configuration()
    if isinstance(config, dict):
        library.load_kube_config_from_dict(config, context, configuration, persist_config=False)
    else:
        library.load_kube_config(config, context, configuration, persist_config=False)
    return configuration.host, (configuration.auth_settings().get("BearerToken") or {}).get("value") or ""


@pytest.mark.parametrize("context", [None, "one", "two"])
@pytest.mark.parametrize("user", [{"token": "secret-token"}, certificate(), certificate(token="secret-token")])
@pytest.mark.parametrize("in_file", [False, True])
def test_the_library_reads_the_same(context: str | None, user: dict[str, str], in_file: bool, tmp_path: Path) -> None:
    given: Any = kubeconfig(**user)
    if in_file:
        (tmp_path / "config").write_text(yaml.safe_dump(given))
        given = str(tmp_path / "config")
    found = read(given, context=context)
    assert found is not None
    assert (found.server, f"Bearer {found.token}" if found.token else "") == by_the_library(given, context)
    assert found.certificate == (IDENTITY.certificate.decode() if "client-key-data" in user else "")


def test_files_can_have_the_certificates(tmp_path: Path) -> None:
    config = kubeconfig(**{"client-certificate": str(tmp_path / "crt"), "client-key": str(tmp_path / "key")})
    (tmp_path / "crt").write_bytes(IDENTITY.certificate)
    (tmp_path / "key").write_bytes(IDENTITY.key)
    (tmp_path / "ca").write_bytes(AUTHORITY.certificate)
    config["clusters"][0]["cluster"] = {"server": SERVER, "certificate-authority": str(tmp_path / "ca")}
    found = read(config)
    assert found is not None
    assert (found.server, found.certificate) == (SERVER, IDENTITY.certificate.decode())


@pytest.mark.parametrize("variable", ["K8S_AUTH_KUBECONFIG", "KUBECONFIG", "HOME"])
def test_variables_name_it(variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / ".kube/config"
    path.parent.mkdir()
    path.write_text(yaml.safe_dump(kubeconfig()))
    monkeypatch.setenv("HOME", str(tmp_path if variable == "HOME" else tmp_path / "other"))
    environment = {} if variable == "HOME" else {variable: str(path)}
    found = read(None, {**environment, "K8S_AUTH_CONTEXT": "two"})
    assert found is not None
    assert found.server == f"{SERVER}/k8s/clusters/d"


def user(**fields: Any) -> Callable[[dict[str, Any]], None]:
    return lambda config: config["users"][0].update(user=fields)


def cluster(**fields: Any) -> Callable[[dict[str, Any]], None]:
    return lambda config: config["clusters"][0]["cluster"].update(
        {key.replace("_", "-"): fields[key] for key in fields}
    )


NOT_PLAIN: dict[str, Callable[[dict[str, Any]], Any]] = {
    "a credential plugin": user(exec={"command": "aws"}),
    "a credential plugin beside a token": user(token="t", exec={"command": "aws"}),
    "a token file": user(tokenFile="/token"),
    "a password": user(username="u", password="p"),
    "an old plugin": user(**{"auth-provider": {"name": "oidc"}}),
    "no credentials": user(),
    "an empty token": user(token=""),
    "a token with a line break": user(token="a\nb"),
    "a token that is a number": user(token=1),
    "a certificate without a key": user(**{"client-certificate-data": encoded(IDENTITY.certificate)}),
    "the key of another certificate": user(**certificate(**{"client-key-data": encoded(AUTHORITY.issue("x").key)})),
    "a path beside its content": user(**certificate(**{"client-key": "/key"})),
    "a key that is no base64": user(**certificate(**{"client-key-data": "never-shown"})),
    "an impersonated user": user(token="t", **{"as": "somebody"}),
    "no verification": cluster(insecure_skip_tls_verify=True),
    "another name in the certificate": cluster(tls_server_name="a"),
    "a proxy": cluster(proxy_url="http://proxy:3128"),
    "no TLS": cluster(server="http://cluster.invalid"),
    "a login in the address": cluster(server="https://u:p@cluster.invalid"),
    "a query in the address": cluster(server="https://cluster.invalid/?a=b"),
    "an IPv6 address": cluster(server="https://[fd00::1]:6443"),
    "an authority that is no certificate": cluster(certificate_authority_data=encoded(b"none")),
    "no authority": lambda config: config["clusters"][0]["cluster"].pop("certificate-authority-data"),
    "a relative path": lambda config: config["clusters"][0].update(
        cluster={"server": SERVER, "certificate-authority": "ca.crt"}
    ),
    "two clusters of one name": lambda config: config["clusters"].append(config["clusters"][0]),
    "no such cluster": lambda config: config.update(clusters=[]),
    "no clusters": lambda config: config.pop("clusters"),
    "clusters of another type": lambda config: config.update(clusters="c"),
    "a user without content": lambda config: config.update(users=[{"name": "u"}]),
    "no current context": lambda config: config.pop("current-context"),
    "an unknown current context": lambda config: config.update({"current-context": "three"}),
    "a list as the current context": lambda config: config.update({"current-context": ["one"]}),
}


@pytest.mark.parametrize("case", NOT_PLAIN)
@pytest.mark.parametrize("in_file", [False, True])
def test_anything_else_is_left_to_the_library(case: str, in_file: bool, tmp_path: Path) -> None:
    given: Any = copy.deepcopy(kubeconfig())
    NOT_PLAIN[case](given)
    if in_file:
        (tmp_path / "config").write_text(yaml.safe_dump(given))
        given = str(tmp_path / "config")
    assert read(given) is None


@pytest.mark.parametrize(
    "text", ["", "a: [", "$ANSIBLE_VAULT;1.1;AES256\n", "- a", "[" * 5000, "\x00", "!!python/name:os.system"]
)
def test_a_file_that_is_no_kubeconfig_is_left_to_the_library(text: str, tmp_path: Path) -> None:
    (tmp_path / "config").write_text(text)
    assert read(str(tmp_path / "config")) is None


@pytest.mark.parametrize("path", ["/nowhere", "/", "", "/nowhere:/nowhere"])
def test_a_path_that_is_no_file_is_left_to_the_library(path: str) -> None:
    assert read(path) is None


OPTIONS: dict[str, Any] = {name: True if spec.get("type") == "bool" else ["a"] for name, spec in AUTH_ARG_SPEC.items()}


@pytest.mark.parametrize("option", [name for name in OPTIONS if name not in ("kubeconfig", "context")])
def test_any_other_option_is_left_to_the_library(option: str) -> None:
    assert read(kubeconfig(), **{option: OPTIONS[option]}) is None
    assert read(kubeconfig(), {f"K8S_AUTH_{option.upper()}": "a"}) is None


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "K8S_AUTH_PROXY_HEADERS_USER_AGENT"])
def test_proxies_are_left_to_the_library(variable: str) -> None:
    assert read(kubeconfig(), {variable: "http://proxy:3128"}) is None


def test_in_a_pod_only_a_named_kubeconfig_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".kube").mkdir()
    (tmp_path / ".kube/config").write_text(yaml.safe_dump(kubeconfig()))
    monkeypatch.setenv("HOME", str(tmp_path))
    pod = {"KUBERNETES_SERVICE_HOST": "10.0.0.1"}
    assert read(None, pod) is None
    assert read(None, {**pod, "KUBECONFIG": str(tmp_path / ".kube/config")}) is None
    assert read(kubeconfig(), pod) is not None
    assert read(None, {**pod, "K8S_AUTH_CONTEXT": "one"}) is not None


@pytest.mark.parametrize("name", ["kubeconfig", "context"])
def test_an_empty_value_is_left_to_the_library(name: str) -> None:
    given: dict[str, Any] = {"kubeconfig": kubeconfig(), name: ""}
    assert plain_kubeconfig.read(given, AUTH_ARG_SPEC, {}) is None


def test_the_key_is_in_a_file_of_0600_that_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    modes: list[int] = []
    load = plain_kubeconfig._load

    def watched(context: Any, certificate: str, key: str) -> None:
        chain = context.load_cert_chain

        class Watching:
            def load_cert_chain(self, path: str, **more: Any) -> None:
                modes.append(stat.S_IMODE(Path(path).stat().st_mode))
                chain(path, **more)

        load(Watching(), certificate, key)  # type: ignore[arg-type]

    monkeypatch.setattr(plain_kubeconfig, "_load", watched)
    assert read(kubeconfig(**certificate())) is not None
    assert modes == [0o600]
    assert list(tmp_path.iterdir()) == []


def test_no_secret_is_in_a_representation() -> None:
    """A traceback or a failed assertion would print it."""
    assert "secret-token" not in repr(read(kubeconfig()))
