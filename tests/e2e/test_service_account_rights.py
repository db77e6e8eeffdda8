# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Service accounts with exactly the permissions of the guide."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes import client

from e2e.test_service_accounts import make_account, outcome, secrets_of
from support import permissions_guide
from support.cluster.audit import AuditLog
from support.playbook import Ansible
from support.workloads import wait_for

Make = Callable[..., list[str]]
NAME = "ecr-public-secret"


class Limited:
    """A service account with ClusterRoles of the guide, unchanged."""

    def __init__(self, core: client.CoreV1Api, namespace: str) -> None:
        self._core = core
        self._rbac = client.RbacAuthorizationV1Api(core.api_client)
        self._namespace = namespace
        self.user = f"system:serviceaccount:{namespace}:limited"
        make_account(core, namespace, "limited")

    def kubeconfig(self, kubeconfig: str, directory: Path) -> str:
        token = self._core.create_namespaced_service_account_token(
            "limited", self._namespace, {"spec": {}}
        ).status.token
        content = yaml.safe_load(Path(kubeconfig).read_text())
        content["users"][0]["user"] = {"token": token}
        path = directory / "limited.kubeconfig"
        path.touch(mode=0o600)
        path.write_text(yaml.safe_dump(content))
        return str(path)

    def bind(self, name: str, *namespaces: str) -> None:
        """Bind the ClusterRole in these namespaces, or in the whole cluster if none is given."""
        role = {"metadata": {"name": f"{self._namespace}:{name}"}, "rules": permissions_guide.roles()[name]}
        self._rbac.create_cluster_role(role)
        binding = {
            "metadata": {"name": f"{self._namespace}:{name}"},
            "roleRef": {
                "apiGroup": "rbac.authorization.k8s.io",
                "kind": "ClusterRole",
                "name": f"{self._namespace}:{name}",
            },
            "subjects": [{"kind": "ServiceAccount", "name": "limited", "namespace": self._namespace}],
        }
        for namespace in namespaces:
            self._rbac.create_namespaced_role_binding(namespace, binding)
        if not namespaces:
            self._rbac.create_cluster_role_binding(binding)
        wait_for(
            lambda: self._is_allowed(permissions_guide.roles()[name][0], (namespaces or (self._namespace,))[0]),
            f"the permissions of {name}",
        )

    def _is_allowed(self, rule: dict[str, Any], namespace: str) -> bool:
        attributes = {
            "namespace": namespace,
            "verb": rule["verbs"][0],
            "resource": rule["resources"][0],
            "name": rule.get("resourceNames", [""])[0],
        }
        spec = {"user": self.user, "resourceAttributes": attributes}
        api = client.AuthorizationV1Api(self._core.api_client)
        return bool(api.create_subject_access_review({"spec": spec}).status.allowed)

    def remove(self) -> None:
        for kind in ("cluster_role", "cluster_role_binding"):
            for found in getattr(self._rbac, f"list_{kind}")().items:
                if found.metadata.name.startswith(f"{self._namespace}:"):
                    getattr(self._rbac, f"delete_{kind}")(found.metadata.name)


@pytest.fixture
def limited(core: client.CoreV1Api, make_namespaces: Make) -> Iterator[Limited]:
    (home,) = make_namespaces("home")
    limited = Limited(core, home)
    yield limited
    limited.remove()


def test_named_accounts_need_no_more_than_the_guide_s_permissions(
    ansible: Ansible,
    core: client.CoreV1Api,
    kubeconfig: str,
    aws_options: dict[str, Any],
    make_namespaces: Make,
    limited: Limited,
) -> None:
    names = make_namespaces("a", "b")
    make_account(core, names[0], "build", NAME)
    limited.bind("ecr-public-secret:recreate", *names)
    limited.bind("ecr-public-secret-attacher", *names)
    options: dict[str, Any] = {"namespaces": names, "kubeconfig": limited.kubeconfig(kubeconfig, ansible.directory)}

    run = ansible.pull_secret(service_accounts=["default"], aws=aws_options, **options)
    assert run.results["result"]["summary"] == {"created": 2}
    assert [secrets_of(core, name, "default") for name in names] == [[NAME], [NAME]]

    first = names[0]
    for account, words in (("build", f"get serviceaccount {first}/build"), ("b*", f"list serviceaccounts in {first}")):
        run = ansible.pull_secret(service_accounts=[account], **options)
        assert outcome(run, names[0]) == ("failed", "forbidden", {account: "failed"})
        assert words in run.results["result"]["msg"]

    # The secret is removed although accounts that name it cannot be listed.
    run = ansible.pull_secret(state="absent", service_accounts=["default"], **options)
    assert run.results["result"]["summary"] == {"removed": 2}
    assert (
        f"The service accounts in {', '.join(names)} could not be listed, so accounts there may still name"
        in " ".join(run.results["result"]["warnings"])
    )
    assert [secrets_of(core, name, "default") for name in names] == [[], []]
    assert secrets_of(core, names[0], "build") == [NAME]


def test_globs_need_no_more_than_the_guide_s_permissions(
    ansible: Ansible,
    core: client.CoreV1Api,
    kubeconfig: str,
    aws_options: dict[str, Any],
    make_namespaces: Make,
    limited: Limited,
) -> None:
    names = make_namespaces("a", "b")
    limited.bind("ecr-public-secret:recreate", *names)
    limited.bind("ecr-public-secret-attacher-to-all", *names)
    options: dict[str, Any] = {"namespaces": names, "kubeconfig": limited.kubeconfig(kubeconfig, ansible.directory)}
    run = ansible.pull_secret(service_accounts=["d*"], aws=aws_options, **options)
    assert run.results["result"]["summary"] == {"created": 2}
    run = ansible.pull_secret(state="absent", **options)
    assert run.results["result"]["summary"] == {"removed": 2}
    assert "warnings" not in run.results["result"]
    assert [secrets_of(core, name, "default") for name in names] == [[], []]


def test_a_permission_to_list_one_name_everywhere_saves_reads(
    ansible: Ansible,
    kubeconfig: str,
    aws_options: dict[str, Any],
    audit: AuditLog,
    make_namespaces: Make,
    limited: Limited,
) -> None:
    names = make_namespaces(*(f"n{number}" for number in range(9)))
    limited.bind("ecr-public-secret:recreate", *names)
    limited.bind("ecr-public-secret-attacher")
    mark = audit.mark()
    run = ansible.pull_secret(
        "--check",
        namespaces=names,
        service_accounts=["default"],
        kubeconfig=limited.kubeconfig(kubeconfig, ansible.directory),
    )
    assert run.results["result"]["summary"] == {"created": 9}
    found = audit.requests(since=mark, resource="serviceaccounts", user=limited.user)
    assert [(event["verb"], event["responseStatus"]["code"]) for event in found] == [("list", HTTPStatus.OK)]
