# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role as a part of a play: in a loop, more than once, imported, with tags.

One playbook runs all steps and reads the cluster after each.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from kubernetes import client

from support.aws import FakeAws
from support.playbook import Ansible

pytestmark = pytest.mark.role
ROLE = "freshpull.ecr_public.pull_secret"

Task = dict[str, Any]


def include(title: str, loop: list[Any] | None = None, loop_var: str = "item", **variables: Any) -> Task:
    """Build a task that includes the role. variables: the role's, without their prefix."""
    task: Task = {
        "name": title,
        # Unlike import_role, include_role does not pass its tags to the role's tasks.
        "ansible.builtin.include_role": {"name": ROLE, "apply": {"tags": ["secrets"]}},
        "vars": {f"pull_secret_{key}": value for key, value in variables.items()},
    }
    if loop is not None:
        task |= {"loop": loop, "loop_control": {"loop_var": loop_var}}
    return task


def keep(step: str) -> list[Task]:
    """Build tasks that keep the role's result, and the test's refreshers and secrets in the cluster."""
    selectors = {"Secret": "ecr-public.freshpull/managed=true", "CronJob": "ecr-public.freshpull/refresher"}
    looked: list[Task] = [
        {
            "name": f"Look at each {kind}",
            "kubernetes.core.k8s_info": {
                "kubeconfig": "{{ kubeconfig }}",
                "kind": kind,
                "api_version": "v1" if kind == "Secret" else "batch/v1",
                "label_selectors": [selector],
            },
            "register": f"found_{kind.lower()}",
        }
        for kind, selector in selectors.items()
    ]
    metadata = "map(attribute='metadata')"
    named = f"{metadata} | selectattr('namespace', 'match', prefix)"
    there = {
        "result": "{{ pull_secret_result }}",
        "secrets": f"{{{{ found_secret.resources | {named} | map(attribute='namespace') | sort }}}}",
        "names": f"{{{{ found_secret.resources | {named} | map(attribute='name') | unique | sort }}}}",
        "refreshers": f"{{{{ found_cronjob.resources | {named} | map(attribute='namespace') | sort }}}}",
    }
    kept: Task = {
        "name": f"Keep {step}",
        "ansible.builtin.set_fact": {"kept": "{{ kept | default({}) | combine({step: there}) }}"},
        "vars": {"step": step, "there": there},
    }
    return [*looked, kept]


@pytest.fixture(scope="module")
def kept(
    running_aws: FakeAws,
    kubeconfig: str,
    make_lasting_namespaces: Callable[..., list[str]],
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Any]:
    running_aws.reset()
    first, second, third = make_lasting_namespaces("a", "b", "c")
    prefix = first.removesuffix("a")
    installations = [{"team": "a", "namespaces": [first]}, {"team": "b", "namespaces": [second]}]
    own: dict[str, Any] = {
        "name": "{{ prefix }}a",
        "namespaces": [first],
        "refresher_namespace": "{{ prefix }}refresher-a",
    }
    tasks: list[Task] = [
        {"name": "Only try", "check_mode": True, "block": [include("Install it", **own)]},
        *keep("block in check mode"),
        include(
            "Two installations, by item",
            installations,
            name="{{ prefix }}{{ item.team }}",
            namespaces="{{ item.namespaces }}",
            refresher_namespace="{{ prefix }}refresher-{{ item.team }}",
        ),
        *keep("loop over item"),
        include(
            "The same, by a variable of the user's",
            installations,
            "installation",
            name="{{ prefix }}{{ installation.team }}",
            namespaces="{{ installation.namespaces }}",
            refresher_namespace="{{ prefix }}refresher-{{ installation.team }}",
        ),
        *keep("loop over loop_var"),
        include(
            "One of them, after the other",
            name="{{ prefix }}a",
            namespaces=[first, third],
            refresher_namespace="{{ prefix }}refresher-a",
        ),
        *keep("once more"),
        include(
            "Absent, by item",
            ["a"],
            state="absent",
            name="{{ prefix }}{{ item }}",
            namespaces=[first],
            refresher_namespace="{{ prefix }}refresher-{{ item }}",
        ),
        *keep("absent in a loop"),
    ]
    for state in ("present", "absent"):
        tasks += [
            include(
                "A selector, by item",
                [{"team": "s", "selected": third}],
                state=state,
                name="{{ prefix }}{{ item.team }}",
                namespace_selector="kubernetes.io/metadata.name={{ item.selected }}",
                refresher_namespace="{{ prefix }}refresher-{{ item.team }}",
            ),
            *keep(f"selector, {state}"),
        ]
    imported = {
        "name": "Import it, with tags",
        "ansible.builtin.import_role": {"name": ROLE},
        "tags": ["secrets"],
        "vars": {
            "pull_secret_name": "{{ prefix }}b",
            "pull_secret_namespaces": [second],
            "pull_secret_refresher_namespace": "{{ prefix }}refresher-b",
            "pull_secret_state": "absent",
        },
    }
    tasks += [imported, *keep("imported")]
    for task in tasks:
        task["tags"] = ["secrets"]
    tasks.append({"name": "Not with these tags", "ansible.builtin.fail": {"msg": "It ran"}, "tags": ["others"]})
    tasks.append(
        {
            "name": "Keep the results",
            "ansible.builtin.copy": {"content": "{{ kept | to_json }}", "dest": "{{ results_file }}", "mode": "0600"},
            "tags": ["secrets"],
        }
    )
    play = {
        "hosts": "localhost",
        "connection": "local",
        "gather_facts": False,
        "vars": {
            "prefix": prefix,
            "kubeconfig": kubeconfig,
            "pull_secret_cluster": {"kubeconfig": kubeconfig},
            "pull_secret_aws": {
                "endpoint_url": running_aws.endpoint_url,
                "access_key": running_aws.access_key,
                "secret_key": running_aws.secret_key,
            },
            "pull_secret_refresher_aws_auth": "ambient",
            "pull_secret_test_run": "never",
        },
        "tasks": tasks,
    }
    ansible = Ansible(tmp_path_factory.mktemp("included"), kubeconfig)
    results = ansible.play([play], "--tags", "secrets").ok().results
    plain: dict[str, Any] = json.loads(json.dumps(results).replace(prefix, ""))
    return plain


BOTH = {"secrets": ["a", "b"], "names": ["a", "b"], "refreshers": ["refresher-a", "refresher-b"]}
NONE: dict[str, list[str]] = {"secrets": [], "names": [], "refreshers": []}
STEPS: dict[str, dict[str, list[str]]] = {
    "block in check mode": NONE,
    "loop over item": BOTH,
    "loop over loop_var": BOTH,
    "once more": {**BOTH, "secrets": ["a", "b", "c"]},
    "absent in a loop": {"secrets": ["b"], "names": ["b"], "refreshers": ["refresher-b"]},
    "selector, present": {"secrets": ["b", "c"], "names": ["b", "s"], "refreshers": ["refresher-b", "refresher-s"]},
    "selector, absent": {"secrets": ["b"], "names": ["b"], "refreshers": ["refresher-b"]},
    "imported": NONE,
}


@pytest.mark.parametrize("step", STEPS)
def test_each_step_does_what_its_own_variables_say(kept: dict[str, Any], step: str) -> None:
    found = dict(kept[step])
    found.pop("result")
    assert found == STEPS[step]


def test_the_result_is_that_of_the_last_run(kept: dict[str, Any]) -> None:
    results = {step: kept[step]["result"] for step in STEPS}
    assert (results["block in check mode"]["changed"], results["block in check mode"]["msg"]) == (True, "")
    assert results["loop over item"]["summary"] == {"created": 1}
    assert results["loop over loop_var"] | {"host": "", "expires_at": ""} == {
        "host": "",
        "summary": {"unchanged": 1},
        "expires_at": "",
        "refresher": {"state": "present", "test_run": ""},
        "changed": False,
        "failed": [],
        "msg": "",
    }
    assert results["once more"]["summary"] == {"created": 1, "unchanged": 1}
    assert results["imported"]["refresher"] == {"state": "absent", "test_run": ""}
    assert all(result["host"].startswith("https://") for result in results.values())


def test_no_namespace_of_a_refresher_is_left(kept: dict[str, Any], core: client.CoreV1Api) -> None:
    assert kept
    left = [each.metadata.name for each in core.list_namespace().items]
    assert [name for name in left if "-refresher-" in name] == []
