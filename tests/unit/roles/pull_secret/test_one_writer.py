# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts of a play that would write the same secrets are rejected: same cluster, same secret name, same owner.

One playbook runs the role's own tasks over all hosts, with a made-up response of each cluster instead of a cluster.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.playbook import Ansible

ROLE = Path(__file__).parents[4] / "roles/pull_secret"
TASKS = (
    "Record the response of the cluster",
    "Find hosts that would write the same secrets",
    "Reject hosts that would write the same secrets",
)
PUSH = {"refresher": "none", "fail_open_before": "3h"}
KEYS = {"refresher_aws_auth": "ambient"}

# The two hosts of a case, each with its URL and its variables, and whether they are rejected. The URL has {}, the case.
CASES: dict[str, tuple[tuple[str, dict[str, Any]], tuple[str, dict[str, Any]], bool]] = {
    "no owner in push mode": (("https://{}", PUSH), ("https://{}", PUSH), True),
    "the same owner": (("https://{}", {**PUSH, "owner": "a"}), ("https://{}", {**PUSH, "owner": "a"}), True),
    "different owners": (("https://{}", {**PUSH, "owner": "a"}), ("https://{}", {**PUSH, "owner": "b"}), False),
    "owners that differ in case": (
        ("https://{}", {**PUSH, "owner": "a"}),
        ("https://{}", {**PUSH, "owner": "A"}),
        False,
    ),
    "one without an owner": (("https://{}", {**PUSH, "owner": "a"}), ("https://{}", PUSH), False),
    "two refreshers in one namespace": (("https://{}", KEYS), ("https://{}", KEYS), True),
    "two refreshers in two namespaces": (
        ("https://{}", KEYS),
        ("https://{}", {**KEYS, "refresher_namespace": "b"}),
        False,
    ),
    "a refresher and push mode": (("https://{}", KEYS), ("https://{}", PUSH), False),
    "a refresher and push mode of its owner": (
        ("https://{}", KEYS),
        ("https://{}", {**PUSH, "owner": "ecr-public-refresher"}),
        True,
    ),
    "another spelling of the URL": (("https://{}.example", PUSH), ("HTTPS://{}.EXAMPLE/", PUSH), True),
    "two clusters": (("https://{}", PUSH), ("https://{}-2", PUSH), False),
    "two names": (("https://{}", PUSH), ("https://{}", {**PUSH, "name": "b"}), False),
}


@pytest.fixture(scope="module")
def failures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Name of a host -> its failure. Host c0-1 is the second one of the first case."""
    directory = tmp_path_factory.mktemp("writers")
    hosts = {
        f"c{number}-{place}": {
            "_pull_secret_checked": {"host": url.format(f"c{number}"), "namespaces": []},
            **{f"pull_secret_{name}": value for name, value in variables.items()},
        }
        for number, case in enumerate(CASES.values())
        for place, (url, variables) in enumerate(case[:2])
    }
    defaults = yaml.safe_load((ROLE / "defaults/main.yml").read_text())
    inventory = directory / "inventory.yml"
    given = {**defaults, "ansible_connection": "local"}
    inventory.write_text(yaml.safe_dump({"clusters": {"hosts": hosts, "vars": given}}))
    every = yaml.safe_load((ROLE / "tasks/main.yml").read_text())
    (block,) = (task for task in every if task["name"] == "Check all clusters of the play")
    tasks = [task for task in block["block"] if task["name"] in TASKS]
    assert [task["name"] for task in tasks] == list(TASKS)
    play = {"hosts": "clusters", "gather_facts": False, "vars_files": [str(ROLE / "vars/main.yml")], "tasks": tasks}
    run = Ansible(directory, kubeconfig="").play([play], "-i", str(inventory), env={"ANSIBLE_FORKS": "1"})
    assert not re.search(r"unreachable=[1-9]", run.stdout), run.output[-4000:]
    assert run.stdout.count("ok=") == len(hosts), run.output[-4000:]
    return dict(re.findall(r"^fatal: \[(c[0-9]+-[01])\]: FAILED! => (.*)$", run.output, re.MULTILINE))


@pytest.mark.parametrize("name", CASES)
def test_hosts_that_would_write_the_same_secrets_are_rejected(failures: dict[str, str], name: str) -> None:
    number, rejected = list(CASES).index(name), CASES[name][2]
    hosts = [f"c{number}-0", f"c{number}-1"]
    assert [host for host in hosts if host in failures] == (hosts if rejected else []), failures
    for host in hosts if rejected else []:
        assert f"The hosts {', '.join(hosts)} reach the same cluster" in failures[host]
        assert f"{host} wrote nothing" in failures[host]
