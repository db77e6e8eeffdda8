# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run ansible-playbook in an environment without the caller's variables."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

PULL_SECRET = "freshpull.ecr_public.ecr_public_pull_secret"
PULL_SECRET_INFO = f"{PULL_SECRET}_info"
LOGIN = "freshpull.ecr_public.ecr_public_login"

INTERPRETER = Path(os.environ.get("FRESHPULL_ANSIBLE") or sys.prefix).absolute() / "bin" / "python"
"""The Python of the virtual environment whose Ansible is tested, which need not be that of the tests."""


@dataclasses.dataclass(frozen=True)
class Run:
    """A finished ansible-playbook command. results: the registered variables at its end."""

    returncode: int
    stdout: str
    stderr: str
    results: dict[str, Any]
    directory: Path

    @property
    def output(self) -> str:
        return self.stdout + self.stderr

    def ok(self) -> Run:
        assert self.returncode == 0, self.output[-8000:]
        return self


class Ansible:
    """Runs plays in one directory, below which all their files are."""

    def __init__(self, directory: Path, kubeconfig: str) -> None:
        self.directory = directory
        self.kubeconfig = kubeconfig
        self._runs = 0

    def tasks(
        self,
        tasks: Sequence[Mapping[str, Any]],
        *args: str,
        env: Mapping[str, str] | None = None,
        variables: Mapping[str, Any] | None = None,
        timeout: float = 600,
        prefix: Sequence[str] = (),
    ) -> Run:
        """Run tasks on localhost. Registered variables are returned in `results`.

        prefix: a command that runs another command, such as unshare.
        """
        registered = [task["register"] for task in tasks if "register" in task]
        dump = {
            "name": "Keep the results",
            "ansible.builtin.copy": {
                "content": "{{ results | to_json }}",
                "dest": "{{ results_file }}",
                "mode": "0600",
            },
            "vars": {"results": {name: "{{ " + name + " }}" for name in registered}},
            "check_mode": False,
            "diff": False,
            "no_log": True,
        }
        play = {
            "hosts": "localhost",
            "connection": "local",
            "gather_facts": False,
            "vars": dict(variables or {}),
            "tasks": [*tasks, *([dump] if registered else [])],
        }
        return self.play([play], *args, env=env, timeout=timeout, prefix=prefix)

    def play(
        self,
        playbook: Sequence[Mapping[str, Any]] | str,
        *args: str,
        env: Mapping[str, str] | None = None,
        timeout: float = 600,
        prefix: Sequence[str] = (),
    ) -> Run:
        """Run a playbook. playbook: plays, or a name such as freshpull.ecr_public.pull_secret."""
        self._runs += 1
        directory = self.directory / f"run{self._runs}"
        directory.mkdir(mode=0o700)
        name = playbook
        if not isinstance(playbook, str):
            name = str(directory / "play.yml")
            Path(name).write_text(yaml.safe_dump(list(playbook), sort_keys=False))
        results = directory / "results.json"
        command = [
            *prefix,
            *("ansible-playbook", str(name), "-i", "localhost,"),
            *("-e", f"ansible_python_interpreter={INTERPRETER}", "-e", f"results_file={results}"),
            *args,
        ]
        done = subprocess.run(
            command,
            cwd=directory,
            env={**self.environment(), **(env or {})},
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        read = json.loads(results.read_text()) if results.exists() else {}
        results.unlink(missing_ok=True)
        return Run(done.returncode, done.stdout, done.stderr, read, directory)

    def environment(self) -> dict[str, str]:
        """Return the environment of every run, without any cluster or AWS account of the caller."""
        return {
            "PATH": f"{INTERPRETER.parent}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(self.directory),
            "LANG": "C.UTF-8",
            "ANSIBLE_HOME": str(self.directory / "ansible"),
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "ANSIBLE_NOCOLOR": "true",
            "AWS_EC2_METADATA_DISABLED": "true",
        }

    def pull_secret(self, *args: str, env: Mapping[str, str] | None = None, **options: Any) -> Run:
        """Run ecr_public_pull_secret on the test cluster. Its result, also of a failure, is in results["result"]."""
        return self._once(PULL_SECRET, args, env, options)

    def pull_secret_info(self, *args: str, env: Mapping[str, str] | None = None, **options: Any) -> Run:
        """Run ecr_public_pull_secret_info in the same way."""
        return self._once(PULL_SECRET_INFO, args, env, options)

    def _once(self, module: str, args: Sequence[str], env: Mapping[str, str] | None, options: Mapping[str, Any]) -> Run:
        options = {"kubeconfig": self.kubeconfig, **options}
        task = {"name": "The task", module: options, "register": "result", "ignore_errors": True}
        return self.tasks([task], *args, env=env).ok()

    def login(
        self, *args: str, env: Mapping[str, str] | None = None, prefix: Sequence[str] = (), **options: Any
    ) -> Mapping[str, Any]:
        """Run ecr_public_login and return its result, also of a failure."""
        task = {"name": "The task", LOGIN: options, "register": "result", "ignore_errors": True}
        result: Mapping[str, Any] = self.tasks([task], *args, env=env, prefix=prefix).ok().results["result"]
        return result
