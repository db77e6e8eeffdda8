# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook report, with clusters that cannot be read."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import yaml

from support.playbook import INTERPRETER, Ansible

ROOT = Path(__file__).resolve().parents[3]
KUBECONFIG = {
    "apiVersion": "v1",
    "kind": "Config",
    "clusters": [{"name": "x", "cluster": {"server": "https://127.0.0.1:1"}}],
    "users": [{"name": "x", "user": {"token": "never-shown"}}],
    "contexts": [{"name": "x", "context": {"cluster": "x", "user": "x"}}],
    "current-context": "x",
}


def test_the_connection_is_that_of_the_role() -> None:
    """Each option of the role's list reaches the module."""
    (play,) = yaml.safe_load((ROOT / "playbooks/report.yml").read_text())
    read = play["tasks"][0]["block"][0]["freshpull.ecr_public.ecr_public_pull_secret_info"]
    variables = (ROOT / "roles/pull_secret/vars/main.yml").read_text()
    (listed,) = re.findall(r"_pull_secret_connection_options: >-\n(.*?)\n\n", variables, re.DOTALL)
    options = re.findall(r"'(\w+)'", listed)
    assert len(options) > 15
    assert {name: read[name] for name in options} == {
        name: f"{{{{ _pull_secret_typed_cluster.{name} | default(omit) }}}}" for name in options
    }


def test_clusters_that_cannot_be_read_are_in_the_report_and_no_task_of_the_role_runs(tmp_path: Path) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(json.dumps(KUBECONFIG))
    # As texts, as in a survey.
    variables: dict[str, Any] = {
        "pull_secret_cluster": json.dumps({"kubeconfig": str(kubeconfig)}),
        "pull_secret_namespaces": "default,team-*",
        "report_path": "here/page.html",
    }
    (tmp_path / "here").mkdir()
    done = subprocess.run(
        [
            str(INTERPRETER.with_name("ansible-playbook")),
            *("-i", "a,b", "-v", "freshpull.ecr_public.report", "-e", json.dumps(variables)),
        ],
        cwd=tmp_path,
        env={**Ansible(tmp_path, str(kubeconfig)).environment(), "PWD": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads((tmp_path / "here/page.json").read_text())
    assert [(one["cluster"], one["reachable"]) for one in found["clusters"]] == [("a", False), ("b", False)]
    assert "connection refused" in found["clusters"][0]["msg"]
    assert "not read" in (tmp_path / "here/page.html").read_text()
    tasks = re.findall(r"^TASK \[(.*?)\]", done.stdout, re.MULTILINE)
    assert [name for name in tasks if "pull_secret :" in name and "Validating arguments" not in name] == []
    assert "never-shown" not in done.stdout + json.dumps(found)
