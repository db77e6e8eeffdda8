# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The manifests that the role applies, rendered without a cluster.

They come from the role's own tasks: each that applies something becomes one that keeps it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from support.playbook import Ansible
from support.role import PECULIAR

ROLE = Path(__file__).parents[2] / "roles/pull_secret"
APPLY = "kubernetes.core.k8s"
ARN = "arn:aws:iam::123456789012:role/ecr-public-pull"

Object = dict[str, Any]
Task = dict[str, Any]

# The role's variables without their prefix pull_secret_.
CASES: dict[str, dict[str, Any]] = {
    "listed": {},
    "selector": {"namespaces": ["default"], "namespace_selector": "ecr-public=enabled"},
    "web-identity": {"refresher_aws_auth": "web_identity", "refresher_role_arn": ARN},
    "existing-secret": {"refresher_aws_auth": "existing_secret", "refresher_aws_existing_secret": "theirs"},
    "proxy": {name: PECULIAR[name] for name in ("refresher_proxy", "refresher_ca_bundle")},
    "everything": {
        **PECULIAR,
        "namespaces": ["team-*"],
        "exclude_namespaces": ["team-x"],
        "namespace_selector": "ecr-public=enabled,tier notin (sandbox)",
        "service_accounts": ["default"],
        "registries": ["public.ecr.aws", "ecr-public.aws.com"],
        "labels": {"team": "a"},
        "annotations": {"note": "b"},
        "refresher_aws_auth": "irsa",
        "refresher_role_arn": ARN,
        "refresher_schedule": "0 */2 * * *",
        "refresher_image": f"mirror.example.com/aws-cli@sha256:{'0' * 64}",
        "refresher_image_pull_policy": "Always",
        "refresher_resources": {
            "requests": {"cpu": "50m", "memory": "128Mi"},
            "limits": {"cpu": "1", "memory": "512Mi"},
        },
        "refresher_suspend": True,
    },
}

# What the role has asked the cluster before: there is nothing of it yet.
ANSWERS: dict[str, Any] = {
    "_pull_secret_host": "https://cluster.example",
    "_pull_secret_chosen": ["team-a", "team-b"],
    "_pull_secret_testable": True,
    "_pull_secret_namespace": {"resources": []},
    "_pull_secret_bindings": {"resources": []},
    "_pull_secret_policies": {"results": []},
}
KEYS = {
    "pull_secret_refresher_aws_auth": "secret",
    "pull_secret_refresher_aws_access_key": "AKIA" + "A" * 16,
    "pull_secret_refresher_aws_secret_key": "never-said/never-said",
}


def rendered(folder: Path) -> dict[str, list[Object]]:
    """By case the objects, in the order in which they are applied. folder: an empty one, to work in."""
    role = folder / "roles/rendered"
    (role / "tasks").mkdir(parents=True)
    for part in ("defaults", "files", "templates", "vars"):
        (role / part).symlink_to(ROLE / part)
    (role / "tasks/main.yml").write_text(yaml.safe_dump(list(_keeping(applying()))), encoding="utf-8")
    tasks: list[Task] = [
        {
            "name": f"Render {case}",
            "ansible.builtin.include_role": {"name": "rendered"},
            "vars": {
                **ANSWERS,
                **KEYS,
                "case": case,
                **{f"pull_secret_{name}": value for name, value in variables.items()},
            },
        }
        for case, variables in CASES.items()
    ]
    tasks.append({"name": "Show", "ansible.builtin.debug": {"var": "kept"}, "register": "shown"})
    run = Ansible(folder, kubeconfig="").tasks(tasks, env={"ANSIBLE_ROLES_PATH": str(role.parent)}).ok()
    kept: dict[str, list[Object]] = run.results["shown"]["kept"]
    return kept


def applying() -> Iterator[Task]:
    """Each task of the role that applies something, with the conditions of the blocks and files around it."""
    yield from _tasks_of("main.yml", ())


def _tasks_of(name: str, conditions: tuple[str, ...]) -> Iterator[Task]:
    yield from _flat(yaml.safe_load((ROLE / "tasks" / name).read_text(encoding="utf-8")), conditions)


def _flat(tasks: Iterable[Mapping[str, Any]], conditions: tuple[str, ...]) -> Iterator[Task]:
    for task in tasks:
        own = task.get("when", [])
        all_of_it = (*conditions, *([own] if isinstance(own, str) else own))
        if "block" in task:
            yield from _flat(task["block"], all_of_it)
        elif "ansible.builtin.include_tasks" in task:
            file = task["ansible.builtin.include_tasks"]
            # One file holds only checks, and is named by a loop; another is for plays over many clusters.
            if isinstance(file, str) and "{{" not in file:
                yield from _tasks_of(file, all_of_it)
        elif task.get(APPLY, {}).get("apply"):
            yield {**task, "when": list(all_of_it)}


def _keeping(tasks: Iterable[Task]) -> Iterator[Task]:
    for task in tasks:
        so_far = "kept | default({})"
        added = f"{{{{ {so_far} | combine({{case: ({so_far})[case] | default([]) + [wanted] | flatten}}) }}}}"
        yield {
            "name": task["name"],
            "vars": {"wanted": task[APPLY]["definition"], **task.get("vars", {})},
            "ansible.builtin.set_fact": {"kept": added},
            "when": task["when"],
        }
