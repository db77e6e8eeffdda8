# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A user who follows the guide to migration on a cluster with a node, and what the user has to see."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes import client

from support.aws import FakeAws
from support.bulk_client import BulkClient
from support.cluster.audit import AuditLog
from support.dockerconfig import auths_of
from support.guide import Guide, Shell
from support.playbook import Ansible
from support.pulls import pull_new_image
from support.role import Role
from support.stored import Stored, quiet_schedule
from support.valid_secret import Watched, WatchedSecret
from support.workloads import FinishedJob, Workloads

GUIDE = Guide("guide_migration")
MANAGED = "ecr-public.freshpull/managed"
# Names of the guide to suffixes of the test's prefix. They are of namespaces or objects of the cluster.
_SUFFIXES = {
    "team-a": "a",
    "ops": "ops",
    "ecr-login-renew": "login-renew",
    "ecr-public-creds-helper": "helper",
    "secrets-editor": "editor",
    "edit-secrets": "edit",
}


class Migration:
    """The namespace "a" and others with a common prefix. secret: the name of the secret in the guide's commands."""

    def __init__(self, ansible: Ansible, role: Role, aws: FakeAws, stored: Stored, prefix: str) -> None:
        self.aws, self.role, self.prefix = aws, role, prefix
        self.namespace = f"{prefix}a"
        self.secret = "ecr-login"
        self.workloads = Workloads(ansible.kubeconfig)
        self._kubeconfig = ansible.kubeconfig
        self._stored = stored
        keys = {"AWS_ACCESS_KEY_ID": aws.access_key, "AWS_SECRET_ACCESS_KEY": aws.secret_key}
        names = {name: f"{prefix}{suffix}" for name, suffix in _SUFFIXES.items()}
        env = {**keys, "AWS_ENDPOINT_URL_ECR_PUBLIC": aws.endpoint_url}
        given = ("refresher_namespace", "refresher_aws_endpoint_url", "refresher_image")
        variables = {f"pull_secret_{name}": role.variables[f"pull_secret_{name}"] for name in given}
        self.shell = Shell(ansible, names, env, {**variables, "pull_secret_refresher_schedule": quiet_schedule()})
        self.write_variables("All steps")
        # The image that the guide pulls.
        program = Path(os.environ["FRESHPULL_TEST_PAUSE_BINARY"])
        aws.add_image("docker/library/busybox", "stable", {"/pause": program}, ["/pause"])

    def write_variables(self, *sections: str, **changes: Any) -> None:
        """Write the variables of these sections of the guide. changes: variables without their prefix pull_secret_."""
        variables: dict[str, Any] = {}
        for section in sections:
            variables |= yaml.safe_load(GUIDE.variables(section))
        variables |= {f"pull_secret_{name}": value for name, value in changes.items()}
        self.shell.write("variables.yml", yaml.safe_dump(variables))

    def use_secret(self, name: str) -> None:
        """Use this secret in place of the guide's ecr-login."""
        self.secret = name
        self.shell.names["ecr-login"] = name
        self.write_variables("All steps")

    def apply(self, manifests: Mapping[str, Any]) -> None:
        """Create or change objects with `kubectl apply`."""
        self.shell.run("kubectl apply -f -", given=json.dumps(manifests))

    def do(self, section: str, step: str) -> str:
        """Run the commands of a step and return their output."""
        return self.shell.run(GUIDE.commands(section, step))

    def adopt(self) -> str:
        """Adopt and verify as the guide says. Return the output of the adoption."""
        output = self.do("All steps", "Adopt")
        self.verify()
        return output

    def verify(self) -> None:
        """Verify as the guide says: the role changes nothing, and a pod pulls with the secret."""
        output = self.do("All steps", "Verify")
        assert "changed=0 " in output, output
        last = [request for request in self.aws.registry_requests if "busybox" in request["path"]][-1]
        assert (last["authenticated"], last["status"]) == (True, 200), last

    def refresh(self) -> tuple[FinishedJob, tuple[str, str]]:
        """Run a Job of the refresher. Return it with the action and reason of the namespace."""
        job = self.workloads.refresh(self.role.refresher, force=False)
        return job, job.outcomes[self.namespace]

    def watch(self) -> WatchedSecret:
        """Return a watch of the secret in "a"."""
        return WatchedSecret(self._kubeconfig, self.aws, self.namespace, self.secret)

    def read(self) -> client.V1Secret:
        """Return the secret in "a"."""
        return self.workloads.core.read_namespaced_secret(self.secret, self.namespace)

    @property
    def exists(self) -> bool:
        selector = f"metadata.name={self.secret}"
        return bool(self.workloads.core.list_namespaced_secret(self.namespace, field_selector=selector).items)

    @property
    def managed(self) -> bool:
        return (self.read().metadata.labels or {}).get(MANAGED) == "true"

    @property
    def registries(self) -> set[str]:
        """The registries of the secret in "a"."""
        return set(auths_of(self.read().data))

    def check_pull(self, how: str, namespace: str = "", secret: str | None = None) -> None:
        """Fail unless a pod's pull of a new image is "authenticated", "anonymous" or "rejected".

        secret: "" for the pull secrets of the service account.
        """
        secret = self.secret if secret is None else secret
        pull, requests = pull_new_image(self.aws, self.workloads, namespace or self.namespace, secret)
        seen = {(request["authenticated"], request["status"]) for request in requests}
        wanted = {"authenticated": (True, 200), "anonymous": (False, 200), "rejected": (False, 403)}
        assert seen == {wanted[how]}, (pull, requests)
        assert pull.pulled == (how != "rejected"), pull

    def others(self) -> set[str]:
        """Return all objects with the prefix but those of the refresher and the secret in "a"."""
        return {name for name in self._stored.left() if "refresher" not in name} - {f"secrets a/{self.secret}"}

    def check_removed(self) -> None:
        """Fail unless the role has removed itself, and the secret is not managed."""
        assert {name for name in self._stored.objects() if "refresher" in name} == set()
        metadata = self.read().metadata
        found = [*(metadata.labels or {}), *(metadata.annotations or {})]
        assert [key for key in found if key.startswith("ecr-public.freshpull/")] == []


def check_row(source: str, watched: Watched, left: Iterable[str]) -> None:
    """Compare a migration that was also rolled back with the row of the guide, and print the row."""
    row = [f"{watched.seconds_without:g}", ", ".join(sorted(left)) or "none", "tried"]
    print(f"{source}: seconds without a valid secret, objects left over, roll back: {row}")
    # One version is the old one. The others are those of the role and of its test run.
    assert watched.versions > 1
    assert row == GUIDE.table("Migration")[source]


@pytest.fixture
def migration(
    ansible: Ansible, aws: FakeAws, audit: AuditLog, make_namespaces: Callable[..., list[str]]
) -> Iterator[Migration]:
    (namespace,) = make_namespaces("a")
    prefix = namespace.removesuffix("a")
    stored = Stored(BulkClient(ansible.kubeconfig), audit, prefix)
    with Role(ansible, aws, [namespace], refresher=f"{prefix}refresher") as role:
        found = Migration(ansible, role, aws, stored, prefix)
        yield found
        # Those of the guide's commands: their secrets have the AWS keys, for which other tests search. make_namespaces
        # labels and deletes its own.
        for each in found.workloads.core.list_namespace(label_selector="!test").items:
            if each.metadata.name.startswith(prefix) and each.metadata.name != role.refresher:
                found.workloads.core.delete_namespace(each.metadata.name)
