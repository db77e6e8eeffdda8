# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role from a selector to listed namespaces to nothing, while the account tries all the time to escape."""

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
# A name of its own: what is not selected is emptied, in the namespaces of other tests too.
NAME = "selected-secret"


def attempts(selected: str, elsewhere: str) -> list[tuple[str, dict[str, Any]]]:
    """Paths and bodies of writes that the policy must always deny to the refresher."""
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


# Refusals by something else: the account is gone at the end, and a secret that is there keeps its type.
OTHERWISE_REFUSED = {HTTPStatus.UNAUTHORIZED: "account", HTTPStatus.UNPROCESSABLE_ENTITY: "type"}


@contextlib.contextmanager
def tried_without_end(account: Account, paths: list[tuple[str, dict[str, Any]]]) -> Iterator[Counter[str]]:
    """Count the denials by RBAC and by the policy; another response counts by status, path and body."""
    answers: Counter[str] = Counter()
    enough = threading.Event()

    def attempt() -> None:
        while not enough.is_set():
            for path, body in paths:
                status, answer = account.send("PATCH", path, body, APPLY)
                by = "policy" if "ValidatingAdmissionPolicy" in answer.get("message", "") else "rbac"
                refusals = {HTTPStatus.FORBIDDEN: by, **OTHERWISE_REFUSED}
                answers[refusals.get(HTTPStatus(status), f"{status} {path} {answer}")] += 1
                # Leave the machine to the role, too.
                enough.wait(0.005)

    thread = threading.Thread(target=attempt)
    thread.start()
    try:
        yield answers
    finally:
        enough.set()
        thread.join()


def ours(kubeconfig: str, role: Role) -> set[tuple[str, str, str]]:
    """All managed objects of this role."""
    found = set()
    for item in leaks.cluster_objects(kubeconfig):
        metadata = item["metadata"]
        namespace = metadata.get("namespace", "")
        marked = item["kind"] not in ("Event", "Namespace") and "freshpull" in str(metadata.get("labels"))
        if marked and (namespace in role.namespaces or role.refresher in str(metadata)):
            found.add((item["kind"], namespace, metadata["name"]))
    return found


def test_never_unconfined_and_nothing_left_behind(
    aws: FakeAws, kubeconfig: str, core: client.CoreV1Api, ansible: Ansible, make_namespaces: Callable[..., list[str]]
) -> None:
    (selected,) = make_namespaces("selected", labels={"ecr-public": "enabled"})
    elsewhere, refresher = make_namespaces("elsewhere", "refresher")
    # Both are there before the role, so that the account can try from the first moment on.
    core.create_namespaced_service_account(refresher, {"metadata": {"name": CRONJOB}})
    account = Account(core, refresher, CRONJOB)
    selector: dict[str, Any] = {"namespace_selector": f"ecr-public=enabled,test={selected.removesuffix('-selected')}"}
    rights = f"{CRONJOB}:{refresher}"

    with Role(ansible, aws, [selected, elsewhere], refresher) as role:
        role.variables["pull_secret_name"] = NAME
        with tried_without_end(account, attempts(selected, elsewhere)) as answers:
            assert changed(role.run(namespaces=["default"], test_run="never", **selector).ok()) > 0
            installed = ours(kubeconfig, role)
            assert changed(role.run(namespaces=["default"], test_run="never", **selector).ok()) == 0
            installing = Counter(answers)
            role.run(namespaces=[elsewhere], test_run="never").ok()
            listed = ours(kubeconfig, role)
            role.run(namespaces=[elsewhere], state="absent", aws_on_controller=False).ok()
        left = ours(kubeconfig, role)

    assert set(answers) <= {"policy", "rbac", *OTHERWISE_REFUSED.values()}
    assert min(installing["policy"], installing["rbac"], answers["rbac"] - installing["rbac"]) > 10
    wide = {
        ("ClusterRoleBinding", "", rights),
        ("ValidatingAdmissionPolicy", "", f"{CRONJOB}.{refresher}"),
        ("ValidatingAdmissionPolicyBinding", "", f"{CRONJOB}.{refresher}"),
    }
    assert wide <= installed
    assert ("RoleBinding", elsewhere, rights) in listed
    assert not wide & listed
    assert left == set()
