# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The refresher's test run on a real API server and a real node: its outcome, its messages and its annotation."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from typing import Any

import pytest
from kubernetes import client

from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.settings import (
    CRONJOB,
    AwsAccess,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.test_run import (
    UNPROVEN,
    RunOutcome,
    TestRun,
)
from support.aws import FakeAws
from support.installed_refresher import FASTER, InstalledRefresher
from support.module import run
from support.workloads import wait_for

NAMES = ("a", "b")


@dataclasses.dataclass
class Site:
    """An installed refresher, two namespaces with managed secrets, and a clock that runs faster.

    meanwhile: called at each pause of the test run.
    """

    place: InstalledRefresher
    core: client.CoreV1Api
    meanwhile: Callable[[], None] = lambda: None
    faster: int = FASTER

    @property
    def own(self) -> str:
        return self.place.settings.namespace

    def test(self) -> RunOutcome:
        return TestRun(
            *(self.place.cluster, self.place.settings),
            workers=4,
            sleep=self._sleep,
            now=lambda: time.monotonic() * self.faster,
        ).run()

    def _sleep(self, seconds: float) -> None:
        self.meanwhile()
        time.sleep(seconds / self.faster)

    def set_status(self, status: dict[str, Any]) -> None:
        """Set the status of the refresher's pods, as a scheduler or a kubelet does."""
        for pod in self.core.list_namespaced_pod(self.own).items:
            self.core.patch_namespaced_pod_status(pod.metadata.name, self.own, {"status": status})

    def unproven(self) -> str | None:
        batch = client.BatchV1Api(self.core.api_client)
        annotations = batch.read_namespaced_cron_job(CRONJOB, self.own).metadata.annotations or {}
        return annotations.get(UNPROVEN)


@pytest.fixture
def options(installed: InstalledRefresher) -> dict[str, Any]:
    """The module's options for the secrets."""
    names = [f"{installed.prefix}{name}" for name in NAMES]
    renewal = installed.settings.renewal
    return {"name": renewal.secret, "owner": renewal.owner, "namespaces": names}


@pytest.fixture
def site(
    installed: InstalledRefresher, core: client.CoreV1Api, kubeconfig: str, aws: FakeAws, options: dict[str, Any]
) -> Site:
    """A site whose AWS issues tokens with a longer lifetime from now on."""
    installed.change(
        aws=AwsAccess("secret", access_key=aws.access_key, secret_key=aws.secret_key, endpoint_url=aws.endpoint_url)
    )
    run(kubeconfig, token=aws.issue(), **options).ok()
    aws.behave(life=50000)
    installed.installer()
    return Site(installed, core)


# --- Without a node: the test does what a scheduler and a kubelet do


def test_a_quota_that_rejects_the_pod_is_named(site: Site, core: client.CoreV1Api) -> None:
    core.create_namespaced_resource_quota(site.own, {"metadata": {"name": "none"}, "spec": {"hard": {"pods": "0"}}})
    wait_for(lambda: core.read_namespaced_resource_quota("none", site.own).status.hard, "the quota")
    found = site.test()
    assert (found.outcome, found.renewed) == ("failed", 0)
    assert f"rejects the pod of Job {site.own}/{found.job}: " in found.msg
    assert "exceeded quota: none" in found.msg
    assert site.unproven() == "true"
    # The Job stays, for troubleshooting.
    client.BatchV1Api(core.api_client).read_namespaced_job(found.job, site.own)


def test_a_pod_that_is_not_scheduled_is_named(site: Site) -> None:
    """The result is the same if the cluster has a scheduler."""
    pod = dataclasses.replace(site.place.settings.pod, node_selector={"freshpull.invalid/none": "none"})
    site.place.change(pod=pod)
    site.place.installer()
    message = "0/0 nodes are available: no node matches."
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": message}
    site.meanwhile = lambda: site.set_status({"conditions": [condition]})
    found = site.test()
    assert found.outcome == "failed"
    assert "is not scheduled: Unschedulable: 0/" in found.msg
    assert "change node_selector" in found.msg


def test_a_suspended_job_is_named(site: Site, core: client.CoreV1Api) -> None:
    patch = {"spec": {"jobTemplate": {"spec": {"suspend": True}}}}
    client.BatchV1Api(core.api_client).patch_namespaced_cron_job(CRONJOB, site.own, patch)
    found = site.test()
    assert found.outcome == "failed"
    assert f"Job {site.own}/{found.job} is suspended: JobSuspended: " in found.msg


def test_a_refresher_is_unproven_until_a_success(
    site: Site, kubeconfig: str, aws: FakeAws, options: dict[str, Any]
) -> None:
    def refresh() -> None:
        run(kubeconfig, token=aws.issue(), force_renew=True, **options).ok()
        site.set_status({"phase": "Succeeded"})

    site.meanwhile = refresh
    found = site.test()
    assert found == RunOutcome("succeeded", found.job, "", len(NAMES))
    assert found.job.startswith(f"{CRONJOB}-test-")
    assert site.unproven() is None
    assert site.place.named(site.place.installer()) == set()

    site.meanwhile = lambda: site.set_status({"phase": "Succeeded"})
    found = site.test()
    assert found.outcome == "failed"
    assert "have no later expiry" in found.msg
    assert all(f"{site.place.prefix}{name}" in found.msg for name in NAMES)
    assert site.unproven() == "true"
    # Another installation ignores the annotation, and keeps it.
    assert site.place.named(site.place.installer()) == set()
    assert site.unproven() == "true"


def test_without_secrets_nothing_is_tested(site: Site, core: client.CoreV1Api) -> None:
    site.place.list_places("c")
    site.place.installer()
    assert site.test().outcome == "nothing_to_renew"
    assert client.BatchV1Api(core.api_client).list_namespaced_job(site.own).items == []


# --- With a node


@pytest.mark.node
def test_a_real_run_renews_the_secrets(site: Site, aws: FakeAws) -> None:
    site.faster = 1
    found = site.test()
    assert found == RunOutcome("succeeded", found.job, "", len(NAMES))
    assert site.unproven() is None
    assert len(aws.tokens) == 2


@pytest.mark.node
def test_a_real_run_that_fails_shows_the_message_and_the_log(site: Site, aws: FakeAws) -> None:
    site.faster = 1
    aws.behave(deny="sts:GetServiceBearerToken")
    found = site.test()
    assert found.outcome == "failed"
    message, _words, log = found.msg.partition("\nThe end of its log:\n")
    assert "Container refresh ended with exit code 1 (Error): 2 failed" in message
    assert "sts:GetServiceBearerToken" in message
    assert '"summary"' in log
    assert site.unproven() == "true"
    # Another installation ignores the annotation, and keeps it.
    assert site.place.named(site.place.installer()) == set()
    assert site.unproven() == "true"


@pytest.mark.node
def test_an_image_that_cannot_be_pulled_is_named(site: Site) -> None:
    site.faster = 1
    image = "public.ecr.aws/freshpull/missing:1"
    site.place.change(pod=dataclasses.replace(site.place.settings.pod, image=image))
    site.place.installer()
    began = time.monotonic()
    found = site.test()
    assert found.outcome == "failed"
    assert "container refresh: ImagePullBackOff: " in found.msg
    assert image in found.msg
    assert time.monotonic() - began < 60
