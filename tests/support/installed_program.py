# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program of an installed refresher as a local process, with its ConfigMaps and a token of its service account."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from kubernetes import client

from support.account import Account
from support.aws import FakeAws
from support.program import ProgramProcess
from support.workloads import CONFIG, CRONJOB

Results = dict[str, tuple[str, str]]


class InstalledProgram:
    """The program as the role has installed it in this namespace."""

    def __init__(self, core: client.CoreV1Api, aws: FakeAws, namespace: str, directory: Path) -> None:
        self._process = ProgramProcess(directory)
        for name, text in core.read_namespaced_config_map(CONFIG, namespace).data.items():
            (self._process.settings / name).write_text(text)
        self._command = self._install(core, namespace)
        configuration = core.api_client.configuration
        self._process.write_api_access(configuration.ssl_ca_cert, Account(core, namespace, CRONJOB).token)
        self._process.write_aws_keys(aws.access_key, aws.secret_key)
        self._environment = self._process.environment(urlsplit(configuration.host))
        self._wrapped: Path | None = None
        self.warnings: list[str] = []
        """Of the last run."""

    def _install(self, core: client.CoreV1Api, namespace: str) -> list[str]:
        """Mount the program as the CronJob does. Return the command of its container."""
        cronjob = client.BatchV1Api(core.api_client).read_namespaced_cron_job(CRONJOB, namespace)
        pod = cronjob.spec.job_template.spec.template.spec
        (volume,) = [volume.config_map for volume in pod.volumes if volume.name == "program"]
        data = core.read_namespaced_config_map(volume.name, namespace).data
        self._process.mount(data, {item.key: item.path for item in volume.items})
        return self._process.command(pod.containers[0].command)

    def meanwhile(self, *commands: str) -> None:
        """Let the next run run these kubectl commands after it has read a secret and before it writes one."""
        kubectl = f"kubectl --kubeconfig {os.environ['FRESHPULL_TEST_KUBECONFIG']}"
        lines = [f"{kubectl} {command} >/dev/null || exit" for command in commands]
        self._wrapped = self._process.wrap("aws", "\n".join([*lines, 'exec "$REAL" "$@"', ""]))

    def run(self, *, status: int = 0) -> Results:
        """Run the program. Return the action and reason of each namespace."""
        done = subprocess.run(self._command, env=self._environment, capture_output=True, text=True, check=False)
        message = self._process.termination_log.read_text()
        assert done.returncode == status, done.stdout + done.stderr + message
        if self._wrapped:
            self._wrapped.unlink(missing_ok=True)
        results: list[dict[str, Any]] = [json.loads(line) for line in done.stdout.splitlines()]
        self.warnings = [each["warning"] for each in results if "warning" in each]
        return {each["namespace"]: (each["action"], each["reason"]) for each in results if "namespace" in each}
