# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role with its refresher, and what it is compared with: one task, and its objects applied by kubectl."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret import managed_metadata
from support.playbook import Ansible
from support.role import PLAYBOOK, Role

from .candidates import BIN, HOME, Candidate, Job, namespaces, play
from .cluster import PREFIX, SECRET
from .results import CREATE, MORE, NOTHING, REMOVE, REPORT

KINDS = (
    "namespaces,clusterroles,clusterrolebindings,serviceaccounts,secrets,configmaps,rolebindings,cronjobs,"
    "validatingadmissionpolicies,validatingadmissionpolicybindings"
)
CLUSTERS = 30
DEAD = 3
"""Clusters that cannot be reached."""
_OF_THE_SERVER = ("creationTimestamp", "generation", "managedFields", "ownerReferences", "resourceVersion", "uid")


class RoleRun(Candidate):
    """The collection's playbook: the refresher and the secrets."""

    title = "**the role**"
    sizes = (3, 1000, 5000)
    operations: Sequence[str] = (CREATE, NOTHING, MORE, REMOVE)

    def prepare(self, job: Job, directory: Path) -> Sequence[str]:
        self.cluster.aws.behave(life=self.cluster.longer_lifetime())
        role = self.role(job, directory)
        if job.operation == CREATE:
            role.run(state="absent", name=SECRET).ok()
        elif job.operation == MORE:
            self.cluster.add_namespace(f"{PREFIX}more")
        variables = {**role.variables, "pull_secret_name": SECRET, "pull_secret_test_run": "never"}
        if job.operation == REMOVE:
            variables["pull_secret_state"] = "absent"
        return playbook(directory, variables)

    def role(self, job: Job, directory: Path) -> Role:
        few = len(job.namespaces) <= min(self.sizes)
        # The additional namespace is one of a glob, or named.
        named = [*job.namespaces, *([f"{PREFIX}more"] if job.operation == MORE else [])]
        return Role(
            Ansible(directory, self.cluster.kubeconfig), self.cluster.aws, named if few else namespaces(job), HOME
        )

    def environment(self) -> Mapping[str, str]:
        keys = {
            "REFRESHER_ACCESS_KEY": self.cluster.aws.access_key,
            "REFRESHER_SECRET_KEY": self.cluster.aws.secret_key,
        }
        return {**super().environment(), **keys}


class OneTask(Candidate):
    """A play with one task of kubernetes.core.k8s that changes nothing."""

    title = "a play with one ``kubernetes.core.k8s`` task"
    sizes = (3,)
    operations = (NOTHING,)

    def prepare(self, job: Job, directory: Path) -> Sequence[str]:
        self.cluster.clear()
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "bench", "namespace": job.namespaces[0]}}
        self.cluster.create(f"/api/v1/namespaces/{job.namespaces[0]}/configmaps", body)
        options = {"kubeconfig": self.cluster.kubeconfig, "definition": body}
        return play(directory, [{"name": "One object", "kubernetes.core.k8s": options}])


class RoleObjects(RoleRun):
    """kubectl with the objects that the role writes, the secrets not among them."""

    title = "``kubectl apply --server-side`` of the refresher's objects"
    operations = (CREATE, NOTHING)

    def __init__(self, cluster: Any) -> None:
        super().__init__(cluster)
        self._objects: list[Any] = []

    def prepare(self, job: Job, directory: Path) -> Sequence[str]:
        if job.operation == CREATE:
            role = self.role(job, directory)
            role.run(name=SECRET, test_run="never").ok()
            self._objects = self._read()
            role.run(state="absent", name=SECRET).ok()
        (directory / "objects.json").write_text(
            json.dumps({"apiVersion": "v1", "kind": "List", "items": self._objects})
        )
        return ["kubectl", "apply", "--server-side", "--force-conflicts", "--filename", "objects.json"]

    def _read(self) -> list[Any]:
        selector = f"{managed_metadata.REFRESHER_LABEL}={HOME}"
        command = ["kubectl", "get", KINDS, "--all-namespaces", f"--selector={selector}", "--output=json"]
        found = subprocess.run(command, env=dict(self.environment()), stdout=subprocess.PIPE, check=True)
        items = json.loads(found.stdout)["items"]
        for item in items:
            item.pop("status", None)
            for field in _OF_THE_SERVER:
                item["metadata"].pop(field, None)
        # The namespace first.
        return sorted(items, key=lambda item: item["kind"] != "Namespace")


class Fleet(Candidate):
    """The role without a refresher for many hosts, each of which stands for a cluster."""

    title = f"**the role for {CLUSTERS} clusters**"
    sizes = (CLUSTERS,)
    operations: Sequence[str] = (CREATE, NOTHING)

    def prepare(self, job: Job, directory: Path) -> Sequence[str]:
        self.cluster.aws.behave(life=self.cluster.longer_lifetime())
        self.write_inventory(job, directory, {})
        return self.play(PLAYBOOK)

    def write_inventory(self, job: Job, directory: Path, clusters: Mapping[str, Mapping[str, Any]]) -> None:
        """clusters: host -> its connection options, for hosts with others than those of the cluster."""
        hosts: dict[str, dict[str, Any]] = {
            f"cluster-{number}": {
                "pull_secret_namespaces": [namespace],
                "pull_secret_name": f"{SECRET}-{number}",
                "pull_secret_owner": f"cluster-{number}",
            }
            for number, namespace in enumerate(job.namespaces)
        }
        for host, cluster in clusters.items():
            hosts[host]["pull_secret_cluster"] = cluster
        variables = {
            "ansible_connection": "local",
            "ansible_python_interpreter": sys.executable,
            "pull_secret_cluster": {"kubeconfig": self.cluster.kubeconfig},
            "pull_secret_refresher": "none",
            "pull_secret_fail_open_before": "3h",
        }
        inventory = {"all": {"hosts": hosts, "vars": variables}}
        (directory / "inventory.yml").write_text(yaml.safe_dump(inventory))

    def play(self, name: str) -> Sequence[str]:
        command = [str(BIN / "ansible-playbook"), name, "-i", "inventory.yml", "--forks", str(CLUSTERS)]
        return [*command, "-e", "pull_secret_hosts=all"]


class FleetReport(Fleet):
    """The playbook report after that. Nothing listens at the addresses of some clusters."""

    title = f"**the report of {CLUSTERS} clusters**, {DEAD} of which cannot be reached"
    operations = (REPORT,)

    def prepare(self, job: Job, directory: Path) -> Sequence[str]:
        subprocess.run(
            super().prepare(job, directory),
            env=dict(self.environment()),
            cwd=directory,
            stdout=subprocess.DEVNULL,
            check=True,
        )
        dead = {f"cluster-{number}": {"host": "https://127.0.0.1:1", "api_key": "none"} for number in range(DEAD)}
        self.write_inventory(job, directory, dead)
        return [*self.play("freshpull.ecr_public.report"), "-e", "report_path=report.html"]


def playbook(directory: Path, variables: Mapping[str, Any]) -> Sequence[str]:
    """Return the command that runs the collection's playbook with these variables."""
    (directory / "variables.json").write_text(json.dumps({**variables, "ansible_python_interpreter": sys.executable}))
    return [str(BIN / "ansible-playbook"), PLAYBOOK, "-i", "localhost,", "-e", "@variables.json"]
