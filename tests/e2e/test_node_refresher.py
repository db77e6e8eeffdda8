# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The refresher in real pods: its results, its permissions and its messages."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Callable, Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client
from kubernetes.client.exceptions import ApiException

from support import leaks
from support.aws import FakeAws
from support.playbook import Ansible, Run
from support.pulls import pull_new_image
from support.role import Role
from support.workloads import CRONJOB, FinishedJob, Workloads

pytestmark = [pytest.mark.node, pytest.mark.core]
NAME = "ecr-public-secret"
PREFIX = "ecr-public.freshpull/"


@dataclasses.dataclass(frozen=True)
class Renewal:
    """A run of the role and a Job of its CronJob, with the secrets before and after the Job."""

    role: Role
    run: Run
    before: dict[str, Any]
    ended: FinishedJob
    after: dict[str, Any]
    processes: set[str]


def read(core: client.CoreV1Api, role: Role) -> dict[str, Any]:
    """Return the secrets' metadata by namespace."""
    return {namespace: core.read_namespaced_secret(NAME, namespace).metadata for namespace in role.namespaces}


@pytest.fixture(scope="module")
def workloads(kubeconfig: str) -> Workloads:
    return Workloads(kubeconfig)


@pytest.fixture(scope="module")
def renewal(
    running_aws: FakeAws,
    kubeconfig: str,
    core: client.CoreV1Api,
    workloads: Workloads,
    make_lasting_namespaces: Callable[..., list[str]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Renewal]:
    running_aws.reset()
    names = make_lasting_namespaces("a", "b", "c")
    ansible = Ansible(tmp_path_factory.mktemp("play"), kubeconfig)
    with Role(ansible, running_aws, names, refresher=names[0].removesuffix("a") + "refresher") as role:
        with leaks.watched_processes() as processes:
            run = role.run("-vvv", "--diff", env={"ANSIBLE_LOG_PATH": str(ansible.directory / "ansible.log")}).ok()
            before = read(core, role)
            running_aws.behave(life=50000)
            ended = workloads.refresh(role.refresher)
        yield Renewal(role, run, before, ended, read(core, role), processes)


def test_job_renews_all_in_place(renewal: Renewal, running_aws: FakeAws) -> None:
    assert (renewal.ended.succeeded, renewal.ended.exit_code) == (True, 0)
    assert renewal.ended.message.strip() == "3 renewed"
    assert json.loads(renewal.ended.log.splitlines()[-1])["summary"] == {"renewed": 3}
    # One each for the module, the role's test run and this Job, for all namespaces together.
    assert running_aws.calls == {"GetAuthorizationToken": 3}
    for namespace, before in renewal.before.items():
        after = renewal.after[namespace]
        assert after.uid == before.uid
        assert after.annotations[PREFIX + "expires-at"] > before.annotations[PREFIX + "expires-at"]
        assert after.annotations[PREFIX + "renewed-by"] == before.annotations[PREFIX + "renewed-by"] == "cronjob"


def test_a_pod_pulls_with_the_renewed_secret(renewal: Renewal, workloads: Workloads, running_aws: FakeAws) -> None:
    """Expire the tokens that the secret had before."""
    for old in running_aws.tokens[:-1]:
        running_aws.expire(old)
    pull, requests = pull_new_image(running_aws, workloads, renewal.role.namespaces[0], NAME)
    assert pull.pulled, pull
    assert {(request["authenticated"], request["status"]) for request in requests} == {(True, 200)}


def test_no_token_is_left_behind(
    renewal: Renewal, core: client.CoreV1Api, kubeconfig: str, running_aws: FakeAws
) -> None:
    assert len(running_aws.tokens) == 3
    needles = {running_aws.secret_key, *(form for each in running_aws.tokens for form in leaks.forms(each))}
    processes = "\n".join(renewal.processes)
    # These strings show that the pods' processes are searched.
    assert "_refresher.main import main" in processes
    assert "get-authorization-token" in processes
    assert "AWS_SHARED_CREDENTIALS_FILE=" in processes
    assert leaks.find(processes, needles) == []
    assert leaks.find(renewal.run.output, needles) == []
    assert leaks.find_in_files(renewal.run.directory.parent, needles) == []
    assert leaks.find(Path(os.environ["FRESHPULL_TEST_AUDIT_LOG"]).read_text(), needles) == []
    pods = core.list_namespaced_pod(renewal.role.refresher).items
    assert len(pods) == 2
    for pod in pods:
        log = core.read_namespaced_pod_log(pod.metadata.name, renewal.role.refresher)
        assert leaks.find(log, needles) == []

    holders = set()
    kinds = set()
    # These objects include events and the pods' termination messages.
    for item in leaks.cluster_objects(kubeconfig):
        kinds.add(item["kind"])
        if item["kind"] == "Secret":
            data = item.pop("data", None)
            if leaks.find(json.dumps(data), needles):
                holders.add((item["metadata"]["namespace"], item["metadata"]["name"]))
        assert leaks.find(json.dumps(item), needles) == [], item["metadata"]
    assert {"Event", "Pod", "ConfigMap"} <= kinds
    assert holders == {(namespace, NAME) for namespace in renewal.role.namespaces}


def test_its_namespace_accepts_only_restricted_pods(renewal: Renewal, core: client.CoreV1Api) -> None:
    namespace = core.read_namespace(renewal.role.refresher)
    assert namespace.metadata.labels["pod-security.kubernetes.io/enforce"] == "restricted"
    container = {"name": "main", "image": "freshpull.invalid/any:1", "securityContext": {"privileged": True}}
    pod = {"metadata": {"name": "privileged"}, "spec": {"containers": [container]}}
    with pytest.raises(ApiException, match="violates PodSecurity") as rejected:
        core.create_namespaced_pod(renewal.role.refresher, pod, dry_run="All")
    assert rejected.value.status == HTTPStatus.FORBIDDEN


# Verb, resource, name, and whether the namespace is selected.
ALLOWED = [("get", "secrets", NAME, True), ("patch", "secrets", NAME, True)]
DENIED = [
    ("get", "secrets", "other", True),
    ("patch", "secrets", "other", True),
    ("get", "secrets", NAME, False),
    ("patch", "secrets", NAME, False),
    *((verb, "secrets", NAME, True) for verb in ("create", "update", "delete", "deletecollection", "watch")),
    ("list", "secrets", None, True),
    ("list", "namespaces", None, True),
    ("create", "serviceaccounts/token", CRONJOB, True),
    ("create", "pods", None, True),
    ("get", "configmaps", None, True),
]


@pytest.mark.parametrize(("verb", "resource", "name", "selected"), [*ALLOWED, *DENIED])
def test_permissions(
    renewal: Renewal, workloads: Workloads, verb: str, resource: str, name: str | None, selected: bool
) -> None:
    role = renewal.role
    resource, _slash, subresource = resource.partition("/")
    # The refresher's own namespace is not selected: there it must not even read its AWS keys.
    where = role.namespaces[0] if selected and resource != "serviceaccounts" else role.refresher
    attributes = {"verb": verb, "resource": resource, "subresource": subresource, "name": name, "namespace": where}
    groups = ["system:serviceaccounts", f"system:serviceaccounts:{role.refresher}", "system:authenticated"]
    review = {"spec": {"user": role.user, "groups": groups, "resourceAttributes": attributes}}
    response = client.AuthorizationV1Api(workloads.api).create_subject_access_review(review)
    assert response.status.allowed == ((verb, resource, name, selected) in ALLOWED)


# This test is the last, because the tests above must not see its failed Job.
def test_job_reports_missing_permissions_in_aws(
    renewal: Renewal, core: client.CoreV1Api, workloads: Workloads, running_aws: FakeAws
) -> None:
    running_aws.behave(deny="sts:GetServiceBearerToken")
    before = {namespace: each.resource_version for namespace, each in read(core, renewal.role).items()}
    ended = workloads.refresh(renewal.role.refresher)
    assert (ended.succeeded, ended.exit_code) == (False, 1)
    assert "sts:GetServiceBearerToken" in ended.message
    assert ended.message.startswith("3 failed")
    assert {namespace: each.resource_version for namespace, each in read(core, renewal.role).items()} == before
