# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which cluster a play in a pod uses, as in a runner: its own or a named one. The pod is a mount namespace."""

from __future__ import annotations

import base64
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from kubernetes import client

from support.playbook import PULL_SECRET, PULL_SECRET_INFO, Ansible, Run

pytestmark = pytest.mark.node
REFRESHER = "freshpull.ecr_public.ecr_public_refresher"
ACCOUNT = "/run/secrets/kubernetes.io/serviceaccount"
Make = Callable[..., list[str]]


class Runner:
    """A pod of the test cluster whose service account has no permissions, and a play in it."""

    def __init__(self, ansible: Ansible, core: client.CoreV1Api, namespace: str) -> None:
        self._ansible = ansible
        core.create_namespaced_service_account(namespace, {"metadata": {"name": "runner"}})
        request = {"spec": {"audiences": [], "expirationSeconds": 3600}}
        token = core.create_namespaced_service_account_token("runner", namespace, request).status.token
        cluster = yaml.safe_load(Path(ansible.kubeconfig).read_text())["clusters"][0]["cluster"]
        files = ansible.directory / "account"
        files.mkdir()
        (files / "token").write_text(token)
        (files / "ca.crt").write_bytes(base64.b64decode(cluster["certificate-authority-data"]))
        steps = f"mount -t tmpfs freshpull /run; mkdir -p {ACCOUNT}; cp {shlex.quote(str(files))}/* {ACCOUNT}"
        self._prefix = ["unshare", "--mount", "sh", "-ec", f'{steps}; exec "$@"', "sh"]
        server = urlsplit(cluster["server"])
        self._variables = {
            "KUBERNETES_SERVICE_HOST": str(server.hostname),
            "KUBERNETES_SERVICE_PORT": str(server.port or 443),
        }

    def run(self, *tasks: dict[str, Any], **variables: str) -> Run:
        """Run the tasks. The results, also of failures, are task0, task1 and so on."""
        named = [
            {"name": f"Task {number}", "register": f"task{number}", "ignore_errors": True, **task}
            for number, task in enumerate(tasks)
        ]
        return self._ansible.tasks(named, prefix=self._prefix, env={**self._variables, **variables}).ok()


@pytest.fixture
def runner(ansible: Ansible, core: client.CoreV1Api, make_namespaces: Make) -> Runner:
    (namespace,) = make_namespaces("runner")
    return Runner(ansible, core, namespace)


def test_kubeconfig_is_rejected_by_each_module_and_an_option_is_used(
    runner: Runner, kubeconfig: str, make_namespaces: Make, aws_options: dict[str, Any]
) -> None:
    (namespace,) = make_namespaces("a")
    keys = {"aws_auth": "secret", "aws_access_key": "AKIA" + "A" * 16, "aws_secret_key": "s" * 40}
    results = runner.run(
        {PULL_SECRET: {"namespaces": [namespace], "aws": aws_options}},
        {PULL_SECRET_INFO: {"namespaces": [namespace]}},
        {REFRESHER: {"namespaces": [namespace], "namespace": f"{namespace}-own", **keys}, "check_mode": True},
        {PULL_SECRET_INFO: {"namespaces": [namespace], "kubeconfig": ""}},
        {PULL_SECRET: {"namespaces": [namespace], "aws": aws_options, "kubeconfig": kubeconfig}},
        {PULL_SECRET_INFO: {"namespaces": [namespace]}, "environment": {"K8S_AUTH_KUBECONFIG": kubeconfig}},
        {PULL_SECRET_INFO: {"namespaces": [namespace], "context": "freshpull-test"}},
        KUBECONFIG=kubeconfig,
    ).results
    for number in range(4):
        result = results[f"task{number}"]
        assert result["failed"]
        assert "KUBECONFIG is set in a pod" in result["msg"]
        assert "the option kubeconfig or K8S_AUTH_KUBECONFIG" in result["msg"]
    assert results["task4"]["namespaces"][0]["action"] == "created"
    assert results["task5"]["namespaces"][0]["status"] == "fresh"
    assert results["task6"]["namespaces"][0]["status"] == "fresh"


def test_the_account_of_the_pod_is_used_without_kubeconfig(runner: Runner, ansible: Ansible, kubeconfig: str) -> None:
    default = ansible.directory / ".kube/config"
    default.parent.mkdir()
    default.write_text(Path(kubeconfig).read_text())
    run = runner.run({PULL_SECRET_INFO: {"namespaces": ["default"]}})
    assert "system:serviceaccount:" in run.results["task0"]["namespaces"][0]["msg"]
    assert "~/.kube/config is not read in a pod" in " ".join(run.output.split())
