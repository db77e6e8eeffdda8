# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The effect of module_defaults on a task: in tables, and in real plays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.freshpull.ecr_public.plugins.plugin_utils._play_defaults import (
    AWS_GROUP,
    CLUSTER_GROUP,
    aws,
    connection,
    problem,
)
from support.playbook import Ansible

STAGING = {"kubeconfig": "/staging"}


@pytest.mark.parametrize(
    ("defaults", "arguments", "rejected"),
    [
        ([], {}, False),
        ([{"group/kubernetes.core.k8s": STAGING}], {}, True),
        ([{"kubernetes.core.k8s": {"context": "staging"}}], {}, True),
        ([{"kubernetes.core.k8s_info": {"host": "https://staging"}}], {}, True),
        ([{"ansible.builtin.debug": {"msg": ""}}, {"kubernetes.core.k8s": STAGING}], {}, True),
        ([{"group/kubernetes.core.k8s": STAGING}], {"kubeconfig": "/production"}, False),
        ([{"group/kubernetes.core.k8s": STAGING}], {"kubeconfig": ""}, True),
        ([{"group/kubernetes.core.k8s": STAGING}], {"host": "https://production"}, False),
        ([{"freshpull.ecr_public.ecr_public_refresher": STAGING}], {}, True),
        # These defaults name no cluster.
        ([{"group/kubernetes.core.k8s": {"validate_certs": False}}], {}, False),
        ([{"kubernetes.core.k8s": {"kubeconfig": ""}}], {}, False),
        ([{"kubernetes.core.k8s": "{{ undefined }}"}], {}, False),
        ([{"amazon.aws.ec2_instance": {"host": "x"}}], {}, False),
    ],
)
def test_a_task_is_rejected(defaults: list[dict[str, Any]], arguments: dict[str, Any], rejected: bool) -> None:
    assert bool(problem(defaults, arguments)) == rejected


MODULE = "freshpull.ecr_public.ecr_public_pull_secret"
WHOLE = {"host": "https://staging", "api_key": "key", "verify_ssl": False}


@pytest.mark.parametrize(
    ("defaults", "arguments", "added"),
    [
        ([], {}, {}),
        ([{CLUSTER_GROUP: STAGING}], {}, STAGING),
        ([{CLUSTER_GROUP: WHOLE}], {"name": "a"}, WHOLE),
        # A task that names a cluster uses no default of the connection.
        ([{CLUSTER_GROUP: WHOLE}], {"kubeconfig": "/production"}, {}),
        ([{CLUSTER_GROUP: WHOLE}], {"context": "production"}, {}),
        ([{CLUSTER_GROUP: WHOLE}], {"kubeconfig": "", "api_key": "task"}, {"host": WHOLE["host"], "verify_ssl": False}),
        ([{CLUSTER_GROUP: STAGING}, {CLUSTER_GROUP: {"context": "inner"}}], {}, {"context": "inner"}),
        ([{CLUSTER_GROUP: STAGING, MODULE: {"context": "b"}}], {}, {**STAGING, "context": "b"}),
        ([{CLUSTER_GROUP: {"renew_before": "9h"}, MODULE: {"token": {}}}], {}, {}),
        ([{"freshpull.ecr_public.ecr_public_login": STAGING, "group/kubernetes.core.k8s": STAGING}], {}, {}),
        ([{CLUSTER_GROUP: "{{ undefined }}"}], {}, {}),
    ],
)
def test_an_omitted_connection_is_the_play_s(
    defaults: list[dict[str, Any]], arguments: dict[str, Any], added: dict[str, Any]
) -> None:
    assert connection(defaults, MODULE, arguments) == added


@pytest.mark.parametrize(
    ("defaults", "expected"),
    [
        ([], None),
        ([{CLUSTER_GROUP: {"aws": {"profile": "a"}}}], None),
        ([{AWS_GROUP: {"aws": {"profile": "a"}}}], {"profile": "a"}),
        ([{AWS_GROUP: {"aws": {"profile": "a"}}, MODULE: {"aws": {"profile": "b"}}}], {"profile": "b"}),
    ],
)
def test_an_omitted_aws_is_the_play_s(defaults: list[dict[str, Any]], expected: Any) -> None:
    assert aws(defaults, MODULE) == expected


# The names of modules and groups in playbooks. Ansible resolves them.
WRITTEN = {
    "group": {"group/kubernetes.core.k8s": STAGING},
    "module": {"kubernetes.core.k8s": {"context": "staging"}},
    "short": {"k8s": {"context": "staging"}},
    "templated": {"group/kubernetes.core.k8s": "{{ staging }}"},
}
MODULES = ["ecr_public_pull_secret", "ecr_public_pull_secret_info", "ecr_public_refresher"]


def test_ansible_passes_the_defaults_of_kubernetes_core(tmp_path: Path) -> None:
    """One play runs each module with each form."""
    tasks: list[dict[str, Any]] = []
    for number, (form, defaults) in enumerate(WRITTEN.items()):
        for module in MODULES:
            task = {
                "name": f"{module} {form}",
                f"freshpull.ecr_public.{module}": {"namespaces": ["a"]},
                "module_defaults": defaults,
                "vars": {"staging": STAGING},
                "ignore_errors": True,
                "register": f"{module}_{number}",
            }
            tasks.append(task)
    run = Ansible(tmp_path, kubeconfig="").tasks(tasks).ok()
    messages = {name: str(result["msg"]) for name, result in run.results.items()}
    assert len(messages) == len(WRITTEN) * len(MODULES)
    assert {
        name: text for name, text in messages.items() if "module_defaults of group/freshpull.ecr_public.k8s" not in text
    } == {}


OMITTED = {"kubeconfig": "{{ omit }}", "context": "{{ {}.context | default(omit) }}"}


def test_omitted_options_are_taken_from_the_defaults(tmp_path: Path) -> None:
    tasks: list[dict[str, Any]] = []
    for module in MODULES:
        for name, defaults in {
            "group": {CLUSTER_GROUP: STAGING},
            "module": {f"freshpull.ecr_public.{module}": STAGING},
            "both": {CLUSTER_GROUP: {"kubeconfig": "/other"}, f"freshpull.ecr_public.{module}": STAGING},
        }.items():
            task = {
                "name": f"{module} {name}",
                f"freshpull.ecr_public.{module}": {"namespaces": ["a"], **OMITTED},
                "module_defaults": defaults,
                "ignore_errors": True,
                "register": f"{module}_{name}",
            }
            tasks.append(task)
    environment = {"K8S_AUTH_KUBECONFIG": "/production"}
    run = Ansible(tmp_path, kubeconfig="").tasks(tasks, env=environment).ok()
    assert len(run.results) == len(tasks)
    assert {name: each["msg"] for name, each in run.results.items() if "'/staging'" not in each["msg"]} == {}
