# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The refresher's variables on a real API server, and how it is suspended and resumed. No pod runs here."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any

import pytest
from kubernetes import client
from kubernetes.client.exceptions import ApiException

from support.aws import FakeAws
from support.playbook import Ansible
from support.role import NON_DEFAULTS, Role, changed
from support.workloads import CONFIG, CRONJOB
from unit.plugins.module_utils.test_cron import GAPS, REJECTED

pytestmark = pytest.mark.role
NAME = "ecr-public-secret"
ARN = "arn:aws:iam::123456789012:role/ecr-public-pull"


@pytest.fixture
def role(ansible: Ansible, aws: FakeAws, make_namespaces: Callable[..., list[str]]) -> Iterator[Role]:
    names = make_namespaces("a", "b")
    with Role(ansible, aws, names, refresher=names[0].removesuffix("a") + "refresher") as role:
        role.variables["pull_secret_test_run"] = "never"
        yield role


def cronjob(core: client.CoreV1Api, role: Role) -> Any:
    return client.BatchV1Api(core.api_client).read_namespaced_cron_job(CRONJOB, role.refresher).spec


def holders(core: client.CoreV1Api, role: Role) -> list[str]:
    found = core.list_secret_for_all_namespaces(field_selector=f"metadata.name={NAME}").items
    return sorted(secret.metadata.namespace for secret in found if secret.metadata.namespace in role.namespaces)


def test_every_variable_at_once(role: Role, core: client.CoreV1Api) -> None:
    """The API server accepts all variables, and a second run changes nothing."""
    variables: dict[str, Any] = {
        **NON_DEFAULTS,
        "refresher_aws_auth": "irsa",
        "refresher_role_arn": ARN,
        "refresher_schedule": "0 8-22/2,23,1-7/2 * * *",
    }
    role.run(**variables).ok()
    assert changed(role.run(**variables).ok()) == 0
    spec = cronjob(core, role)
    assert (spec.time_zone, spec.suspend, spec.starting_deadline_seconds) == ("Europe/Berlin", False, 600)
    account = core.read_namespaced_service_account(CRONJOB, role.refresher)
    assert account.metadata.annotations["eks.amazonaws.com/role-arn"] == ARN

    # Back to AWS keys and the defaults: nothing of the earlier settings stays.
    role.run().ok()
    account = core.read_namespaced_service_account(CRONJOB, role.refresher)
    assert "eks.amazonaws.com/role-arn" not in (account.metadata.annotations or {})
    files = core.read_namespaced_config_map(CONFIG, role.refresher).data
    assert set(files) == {"policy.json", "namespaces"}
    assert json.loads(files["policy.json"])["fail_open_before"] == 2 * 3600 + 600 + 600
    pod = cronjob(core, role).job_template.spec.template.spec
    assert (pod.tolerations, pod.image_pull_secrets, pod.affinity) == (None, None, None)
    assert pod.node_selector == {"kubernetes.io/os": "linux"}
    assert "extra" not in {volume.name for volume in pod.volumes}


def test_it_is_suspended_without_secrets_and_resumed(role: Role, core: client.CoreV1Api) -> None:
    role.run().ok()
    assert holders(core, role) == role.namespaces

    assert changed(role.run("--check", refresher_suspend=True).ok()) > 0
    assert (cronjob(core, role).suspend, holders(core, role)) == (False, role.namespaces)
    role.run(refresher_suspend=True).ok()
    assert (cronjob(core, role).suspend, holders(core, role)) == (True, [])
    assert changed(role.run(refresher_suspend=True).ok()) == 0

    # Push mode with a suspended refresher.
    role.run(refresher_suspend=True, fail_open_before="3h").ok()
    assert (cronjob(core, role).suspend, holders(core, role)) == (True, role.namespaces)

    role.run().ok()
    assert (cronjob(core, role).suspend, holders(core, role)) == (False, role.namespaces)


def test_it_is_not_suspended_if_a_secret_cannot_be_removed(role: Role, core: client.CoreV1Api) -> None:
    role.run().ok()
    # Adopted and then made immutable: its managed entries cannot be removed.
    change = {"metadata": {"annotations": {"ecr-public.freshpull/created": None}}, "immutable": True}
    core.patch_namespaced_secret(NAME, role.namespaces[1], change)
    run = role.run(refresher_suspend=True)
    assert run.returncode != 0
    assert "The refresher is not suspended" in run.output
    assert cronjob(core, role).suspend is False


def accepts(batch: client.BatchV1Api, schedule: str, zone: str) -> bool:
    """Return whether the API server's validation accepts the CronJob."""
    template = {"spec": {"restartPolicy": "Never", "containers": [{"name": "a", "image": "a.example/a:1"}]}}
    spec = {"schedule": schedule, "timeZone": zone, "jobTemplate": {"spec": {"template": template}}}
    try:
        batch.create_namespaced_cron_job("default", {"metadata": {"name": "a"}, "spec": spec}, dry_run="All")
    except ApiException as error:
        if error.status != HTTPStatus.UNPROCESSABLE_ENTITY:
            raise
        return False
    return True


def test_the_filter_s_cases_are_the_server_s(core: client.CoreV1Api) -> None:
    batch = client.BatchV1Api(core.api_client)
    assert [case for case in GAPS if not accepts(batch, *case)] == []
    assert [schedule for schedule in REJECTED if accepts(batch, schedule, "Etc/UTC")] == []
