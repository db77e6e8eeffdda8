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


def test_the_user_info_of_the_option_proxy_is_hidden() -> None:
    params = {"proxy": f"http://builder:{SECRET}@proxy.example:3128"}
    assert redaction.redacted_params(params) == {"proxy": "http://********@proxy.example:3128"}
