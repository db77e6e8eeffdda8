# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role from a selector to listed namespaces to absent, while the account continuously tries forbidden writes."""

from __future__ import annotations

import contextlib
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any

import pytest
from kubernetes import client

from support import leaks
from support.account import APPLY, Account
from support.aws import FakeAws
from support.playbook import Ansible
from support.role import Role, changed
from support.workloads import CRONJOB

pytestmark = pytest.mark.role
# Its own name: the refresher also changes secrets of this name in the namespaces of other tests.
NAME = "selected-secret"


def attempts(selected: str, elsewhere: str) -> list[tuple[str, dict[str, Any]]]:
    """Return paths and bodies of writes that the policy must always deny to the refresher."""
    token_of = {"annotations": {"kubernetes.io/service-account.name": "default"}}
    made: list[tuple[str, dict[str, Any], str]] = [
        (selected, {"labels": {"sync": "true"}}, "kubernetes.io/dockerconfigjson"),
        (elsewhere, {}, "Opaque"),
        ("kube-system", token_of, "kubernetes.io/service-account-token"),
    ]
    return [
        (
            f"/api/v1/namespaces/{where}/secrets/{NAME}?fieldManager=x&force=true",
            {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": NAME, **metadata}, "type": type_of},
        )
        for where, metadata, type_of in made
    ]


# Other denials: at the end the account is gone, and an existing secret keeps its type.
OTHER_DENIALS = {HTTPStatus.UNAUTHORIZED: "account", HTTPStatus.UNPROCESSABLE_ENTITY: "type"}


@contextlib.contextmanager
def continuous_attempts(account: Account, paths: list[tuple[str, dict[str, Any]]]) -> Iterator[Counter[str]]:
    """Count the denials by RBAC and by the policy; another response counts by status, path and body."""
    responses: Counter[str] = Counter()
    enough = threading.Event()

    def attempt() -> None:
        while not enough.is_set():
            for path, body in paths:
                status, response = account.send("PATCH", path, body, APPLY)
                by = "policy" if "ValidatingAdmissionPolicy" in response.get("message", "") else "rbac"
                denials = {HTTPStatus.FORBIDDEN: by, **OTHER_DENIALS}
                responses[denials.get(HTTPStatus(status), f"{status} {path} {response}")] += 1
                # Leave processor time for the role.
                enough.wait(0.005)

    thread = threading.Thread(target=attempt)
    thread.start()
    try:
        yield responses
    finally:
        enough.set()
        thread.join()


def managed_objects(kubeconfig: str, role: Role) -> set[tuple[str, str, str]]:
    """Return all managed objects of this role."""
    found = set()
    for item in leaks.cluster_objects(kubeconfig):
        metadata = item["metadata"]
        namespace = metadata.get("namespace", "")
        managed = item["kind"] not in ("Event", "Namespace") and "freshpull" in str(metadata.get("labels"))
        if managed and (namespace in role.namespaces or role.refresher in str(metadata)):
            found.add((item["kind"], namespace, metadata["name"]))
    return found


def test_the_refresher_is_always_restricted_and_nothing_is_left(
    aws: FakeAws, kubeconfig: str, core: client.CoreV1Api, ansible: Ansible, make_namespaces: Callable[..., list[str]]
) -> None:
    (selected,) = make_namespaces("selected", labels={"ecr-public": "enabled"})
    elsewhere, refresher = make_namespaces("elsewhere", "refresher")
    # Both exist before the role runs, so the account can try from the start.
    core.create_namespaced_service_account(refresher, {"metadata": {"name": CRONJOB}})
    account = Account(core, refresher, CRONJOB)
    selector: dict[str, Any] = {"namespace_selector": f"ecr-public=enabled,test={selected.removesuffix('-selected')}"}
    permissions = f"{CRONJOB}:{refresher}"

    with Role(ansible, aws, [selected, elsewhere], refresher) as role:
        role.variables["pull_secret_name"] = NAME
        with continuous_attempts(account, attempts(selected, elsewhere)) as responses:
            assert changed(role.run(namespaces=[], test_run="never", **selector).ok()) > 0
            installed = managed_objects(kubeconfig, role)
            assert changed(role.run(namespaces=[], test_run="never", **selector).ok()) == 0
            installing = Counter(responses)
            role.run(namespaces=[elsewhere], test_run="never").ok()
            listed = managed_objects(kubeconfig, role)
            role.run(namespaces=[elsewhere], state="absent", aws_on_control_node=False).ok()
        left = managed_objects(kubeconfig, role)

    assert set(responses) <= {"policy", "rbac", *OTHER_DENIALS.values()}
    assert min(installing["policy"], installing["rbac"], responses["rbac"] - installing["rbac"]) > 10
    wide = {
        ("ClusterRoleBinding", "", permissions),
        ("ValidatingAdmissionPolicy", "", f"{CRONJOB}.{refresher}"),
        ("ValidatingAdmissionPolicyBinding", "", f"{CRONJOB}.{refresher}"),
    }
    assert wide <= installed
    assert ("RoleBinding", elsewhere, permissions) in listed
    assert not wide & listed
    assert left == set()
