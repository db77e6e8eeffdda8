# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Python that runs the modules of the playbook pull_secret."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from support.playbook import INTERPRETER

PLAYBOOK = "freshpull.ecr_public.pull_secret"
ROLE = {"pull_secret_refresher": "none", "pull_secret_fail_open_before": "3h"}
# The error if the Python library kubernetes is there and reads the kubeconfig.
READ_BY_THE_LIBRARY = "the kubeconfig has no current-context"


def run(directory: Path, inventory: str, **variables: object) -> str:
    """Run the playbook as cron does, without the virtual environment in PATH. Returns the output."""
    kubeconfig = directory / "kubeconfig"
    kubeconfig.write_text("{apiVersion: v1, kind: Config}\n")
    given = {**ROLE, "pull_secret_cluster": {"kubeconfig": str(kubeconfig)}, **variables}
    done = subprocess.run(
        [str(INTERPRETER.with_name("ansible-playbook")), "-i", inventory, PLAYBOOK, "-e", json.dumps(given)],
        env={"PATH": os.defpath, "HOME": str(directory), "LC_ALL": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    return done.stdout + done.stderr


def test_the_modules_run_with_the_python_of_ansible(tmp_path: Path) -> None:
    """The Python of the system usually has no library kubernetes."""
    assert READ_BY_THE_LIBRARY in run(tmp_path, "localhost,")


def test_the_python_of_the_inventory_is_kept(tmp_path: Path) -> None:
    named = "/named/in/the/inventory/python3"
    inventory = tmp_path / "hosts.ini"
    inventory.write_text(f"localhost ansible_python_interpreter={named}\n")
    assert named in run(tmp_path, str(inventory))


def test_a_remote_host_uses_its_own_python(tmp_path: Path) -> None:
    """A connection of the inventory replaces that of the play. Without a Python named, Ansible searches one."""
    ssh = tmp_path / "ssh"
    ssh.write_text(
        f'#!/bin/sh\nfor command; do :; done\necho "$command" >>{tmp_path}/commands\nexec sh -c "$command"\n'
    )
    ssh.chmod(0o755)
    remote = {"connection": "ssh", "ssh_executable": str(ssh), "ssh_transfer_method": "piped"}
    run(tmp_path, "remote,", pull_secret_hosts="all", **{f"ansible_{name}": value for name, value in remote.items()})
    assert "echo FOUND; command -v" in (tmp_path / "commands").read_text()
