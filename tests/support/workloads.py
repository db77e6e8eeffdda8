# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pods on a real node: Jobs of the refresher's CronJob, and pods that pull an image."""

from __future__ import annotations

import dataclasses
import json
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from kubernetes import client, config

CRONJOB = "refresh-ecr-public-token"
CONFIG = f"{CRONJOB}-settings"
SECONDS = 120
"""The timeout of a pod; most take five."""

Value = TypeVar("Value")


@dataclasses.dataclass(frozen=True)
class FinishedJob:
    """A finished Job of the refresher. message: the termination message, which `kubectl describe pod` shows.

    A Job that was stopped, for example by its deadline, has no pod: exit_code is -1 and message is the Job's.
    """

    job: str
    pod: str
    succeeded: bool
    exit_code: int
    message: str
    log: str

    @property
    def outcomes(self) -> dict[str, tuple[str, str]]:
        """The action and reason of each namespace, from the log."""
        lines = [json.loads(line) for line in self.log.splitlines()]
        return {line["namespace"]: (line["action"], line["reason"]) for line in lines if "namespace" in line}


@dataclasses.dataclass(frozen=True)
class Pull:
    """The result of a pod's pull. reason and message: the kubelet's, empty if the image was pulled."""

    pod: str
    pulled: bool
    reason: str = ""
    message: str = ""


class Workloads:
    """Pods of one cluster."""

    def __init__(self, kubeconfig: str | None) -> None:
        """kubeconfig: a path; None for kubectl's default."""
        self.api = config.new_client_from_config(kubeconfig)
        self.core = client.CoreV1Api(self.api)
        self.batch = client.BatchV1Api(self.api)

    def refresh(
        self,
        namespace: str,
        change: Callable[[dict[str, Any]], None] = lambda _pod: None,
        *,
        force: bool = True,
        retries: bool = False,
        seconds: float = SECONDS,
    ) -> FinishedJob:
        """Run a Job of the CronJob, as `kubectl create job --from` creates it.

        change: changes the spec of the pod, as an admission webhook could. force: renew at any remaining lifetime.
        retries: keep the CronJob's backoffLimit instead of 0. seconds: the timeout.
        """
        cronjob = self.batch.read_namespaced_cron_job(CRONJOB, namespace)
        template = self.api.sanitize_for_serialization(cronjob.spec.job_template)
        container = template["spec"]["template"]["spec"]["containers"][0]
        if force:
            container.setdefault("env", []).append({"name": "FORCE_RENEW", "value": "1"})
        change(template["spec"]["template"]["spec"])
        owner = {"apiVersion": "batch/v1", "kind": "CronJob", "name": CRONJOB, "uid": cronjob.metadata.uid}
        body = {
            "metadata": {
                **template.get("metadata", {}),
                "generateName": f"{CRONJOB}-by-hand-",
                "ownerReferences": [{**owner, "controller": True}],
            },
            # One pod: its end is the result.
            "spec": template["spec"] if retries else {**template["spec"], "backoffLimit": 0},
        }
        job = self.batch.create_namespaced_job(namespace, body).metadata.name
        status = wait_for(lambda: self._ended(namespace, job), f"the end of Job {job}", seconds)
        pods = self.core.list_namespaced_pod(namespace, label_selector=f"job-name={job}").items
        if not pods:
            message = "; ".join(f"{each.type}: {each.reason}: {each.message}" for each in status.conditions)
            return FinishedJob(job=job, pod="", succeeded=False, exit_code=-1, message=message, log="")
        (pod,) = pods
        end = pod.status.container_statuses[0].state.terminated
        return FinishedJob(
            job=job,
            pod=pod.metadata.name,
            succeeded=bool(status.succeeded),
            exit_code=end.exit_code,
            message=end.message or "",
            log=self.core.read_namespaced_pod_log(pod.metadata.name, namespace),
        )

    def _ended(self, namespace: str, job: str) -> Any:
        status = self.batch.read_namespaced_job_status(job, namespace).status
        return status if any(each.type in ("Complete", "Failed") for each in status.conditions or []) else None

    def suspend(self, namespace: str) -> None:
        """Suspend the CronJob. The role would also remove the entries of the secrets."""
        self.batch.patch_namespaced_cron_job(CRONJOB, namespace, {"spec": {"suspend": True}})

    def pull(self, namespace: str, image: str, secrets: Sequence[str] = ()) -> Pull:
        """Create a pod that pulls the image with these pull secrets, and delete it."""
        wait_for(lambda: self._has_account(namespace), f"the service account of {namespace}")
        pod = self.core.create_namespaced_pod(namespace, pod_that_pulls(image, secrets)).metadata.name
        try:
            return self.pulled(namespace, pod)
        finally:
            self.core.delete_namespaced_pod(pod, namespace, grace_period_seconds=0)

    def pulled(self, namespace: str, pod: str) -> Pull:
        """Wait for the result of a pod's pull."""
        return wait_for(lambda: self._pulled(namespace, pod), f"the image of pod {pod}")

    def _has_account(self, namespace: str) -> bool:
        accounts = self.core.list_namespaced_service_account(namespace).items
        return any(account.metadata.name == "default" for account in accounts)

    def _pulled(self, namespace: str, pod: str) -> Pull | None:
        statuses = self.core.read_namespaced_pod_status(pod, namespace).status.container_statuses
        if not statuses:
            return None
        state = statuses[0].state
        if state.running or state.terminated:
            return Pull(pod, pulled=True)
        # The kubelet retries a failed pull without end: the first failure is the result. Its reason can be any error.
        if state.waiting and state.waiting.reason not in ("ContainerCreating", "PodInitializing"):
            return Pull(pod, pulled=False, reason=state.waiting.reason, message=state.waiting.message or "")
        return None


def wait_for(condition: Callable[[], Value | None], what: str, seconds: float = SECONDS) -> Value:
    """Call the condition until it returns a true value, and return that. Raises TimeoutError."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"Timeout after {seconds:.0f} seconds: waited for {what}.")
        time.sleep(0.2)
    return value


def pod_that_pulls(image: str, secrets: Sequence[str] = (), *, policy: str = "Always", **spec: Any) -> dict[str, Any]:
    """Return a pod that Pod Security "restricted" admits.

    policy: the imagePullPolicy. spec: further fields of the pod's spec.
    """
    container = {
        "name": "main",
        "image": image,
        "imagePullPolicy": policy,
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    return {
        "metadata": {"generateName": "pull-"},
        "spec": {
            "restartPolicy": "Never",
            "automountServiceAccountToken": False,
            "imagePullSecrets": [{"name": name} for name in secrets],
            "securityContext": {"runAsNonRoot": True, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [container],
            **spec,
        },
    }
