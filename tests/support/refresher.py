# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The refresher's program as a local process, with a service account that has the permissions of the role."""

from __future__ import annotations

import base64
import copy
import dataclasses
import datetime as dt
import json
import os
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from kubernetes import client

from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects import permissions
from support.aws import FakeAws
from support.dockerconfig import auths_of
from support.program import ProgramProcess
from support.refresher_settings import CASES
from unit.cases import decide as cases

NAME = "ecr-public-secret"
PREFIX = "ecr-public.freshpull/"
DUE: dict[str, Any] = {"expires_at": "2020-01-01T00:00:00Z"}
EMPTY: dict[str, Any] = {"auths": {}, "registries": [], "expires_at": None, "renewed_at": None, "fingerprint": "none"}


def life(left: float) -> dict[str, Any]:
    """Return the times of a 12-hour token with so many hours of remaining lifetime."""
    now = dt.datetime.now(tz=dt.timezone.utc)
    times = {"renewed_at": now - dt.timedelta(hours=12 - left), "expires_at": now + dt.timedelta(hours=left)}
    return {name: time.strftime("%Y-%m-%dT%H:%M:%SZ") for name, time in times.items()}


def entry(password: str) -> dict[str, str]:
    auth = base64.b64encode(f"AWS:{password}".encode()).decode()
    return {"username": "AWS", "password": password, "auth": auth}


class Refresher:
    """Run the program as the pod of the CronJob does, with a real service account and the permissions of the role."""

    def __init__(self, core: client.CoreV1Api, aws: FakeAws, directory: Path, name: str = NAME) -> None:
        """directory: an empty directory. name: of the pull secrets."""
        self.core, self.aws, self.directory, self.name = core, aws, directory, name
        self.home = self._namespace("refresher")
        self.namespaces: list[str] = []
        self.policy: dict[str, Any] = {
            "name": name,
            "registries": ["public.ecr.aws"],
            "renew_before": 8 * 3600,
            "fail_open": True,
            "fail_open_before": 8400,
            "workers": 32,
            "deadline": 510,
            "aws_endpoint_url": aws.endpoint_url,
        }
        self.output = ""
        self.termination_message = ""
        self._grant()
        self._prepare()

    def _namespace(self, name: str) -> str:
        made = self.core.create_namespace({"metadata": {"generateName": f"{name}-"}})
        return str(made.metadata.name)

    def _grant(self) -> None:
        rbac = client.RbacAuthorizationV1Api(self.core.api_client)
        self.core.create_namespaced_service_account(self.home, {"metadata": {"name": "refresher"}})
        rbac.create_cluster_role({"metadata": {"name": self.home}, "rules": self._rules("listed")})

    def _rules(self, case: str) -> list[dict[str, Any]]:
        """Return the rules of the ClusterRole that the role installs."""
        settings = CASES[case]
        settings = dataclasses.replace(settings, renewal=dataclasses.replace(settings.renewal, secret=self.name))
        rules: list[dict[str, Any]] = permissions.cluster_roles(settings)[0]["rules"]
        return rules

    @property
    def binding(self) -> dict[str, Any]:
        """The body of a RoleBinding that gives the permissions in its namespace."""
        return {
            "metadata": {"name": self.home},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": self.home},
            "subjects": [{"kind": "ServiceAccount", "name": "refresher", "namespace": self.home}],
        }

    def allow(self, namespace: str) -> None:
        client.RbacAuthorizationV1Api(self.core.api_client).create_namespaced_role_binding(namespace, self.binding)

    def allow_everywhere(self) -> None:
        """Give the permissions of a selector. The caller removes the ClusterRoleBinding, whose name is `home`."""
        rbac = client.RbacAuthorizationV1Api(self.core.api_client)
        rbac.patch_cluster_role(self.home, {"rules": self._rules("selector")})
        rbac.create_cluster_role_binding(self.binding)

    def _prepare(self) -> None:
        """Write the files of the process, with a new token."""
        self._process = ProgramProcess(self.directory)
        self.command, self.path = self._process.install(), self._process.path
        request = {"spec": {"audiences": [], "expirationSeconds": 600}}
        response = self.core.create_namespaced_service_account_token("refresher", self.home, request)
        self.token = str(response.status.token)
        settings = self.core.api_client.configuration
        self._process.write_api_access(settings.ssl_ca_cert, self.token)
        self.server = urlsplit(settings.host)
        self.credentials(self.aws.access_key, self.aws.secret_key)

    def twin(self, directory: Path) -> Refresher:
        """Return another run of the same installation: the same settings, with files and a token of its own."""
        twin = copy.copy(self)
        twin.directory = directory
        twin._prepare()
        return twin

    def credentials(self, access_key: str, secret_key: str) -> None:
        self._process.write_aws_keys(access_key, secret_key)

    def add(self, name: str = "team", allowed: bool = True, **secret: Any) -> str:
        """Create a namespace, and a secret in it if `secret` has fields, in the short form of unit.cases.decide."""
        namespace = self._namespace(name)
        self.namespaces.append(namespace)
        if allowed:
            self.allow(namespace)
        if secret:
            body = cases.secret(**{"name": self.name, "namespace": namespace, **secret})
            for key in ("uid", "resourceVersion"):
                del body["metadata"][key]
            self.core.create_namespaced_secret(namespace, body)
        return namespace

    def run(self, *, status: int = 0, **environment: str) -> dict[str, dict[str, Any]]:
        """Run the program. Return the results by namespace."""
        files = self._process
        files.termination_log.unlink(missing_ok=True)
        (files.settings / "policy.json").write_text(json.dumps(self.policy))
        (files.settings / "namespaces").write_text("".join(f"{namespace}\n" for namespace in self.namespaces))
        done = subprocess.run(
            self.command,
            env={**files.environment(self.server), "PATH": self.path, **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        self.output = done.stdout + done.stderr
        assert done.returncode == status, self.output
        assert not any(files.temporary.iterdir()), "temporary files are left"
        # Without a termination message the kubelet takes the log.
        self.termination_message = files.termination_log.read_text() if files.termination_log.exists() else self.output
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        if lines:
            assert "summary" in lines.pop()
        return {line["namespace"]: line for line in lines if "problem" not in line}

    def secret(self, namespace: str) -> Any:
        return self.core.read_namespaced_secret(self.name, namespace)

    def auths(self, namespace: str) -> dict[str, Any]:
        return auths_of(self.secret(namespace).data)

    def wrap(self, tool: str, script: str) -> None:
        """Let the program find a script in place of a tool; the script finds the tool in $REAL."""
        self._process.wrap(tool, script)

    def meanwhile(self, namespace: str, command: str) -> None:
        """Run a command after the program has read a secret and before it writes one."""
        kubectl = f"kubectl --kubeconfig {os.environ['FRESHPULL_TEST_KUBECONFIG']} -n {namespace}"
        self.wrap("aws", f'KUBECTL="{kubectl}"\n{{ {command}; }} >/dev/null || exit\nexec "$REAL" "$@"')


@pytest.fixture
def refresher(core: client.CoreV1Api, aws: FakeAws, tmp_path: Path) -> Refresher:
    return Refresher(core, aws, tmp_path)
