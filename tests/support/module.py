# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a module as a process without ansible-playbook: runs start fast and can get signals."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

_RUN = """
import json, sys
from ansible.module_utils.testing import patch_module_args
from ansible_collections.freshpull.ecr_public.plugins.modules import {module}
with patch_module_args(json.load(sys.stdin)):
    {module}.main()
"""


@dataclass(frozen=True)
class Result:
    """The output of a module. errors: its standard error, which contains a traceback if it fails with one."""

    returncode: int
    values: dict[str, Any]
    errors: str

    @property
    def actions(self) -> dict[str, tuple[str, str]]:
        """The action and reason of each namespace."""
        return {entry["namespace"]: (entry["action"], entry["reason"]) for entry in self.values["namespaces"]}

    @property
    def summary(self) -> dict[str, int]:
        summary: dict[str, int] = self.values["summary"]
        return summary

    @property
    def msg(self) -> str:
        return str(self.values.get("msg", ""))

    def ok(self) -> Result:
        assert self.returncode == 0, self.values.get("msg") or self.errors
        return self


class ModuleProcess:
    """A module that runs."""

    def __init__(self, module: str, arguments: dict[str, Any]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _RUN.format(module=module)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={"PATH": os.environ["PATH"], "HOME": os.devnull},
        )
        # In a pipe, as Ansible does: no argument contains the token.
        assert self._process.stdin
        self._process.stdin.write(json.dumps(arguments))
        self._process.stdin.close()
        self._process.stdin = None

    def send(self, signal_number: int) -> None:
        self._process.send_signal(signal_number)

    def ended(self) -> bool:
        return self._process.poll() is not None

    def wait(self, timeout: float = 180) -> Result:
        try:
            output, errors = self._process.communicate(timeout=timeout)
        finally:
            self._process.kill()
        return Result(self._process.returncode, json.loads(output or "{}"), errors)


def start(kubeconfig: str, *, check_mode: bool = False, **options: Any) -> ModuleProcess:
    """Start ecr_public_pull_secret."""
    arguments = {"kubeconfig": kubeconfig, "_ansible_check_mode": check_mode, **options}
    return ModuleProcess("ecr_public_pull_secret", arguments)


def start_info(kubeconfig: str | dict[str, Any], **options: Any) -> ModuleProcess:
    """Start ecr_public_pull_secret_info."""
    return ModuleProcess("ecr_public_pull_secret_info", {"kubeconfig": kubeconfig, **options})


def run(kubeconfig: str, *, check_mode: bool = False, **options: Any) -> Result:
    """Run ecr_public_pull_secret and wait for its end."""
    return start(kubeconfig, check_mode=check_mode, **options).wait()
