# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cluster and the AWS region that are used, whatever the environment names."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes import client

from support.aws import FakeAws
from support.playbook import Ansible

Make = Callable[..., list[str]]
NAME = "ecr-public-secret"


def server(kubeconfig: str) -> str:
    return yaml.safe_load(Path(kubeconfig).read_text())["clusters"][0]["cluster"]["server"]


def vault(ansible: Ansible, kubeconfig: str) -> str:
    """Write an encrypted kubeconfig, with its password in a file beside it. Return its path."""
    password, vaulted = ansible.directory / "vault-password", ansible.directory / "vaulted.kubeconfig"
    password.write_text("freshpull")
    vaulted.write_text(Path(kubeconfig).read_text())
    command = ["ansible-vault", "encrypt", "--vault-password-file", str(password), str(vaulted)]
    subprocess.run(command, env=ansible.environment(), check=True, capture_output=True)
    return str(vaulted)


@pytest.mark.core
def test_an_option_wins_over_another_cluster_in_the_environment(
    ansible: Ansible,
    core: client.CoreV1Api,
    kubeconfig: str,
    aws_options: dict[str, Any],
    make_namespaces: Make,
) -> None:
    """AWX injects the credential of one cluster while each host has its own kubeconfig."""
    (namespace,) = make_namespaces("a")
    env = {"K8S_AUTH_HOST": "https://127.0.0.1:1", "K8S_AUTH_API_KEY": "other", "K8S_AUTH_USERNAME": "other"}
    env |= {"K8S_AUTH_SSL_CA_CERT": "/nowhere/ca.crt", "K8S_AUTH_VERIFY_SSL": "no"}
    run = ansible.pull_secret(namespaces=[namespace], aws=aws_options, env=env)
    assert run.results["result"]["host"] == server(kubeconfig)
    # There would be one if the certificate were not verified.
    assert run.results["result"].get("warnings", []) == []
    assert run.results["result"]["namespaces"][0]["action"] == "created"
    assert core.read_namespaced_secret(NAME, namespace)


def test_the_environment_names_the_cluster_where_no_option_does(
    ansible: Ansible, kubeconfig: str, aws_options: dict[str, Any], make_namespaces: Make
) -> None:
    (namespace,) = make_namespaces("a")
    env = {"K8S_AUTH_KUBECONFIG": kubeconfig}
    run = ansible.pull_secret(namespaces=[namespace], aws=aws_options, env=env, kubeconfig=None)
    assert run.results["result"]["host"] == server(kubeconfig)
    assert run.results["result"]["namespaces"][0]["action"] == "created"


def test_a_dict_carries_the_kubeconfig(
    ansible: Ansible, kubeconfig: str, aws_options: dict[str, Any], make_namespaces: Make
) -> None:
    (namespace,) = make_namespaces("a")
    content = yaml.safe_load(Path(kubeconfig).read_text())
    run = ansible.pull_secret("-vvv", namespaces=[namespace], aws=aws_options, kubeconfig=content)
    assert run.results["result"]["namespaces"][0]["action"] == "created"
    key = content["users"][0]["user"].get("client-key-data")
    assert key is None or key not in run.output


def test_a_vaulted_kubeconfig_is_read_and_its_copy_removed(
    ansible: Ansible, kubeconfig: str, aws_options: dict[str, Any], make_namespaces: Make, tmp_path: Path
) -> None:
    (namespace,) = make_namespaces("a")
    vaulted = vault(ansible, kubeconfig)
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    run = ansible.pull_secret(
        *("--vault-password-file", str(ansible.directory / "vault-password")),
        namespaces=[namespace],
        aws=aws_options,
        kubeconfig=vaulted,
        env={"TMPDIR": str(temporary), "ANSIBLE_LOCAL_TEMP": str(temporary)},
    )
    assert run.results["result"]["namespaces"][0]["action"] == "created"
    assert not [path for path in temporary.rglob("*") if path.is_file()]


def test_an_unreachable_cluster_is_one_clear_error(ansible: Ansible, aws: FakeAws, aws_options: dict[str, Any]) -> None:
    run = ansible.pull_secret(host="https://127.0.0.1:1", api_key="x", kubeconfig=None, aws=aws_options)
    result = run.results["result"]
    assert result["failed"]
    assert "https://127.0.0.1:1" in result["msg"]
    assert "Traceback" not in run.output
    assert aws.calls == {}


def test_without_a_cluster_the_error_names_the_option(ansible: Ansible, aws_options: dict[str, Any]) -> None:
    result = ansible.pull_secret(kubeconfig=None, aws=aws_options).results["result"]
    assert result["failed"]
    assert "Set kubeconfig" in result["msg"]


@pytest.mark.core
@pytest.mark.parametrize("how", ["AWS_REGION", "AWS_DEFAULT_REGION", "profile"])
def test_the_call_is_signed_for_us_east_1(
    ansible: Ansible, aws: FakeAws, make_namespaces: Make, tmp_path: Path, how: str
) -> None:
    """The fake rejects a signature for any other region."""
    (namespace,) = make_namespaces("a")
    env = {"AWS_ENDPOINT_URL_ECR_PUBLIC": aws.endpoint_url}
    if how == "profile":
        config = tmp_path / "aws"
        config.write_text(
            f"[profile p]\nregion = eu-west-1\naws_access_key_id = {aws.access_key}\n"
            f"aws_secret_access_key = {aws.secret_key}\n"
        )
        env |= {"AWS_CONFIG_FILE": str(config), "AWS_PROFILE": "p"}
    else:
        env |= {how: "eu-west-1", "AWS_ACCESS_KEY_ID": aws.access_key, "AWS_SECRET_ACCESS_KEY": aws.secret_key}
    run = ansible.pull_secret(namespaces=[namespace], env=env)
    assert run.results["result"]["namespaces"][0]["action"] == "created", run.results["result"]
    assert aws.calls == {"GetAuthorizationToken": 1}
