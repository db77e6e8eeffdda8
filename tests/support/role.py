# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the role as users do: with the collection's playbook and variables."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from types import TracebackType
from typing import Any

from kubernetes import client, config
from kubernetes.client.exceptions import ApiException

from support.aws import FakeAws
from support.playbook import Ansible, Run
from support.workloads import CRONJOB

PLAYBOOK = "freshpull.ecr_public.pull_secret"

# Variables of the refresher's pod, none with its default.
NON_DEFAULTS: Mapping[str, Any] = {
    "refresher_time_zone": "Europe/Berlin",
    "refresher_image_pull_secrets": ["mirror"],
    "refresher_node_selector": {"disk": "ssd"},
    "refresher_affinity": {
        "podAntiAffinity": {
            "preferredDuringSchedulingIgnoredDuringExecution": [
                {"weight": 1, "podAffinityTerm": {"topologyKey": "kubernetes.io/hostname"}}
            ]
        }
    },
    "refresher_run_as_user": "10001",
    "refresher_env": [{"name": "AWS_USE_DUALSTACK_ENDPOINT", "value": "true"}],
    "refresher_volumes": [{"name": "extra", "emptyDir": {"medium": "Memory"}}],
    "refresher_volume_mounts": [{"name": "extra", "mountPath": "/extra"}],
    "refresher_labels": {"cost-centre": "42"},
    "refresher_annotations": {"example.com/contact": "platform"},
    "refresher_pod_labels": {"kueue.x-k8s.io/priority-class": "low"},
    "refresher_pod_annotations": {"linkerd.io/inject": "", "example.com/scrape": "no"},
    "refresher_allowed_metadata": ["istio.io/rev*"],
    "refresher_tolerations": [{"key": "dedicated", "operator": "Exists", "effect": "NoSchedule"}],
    "refresher_priority_class": "system-cluster-critical",
    "refresher_proxy": "http://proxy.example.com:3128",
    "refresher_no_proxy": "internal.example.com",
    "refresher_ca_bundle": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    "refresher_history": 1,
    "refresher_active_deadline": 300,
}


class Role:
    """The role for one refresher. AWS keys come from the environment and are in no file of variables.

    As a context manager it removes at its end what the role created outside of the selected namespaces.
    """

    def __init__(self, ansible: Ansible, aws: FakeAws, namespaces: Sequence[str], refresher: str) -> None:
        """refresher: the namespace of the CronJob."""
        self._ansible = ansible
        self._aws = aws
        self.namespaces = list(namespaces)
        self.refresher = refresher
        self.variables: dict[str, Any] = {
            "pull_secret_cluster": {"kubeconfig": ansible.kubeconfig},
            "pull_secret_namespaces": list(namespaces),
            "pull_secret_refresher_namespace": refresher,
            "pull_secret_refresher_aws_auth": "secret",
            "pull_secret_refresher_aws_access_key": "{{ lookup('ansible.builtin.env', 'REFRESHER_ACCESS_KEY') }}",
            "pull_secret_refresher_aws_secret_key": "{{ lookup('ansible.builtin.env', 'REFRESHER_SECRET_KEY') }}",
            "pull_secret_refresher_aws_endpoint_url": aws.endpoint_url,
        }
        if image := os.environ.get("FRESHPULL_TEST_AWS_CLI_IMAGE"):
            self.variables["pull_secret_refresher_image"] = image

    @property
    def user(self) -> str:
        """The user name of the refresher, in the API server and in its tokens."""
        return f"system:serviceaccount:{self.refresher}:{CRONJOB}"

    def __enter__(self) -> Role:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        api = config.new_client_from_config(self._ansible.kubeconfig)
        rbac, admission = client.RbacAuthorizationV1Api(api), client.AdmissionregistrationV1Api(api)
        selector = f"ecr-public.freshpull/refresher={self.refresher}"
        rbac.delete_collection_cluster_role_binding(label_selector=selector)
        rbac.delete_collection_cluster_role(label_selector=selector)
        admission.delete_collection_validating_admission_policy_binding(label_selector=selector)
        admission.delete_collection_validating_admission_policy(label_selector=selector)
        try:
            client.CoreV1Api(api).delete_namespace(self.refresher)
        except ApiException as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise

    def run(
        self, *args: str, aws_on_control_node: bool = True, env: Mapping[str, str] | None = None, **changes: Any
    ) -> Run:
        """Run the role. changes: variables without their prefix pull_secret_.

        aws_on_control_node: False for a control node without AWS credentials and endpoint.
        """
        variables = {**self.variables, **{f"pull_secret_{name}": value for name, value in changes.items()}}
        environment = {"REFRESHER_ACCESS_KEY": self._aws.access_key, "REFRESHER_SECRET_KEY": self._aws.secret_key}
        if aws_on_control_node:
            environment |= {
                "AWS_ACCESS_KEY_ID": self._aws.access_key,
                "AWS_SECRET_ACCESS_KEY": self._aws.secret_key,
                "AWS_ENDPOINT_URL_ECR_PUBLIC": self._aws.endpoint_url,
            }
        return self._ansible.play(PLAYBOOK, "-e", json.dumps(variables), *args, env={**environment, **(env or {})})


def changed(run: Run) -> int:
    """Return the number of changed tasks in the recap of the play."""
    found = re.search(r"^localhost +: .*\bchanged=(\d+)", run.stdout, re.MULTILINE)
    assert found, run.output[-4000:]
    return int(found[1])
