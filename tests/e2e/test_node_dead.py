# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A node that fails with the refresher's pod on it: the pod cannot end, and the schedule continues."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from kubernetes import client

from support.aws import FakeAws
from support.cluster.audit import AuditLog
from support.proxied_role import ProxiedRole
from support.workloads import CRONJOB, wait_for

pytestmark = pytest.mark.node
SECONDS = 90
"""Time limit for a run that is due in the next minute."""


@pytest.fixture(scope="module")
def place(make_proxied_role: Callable[..., ProxiedRole]) -> ProxiedRole:
    return make_proxied_role(2)


@pytest.fixture
def dead_node(core: client.CoreV1Api) -> Iterator[str]:
    """A node without a kubelet: nothing starts or stops its pods."""
    name = f"dead-{secrets.token_hex(4)}"
    core.create_node({"metadata": {"name": name}})
    yield name
    for pod in core.list_pod_for_all_namespaces(field_selector=f"spec.nodeName={name}").items:
        core.delete_namespaced_pod(pod.metadata.name, pod.metadata.namespace, grace_period_seconds=0)
    core.delete_node(name)


def test_the_next_run_replaces_one_on_a_dead_node(
    place: ProxiedRole, dead_node: str, core: client.CoreV1Api, aws: FakeAws, audit: AuditLog
) -> None:
    home, batch = place.role.refresher, place.workloads.batch
    place.age(-1, *place.role.namespaces)
    uids, mark = place.uids(), audit.mark()

    def pods() -> list[Any]:
        return list(core.list_namespaced_pod(home, label_selector="batch.kubernetes.io/job-name").items)

    # The scheduler does this for a node that works.
    change(place, node=dead_node, schedule="* * * * *")
    (stuck,) = wait_for(pods, "the first run", SECONDS)
    assert stuck.spec.node_name == dead_node
    change(place, node=None)

    def successes() -> list[Any]:
        return [job for job in batch.list_namespaced_job(home).items if job.status.succeeded]

    (job,) = wait_for(successes, "the success of the next run", SECONDS)
    place.workloads.suspend(home)
    assert job.metadata.name != stuck.metadata.labels["batch.kubernetes.io/job-name"]
    assert [each.kind for each in job.metadata.owner_references] == ["CronJob"]
    (done,) = [pod for pod in pods() if pod.metadata.labels["batch.kubernetes.io/job-name"] == job.metadata.name]
    assert done.spec.node_name != dead_node
    assert done.status.container_statuses[0].state.terminated.message.strip() == "2 renewed"
    assert place.done(audit, mark) == dict.fromkeys(place.role.namespaces, 1)
    assert set(place.passwords().values()) == {aws.tokens[-1]}
    assert place.uids() == uids

    # The pod is deleted, but cannot end.
    end = core.read_namespaced_pod(stuck.metadata.name, home).metadata.deletion_timestamp
    wait_for(lambda: dt.datetime.now(tz=dt.timezone.utc) > end + dt.timedelta(seconds=5), "the end of its time")
    left = core.read_namespaced_pod(stuck.metadata.name, home)
    assert (left.metadata.uid, left.status.phase) == (stuck.metadata.uid, "Pending")


def change(place: ProxiedRole, *, node: str | None, **spec: Any) -> None:
    """Set the node of the CronJob's next pods, and other fields of its spec."""
    template = {"spec": {"template": {"spec": {"nodeName": node}}}}
    body = {"spec": {**spec, "jobTemplate": template}}
    place.workloads.batch.patch_namespaced_cron_job(CRONJOB, place.role.refresher, body)
