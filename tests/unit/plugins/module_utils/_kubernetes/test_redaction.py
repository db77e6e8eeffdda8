# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A kubeconfig and a token in results: their secrets are hidden, in any place, and nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes import redaction

SECRET = "never-shown"
KUBECONFIG: dict[str, Any] = {
    "apiVersion": "v1",
    "current-context": "default",
    "token": SECRET,
    "clusters": [
        {
            "name": "default",
            "cluster": {
                "server": "https://cluster.example",
                "certificate-authority-data": "Q0E=",
                "proxy-url": f"http://builder:{SECRET}@proxy.example:3128",
            },
        }
    ],
    "contexts": [{"name": "default", "context": {"cluster": "default", "user": "a", "namespace": "default"}}],
    "users": [
        {"name": "a", "user": {"token": SECRET, "client-certificate-data": "Q0VSVA==", "client-key-data": SECRET}},
        {"name": "b", "user": {"username": "admin", "password": SECRET}},
        {
            "name": "c",
            "user": {
                "exec": {
                    "apiVersion": "client.authentication.k8s.io/v1",
                    "command": "aws",
                    "args": ["--token", SECRET],
                    "env": [{"name": "AWS_PROFILE", "value": "default"}, {"name": "KEY", "value": SECRET}],
                }
            },
        },
        {"name": "d", "user": {"auth-provider": {"name": "oidc", "config": {"id-token": SECRET, "refresh": SECRET}}}},
        {"name": "e", "token": SECRET},
    ],
}


def test_the_secrets_are_hidden_and_nothing_else() -> None:
    shown = redaction.redacted(KUBECONFIG)
    text = json.dumps(shown)
    assert SECRET not in text
    for kept in ("https://cluster.example", "Q0E=", "Q0VSVA==", "admin", "AWS_PROFILE", "oidc", "proxy.example:3128"):
        assert kept in text
    assert shown["contexts"] == KUBECONFIG["contexts"]
    assert shown["users"][2]["user"]["exec"]["args"] == ["********"] * 2
    assert SECRET in json.dumps(KUBECONFIG)


# Parts of a kubeconfig of another shape than Kubernetes defines. The client library rejects or ignores them.
ODD: dict[str, dict[str, Any]] = {
    "a text as users": {"users": SECRET},
    "texts as users": {"users": [SECRET]},
    "a dict as users": {"users": {"token": SECRET}},
    "a text as a user": {"users": [{"name": "a", "user": SECRET}]},
    "a token in a list": {"users": [{"name": "a", "user": {"token": [SECRET]}}]},
    "a field in another case": {"users": [{"name": "a", "user": {"Token": SECRET}}]},
    "a field that does not exist": {"users": [{"name": "a", "user": {"bearer-token": SECRET}}]},
    "a text as exec": {"users": [{"name": "a", "user": {"exec": SECRET}}]},
    "a list as exec": {"users": [{"name": "a", "user": {"exec": [{"command": "aws", "env": SECRET}]}}]},
    "a dict as env": {"users": [{"name": "a", "user": {"exec": {"command": "aws", "env": {"KEY": SECRET}}}}]},
    "a variable in one text": {"users": [{"user": {"exec": {"command": "aws", "env": [{"name": f"KEY={SECRET}"}]}}}]},
    "texts as env": {"users": [{"name": "a", "user": {"exec": {"command": "aws", "env": [f"KEY={SECRET}"]}}}]},
    "a text as auth-provider": {"users": [{"name": "a", "user": {"auth-provider": SECRET}}]},
    "a token in a cluster": {"clusters": [{"name": "a", "cluster": {"server": "https://a", "token": SECRET}}]},
    "a password in an extension": {"extensions": [{"name": "a", "extension": {"password": SECRET}}]},
    "a password in the server": {"clusters": [{"name": "a", "cluster": {"server": f"https://b:{SECRET}@a"}}]},
    "a proxy without a scheme": {"clusters": [{"name": "a", "cluster": {"proxy-url": f"b:{SECRET}@a:3128"}}]},
}


@pytest.mark.parametrize("case", ODD)
def test_a_secret_in_another_shape_is_hidden(case: str) -> None:
    assert SECRET not in json.dumps(redaction.redacted_params({"kubeconfig": ODD[case]}))
    assert any(SECRET in secret for secret in redaction.secrets_in(ODD[case]))


def test_every_field_without_a_secret_is_shown() -> None:
    """https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/."""
    kubeconfig = {
        "apiVersion": "v1",
        "kind": "Config",
        "preferences": {"colors": True, "extensions": [{"name": "a", "extension": {"b": "c"}}]},
        "current-context": "default",
        "clusters": [
            {
                "name": "default",
                "cluster": {
                    "server": "https://cluster.example",
                    "tls-server-name": "cluster",
                    "insecure-skip-tls-verify": True,
                    "certificate-authority": "ca.crt",
                    "certificate-authority-data": "Q0E=",
                    "proxy-url": "http://proxy.example:3128",
                    "disable-compression": True,
                    "extensions": [{"name": "minikube", "extension": {"version": "1", "provider": "minikube"}}],
                },
            }
        ],
        "contexts": [{"name": "default", "context": {"cluster": "default", "user": "a", "namespace": "default"}}],
        "users": [
            {
                "name": "a",
                "user": {
                    "client-certificate": "a.crt",
                    "client-certificate-data": "Q0VSVA==",
                    "client-key": "a.key",
                    "tokenFile": "token",
                    "username": "admin",
                    "as": "other",
                    "as-uid": "5",
                    "as-groups": ["developers"],
                    "as-user-extra": {"reason": ["maintenance"]},
                    "exec": {
                        "apiVersion": "client.authentication.k8s.io/v1",
                        "command": "aws",
                        "args": None,
                        "env": [],
                        "installHint": "Install the AWS CLI",
                        "provideClusterInfo": True,
                        "interactiveMode": "Never",
                    },
                },
            }
        ],
    }
    assert redaction.redacted(kubeconfig) == kubeconfig
    assert redaction.secrets_in(kubeconfig) == []


def test_a_secret_of_several_lines_is_hidden_by_line() -> None:
    """A library quotes it with the line breaks in another form."""
    secrets = redaction.secrets_in({"users": [{"user": {"token": f"{SECRET}-1\n{SECRET}-2\n\n"}}]})
    assert {f"{SECRET}-1", f"{SECRET}-2"} <= set(secrets)


@pytest.mark.parametrize("content", ["users:\n- token: {}\n", '{{"users": [{{"token": "{}"}}]}}', " {}\n"])
def test_the_content_of_a_kubeconfig_as_a_text_is_hidden(content: str) -> None:
    assert SECRET not in json.dumps(redaction.redacted_params({"kubeconfig": content.format(SECRET)}))


@pytest.mark.parametrize("path", ["/etc/kubeconfig", "~/.kube/config", "a:b c", "files/{{ env }}"])
def test_a_path_is_shown(path: str) -> None:
    assert redaction.redacted_params({"kubeconfig": path}) == {"kubeconfig": path}


def test_a_private_key_among_certificates_is_hidden() -> None:
    certificate = "-----BEGIN CERTIFICATE-----\nQ0E=\n-----END CERTIFICATE-----\n"
    key = certificate.replace("CERTIFICATE", "PRIVATE KEY").replace("Q0E=", SECRET)
    assert SECRET not in json.dumps(redaction.redacted_params({"ca_bundle": certificate + key}))
    assert redaction.redacted_params({"ca_bundle": certificate}) == {"ca_bundle": certificate}


def test_messages_hide_the_secrets_but_no_short_word() -> None:
    assert set(redaction.secrets_in(KUBECONFIG)) == {
        SECRET,
        f"http://builder:{SECRET}@proxy.example:3128",
        f"builder:{SECRET}",
    }
    assert redaction.secrets_in({"users": [{"user": {"token": "short"}}]}) == []


@pytest.mark.parametrize(
    "odd", [None, "", "/etc/kubeconfig", [], {}, {"users": None}, {"exec": "x", "token": 5}, {1: 2}]
)
def test_any_value_can_be_given(odd: Any) -> None:
    json.dumps(redaction.redacted_params({"kubeconfig": odd}))
    redaction.secrets_in(odd)


@pytest.mark.parametrize(
    "token",
    [
        SECRET,
        [SECRET],
        {"authorizationData": {"authorizationToken": SECRET}},
        {SECRET: ""},
        f'{{"password": "{SECRET}"}}',
    ],
)
def test_a_token_of_another_shape_is_hidden(token: Any) -> None:
    assert SECRET not in json.dumps(redaction.redacted_params({"token": token}))


def test_a_token_of_the_lookup_is_left_to_no_log() -> None:
    token = {"password": SECRET, "expires_at": "2026-01-01T00:00:00Z"}
    assert redaction.redacted_params({"token": token, "name": "a"}) == {"token": token, "name": "a"}
    assert redaction.redacted_params({"token": None}) == {"token": None}


@pytest.mark.parametrize("option", ["proxy", "aws_proxy", "aws_endpoint_url", "host"])
def test_the_user_info_of_an_address_is_hidden(option: str) -> None:
    params = {option: f"http://builder:{SECRET}@proxy.example:3128"}
    assert redaction.redacted_params(params) == {option: "http://********@proxy.example:3128"}
