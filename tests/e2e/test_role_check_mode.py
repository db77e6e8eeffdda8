# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check mode of the role, by --check and by check_mode of a block: it writes nothing and reports what a real run does.

Each case is a separate installation in one cluster: a requested state and an initial situation.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from kubernetes import client

from support.aws import FakeAws
from support.cluster.audit import AuditLog
from support.playbook import Ansible
from support.workloads import CRONJOB

pytestmark = pytest.mark.role
ROLE = "freshpull.ecr_public.pull_secret"
ADMIN = "freshpull-admin"

STATES: dict[str, dict[str, Any]] = {
    "present": {},
    "suspended": {"refresher_suspend": True},
    "none": {"refresher": "none", "fail_open_before": "3h"},
    "absent": {"state": "absent"},
}
SITUATIONS = ("empty", "installed", "drifted")
CASES = [f"{state}-{situation}" for situation in SITUATIONS for state in STATES]
# Cases without changes.
IDLE = {"absent-empty", "present-installed"}

Results = dict[str, Any]


class Installations:
    """The installations, one for each case, each named after its namespace."""

    def __init__(self, ansible: Ansible, aws: FakeAws, names: dict[str, str]) -> None:
        """names: the namespace of each case."""
        self._ansible = ansible
        self._aws = aws
        self.names = names

    def refresher(self, case: str) -> str:
        return f"{self.names[case]}-refresher"

    def run(self, states: dict[str, str], *args: str, in_block: bool = False) -> Results:
        """Run the role for each case in this state, in one play. Return result and objects by case."""
        tasks: list[dict[str, Any]] = []
        for case, state in states.items():
            tasks += [
                {
                    "name": f"Case {case}",
                    **({"check_mode": True} if in_block else {}),
                    "vars": {f"pull_secret_{name}": value for name, value in self._variables(case, state).items()},
                    "block": [{"name": "Include it", "ansible.builtin.include_role": {"name": ROLE}}],
                },
                {
                    "name": "Keep the result",
                    "ansible.builtin.set_fact": {"kept": "{{ kept | default({}) | combine({case: found}) }}"},
                    "vars": {
                        "case": case,
                        "found": {
                            "result": "{{ pull_secret_result }}",
                            "installed": "{{ _pull_secret_refresher.objects | default([]) }}",
                            "removed": "{{ _pull_secret_removed.objects | default([]) }}",
                            "uninstalled": "{{ _pull_secret_uninstalled.objects | default([]) }}",
                        },
                    },
                },
            ]
        dump = {"content": "{{ kept | to_json }}", "dest": "{{ results_file }}", "mode": "0600"}
        tasks.append({"name": "Keep all", "ansible.builtin.copy": dump, "check_mode": False, "diff": False})
        play = {"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": tasks}
        results = self._ansible.play([play], *args, timeout=900).ok().results
        for found in results.values():
            # Check mode cannot know it.
            del found["result"]["expires_at"]
        return results

    def _variables(self, case: str, state: str) -> dict[str, Any]:
        name = self.names[case]
        keys = {"access_key": self._aws.access_key, "secret_key": self._aws.secret_key}
        return {
            "cluster": {"kubeconfig": self._ansible.kubeconfig},
            "aws": {"endpoint_url": self._aws.endpoint_url, **keys},
            "name": name,
            "namespaces": [name],
            "refresher_namespace": self.refresher(case),
            "refresher_aws_auth": "ambient",
            "test_run": "never",
            **STATES[state],
        }


def drift(core: client.CoreV1Api, namespace: str, refresher: str) -> None:
    """Change the schedule, and delete a RoleBinding and a secret, as another client could."""
    patch = {"spec": {"schedule": "0 0 1 1 *"}}
    client.BatchV1Api(core.api_client).patch_namespaced_cron_job(CRONJOB, refresher, patch)
    rbac = client.RbacAuthorizationV1Api(core.api_client)
    rbac.delete_namespaced_role_binding(f"{CRONJOB}:{refresher}", namespace)
    core.delete_namespaced_secret(namespace, namespace)


@pytest.fixture(scope="module")
def runs(
    running_aws: FakeAws,
    kubeconfig: str,
    core: client.CoreV1Api,
    audit: AuditLog,
    make_lasting_namespaces: Callable[..., list[str]],
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Results]:
    """The results of each kind of run."""
    running_aws.reset()
    names = dict(zip(CASES, make_lasting_namespaces(*CASES), strict=True))
    cases = Installations(Ansible(tmp_path_factory.mktemp("checked"), kubeconfig), running_aws, names)
    cases.run({case: "present" for case in CASES if not case.endswith("-empty")})
    for case in CASES:
        if case.endswith("-drifted"):
            drift(core, names[case], cases.refresher(case))
    wanted = {case: case.split("-")[0] for case in CASES}
    running_aws.reset()
    mark = audit.mark()
    found = {"command line": cases.run(wanted, "--check"), "block": cases.run(wanted, in_block=True)}
    assert [event["requestURI"] for event in audit.writes(since=mark, user=ADMIN)] == []
    assert running_aws.calls == {}
    found["real"] = cases.run(wanted)
    found["again"] = cases.run(wanted)
    plain = json.dumps(found)
    for case, name in names.items():
        plain = plain.replace(f'"{name}', f'"{case}')
    cases.run(dict.fromkeys(CASES, "absent"))
    read: dict[str, Results] = json.loads(plain)
    return read


@pytest.mark.parametrize("way", ["command line", "block"])
@pytest.mark.parametrize("case", CASES)
def test_check_mode_reports_what_the_real_run_does(runs: dict[str, Results], case: str, way: str) -> None:
    assert runs[way][case] == runs["real"][case]
    assert runs[way][case]["result"]["changed"] is (case not in IDLE)
    assert runs[way][case]["result"]["msg"] == ""


@pytest.mark.parametrize("case", CASES)
def test_a_second_run_changes_nothing(runs: dict[str, Results], case: str) -> None:
    assert runs["again"][case]["result"]["changed"] is False
