# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pulls of pods that a real API server has admitted, replayed without a node."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

from kubernetes import client

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _docker_config
from e2e.test_info import by_namespace, has_accounts
from e2e.test_module_failures import limited_kubeconfig
from support.aws import FakeAws
from support.cluster.audit import AuditLog
from support.playbook import Ansible
from support.workloads import wait_for

Make = Callable[..., list[str]]
NAME = "pulled-with"  # with the default name, secrets of other tests would be orphans here
IMAGE = "public.ecr.aws/docker/library/busybox:1.37"
OTHER_IMAGE = "public.ecr.aws/docker/library/alpine:3"
USER = "freshpull-admin"


def create_pod(core: client.CoreV1Api, namespace: str, name: str, *secrets: str, **spec: Any) -> None:
    """Create a pod, which stays Pending."""
    wait_for(partial(has_accounts, core, namespace), f"the account of {namespace}")
    own = {"imagePullSecrets": [{"name": secret} for secret in secrets]} if secrets else {}
    body = {"containers": [{"name": "app", "image": IMAGE}], **own, **spec}
    core.create_namespaced_pod(namespace, {"metadata": {"name": name}, "spec": body})


def create_secret(core: client.CoreV1Api, namespace: str, name: str, text: str) -> None:
    body = {
        "metadata": {"name": name},
        "type": _docker_config.DOCKERCONFIG_TYPE,
        "stringData": {".dockerconfigjson": text},
    }
    core.create_namespaced_secret(namespace, body)


def found_in(entry: dict[str, Any]) -> dict[tuple[str | None, str], tuple[str, list[str]]]:
    """Return pod and image -> outcome and codes."""
    return {
        (one["pod"], one["image"]): (one["outcome"], [each["code"] for each in one["findings"]])
        for one in entry["pull"]
    }


def test_pods_that_the_api_server_has_admitted(
    ansible: Ansible,
    core: client.CoreV1Api,
    aws: FakeAws,
    aws_options: dict[str, Any],
    audit: AuditLog,
    make_namespaces: Make,
) -> None:
    first, second, *_others = names = make_namespaces(*(f"n{number}" for number in range(10)))
    create_pod(core, first, "early")
    ansible.pull_secret(name=NAME, namespaces=names, service_accounts=["default"], aws=aws_options)
    init = [{"name": "migrate", "image": OTHER_IMAGE}]
    create_pod(core, first, "later", initContainers=init)
    debug = {"spec": {"ephemeralContainers": [{"name": "debug", "image": "nginx"}]}}
    core.patch_namespaced_pod_ephemeralcontainers("later", first, debug)
    create_secret(core, second, "by-hand", json.dumps({"auths": {"other.example": {"auth": "dTpuZXZlci1zaG93bg=="}}}))
    create_secret(core, second, "malformed", '{"auths": []}')
    create_pod(core, first, "own", "by-hand")
    create_pod(core, second, "blocked", NAME, "malformed")
    create_pod(core, second, "other", "by-hand")
    expected = {
        first: {
            ("early", IMAGE): ("anonymous", ["no_pull_secret", "older_than_account"]),
            ("later", OTHER_IMAGE): ("authenticated", []),
            ("later", IMAGE): ("authenticated", []),
            ("later", "nginx"): ("not_our_registry", ["other_registry"]),
            ("own", IMAGE): ("anonymous", ["other_namespace", "own_list"]),
        },
        second: {
            ("blocked", IMAGE): ("blocked", ["malformed_secret"]),
            ("other", IMAGE): ("anonymous", ["no_matching_entry", "own_list"]),
        },
    }
    passwords = [core.read_namespaced_secret(NAME, name).data[_docker_config.DATA_KEY] for name in (first, second)]
    aws.reset()
    for selected, pods in ((names, 1), (names[:2], 2)):
        mark = audit.mark()
        run = ansible.pull_secret_info("-vvv", "--diff", "--check", name=NAME, namespaces=selected, pod="*")
        result = run.ok().results["result"]
        entries = by_namespace(result)
        assert {name: found_in(entries[name]) for name in (first, second)} == expected
        assert all(entries[name]["pull"] == [] for name in selected[2:])
        containers = {one["image"]: one["containers"] for one in entries[first]["pull"] if one["pod"] == "later"}
        assert containers == {OTHER_IMAGE: ["init/migrate"], IMAGE: ["app"], "nginx": ["ephemeral/debug"]}
        assert not result["changed"]
        assert not [secret for secret in (*passwords, "never-shown", "dTpuZXZlci1zaG93bg") if secret in run.output]
        assert (audit.writes(since=mark, user=USER), aws.calls) == ([], {})
        assert len(audit.requests(since=mark, user=USER, resource="pods")) == pods
        assert len(audit.requests(since=mark, user=USER, resource="serviceaccounts")) == pods
        # The managed secret is read once. Then come the two other names, and the search for the missing one.
        managed = 1 if pods == 1 else 2
        assert len(audit.requests(since=mark, user=USER, resource="secrets")) == managed + 3 + 1


def test_a_pod_that_would_be_created_now(
    ansible: Ansible, core: client.CoreV1Api, aws_options: dict[str, Any], audit: AuditLog, make_namespaces: Make
) -> None:
    names = make_namespaces(*(f"n{number}" for number in range(10)))
    for name in names:
        wait_for(partial(has_accounts, core, name), f"the account of {name}")
    ansible.pull_secret(name=NAME, namespaces=names, aws=aws_options)
    ansible.pull_secret(name=NAME, namespaces=names[1:], service_accounts=["default"], aws=aws_options)
    mark = audit.mark()
    run = ansible.pull_secret_info(name=NAME, namespaces=names, service_account="default", image=IMAGE).ok()
    entries = by_namespace(run.results["result"])
    without = ["no_pull_secret", "account_without_secret"]
    assert found_in(entries[names[0]]) == {(None, IMAGE): ("anonymous", without)}
    assert [found_in(entries[name]) for name in names[1:]] == [{(None, IMAGE): ("authenticated", [])}] * 9
    assert len(audit.requests(since=mark, user=USER)) == 3


def test_what_is_forbidden_is_named(
    ansible: Ansible, core: client.CoreV1Api, kubeconfig: str, aws_options: dict[str, Any], make_namespaces: Make
) -> None:
    readable, forbidden, closed = names = make_namespaces("a", "b", "c")
    for name in names:
        wait_for(partial(has_accounts, core, name), f"the account of {name}")
    ansible.pull_secret(name=NAME, namespaces=names, service_accounts=["default"], aws=aws_options)
    for name in names:
        create_pod(core, name, "web")
    limited = limited_kubeconfig(core, kubeconfig, ansible, readable)
    rbac = client.RbacAuthorizationV1Api(core.api_client)
    for name in (readable, forbidden):
        rules = [{"apiGroups": [""], "resources": ["pods", "serviceaccounts"], "verbs": ["get"]}]
        rbac.create_namespaced_role(name, {"metadata": {"name": "pods"}, "rules": rules})
        binding = {
            "metadata": {"name": "pods"},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "pods"},
            "subjects": [{"kind": "ServiceAccount", "name": "limited", "namespace": readable}],
        }
        rbac.create_namespaced_role_binding(name, binding)

    def replayed() -> dict[str, Any] | None:
        run = ansible.pull_secret_info(kubeconfig=limited, name=NAME, namespaces=names, pod="web").ok()
        found = by_namespace(run.results["result"])
        # The authorizer sees a binding with a delay.
        return found if found[readable]["pull"] and found[forbidden]["pull"] else None

    entries = wait_for(replayed, "the permission to get pods")
    assert found_in(entries[readable]) == {("web", IMAGE): ("authenticated", [])}
    assert found_in(entries[forbidden]) == {("web", IMAGE): ("unknown", ["unreadable_secret"])}
    assert entries[closed]["pull"] is None
    assert "pods" in entries[closed]["pull_msg"]
