# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A kubeconfig that only root can read, in plays of a user who becomes root, as those of k3s and kubeadm."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes import client

from support.playbook import PULL_SECRET, PULL_SECRET_INFO, Ansible
from support.unprivileged import USER, command_prefix

pytestmark = pytest.mark.node
BECOME = {"become": True, "become_method": "ansible.builtin.su", "become_user": "root"}
NAME = "ecr-public-secret"


class Operator:
    """An unprivileged user. readable, unreadable, hidden: a kubeconfig of the user, of root, in root's directory."""

    def __init__(self, directory: Path, kubeconfig: str) -> None:
        home = directory / "home"
        home.mkdir()
        self.ansible = Ansible(home, kubeconfig)
        self.readable, self.unreadable = home / "own.yml", directory / "admin.conf"
        self.hidden = directory / "closed/k3s.yaml"
        self.hidden.parent.mkdir(mode=0o700)
        for path in (self.readable, self.unreadable, self.hidden):
            shutil.copy(kubeconfig, path)
            path.chmod(0o600)
        self._prefix = command_prefix(home)

    def run(self, *tasks: dict[str, Any]) -> dict[str, Any]:
        """Run the tasks and return the result of each, also of a failure."""
        named = [
            {"name": f"Task {number}", "register": f"task{number}", "ignore_errors": True, **task}
            for number, task in enumerate(tasks)
        ]
        run = self.ansible.tasks(named, prefix=self._prefix).ok()
        assert "Traceback" not in run.output
        return run.results


@pytest.fixture
def operator(kubeconfig: str) -> Iterator[Operator]:
    with tempfile.TemporaryDirectory(prefix="fp-", dir="/tmp") as directory:
        Path(directory).chmod(0o755)
        yield Operator(Path(directory), kubeconfig)


def test_the_module_reads_with_become_what_the_play_cannot(
    operator: Operator, core: client.CoreV1Api, aws_options: dict[str, Any], make_namespaces: Any
) -> None:
    one, two = make_namespaces("a", "b")
    results = operator.run(
        {"ansible.builtin.command": "id -u"},
        {PULL_SECRET: {"kubeconfig": str(operator.unreadable), "namespaces": [one], "aws": aws_options}, **BECOME},
        {PULL_SECRET: {"kubeconfig": str(operator.hidden), "namespaces": [two], "aws": aws_options}, **BECOME},
        {PULL_SECRET_INFO: {"kubeconfig": str(operator.hidden), "namespaces": [two]}, **BECOME},
    )
    assert results["task0"]["stdout"] == str(USER)
    for name, namespace in (("task1", one), ("task2", two)):
        assert results[name]["namespaces"][0]["action"] == "created", results[name]
        assert core.read_namespaced_secret(NAME, namespace)
    assert results["task3"]["namespaces"][0]["status"] == "fresh"


def test_of_a_list_one_can_be_unreadable(operator: Operator, make_namespaces: Any) -> None:
    (namespace,) = make_namespaces("a")
    content = yaml.safe_load(operator.readable.read_text())
    content["contexts"][0]["name"] = "own"
    operator.readable.write_text(yaml.safe_dump(content))
    both = f"{operator.readable}:{operator.hidden}"
    results = operator.run(
        *(
            {PULL_SECRET_INFO: {"kubeconfig": both, "context": context, "namespaces": [namespace]}, **become}
            for context, become in (("own", BECOME), ("freshpull-test", BECOME), ("own", {}))
        )
    )
    assert results["task0"]["namespaces"][0]["status"] == "missing"
    assert results["task1"]["namespaces"][0]["status"] == "missing"
    assert f"{operator.hidden} cannot be read by the user freshpull-operator" in results["task2"]["msg"]


def test_without_become_the_error_names_the_file_the_user_and_the_next_step(operator: Operator) -> None:
    missing = operator.unreadable.parent / "missing"
    results = operator.run(
        *({PULL_SECRET_INFO: {"kubeconfig": str(path)}} for path in (operator.unreadable, operator.hidden)),
        {PULL_SECRET_INFO: {"kubeconfig": str(missing)}, **BECOME},
        {PULL_SECRET_INFO: {"kubeconfig": str(operator.hidden.parent / "missing")}, **BECOME},
    )
    for name, path in (("task0", operator.unreadable), ("task1", operator.hidden)):
        assert results[name]["failed"]
        assert f"{path} cannot be read by the user freshpull-operator who runs the module" in results[name]["msg"]
        assert "Set become" in results[name]["msg"]
    assert f"Could not find or access '{missing}'" in results["task2"]["msg"]
    assert f"{operator.hidden.parent}/missing does not exist" in results["task3"]["msg"]
