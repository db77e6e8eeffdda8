# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An installed refresher, run without its pod: the files of its ConfigMap, and a token of its account."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from kubernetes import client

from support.account import Account
from support.aws import FakeAws
from support.workloads import CRONJOB

Results = dict[str, tuple[str, str]]


class Script:
    """refresh.sh as the role has set it up in this namespace."""

    def __init__(self, core: client.CoreV1Api, aws: FakeAws, namespace: str, folder: Path) -> None:
        self.folder = folder
        self.config = folder / "config"
        for name in ("config", "api", "tmp", "wrapped"):
            (folder / name).mkdir()
        for name, text in core.read_namespaced_config_map(CRONJOB, namespace).data.items():
            (self.config / name).write_text(text)
        settings = core.api_client.configuration
        shutil.copy(settings.ssl_ca_cert, folder / "api/ca.crt")
        self.credentials(Account(core, namespace, CRONJOB).token)
        keys = f"[default]\naws_access_key_id = {aws.access_key}\naws_secret_access_key = {aws.secret_key}\n"
        (folder / "credentials").write_text(keys)
        server = urlsplit(settings.host)
        self._environment = {
            "PATH": f"{folder / 'wrapped'}:{os.environ['PATH']}",
            "TMPDIR": str(folder / "tmp"),
            "KUBERNETES_SERVICE_HOST": str(server.hostname),
            "KUBERNETES_SERVICE_PORT": str(server.port),
            "FRESHPULL_CONFIG": str(self.config),
            "FRESHPULL_API_ACCESS": str(folder / "api"),
            "FRESHPULL_TERMINATION_LOG": str(folder / "last-words"),
            "AWS_SHARED_CREDENTIALS_FILE": str(folder / "credentials"),
            "AWS_CONFIG_FILE": os.devnull,
        }

    def credentials(self, token: str) -> None:
        """Talk to the API server with this token from now on."""
        (self.folder / "api/token").write_text(token)

    def meanwhile(self, *commands: str) -> None:
        """Let the next run run these commands of kubectl once it has read the secrets, before it writes any."""
        tool = self.folder / "wrapped/aws"
        kubectl = f"kubectl --kubeconfig {os.environ['FRESHPULL_TEST_KUBECONFIG']}"
        lines = [f"{kubectl} {command} >/dev/null || exit" for command in commands]
        tool.write_text("\n".join(["#!/bin/bash", *lines, f'exec {shutil.which("aws")} "$@"', ""]))
        tool.chmod(0o755)

    def run(self, *, status: int = 0) -> Results:
        """The action and reason for each namespace."""
        done = subprocess.run(
            ["bash", str(self.config / "refresh.sh")],
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == status, done.stdout + done.stderr + self.last_words
        (self.folder / "wrapped/aws").unlink(missing_ok=True)
        results: list[dict[str, Any]] = [json.loads(line) for line in done.stdout.splitlines()]
        return {each["namespace"]: (each["action"], each["reason"]) for each in results if "namespace" in each}

    @property
    def last_words(self) -> str:
        return (self.folder / "last-words").read_text()
