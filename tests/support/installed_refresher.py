# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A refresher that a test installs, suspends and removes in its own namespaces, without Ansible."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from kubernetes import client, config

from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes import kinds, objects
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.api import Cluster
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.client import ClientTransport
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.retry import RetryBudget
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret import managed_metadata
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.apply import Installer
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.options import Removal
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.removal import Remover
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.selector import requirements
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.settings import (
    CONFIG,
    CRONJOB,
    Places,
    Settings,
)
from support.bulk_client import BulkClient
from support.cluster.audit import AuditLog
from support.refresher_settings import CASES
from support.stored import Stored, quiet_schedule

JOB = f"cronjobs refresher/{CRONJOB}"
SETTINGS, CODE = f"configmaps refresher/{CONFIG}", f"configmaps refresher/{CASES['listed'].program}"
ACCOUNT, KEYS = f"serviceaccounts refresher/{CRONJOB}", f"secrets refresher/{CRONJOB}-aws"
NAMESPACE, PERMISSIONS = "namespaces refresher", f"clusterroles {CRONJOB}:refresher"
CLUSTER_BINDING = f"clusterrolebindings {CRONJOB}:refresher"
READER_ROLE, READER_BINDING = (
    f"clusterroles {CRONJOB}-namespaces:refresher",
    f"clusterrolebindings {CRONJOB}-namespaces:refresher",
)
"""They let the refresher read the listed namespaces."""
FASTER = 10
"""Times that the clock of waits is faster than the real one."""
POLICY = {
    f"validatingadmissionpolicies {CRONJOB}.refresher",
    f"validatingadmissionpolicybindings {CRONJOB}.refresher",
}


def role_bindings(*namespaces: str) -> set[str]:
    return {f"rolebindings {namespace}/{CRONJOB}:refresher" for namespace in namespaces}


@dataclasses.dataclass
class InstalledRefresher:
    """A refresher in the namespaces of a test, and the settings to install."""

    cluster: Cluster
    stored: Stored
    settings: Settings
    prefix: str

    def change(self, **changes: Any) -> None:
        self.settings = dataclasses.replace(self.settings, **changes)

    def select(self, selector: str, **changes: Any) -> None:
        """Select namespaces by a label selector."""
        self.change(places=Places(selector=selector, requirements=requirements(selector), **changes))

    def list_places(self, *names: str) -> None:
        """Select namespaces by name, without the prefix of the test."""
        self.change(places=Places(listed=tuple(f"{self.prefix}{name}" for name in names)))

    def installer(self, *, dry_run: bool = False) -> Installer:
        installer = Installer(self.cluster, self.settings, dry_run=dry_run, workers=8)
        installer.install()
        return installer

    def remover(self, *, dry_run: bool = False) -> Remover:
        """Return a remover whose clock is FASTER: a timeout of a minute takes seconds."""
        removal = Removal(self.settings.namespace, self.settings.renewal.secret, workers=8)
        return Remover(self.cluster, removal, dry_run=dry_run, now=lambda: time.monotonic() * FASTER)

    def install(self) -> set[str]:
        """Install and return the objects written, after check mode predicted exactly these and wrote nothing."""
        with self.stored.written() as nothing:
            predicted = self.named(self.installer(dry_run=True))
        assert nothing == set()
        with self.stored.written() as written:
            reported = self.named(self.installer())
        assert reported == predicted == written
        return written

    def named(self, done: Installer | Remover) -> set[str]:
        """Return the objects whose action is not unchanged, with the names of Stored."""
        found = set()
        for change in done.changes:
            kind, namespace, name = change.identity
            if change.action != "unchanged":
                where = f"{namespace}/" if namespace else ""
                found.add(f"{kinds.KINDS[kind][1]} {where}{name}".replace(self.prefix, ""))
        return found


@pytest.fixture
def installed(
    kubeconfig: str, core: client.CoreV1Api, audit: AuditLog, make_namespaces: Callable[..., list[str]]
) -> Iterator[InstalledRefresher]:
    first, *_others = make_namespaces("a", "b", "c")
    prefix = first.removesuffix("a")
    transport = ClientTransport(config.new_client_from_config(kubeconfig).configuration, connections=8)
    retries = RetryBudget(now=lambda: time.monotonic() * FASTER, sleep=lambda seconds: time.sleep(seconds / FASTER))
    cluster = Cluster(transport, retries=retries)
    bulk = BulkClient(kubeconfig)
    stored = Stored(bulk, audit, prefix)
    own = dataclasses.replace(
        CASES["listed"],
        namespace=f"{prefix}refresher",
        schedule=dataclasses.replace(CASES["listed"].schedule, schedule=quiet_schedule()),
    )
    refresher = InstalledRefresher(cluster, stored, own, prefix)
    refresher.list_places("a", "b")
    yield refresher
    if found := objects.read(cluster, "Namespace", own.namespace):
        objects.delete(cluster, found)
    for kind in ("ClusterRoleBinding", "ClusterRole", "ValidatingAdmissionPolicyBinding", "ValidatingAdmissionPolicy"):
        for left in objects.labelled(cluster, kind, f"{managed_metadata.REFRESHER_LABEL}={own.namespace}"):
            objects.delete(cluster, left)
