# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Variables that the role rejects before it calls a module.

One playbook runs all cases, since its start takes long. There is no cluster: a case that is not rejected ends with the
module's error, which names the kubeconfig.
"""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path
from typing import Any

import pytest

from support.playbook import Ansible

ROLE = "freshpull.ecr_public.pull_secret"
KUBECONFIG = "/nonexistent/kubeconfig"
KEYS = {
    "refresher_aws_auth": "secret",
    "refresher_aws_access_key": "AKIA" + "A" * 16,
    "refresher_aws_secret_key": "never-said/never-said",
}
PUSH = {"refresher": "none", "fail_open_before": "3h"}


@dataclasses.dataclass(frozen=True)
class Case:
    """variables: the role's, without their prefix. rejected: words of the rejection; () if the case is accepted."""

    variables: dict[str, Any]
    rejected: tuple[str, ...] = ()


CASES = {
    "the defaults": Case(KEYS),
    "push mode without a next run": Case(
        {"refresher": "none"},
        (
            "pull_secret_fail_open_before: ",
            "more than the time until the next run",
            "pulls break 12 hours after the last one",
        ),
    ),
    "push mode with a next run": Case(PUSH),
    "push mode without fail open": Case({"refresher": "none", "fail_open": False}),
    "the schedule is ignored in push mode": Case({**PUSH, "refresher_schedule": "0 0 1 1 *"}),
    "push mode with state absent": Case({"state": "absent", "refresher": "none"}),
    "the first token from the refresher": Case({**KEYS, "first_token": "refresher"}),
    "the first token from a refresher that is not tested": Case(
        {**KEYS, "first_token": "refresher", "test_run": "never"},
        ("pull_secret_first_token: ", "pull_secret_test_run: on_change or always"),
    ),
    "the first token from no refresher": Case(
        {**PUSH, "first_token": "refresher"}, ("pull_secret_first_token: ", "pull_secret_refresher: cronjob")
    ),
    "push mode without fail open, as a text": Case({"refresher": "none", "fail_open": "no"}),
    "push mode without a value for the next run": Case(
        {"refresher": "none", "fail_open_before": None}, ("pull_secret_fail_open_before",)
    ),
    "a list that is a dict": Case(
        {**KEYS, "namespaces": {"a": 1}}, ("pull_secret_namespaces: must be a list", "not a value of type dict.")
    ),
    "a list with a null": Case({**KEYS, "registries": [None]}, ("not a list with a value of type null.",)),
    "unknown options of the connection": Case(
        {**KEYS, "cluster": {"kubeconfig": KUBECONFIG, "passwort": "never-said", "wait": True}},
        ("pull_secret_cluster: unknown options ", "passwort", "wait", ". Use kubeconfig, context, host, "),
    ),
    "aliases of options of the connection": Case({**KEYS, "cluster": {"kubeconfig": KUBECONFIG, "verify_ssl": False}}),
}


@pytest.fixture(scope="module")
def outputs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Name of a case -> the output of its tasks."""
    tasks: list[dict[str, Any]] = []
    for name, case in CASES.items():
        variables = {"cluster": {"kubeconfig": KUBECONFIG}, **case.variables}
        tasks += [
            {"name": f"Case: {name}.", "ansible.builtin.debug": {"msg": ""}},
            {
                "name": "Run the role",
                "vars": {f"pull_secret_{key}": value for key, value in variables.items()},
                "block": [{"name": "Include it", "ansible.builtin.include_role": {"name": ROLE}}],
                "rescue": [{"name": "Continue", "ansible.builtin.debug": {"msg": ""}}],
            },
        ]
    run = Ansible(tmp_path_factory.mktemp("validate"), kubeconfig="").tasks(tasks)
    assert "never-said" not in run.output
    found = dict(part.split(".]", 1) for part in run.stdout.split("TASK [Case: ")[1:])
    assert set(found) == set(CASES), run.output[-4000:]
    return found


@pytest.mark.parametrize("name", CASES)
def test_case(name: str, outputs: dict[str, str]) -> None:
    case, output = CASES[name], outputs[name]
    [failure] = re.findall(r"^fatal: \[localhost\]: FAILED! => (.*)$", output, re.MULTILINE)
    assert (KUBECONFIG in failure) == (not case.rejected), failure
    assert [words for words in case.rejected if words not in failure] == [], failure


def test_another_file_of_tasks_runs_nothing(tmp_path: Path) -> None:
    role = {"name": ROLE, "tasks_from": "validate"}
    run = Ansible(tmp_path, kubeconfig="").tasks([{"name": "Include it", "ansible.builtin.include_role": role}])
    assert run.returncode != 0
    assert "Could not find specified file in role: tasks/validate" in run.output
    assert f"TASK [{ROLE} :" not in run.output
