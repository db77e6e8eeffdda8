# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An administrator who follows the guide to AWX. The clusters are one API server with an address for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.aws import FakeAws
from support.awx import Job, JobTemplate, amazon_web_services
from support.awx_credentials import CredentialType
from support.bulk_client import RBAC, BulkClient
from support.cluster.pki import write_private
from support.fleet import Fleet
from support.guide import Guide, Shell
from support.playbook import Ansible

GUIDE = Guide("guide_awx")
CONTEXTS = ("production", "staging")
"""The clusters of the guide."""


class AwxGuide:
    """The objects in AWX that the guide creates. A context manager, which removes those in the cluster.

    names: of the guide's namespaces to those of the test. The first is that of the account, and also its ClusterRole's.
    """

    def __init__(self, ansible: Ansible, aws: FakeAws, names: Mapping[str, str]) -> None:
        self._ansible, self._aws = ansible, aws
        self._bulk = BulkClient(ansible.kubeconfig)
        self._own = next(iter(names.values()))
        self.fleet = Fleet(ansible, aws)
        self.shell = Shell(ansible, names, {"KUBECONFIG": str(ansible.directory / "admin.kubeconfig")}, {})
        self.credential_type = CredentialType(*GUIDE.blocks("Credentials", "yaml"))
        inputs = yaml.safe_load(self.shell.named(GUIDE.variables("Inventory")))
        self.inventory: dict[str, Any] = inputs
        self.kubeconfig = ""
        """The content of the credential."""

    def __enter__(self) -> AwxGuide:
        self.fleet.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self.fleet.__exit__(*error)
        for path in (f"{RBAC}/clusterroles", "/api/v1/namespaces"):
            self._bulk.send("DELETE", f"{path}/{self._own}")

    @property
    def account(self) -> str:
        """The user name of the account in each cluster."""
        return f"system:serviceaccount:{self._own}:awx"

    def create_accounts(self) -> None:
        """Run the commands for all clusters, as their administrator."""
        configs = [yaml.safe_load(self._admin(context)) for context in CONTEXTS]
        merged = {
            **configs[0],
            **{part: [config[part][0] for config in configs] for part in ("clusters", "users", "contexts")},
        }
        write_private(self._ansible.directory / "admin.kubeconfig", yaml.safe_dump(merged).encode())
        (manifests,) = GUIDE.blocks("Account in each cluster", "text")
        self.shell.write(self.shell.named("ecr-public-awx") + ".yml", manifests)
        (commands,) = GUIDE.blocks("Account in each cluster", "shell")
        self.shell.run(commands)
        self.kubeconfig = (self._ansible.directory / "clusters.yml").read_text()

    def _admin(self, context: str) -> str:
        """Return an administrator's kubeconfig for a cluster with an address of its own."""
        config = yaml.safe_load(Path(self._ansible.kubeconfig).read_text())
        config["clusters"][0] = {
            "name": context,
            "cluster": {**config["clusters"][0]["cluster"], "server": self.fleet.add(context, [])},
        }
        config["users"][0]["name"] = context
        config["contexts"] = [{"name": context, "context": {"cluster": context, "user": context}}]
        return yaml.safe_dump(config)

    def extend(self, namespaces: Mapping[str, str]) -> None:
        """Add clusters to the inventory and to the credential, each with one namespace, instead of the guide's two.

        namespaces: by the name of the cluster. The account has its permissions in them, too.
        """
        config = yaml.safe_load(self.kubeconfig)
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        parts: dict[str, list[Any]] = {"clusters": [], "users": [], "contexts": []}
        for name in namespaces:
            parts["clusters"].append({"name": name, "cluster": {**cluster, "server": self.fleet.add(name, [])}})
            parts["users"].append({"name": name, "user": user})
            parts["contexts"].append({"name": name, "context": {"cluster": name, "user": name}})
        self.kubeconfig = yaml.safe_dump({**config, **parts, "current-context": ""})
        hosts = {name: {"pull_secret_namespaces": [namespace]} for name, namespace in namespaces.items()}
        self.inventory["clusters"]["hosts"] = hosts
        binding = {
            "metadata": {"name": self._own},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": self._own},
            "subjects": [{"kind": "ServiceAccount", "name": "awx", "namespace": self._own}],
        }
        self._bulk.send_all(("POST", f"{RBAC}/namespaces/{each}/rolebindings", binding) for each in namespaces.values())

    def renew(self, *args: str, **launch: Any) -> Job:
        """Launch the first job template. launch: arguments of JobTemplate.launch."""
        (variables,) = GUIDE.blocks("Job template", "yaml")
        keys = amazon_web_services(self._aws.access_key, self._aws.secret_key)
        env = {**keys, "AWS_ENDPOINT_URL_ECR_PUBLIC": self._aws.endpoint_url}
        return self._launch(GUIDE.variables("Project"), args, yaml.safe_load(variables), env, launch)

    def check(self, *args: str) -> Job:
        """Launch the second job template, which finds missing runs. It has no AWS credential."""
        return self._launch(GUIDE.variables("Missing runs"), args, {"pull_secret_hosts": "clusters"}, {}, {})

    def _launch(
        self,
        playbook: str,
        args: Sequence[str],
        variables: Mapping[str, Any],
        env: Mapping[str, str],
        launch: Mapping[str, Any],
    ) -> Job:
        template = JobTemplate(self._ansible, {}, variables, playbook, self.inventory)
        custom = (self.credential_type, {"kubeconfig": self.kubeconfig})
        return template.launch(*args, env=env, custom=custom, **launch)

    def slices(self, count: int) -> list[list[str]]:
        """Return the hosts of each slice. AWX sorts them by name, and gives every n-th to a slice."""
        hosts = sorted(self.inventory["clusters"]["hosts"])
        return [hosts[first::count] for first in range(count)]


@pytest.fixture
def awx_guide(ansible: Ansible, aws: FakeAws, make_namespaces: Callable[..., list[str]]) -> Iterator[AwxGuide]:
    """The guide up to the accounts. The clusters are production with team-a and staging with team-b."""
    names = dict(zip(("team-a", "team-b"), make_namespaces("a", "b"), strict=True))
    own = names["team-a"].removesuffix("-a") + "-awx"
    with AwxGuide(ansible, aws, {"ecr-public-awx": own, **names}) as made:
        made.create_accounts()
        yield made
