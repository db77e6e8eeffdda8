# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Jobs as AWX runs them: ansible-runner, a private data directory, and the environment that AWX credential types set.

Sources: https://github.com/ansible/awx/blob/devel/awx/main/tasks/jobs.py (the directory and the arguments) and
https://github.com/ansible/awx-plugins/blob/devel/src/awx_plugins/credentials/injectors.py (the environment).
"""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from support.awx_credentials import CredentialType
from support.playbook import Ansible

PROJECT = """\
---
- name: Fresh pull secrets
  import_playbook: freshpull.ecr_public.pull_secret
"""
# The arguments come on standard input: a command line can be read by others.
_RUN = "import ansible_runner, json, sys; sys.exit(ansible_runner.run(**json.load(sys.stdin)).rc)"


def amazon_web_services(access_key: str, secret_key: str, session_token: str = "") -> dict[str, str]:
    """Return the variables of a credential of type Amazon Web Services. Newer versions also set AWS_SESSION_TOKEN."""
    keys = {"AWS_ACCESS_KEY_ID": access_key, "AWS_SECRET_ACCESS_KEY": secret_key}
    return {**keys, "AWS_SECURITY_TOKEN": session_token} if session_token else keys


@dataclasses.dataclass(frozen=True)
class Job:
    """A job that has run. directory: the private data directory, which AWX reads after the job and then removes."""

    returncode: int
    directory: Path
    output: str

    def ok(self) -> Job:
        assert self.returncode == 0, self.output[-1000:] + self.stdout[-8000:]
        return self

    @property
    def artifacts(self) -> Path:
        return self.directory / "artifacts/1"

    @property
    def command(self) -> Path:
        """The file in which ansible-runner records the command and its environment, with all secrets."""
        return self.artifacts / "command"

    @property
    def events(self) -> list[dict[str, Any]]:
        """The events that AWX keeps in its database."""
        files = sorted((self.artifacts / "job_events").glob("*.json"), key=lambda path: int(path.name.split("-")[0]))
        return [json.loads(path.read_text()) for path in files]

    @property
    def stdout(self) -> str:
        return (self.artifacts / "stdout").read_text()

    @property
    def results(self) -> dict[str, dict[str, Any]]:
        """The results of all tasks by their names."""
        ended = (event for event in self.events if event["event"] in ("runner_on_ok", "runner_on_failed"))
        return {
            event["event_data"]["task"]: {**event["event_data"]["res"], "failed": event["event"] == "runner_on_failed"}
            for event in ended
        }

    @property
    def variables(self) -> Path:
        """The file with the extra variables that the test gave."""
        return self.directory / "env/extravars"

    def holding(self, needles: Sequence[str]) -> list[Path]:
        """Return the files that contain one of the needles, except `command`, which contains them by design."""
        wanted = [needle.encode() for needle in needles]
        files = [path for path in self.directory.rglob("*") if path.is_file() and path != self.command]
        return [path for path in files if any(needle in path.read_bytes() for needle in wanted)]


class JobTemplate:
    """A project with a playbook, by default the collection's, an inventory and extra variables."""

    def __init__(
        self,
        ansible: Ansible,
        hosts: Mapping[str, Mapping[str, Any]],
        variables: Mapping[str, Any],
        playbook: str = PROJECT,
        inventory: Mapping[str, Any] | None = None,
    ) -> None:
        """inventory: groups with hosts, instead of `hosts`."""
        self._ansible = ansible
        # AWX gives these to the localhost of a new inventory.
        local = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
        own = {"all": {"hosts": {name: dict(values) for name, values in hosts.items()}, "vars": local}}
        self._inventory = dict(inventory or own)
        self._variables = dict(variables)
        self._playbook = playbook

    def launch(
        self,
        *args: str,
        env: Mapping[str, str],
        kubernetes: tuple[str, str, bytes] | None = None,
        custom: tuple[CredentialType, Mapping[str, str]] | None = None,
        survey: Mapping[str, str] | None = None,
        **variables: Any,
    ) -> Job:
        """Run a job. Safe to use from many threads.

        kubernetes: host, token and CA certificate of an OpenShift or Kubernetes API Bearer Token. custom: a credential
        of a custom type. survey: its values. variables: in addition to those of the template.
        """
        directory = Path(tempfile.mkdtemp(prefix="job-", dir=self._ansible.directory))
        for name in ("env", "project", "inventory"):
            (directory / name).mkdir(parents=True, mode=0o700)
        (directory / "project/pull_secret.yml").write_text(self._playbook)
        lines = [f"{name}: {json.dumps(value)}\n" for name, value in {**self._variables, **variables}.items()]
        # AWX gives the values of a survey the tag !unsafe: they are no templates.
        lines += [f"{name}: !unsafe {json.dumps(value)}\n" for name, value in (survey or {}).items()]
        (directory / "env/extravars").write_text("".join(lines))
        (directory / "env/cmdline").write_text(" ".join(args))
        environment = dict(env)
        if kubernetes:
            host, token, authority = kubernetes
            certificate = directory / "env/ca.crt"
            certificate.write_bytes(authority)
            environment |= {"K8S_AUTH_HOST": host, "K8S_AUTH_API_KEY": token, "K8S_AUTH_VERIFY_SSL": "True"}
            environment["K8S_AUTH_SSL_CA_CERT"] = str(certificate)
        if custom:
            kind, values = custom
            environment |= kind.inject(values, directory)
        arguments = {
            "ident": "1",
            "private_data_dir": str(directory),
            "playbook": "pull_secret.yml",
            "inventory": self._inventory,
            "envvars": environment,
            "suppress_env_files": True,
            "fact_cache_type": "jsonfile",
            # AWX reads the events and does not write this file. The tests search it too.
            "settings": {"suppress_output_file": False, "suppress_ansible_output": True},
        }
        done = subprocess.run(
            [sys.executable, "-c", _RUN],
            input=json.dumps(arguments),
            env=self._ansible.environment(),
            cwd=directory,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        return Job(done.returncode, directory, done.stdout + done.stderr)
