# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures for the tests that need a real cluster. `python -m support.cluster run` starts it and sets the variables."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client, config

from support.aws import FakeAws
from support.awx_guide import awx_guide
from support.cluster.audit import AuditLog
from support.faults import FaultProxy
from support.installed_refresher import installed
from support.logins import ci, clients, running_site, site
from support.migration import migration
from support.playbook import Ansible
from support.proxied_role import make_proxied_role
from support.refresher import refresher

# pytest finds the fixtures that a conftest.py has.
__all__ = [
    "awx_guide",
    "ci",
    "clients",
    "installed",
    "make_proxied_role",
    "migration",
    "refresher",
    "running_site",
    "site",
]

NAME = "ecr-public-secret"


def _needed(variable: str) -> str:
    value = os.environ.get(variable)
    if not value:
        pytest.fail(f"{variable} is not set: run `make e2e`, or this under `python -m support.cluster run`")
    return value


@pytest.fixture(scope="session")
def kubeconfig() -> str:
    return _needed("FRESHPULL_TEST_KUBECONFIG")


@pytest.fixture(scope="session")
def core(kubeconfig: str) -> client.CoreV1Api:
    return client.CoreV1Api(config.new_client_from_config(kubeconfig))


@pytest.fixture(scope="session")
def audit() -> AuditLog:
    """The audit log of the API server."""
    return AuditLog(Path(_needed("FRESHPULL_TEST_AUDIT_LOG")))


@pytest.fixture(scope="session")
def running_aws() -> Iterator[FakeAws]:
    """One fake AWS for all tests, not reset: for fixtures that outlive a test. Tests use `aws`."""
    address = _needed("FRESHPULL_TEST_ADDRESS")
    port = int(os.environ.get("FRESHPULL_TEST_REGISTRY_PORT", "0"))
    with FakeAws(host=address, registry_port=port) as fake:
        yield fake


@pytest.fixture
def aws(running_aws: FakeAws) -> FakeAws:
    """A fake ECR Public and its registry: healthy, with all counters at zero."""
    running_aws.reset()
    return running_aws


@pytest.fixture
def aws_options(aws: FakeAws) -> dict[str, Any]:
    """The module's option `aws` for the fake AWS."""
    return {"endpoint_url": aws.endpoint_url, "access_key": aws.access_key, "secret_key": aws.secret_key}


@pytest.fixture
def ansible(tmp_path: Path, kubeconfig: str) -> Ansible:
    return Ansible(tmp_path, kubeconfig)


@pytest.fixture(scope="session")
def running_proxy(kubeconfig: str) -> Iterator[FaultProxy]:
    with FaultProxy(kubeconfig) as proxy:
        yield proxy


@pytest.fixture
def proxy(running_proxy: FaultProxy) -> FaultProxy:
    """A proxy in front of the API server, without faults."""
    running_proxy.heal()
    return running_proxy


@pytest.fixture
def make_namespaces(core: client.CoreV1Api) -> Iterator[Callable[..., list[str]]]:
    """Create namespaces with a common, unique prefix. They are deleted after the test."""
    yield from _namespaces(core)


@pytest.fixture(scope="module")
def make_lasting_namespaces(core: client.CoreV1Api) -> Iterator[Callable[..., list[str]]]:
    """Create namespaces as make_namespaces does. They are deleted after all tests of a file."""
    yield from _namespaces(core)


@pytest.fixture(scope="module")
def bearer_token(core: client.CoreV1Api, make_lasting_namespaces: Callable[..., list[str]]) -> Iterator[str]:
    """A token of a service account that has the role's permissions, as a user creates it for AWX."""
    (namespace,) = make_lasting_namespaces("awx")
    core.create_namespaced_service_account(namespace, {"metadata": {"name": "awx"}})
    rbac = client.RbacAuthorizationV1Api(core.api_client)
    binding = {
        "metadata": {"name": namespace},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"},
        "subjects": [{"kind": "ServiceAccount", "name": "awx", "namespace": namespace}],
    }
    rbac.create_cluster_role_binding(binding)
    request = {"spec": {"expirationSeconds": 3600}}
    yield str(core.create_namespaced_service_account_token("awx", namespace, request).status.token)
    rbac.delete_cluster_role_binding(namespace)


def _namespaces(core: client.CoreV1Api) -> Iterator[Callable[..., list[str]]]:
    prefix = "t" + secrets.token_hex(4)
    made: list[str] = []

    def make(*suffixes: str, labels: dict[str, str] | None = None) -> list[str]:
        names = [f"{prefix}-{suffix}" for suffix in suffixes]
        for name in names:
            core.create_namespace({"metadata": {"name": name, "labels": {"test": prefix, **(labels or {})}}})
            made.append(name)
        return names

    yield make
    for name in made:
        core.delete_namespace(name)
