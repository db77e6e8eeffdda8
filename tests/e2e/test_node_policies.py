# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role in a cluster with policies: they demand metadata, assign users as OpenShift does, and rewrite objects."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from kubernetes import client
from kubernetes.client.exceptions import ApiException

from support.aws import FakeAws
from support.playbook import Ansible
from support.role import Role, changed
from support.workloads import Workloads

pytestmark = pytest.mark.node
NAME = "policed-secret"
USER = 1000700000
LAST_WRITER = "policies.example.com/last-writer"
METADATA: dict[str, Any] = {
    "refresher_labels": {"team": "platform"},
    "refresher_annotations": {"example.com/contact": "platform"},
}
ALL: dict[str, Any] = {
    **METADATA,
    "refresher_run_as_user": "",
    "refresher_allowed_metadata": ["policies.example.com/*"],
}


def rules(groups: Sequence[str], *resources: str) -> dict[str, Any]:
    rule = {"apiGroups": groups, "apiVersions": ["*"], "resources": resources, "operations": ["CREATE", "UPDATE"]}
    return {"resourceRules": [rule]}


def conditions(*expressions: str) -> list[dict[str, str]]:
    return [{"name": f"c{number}", "expression": expression} for number, expression in enumerate(expressions)]


def mutation(expression: str) -> dict[str, Any]:
    return {"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": expression}}


class Policies:
    """Admission policies for the namespaces of one test."""

    def __init__(self, core: client.CoreV1Api, prefix: str) -> None:
        """prefix: of the names of the policies and of the namespaces."""
        self._core = core
        self._api = client.AdmissionregistrationV1Api(core.api_client)
        self._prefix = prefix

    def validate(self, name: str, match: dict[str, Any], when: Sequence[str], expression: str, message: str) -> None:
        spec = {"validations": [{"expression": expression, "message": message}]}
        self._create("validating", name, {**spec, "matchConstraints": match, "matchConditions": conditions(*when)})

    def mutate(self, name: str, match: dict[str, Any], when: Sequence[str], expression: str) -> None:
        spec = {"mutations": [mutation(expression)], "reinvocationPolicy": "Never", "failurePolicy": "Fail"}
        self._create("mutating", name, {**spec, "matchConstraints": match, "matchConditions": conditions(*when)})

    def _create(self, kind: str, name: str, spec: dict[str, Any]) -> None:
        metadata = {"name": f"{self._prefix}{name}"}
        binding: dict[str, Any] = {"policyName": metadata["name"]}
        if kind == "validating":
            binding["validationActions"] = ["Deny"]
        getattr(self._api, f"create_{kind}_admission_policy")({"metadata": metadata, "spec": spec})
        getattr(self._api, f"create_{kind}_admission_policy_binding")({"metadata": metadata, "spec": binding})

    def wait_until_in_force(self, in_force: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 60
        while not in_force():
            assert time.monotonic() < deadline, "the policies are not in force"
            time.sleep(0.2)

    def delete(self) -> None:
        for kind in ("validating", "mutating"):
            for part in ("_binding", ""):
                for each in getattr(self._api, f"list_{kind}_admission_policy{part}")().items:
                    if each.metadata.name.startswith(self._prefix):
                        getattr(self._api, f"delete_{kind}_admission_policy{part}")(each.metadata.name)

    def trial(self, namespace: str, name: str = "trial") -> dict[str, Any]:
        """Return the annotations of a secret that would be created, or its rejection as annotation `rejected`."""
        try:
            secret = self._core.create_namespaced_secret(namespace, {"metadata": {"name": name}}, dry_run="All")
        except ApiException as error:
            return {"rejected": str(error.body)}
        return dict(secret.metadata.annotations or {})


@pytest.fixture
def role(
    ansible: Ansible, aws: FakeAws, core: client.CoreV1Api, make_namespaces: Callable[..., list[str]]
) -> Iterator[Role]:
    """The role with a selector and service accounts, in a cluster with these policies."""
    names = make_namespaces("a", "b", labels={"policed": "yes"})
    prefix = names[0].removesuffix("a")
    refresher = f"{prefix}refresher"
    policies = Policies(core, prefix)
    # A request for a cluster-scoped object has no namespace.
    own = f"has(request.namespace) ? request.namespace == '{refresher}' : request.name.endsWith('{refresher}')"
    policies.validate(
        "metadata",
        rules(["", "batch", "rbac.authorization.k8s.io"], "*"),
        [
            own,
            # Kubernetes itself writes these.
            "!(request.resource.resource in ['events', 'leases'])",
            "!has(object.metadata.name) || !(object.metadata.name in ['kube-root-ca.crt', 'default'])",
        ],
        "has(object.metadata.labels) && 'team' in object.metadata.labels"
        " && has(object.metadata.annotations) && 'example.com/contact' in object.metadata.annotations",
        "Every object needs the label team and the annotation example.com/contact.",
    )
    # As the security context constraint restricted-v2 of OpenShift.
    pods, there = rules([""], "pods"), f"request.namespace == '{refresher}'"
    policies.mutate(
        "user",
        pods,
        [there, "!has(object.spec.securityContext) || !has(object.spec.securityContext.runAsUser)"],
        "Object{spec: Object.spec{securityContext: Object.spec.securityContext{"
        f"runAsUser: {USER}, fsGroup: {USER}}}}}}}",
    )
    policies.validate(
        "user",
        pods,
        [there],
        f"object.spec.securityContext.runAsUser == {USER} && object.spec.securityContext.fsGroup == {USER}",
        "The user and the group must be those of the namespace.",
    )
    policies.mutate(
        "writer",
        rules(["", "batch"], "secrets", "serviceaccounts", "configmaps", "cronjobs"),
        [f"request.namespace.startsWith('{prefix}')"],
        f'Object{{metadata: Object.metadata{{annotations: {{"{LAST_WRITER}": request.userInfo.username}}}}}}',
    )
    core.create_namespace({"metadata": {"name": f"{prefix}trial"}})
    try:
        policies.wait_until_in_force(lambda: LAST_WRITER in policies.trial(f"{prefix}trial"))
        with Role(ansible, aws, names, refresher=refresher) as role:
            role.variables |= {
                "pull_secret_name": NAME,
                "pull_secret_namespaces": [],
                "pull_secret_namespace_selector": [f"test={prefix.removesuffix('-')},policed"],
                "pull_secret_service_accounts": ["default"],
            }
            yield role
    finally:
        policies.delete()
        core.delete_namespace(f"{prefix}trial")


def test_a_policy_that_rejects_the_refresher_is_named_and_no_token_is_written(
    role: Role, core: client.CoreV1Api, aws: FakeAws
) -> None:
    rejections: list[tuple[dict[str, Any], str]] = [
        ({}, "Every object needs the label team"),
        (METADATA, "The user and the group must be those of the namespace."),
    ]
    for variables, words in rejections:
        run = role.run(**variables)
        assert run.returncode
        assert words in run.output, run.output[-6000:]
    assert aws.calls == {}
    assert [core.list_namespaced_secret(name).items for name in role.namespaces] == [[], []]


def test_all_options_together(role: Role, core: client.CoreV1Api, aws: FakeAws, kubeconfig: str) -> None:
    # The refresher's policies deny what another policy adds to its writes.
    denied = role.run(**{**ALL, "refresher_allowed_metadata": []})
    assert denied.returncode
    assert "add their keys to the option allowed_metadata" in denied.output, denied.output[-6000:]

    role.run(**ALL).ok()
    calls = aws.calls
    for args in ((), ("--check", "--diff")):
        assert changed(role.run(*args, **ALL).ok()) == 0
    assert aws.calls == calls

    ended = Workloads(kubeconfig).refresh(role.refresher)
    assert (ended.succeeded, ended.message.strip()) == (True, "2 renewed")
    pod = core.read_namespaced_pod(ended.pod, role.refresher)
    assert pod.spec.security_context.run_as_user == pod.spec.security_context.fs_group == USER
    for name in role.namespaces:
        written = core.read_namespaced_secret(NAME, name).metadata.annotations
        assert written[LAST_WRITER] == role.user
        # An account that lost the entry, and that the refresher attached.
        core.patch_namespaced_service_account("default", name, {"imagePullSecrets": None})
    assert Workloads(kubeconfig).refresh(role.refresher, force=False).succeeded
    for name in role.namespaces:
        account = core.read_namespaced_service_account("default", name)
        assert [entry.name for entry in account.image_pull_secrets] == [NAME]
        assert account.metadata.annotations[LAST_WRITER] == role.user
