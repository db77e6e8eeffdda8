# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The refresher's program as a process of this machine, and the smallest client with the same requests."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from kubernetes import client, config

from support.account import Account
from support.playbook import Ansible
from support.program import ProgramProcess
from support.role import Role
from support.workloads import CONFIG, CRONJOB, Workloads

from .candidates import HOME, Candidate, Job
from .cluster import SECRET, secret
from .results import NOTHING, RENEW

USER = f"system:serviceaccount:{HOME}:{CRONJOB}"
OLDEST = "python3.9"
"""That of the official aws-cli image."""
_PATH = "import sys; print(sys.executable)"


def python() -> str:
    """Return the Python for the program: the oldest supported one, or this one if it is not here."""
    found = shutil.which(OLDEST)
    if found:
        # A version manager has a script in the place of the program.
        done = subprocess.run([found, "-c", _PATH], capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return done.stdout.strip()
    return sys.executable


def version() -> str:
    """Return the version of that Python, for the page."""
    return subprocess.check_output(
        [python(), "-c", "import platform; print(platform.python_version())"], text=True
    ).strip()


class RefresherProgram(Candidate):
    """The program of the role's CronJob. Its AWS CLI is not that of the image, and counts too."""

    title = "**the refresher's program** as a process"
    sizes = (1, 10, 1000)
    operations = (RENEW, NOTHING)
    user = USER

    def __init__(self, cluster: Any) -> None:
        super().__init__(cluster)
        self._environment: dict[str, str] = {}

    def prepare(self, job: Job, directory: Path) -> Sequence[str]:
        aws = self.cluster.aws
        if job.operation == RENEW:
            aws.behave(life=self.cluster.longer_lifetime())
            # Names, so that each secret is read by itself, as in the bare loop.
            role = Role(Ansible(directory, self.cluster.kubeconfig), aws, list(job.namespaces), HOME)
            role.run(name=SECRET, test_run="never").ok()
            Workloads(self.cluster.kubeconfig).suspend(HOME)
            aws.behave(life=self.cluster.longer_lifetime())
        core = core_of(self.cluster.kubeconfig)
        process = ProgramProcess(directory)
        for name, text in core.read_namespaced_config_map(CONFIG, HOME).data.items():
            (process.settings / name).write_text(text)
        process.use_python(python())
        configuration = core.api_client.configuration
        process.write_api_access(configuration.ssl_ca_cert, Account(core, HOME, CRONJOB).token)
        process.write_aws_keys(aws.access_key, aws.secret_key)
        force = {"FORCE_RENEW": "1"} if job.operation == RENEW else {}
        self._environment = {**process.environment(urlsplit(configuration.host)), **force}
        return process.install()

    def environment(self) -> Mapping[str, str]:
        return self._environment


class BareLoop(Candidate):
    """http.client without anything else. The secrets are those that the refresher's program left."""

    title = "a bare loop of ``http.client``"
    sizes = (10, 1000)
    operations = (RENEW, NOTHING)
    user = USER

    def prepare(self, job: Job, directory: Path) -> Sequence[str]:
        core = core_of(self.cluster.kubeconfig)
        if job.operation == RENEW:
            token = self.cluster.new_token()
            for namespace in job.namespaces:
                self.cluster.create(f"/api/v1/namespaces/{namespace}/secrets", secret(namespace, token))
        (directory / "namespaces").write_text("\n".join(job.namespaces))
        (directory / "secret.json").write_text(json.dumps(secret("", self.cluster.new_token())))
        (directory / "token").write_text(Account(core, HOME, CRONJOB).token)
        configuration = core.api_client.configuration
        mode = "write" if job.operation == RENEW else "read"
        script = str(Path(__file__).with_name("bare_loop.py"))
        return [python(), "-I", script, str(configuration.host), str(configuration.ssl_ca_cert), mode]


def core_of(kubeconfig: str) -> client.CoreV1Api:
    return client.CoreV1Api(config.new_client_from_config(kubeconfig))
