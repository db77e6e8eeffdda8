# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An installed refresher, run without its pod: the files of its ConfigMaps, and a token of its account."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from kubernetes import client

from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects import program
from support.account import Account
from support.aws import FakeAws
from support.workloads import CONFIG, CRONJOB

Results = dict[str, tuple[str, str]]


class InstalledProgram:
    """The program as the role has set it up in this namespace."""

    def __init__(self, core: client.CoreV1Api, aws: FakeAws, namespace: str, folder: Path) -> None:
        self.folder = folder
        for name in ("settings", "api", "tmp", "wrapped"):
            (folder / name).mkdir()
        for name, text in core.read_namespaced_config_map(CONFIG, namespace).data.items():
            (folder / "settings" / name).write_text(text)
        self._command = self._install(core, namespace)
        configuration = core.api_client.configuration
        shutil.copy(configuration.ssl_ca_cert, folder / "api/ca.crt")
        (folder / "api/token").write_text(Account(core, namespace, CRONJOB).token)
        keys = f"[default]\naws_access_key_id = {aws.access_key}\naws_secret_access_key = {aws.secret_key}\n"
        (folder / "credentials").write_text(keys)
        server = urlsplit(configuration.host)
        self._environment = {
            "PATH": f"{folder / 'wrapped'}:{os.environ['PATH']}",
            "TMPDIR": str(folder / "tmp"),
            "KUBERNETES_SERVICE_HOST": str(server.hostname),
            "KUBERNETES_SERVICE_PORT": str(server.port),
            "FRESHPULL_CONFIG": str(folder / "settings"),
            "FRESHPULL_API_ACCESS": str(folder / "api"),
            "FRESHPULL_TERMINATION_LOG": str(folder / "last-words"),
            "AWS_SHARED_CREDENTIALS_FILE": str(folder / "credentials"),
            "AWS_CONFIG_FILE": os.devnull,
        }

    def _install(self, core: client.CoreV1Api, namespace: str) -> list[str]:
        """Mount the program as the CronJob says; the command of its container."""
        cronjob = client.BatchV1Api(core.api_client).read_namespaced_cron_job(CRONJOB, namespace)
        pod = cronjob.spec.job_template.spec.template.spec
        (volume,) = [volume.config_map for volume in pod.volumes if volume.name == "program"]
        held = core.read_namespaced_config_map(volume.name, namespace).data
        for item in volume.items:
            target = self.folder / "program" / item.path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(held[item.key])
        return [part.replace(program.DIRECTORY, str(self.folder / "program")) for part in pod.containers[0].command]

    def meanwhile(self, *commands: str) -> None:
        """Let the next run run these commands of kubectl once it has read a secret, before it writes any."""
        tool = self.folder / "wrapped/aws"
        kubectl = f"kubectl --kubeconfig {os.environ['FRESHPULL_TEST_KUBECONFIG']}"
        lines = [f"{kubectl} {command} >/dev/null || exit" for command in commands]
        tool.write_text("\n".join(["#!/bin/bash", *lines, f'exec {shutil.which("aws")} "$@"', ""]))
        tool.chmod(0o755)

    def run(self, *, status: int = 0) -> Results:
        """The action and reason for each namespace."""
        done = subprocess.run(self._command, env=self._environment, capture_output=True, text=True, check=False)
        last_words = (self.folder / "last-words").read_text()
        assert done.returncode == status, done.stdout + done.stderr + last_words
        (self.folder / "wrapped/aws").unlink(missing_ok=True)
        results: list[dict[str, Any]] = [json.loads(line) for line in done.stdout.splitlines()]
        return {each["namespace"]: (each["action"], each["reason"]) for each in results if "namespace" in each}
