# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""No token in anything that a run leaves, except the secret's data."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client

from support import leaks
from support.aws import FakeAws
from support.cluster.audit import AuditLog
from support.playbook import PULL_SECRET, Ansible

Make = Callable[..., list[str]]
NAME = "ecr-public-secret"


def states(namespace: str, kubeconfig: str) -> list[dict[str, Any]]:
    """Build a task for each action of the module, in an order in which each action is needed."""
    steps: list[dict[str, Any]] = [
        {"placeholder": True},
        {},
        {},
        {"force_renew": True},
        {"registries": ["public.ecr.aws", "ecr-public.aws.com"], "labels": {"team": "a"}, "annotations": {"note": "b"}},
        {"registries": ["public.ecr.aws"]},
        {"name": "unmanaged"},
        {"name": "unmanaged", "adopt": True},
        {"name": "opaque"},
        {"name": "opaque", "adopt": True, "recreate": True},
        {"name": "unmanaged", "state": "absent"},
        # Metadata of the options is no reason to keep the secret.
        {"state": "absent", "labels": {"team": "a"}, "annotations": {"note": "b"}},
        {},
    ]
    return [
        {
            "name": f"Step {number}",
            PULL_SECRET: {"kubeconfig": kubeconfig, "namespaces": [namespace], **step},
            "register": f"step{number}",
            "ignore_errors": True,
        }
        for number, step in enumerate(steps)
    ]


EXPECTED = [
    *("reserved", "renewed", "unchanged", "renewed", "updated", "updated", "failed", "adopted"),
    *("failed", "recreated", "removed", "removed", "created"),
]


def make_unmanaged(core: client.CoreV1Api, namespace: str) -> None:
    for name, kind in (("unmanaged", "kubernetes.io/dockerconfigjson"), ("opaque", "Opaque")):
        data = {".dockerconfigjson": json.dumps({"auths": {"other.example": {"auth": "dTpw"}}})}
        core.create_namespaced_secret(namespace, {"metadata": {"name": name}, "type": kind, "stringData": data})


@pytest.mark.core
@pytest.mark.parametrize("args", [["-vvv", "--diff"], ["-vvv", "--diff", "--check"]], ids=["real", "check"])
def test_no_token_is_left_behind(
    ansible: Ansible,
    core: client.CoreV1Api,
    kubeconfig: str,
    aws: FakeAws,
    audit: AuditLog,
    make_namespaces: Make,
    args: list[str],
) -> None:
    (namespace,) = make_namespaces("a")
    make_unmanaged(core, namespace)
    env = {
        "AWS_ACCESS_KEY_ID": aws.access_key,
        "AWS_SECRET_ACCESS_KEY": aws.secret_key,
        "AWS_ENDPOINT_URL_ECR_PUBLIC": aws.endpoint_url,
        "ANSIBLE_LOG_PATH": str(ansible.directory / "ansible.log"),
        "ANSIBLE_INJECT_INVOCATION": "true",
        "ANSIBLE_CACHE_PLUGIN": "jsonfile",
        "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(ansible.directory / "facts"),
    }
    mark = audit.mark()
    aws.behave(life=43200)
    with leaks.watched_processes() as processes:
        run = ansible.tasks(states(namespace, kubeconfig), *args, env=env).ok()
    results = [run.results[f"step{number}"] for number in range(len(EXPECTED))]
    if "--check" in args:
        assert (audit.writes(since=mark, user="freshpull-admin"), aws.calls) == ([], {})
        return
    assert [result["namespaces"][0]["action"] for result in results] == EXPECTED
    assert len(aws.tokens) == 5

    needles = {aws.secret_key, *(form for password in aws.tokens for form in leaks.forms(password))}
    assert leaks.find(run.output, needles) == []
    assert leaks.find(json.dumps(run.results), needles) == []
    assert leaks.find("\n".join(processes), needles) == []
    assert leaks.find_in_files(ansible.directory, needles) == []
    assert leaks.find(Path(os.environ["FRESHPULL_TEST_AUDIT_LOG"]).read_text(), needles) == []
    holders = set()
    for item in leaks.cluster_objects(kubeconfig):
        if item["kind"] == "Secret":
            # The token in the secret must be found: otherwise the search itself does not work.
            data = item.pop("data", None)
            if leaks.find(json.dumps(data), needles):
                holders.add((item["metadata"]["namespace"], item["metadata"]["name"]))
        assert leaks.find(json.dumps(item), needles) == [], item["metadata"]
    assert holders == {(namespace, NAME), (namespace, "opaque")}

    # Masking must not hide other values.
    shown = json.dumps(results[-1])
    assert results[-1]["namespaces"][0]["expires_at"].endswith("Z")
    assert results[-1]["invocation"]["module_args"]["token"]["username"] == "AWS"
    assert results[-1]["invocation"]["module_args"]["token"]["registry"] == "public.ecr.aws"
    assert "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER" in shown
    assert "public.ecr.aws" in run.stdout
