# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands and plays of the guides to verify, to uninstall and to find faults, as written, where the role has run."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest
from kubernetes import client

from support import leaks
from support.aws import FakeAws
from support.playbook import Ansible
from support.role import Role
from support.workloads import CRONJOB

pytestmark = [pytest.mark.role, pytest.mark.node]
GUIDES = Path(__file__).resolve().parents[2] / "docs/docsite/rst"
REFRESHER = "ecr-public-refresher"
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"


def commands(guide: str) -> dict[str, str]:
    """Return the shell commands of each section of a guide, by its title."""
    parts = re.split(r"^(.+)\n-+\n", (GUIDES / f"{guide}.rst").read_text(encoding="utf-8"), flags=re.MULTILINE)
    blocks = {
        title: re.findall(r"^\.\. code-block:: shell\n\n((?: +.+\n|\n)+)", text, re.MULTILINE)
        for title, text in zip(parts[1::2], parts[2::2], strict=True)
    }
    return {title: "".join(map(textwrap.dedent, found)) for title, found in blocks.items() if found}


def plays(guide: str) -> list[str]:
    """Return the YAML blocks of a guide that are plays."""
    blocks = re.findall(
        r"^\.\. code-block:: yaml\n\n((?: +.+\n|\n)+)", (GUIDES / f"{guide}.rst").read_text(), re.MULTILINE
    )
    return [textwrap.dedent(block) for block in blocks if "hosts:" in block]


class Shell:
    """Runs commands as a user who installed the refresher with pull_secret.yml."""

    def __init__(self, ansible: Ansible, role: Role, aws: FakeAws) -> None:
        self._directory = ansible.directory
        self._environment = {
            **ansible.environment(),
            "KUBECONFIG": ansible.kubeconfig,
            "AWS_ACCESS_KEY_ID": aws.access_key,
            "AWS_SECRET_ACCESS_KEY": aws.secret_key,
            "AWS_ENDPOINT_URL_ECR_PUBLIC": aws.endpoint_url,
            "REFRESHER_ACCESS_KEY": aws.access_key,
            "REFRESHER_SECRET_KEY": aws.secret_key,
        }
        (self._directory / "pull_secret.yml").write_text(json.dumps(role.variables), encoding="utf-8")

    def play(self, text: str, *options: str) -> str:
        (self._directory / "play.yml").write_text(text, encoding="utf-8")
        interpreter = "ansible_python_interpreter={{ ansible_playbook_python }}"
        return self.run(shlex.join(["ansible-playbook", "play.yml", "-e", interpreter, *options]))

    def run(self, text: str) -> str:
        done = subprocess.run(
            ["bash", "-euxc", text],
            cwd=self._directory,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return done.stdout


@pytest.fixture
def shell(ansible: Ansible, aws: FakeAws) -> Iterator[Shell]:
    with Role(ansible, aws, ["default"], refresher=REFRESHER) as role:
        role.variables["pull_secret_namespace_selector"] = "kubernetes.io/metadata.name=default"
        role.run().ok()
        yield Shell(ansible, role, aws)


def build_true(path: Path) -> Path:
    """Build a static program that ends at once."""
    compiler = ["gcc", "-static", "-Os", "-s", "-x", "c", "-", "-o", str(path)]
    subprocess.run(compiler, input="int main(void) { return 0; }\n", text=True, check=True)
    return path


def managed_objects(kubeconfig: str) -> list[str]:
    """Return the objects with a label of the collection, except the refresher's namespace, pods and Jobs."""
    return [
        f"{item['kind']} {item['metadata']['name']}"
        for item in leaks.cluster_objects(kubeconfig)
        if "ecr-public.freshpull/" in str(item["metadata"].get("labels"))
        and item["kind"] not in ("Namespace", "Job", "Pod")
    ]


def test_the_commands_of_both_guides(
    shell: Shell, core: client.CoreV1Api, kubeconfig: str, aws: FakeAws, tmp_path: Path
) -> None:
    verify, uninstall = commands("guide_verify"), commands("guide_uninstall")
    assert (len(verify), len(uninstall)) == (4, 3)
    aws.add_image("docker/library/busybox", "stable", {"/bin/true": build_true(tmp_path / "true")}, ["/bin/true"])

    secrets = shell.run(verify["The secrets"])
    assert re.search(rf"^default +ecr-public-secret +{TIME} +cronjob$", secrets, re.MULTILINE)
    assert re.search(r'"summary": \{\s+"fresh": 1', secrets)
    assert "changed=0 " in shell.run(verify["Nothing to do"])
    assert re.search(rf"^false +<none> +{TIME}$", shell.run(verify["The refresher"]), re.MULTILINE)
    assert 'pod "ecr-public-test" deleted' in shell.run(verify["A pod"])
    assert any("docker/library/busybox" in str(request) for request in aws.registry_requests)

    status, removal = plays("guide_troubleshooting")
    assert "item=" not in shell.play(status)
    assert "changed=1 " in shell.play(removal, "--check")

    assert f"CronJob {CRONJOB}" in managed_objects(kubeconfig)
    listed = shell.run(uninstall["By hand"])
    assert re.search(r"^default +ecr-public-secret .* freshpull$", listed, re.MULTILINE)
    shell.run(f"kubectl -n {REFRESHER} wait --for=delete jobs,pods --all --timeout=2m")
    assert managed_objects(kubeconfig) == []
    assert core.list_namespaced_pod(REFRESHER).items == []

    # Only the namespace is left.
    assert "changed=1 " in shell.run(uninstall["With the role"])
    assert REFRESHER not in [each.metadata.name for each in core.list_namespace().items]
    assert "ansible_collections" in shell.run(uninstall["The control node and CI hosts"])
