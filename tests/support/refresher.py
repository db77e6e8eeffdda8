# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The refresher's program without a pod: with the same files, and a service account that has the role's rights."""

from __future__ import annotations

import base64
import copy
import dataclasses
import datetime as dt
import json
import os
import shutil
import subprocess
import textwrap
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from kubernetes import client

from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects import permissions
from support.aws import FakeAws
from support.dockerconfig import auths_of
from support.program import install
from support.refresher_settings import CASES
from unit.cases import decide as cases

NAME = "ecr-public-secret"
PREFIX = "ecr-public.freshpull/"
DUE: dict[str, Any] = {"expires_at": "2020-01-01T00:00:00Z"}
EMPTY: dict[str, Any] = {"auths": {}, "registries": [], "expires_at": None, "renewed_at": None, "fingerprint": "none"}


def life(left: float) -> dict[str, Any]:
    """The times of a token of 12 hours that has so many left."""
    now = dt.datetime.now(tz=dt.timezone.utc)
    times = {"renewed_at": now - dt.timedelta(hours=12 - left), "expires_at": now + dt.timedelta(hours=left)}
    return {name: time.strftime("%Y-%m-%dT%H:%M:%SZ") for name, time in times.items()}


def entry(password: str) -> dict[str, str]:
    auth = base64.b64encode(f"AWS:{password}".encode()).decode()
    return {"username": "AWS", "password": password, "auth": auth}


class Refresher:
    """Runs the program as the CronJob's pod would, with a real service account that has the role's rights."""

    def __init__(self, core: client.CoreV1Api, aws: FakeAws, folder: Path, name: str = NAME) -> None:
        """name: of the pull secrets."""
        self.core, self.aws, self.folder, self.name = core, aws, folder, name
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
        self.command = install(folder / "program")
        self.output = ""
        self.last_words = ""
        self.path = os.environ["PATH"]
        self._rights()
        self._files()

    def _namespace(self, name: str) -> str:
        made = self.core.create_namespace({"metadata": {"generateName": f"{name}-"}})
        return str(made.metadata.name)

    def _rights(self) -> None:
        rbac = client.RbacAuthorizationV1Api(self.core.api_client)
        self.core.create_namespaced_service_account(self.home, {"metadata": {"name": "refresher"}})
        rbac.create_cluster_role({"metadata": {"name": self.home}, "rules": self._rules("listed")})

    def _rules(self, case: str) -> list[dict[str, Any]]:
        """Those of the role's own ClusterRole."""
        settings = CASES[case]
        settings = dataclasses.replace(settings, renewal=dataclasses.replace(settings.renewal, secret=self.name))
        rules: list[dict[str, Any]] = permissions.cluster_roles(settings)[0]["rules"]
        return rules

    @property
    def binding(self) -> dict[str, Any]:
        """The RoleBinding that lets it work in the namespace where it stands."""
        return {
            "metadata": {"name": self.home},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": self.home},
            "subjects": [{"kind": "ServiceAccount", "name": "refresher", "namespace": self.home}],
        }

    def allow(self, namespace: str) -> None:
        client.RbacAuthorizationV1Api(self.core.api_client).create_namespaced_role_binding(namespace, self.binding)

    def allow_everywhere(self) -> None:
        """The permissions with a selector. Who calls it removes the ClusterRoleBinding, whose name is `home`."""
        rbac = client.RbacAuthorizationV1Api(self.core.api_client)
        rbac.patch_cluster_role(self.home, {"rules": self._rules("selector")})
        rbac.create_cluster_role_binding(self.binding)

    def _files(self) -> None:
        for name in ("config", "api", "aws", "tmp"):
            (self.folder / name).mkdir()
        request = {"spec": {"audiences": [], "expirationSeconds": 600}}
        answer = self.core.create_namespaced_service_account_token("refresher", self.home, request)
        self.token = str(answer.status.token)
        (self.folder / "api/token").write_text(self.token)
        settings = self.core.api_client.configuration
        shutil.copy(settings.ssl_ca_cert, self.folder / "api/ca.crt")
        self.server = urlsplit(settings.host)
        self.credentials(self.aws.access_key, self.aws.secret_key)

    def twin(self, folder: Path) -> Refresher:
        """Another run of the same installation: the same settings, files of its own, and a token of its own."""
        twin = copy.copy(self)
        twin.folder = folder
        twin.command = install(folder / "program")
        twin._files()
        return twin

    def credentials(self, access_key: str, secret_key: str) -> None:
        text = f"[default]\naws_access_key_id = {access_key}\naws_secret_access_key = {secret_key}\n"
        (self.folder / "aws/credentials").write_text(text)

    def add(self, name: str = "team", allowed: bool = True, **secret: Any) -> str:
        """A namespace with a secret in the short form of the table of cases; without one where nothing is given."""
        namespace = self._namespace(name)
        self.namespaces.append(namespace)
        if allowed:
            self.allow(namespace)
        if secret:
            body = cases.secret(**{"name": self.name, **secret})
            for key in ("uid", "resourceVersion", "namespace"):
                del body["metadata"][key]
            self.core.create_namespaced_secret(namespace, body)
        return namespace

    def run(self, *, status: int = 0, **environment: str) -> dict[str, dict[str, Any]]:
        """The results by namespace."""
        (self.folder / "last-words").unlink(missing_ok=True)
        (self.folder / "config/policy.json").write_text(json.dumps(self.policy))
        (self.folder / "config/namespaces").write_text("".join(f"{namespace}\n" for namespace in self.namespaces))
        done = subprocess.run(
            self.command,
            env={
                "PATH": self.path,
                "TMPDIR": str(self.folder / "tmp"),
                "KUBERNETES_SERVICE_HOST": str(self.server.hostname),
                "KUBERNETES_SERVICE_PORT": str(self.server.port),
                "FRESHPULL_CONFIG": str(self.folder / "config"),
                "FRESHPULL_API_ACCESS": str(self.folder / "api"),
                "FRESHPULL_TERMINATION_LOG": str(self.folder / "last-words"),
                "AWS_SHARED_CREDENTIALS_FILE": str(self.folder / "aws/credentials"),
                "AWS_CONFIG_FILE": os.devnull,
                **environment,
            },
            capture_output=True,
            text=True,
            check=False,
        )
        self.output = done.stdout + done.stderr
        assert done.returncode == status, self.output
        assert not any((self.folder / "tmp").iterdir()), "scratch left behind"
        # The kubelet takes the log where there is no message.
        words = self.folder / "last-words"
        self.last_words = words.read_text() if words.exists() else self.output
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        if lines:
            assert "summary" in lines.pop()
        return {line["namespace"]: line for line in lines if "problem" not in line}

    def secret(self, namespace: str) -> Any:
        return self.core.read_namespaced_secret(self.name, namespace)

    def auths(self, namespace: str) -> dict[str, Any]:
        return auths_of(self.secret(namespace).data)

    def wrap(self, tool: str, script: str) -> None:
        """Put a script in the way of a tool; it finds the real one in $REAL."""
        folder = self.folder / "wrapped"
        folder.mkdir(exist_ok=True)
        real = shutil.which(tool)
        assert real
        (folder / tool).write_text(f"#!/bin/bash\nREAL={real}\n{textwrap.dedent(script)}")
        (folder / tool).chmod(0o755)
        self.path = f"{folder}:{os.environ['PATH']}"

    def meanwhile(self, namespace: str, command: str) -> None:
        """Run a command between the reading and the writing."""
        kubectl = f"kubectl --kubeconfig {os.environ['FRESHPULL_TEST_KUBECONFIG']} -n {namespace}"
        self.wrap("aws", f'KUBECTL="{kubectl}"\n{{ {command}; }} >/dev/null || exit\nexec "$REAL" "$@"')


@pytest.fixture
def refresher(core: client.CoreV1Api, aws: FakeAws, tmp_path: Path) -> Refresher:
    return Refresher(core, aws, tmp_path)
