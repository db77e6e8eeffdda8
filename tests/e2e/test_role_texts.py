# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All variables of the role as texts do the same on a cluster as typed ones."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client

from support.aws import FakeAws
from support.cluster.audit import AuditLog
from support.dockerconfig import auths_of
from support.playbook import Ansible
from support.recorder import Recorded, Recorder
from support.role import PLAYBOOK, Role, changed
from support.role_texts import VARIABLES, Variable, a_bool, a_dict, a_list, a_text, extra_variable, token

pytestmark = pytest.mark.role
ADMIN = "freshpull-admin"


def variables(role: Role, ansible: Ansible, aws: FakeAws) -> dict[str, Variable]:
    """Return a case for each variable. A test cluster without nodes accepts all of them at once."""
    prefix = role.refresher.removesuffix("-refresher")
    access = {"endpoint_url": aws.endpoint_url, "access_key": aws.access_key, "secret_key": aws.secret_key}
    given = {
        "cluster": a_dict({"kubeconfig": ansible.kubeconfig}, f"kubeconfig: {ansible.kubeconfig}"),
        "aws": a_dict(access, "\n".join(f"{key}: {value}" for key, value in access.items())),
        "namespaces": a_list(f"{prefix}-*"),
        "exclude_namespaces": a_list(role.namespaces[0], role.refresher),
        "namespace_selector": a_text(f"test in ({prefix},other)"),
        # It would renew in each run.
        "force_renew": a_bool(False),
        # It would try the token on the registry.
        "verify": a_bool(False),
        "token": token("never-said", dt.datetime.now(dt.UTC) + dt.timedelta(hours=12)),
        # There are no pods.
        "first_token": a_text("control_node"),
        "test_run": a_text("never"),
        "refresher_namespace": a_text(role.refresher),
        "refresher_priority_class": a_text("system-cluster-critical"),
        "refresher_aws_access_key": a_text(aws.access_key),
        "refresher_aws_secret_key": a_text(aws.secret_key),
        "refresher_attach_service_accounts": a_bool(True),
        "service_accounts": a_list("default", "builder"),
    }
    assert given.keys() <= VARIABLES.keys()
    return {**VARIABLES, **given}


def test_texts_do_the_same_as_typed_values(
    ansible: Ansible,
    aws: FakeAws,
    audit: AuditLog,
    core: client.CoreV1Api,
    make_namespaces: Callable[..., list[str]],
    tmp_path: Path,
) -> None:
    excluded, *names = make_namespaces("a", "b", "c")
    for name in names:
        core.create_namespaced_service_account(name, {"metadata": {"name": "builder"}})
    with Role(ansible, aws, [excluded, *names], refresher=excluded.removesuffix("a") + "refresher") as role:
        cases = variables(role, ansible, aws)
        typed = {f"pull_secret_{name}": case.value for name, case in cases.items()}

        def run(record: str, *args: str) -> tuple[int, list[Recorded]]:
            recorder = Recorder(tmp_path / record)
            done = ansible.play(PLAYBOOK, *args, env=recorder.environment).ok()
            assert "never-said" not in done.output
            return changed(done), recorder.tasks

        number, first = run("typed", "-e", json.dumps(typed))
        assert number > 0
        mark = audit.mark()
        number, second = run("texts", *arguments({name: case.texts[0] for name, case in cases.items()}))
        assert (number, audit.writes(since=mark, user=ADMIN)) == (0, [])
        assert modules(second) == modules(first)
        for namespace in names:
            secret = core.read_namespaced_secret("mine", namespace)
            assert auths_of(secret.data)["ecr-public.aws.com"]["password"] == "never-said"
            assert secret.metadata.labels["team"] == "a-1"
            assert secret.metadata.annotations["note"].endswith("\n\N{GRINNING FACE}")

        absent = {**{name: case.texts[-1] for name, case in cases.items()}, "state": "absent"}
        assert run("absent", *arguments(absent))[0] > 0
        assert [core.list_namespaced_secret(namespace).items for namespace in names] == [[], []]
        assert aws.calls == {}


def arguments(texts: Mapping[str, str]) -> list[str]:
    return [part for name, text in texts.items() for part in ("-e", extra_variable(name, text))]


def modules(tasks: list[Recorded]) -> list[tuple[str, dict[str, Any]]]:
    """Return the tasks that connect to the cluster."""
    found = [(each.task, each.arguments) for each in tasks if "kubeconfig" in each.arguments]
    assert [task for task, _arguments in found] == [
        "Install or update the refresher",
        "Write the pull secrets that are missing or due",
    ]
    return found
