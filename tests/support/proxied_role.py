# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role with a proxy between its refresher and the API server."""

from __future__ import annotations

import base64
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml
from kubernetes import client

from support.aws import FakeAws
from support.cluster.audit import AuditLog
from support.dockerconfig import auths_of
from support.faults import FaultProxy
from support.playbook import Ansible
from support.refresher import life
from support.role import Role
from support.workloads import FinishedJob, Workloads

NAME = "ecr-public-secret"
Change = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class ProxiedRole:
    """The role in some namespaces. A test sets the remaining lifetime of their tokens."""

    role: Role
    core: client.CoreV1Api
    workloads: Workloads
    proxy: FaultProxy

    def age(self, left: float, *names: str) -> None:
        """Set the remaining lifetime of tokens to so many hours, in the annotations of the secrets."""
        annotations = {f"ecr-public.freshpull/{key.replace('_', '-')}": time for key, time in life(left).items()}
        for name in names:
            self.core.patch_namespaced_secret(NAME, name, {"metadata": {"annotations": annotations}})

    def secrets(self) -> dict[str, Any]:
        return {name: self.core.read_namespaced_secret(NAME, name) for name in self.role.namespaces}

    def passwords(self) -> dict[str, str | None]:
        """Return the password in each namespace; None if the secret has no managed entry."""
        found = {}
        for name, secret in self.secrets().items():
            auths = auths_of(secret.data)
            found[name] = auths["public.ecr.aws"]["password"] if auths else None
        return found

    def uids(self) -> list[str]:
        return [secret.metadata.uid for secret in self.secrets().values()]

    def heal(self, aws: FakeAws) -> None:
        """Remove all faults, and make all tokens valid for long."""
        self.proxy.heal()
        if None in self.passwords().values():
            # A secret that failed open in an earlier test would be restored in the next one instead of renewed.
            assert self.run().succeeded
            aws.reset()
            # Forget the requests of this run.
            self.proxy.heal()
        aws.behave(life=50000)
        self.age(11, *self.role.namespaces)

    def refresh(self) -> tuple[FinishedJob, dict[str, tuple[str, str]]]:
        """Run a Job through the proxy. Return it, with the action and reason of each namespace."""
        ended = self.run()
        return ended, ended.outcomes

    def run(self, change: Change = lambda _pod: None, **options: Any) -> FinishedJob:
        """Run a Job through the proxy. change: changes the pod. options: of Workloads.refresh."""

        def both(pod: dict[str, Any]) -> None:
            self._through_the_proxy(pod)
            change(pod)

        return self.workloads.refresh(self.role.refresher, both, force=False, **options)

    def _through_the_proxy(self, pod: dict[str, Any]) -> None:
        address = urlsplit(self.proxy.url)
        pod["containers"][0]["env"] += [
            {"name": "KUBERNETES_SERVICE_HOST", "value": address.hostname},
            {"name": "KUBERNETES_SERVICE_PORT", "value": str(address.port)},
        ]
        (access,) = [volume for volume in pod["volumes"] if volume["name"] == "api-access"]
        access["projected"]["sources"][1]["configMap"]["name"] = "proxy-ca"

    def done(self, audit: AuditLog, mark: int) -> Counter[str]:
        """Return the number of successful writes by namespace."""
        writes = audit.writes(since=mark, resource="secrets", user=self.role.user)
        return Counter(write["objectRef"]["namespace"] for write in writes if write["responseStatus"]["code"] < 300)


@pytest.fixture(scope="module")
def make_proxied_role(
    running_aws: FakeAws,
    core: client.CoreV1Api,
    kubeconfig: str,
    make_lasting_namespaces: Callable[..., list[str]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[..., ProxiedRole]]:
    """Return a function that installs the role in so many namespaces. Other arguments are those of proxied_role()."""
    with ExitStack() as stack:

        def make(count: int, **changes: Any) -> ProxiedRole:
            names = make_lasting_namespaces(*(f"n{number:02}" for number in range(count)))
            directory = tmp_path_factory.mktemp("role")
            return stack.enter_context(proxied_role(running_aws, core, kubeconfig, names, directory, **changes))

        yield make


@contextmanager
def proxied_role(
    aws: FakeAws, core: client.CoreV1Api, kubeconfig: str, names: Sequence[str], directory: Path, **changes: Any
) -> Iterator[ProxiedRole]:
    """Install the role in these namespaces. changes: variables of the role without their prefix."""
    aws.reset()
    home = names[0].rpartition("-")[0] + "-refresher"
    with (
        FaultProxy(kubeconfig, host=os.environ["FRESHPULL_TEST_ADDRESS"]) as proxy,
        Role(Ansible(directory, kubeconfig), aws, names, refresher=home) as role,
    ):
        role.run(test_run="never", workers=4, **changes).ok()
        authority = yaml.safe_load(Path(proxy.kubeconfig).read_text())["clusters"][0]["cluster"]
        data = {"ca.crt": base64.b64decode(authority["certificate-authority-data"]).decode()}
        core.create_namespaced_config_map(home, {"metadata": {"name": "proxy-ca"}, "data": data})
        yield ProxiedRole(role, core, Workloads(kubeconfig), proxy)
