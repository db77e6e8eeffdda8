# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verdict about a Job: a table with rows for each rule and its limits."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects import containers, verdict
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.shapes import LONGEST_TEXT
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.verdict import judge

Object = dict[str, Any]
CREATED = "2026-01-01T00:00:00Z"
SIDECAR = "roles-anywhere"


def named(kind: str, name: str, **fields: Any) -> Object:
    return {"kind": kind, "metadata": {"namespace": "own", "name": name, "creationTimestamp": CREATED}, **fields}


def job(*conditions: Object, **spec: Any) -> Object:
    return named("Job", "test-1", spec=spec, status={"conditions": list(conditions)})


def condition(kind: str, reason: str = "", message: str = "", status: str = "True") -> Object:
    return {"type": kind, "status": status, "reason": reason, "message": message}


def pod(phase: str = "Pending", *containers: Object, **status: Any) -> Object:
    statuses = {"phase": phase, "containerStatuses": list(containers), **status}
    return named("Pod", "test-1-x", spec={"restartPolicy": "Never"}, status=statuses)


def waits(reason: str, message: str = "", name: str = "refresh") -> Object:
    return {"name": name, "state": {"waiting": {"reason": reason, "message": message}}}


def ended(code: Any, reason: str = "Error", message: str = "", name: str = "refresh", at: str = CREATED) -> Object:
    end = {"exitCode": code, "reason": reason, "message": message, "finishedAt": at}
    return {"name": name, "state": {"terminated": end}}


def crashes(name: str, code: int = 1, reason: str = "Error", message: str = "no key") -> Object:
    """A container that the kubelet starts again and again."""
    end = ended(code, reason, message)["state"]
    return {**waits("CrashLoopBackOff", "back-off 10s", name), "restartCount": 1, "lastState": end}


def runs(name: str = "refresh") -> Object:
    return {"name": name, "state": {"running": {"startedAt": CREATED}}}


def unscheduled(reason: str, message: str = "0/3 nodes are available: 3 Insufficient cpu.") -> Object:
    return pod(conditions=[condition("PodScheduled", reason, message, "False")])


def event(reason: str, message: str, kind: str = "Pod", name: str = "", at: str = CREATED, field: str = "") -> Object:
    name = name or {"Pod": "test-1-x", "Job": "test-1"}[kind]
    about = {"kind": kind, "name": name, "fieldPath": field}
    return {"involvedObject": about, "reason": reason, "message": message, "lastTimestamp": at}


PULL = 'Back-off pulling image "a:429"'
THROTTLED = event("Failed", 'Failed to pull image "a": toomanyrequests: Rate exceeded', at="2026-01-01T00:01:00Z")
NOT_FOUND = event("Failed", 'Failed to pull image "a": not found', at="2026-01-01T00:02:00Z")
QUOTA = event("FailedCreate", 'pods "x" is forbidden: exceeded quota: none', "Job")
MOUNT = event("FailedMount", 'MountVolume.SetUp failed: secret "keys" not found')

# Name -> Job, pods, events, seconds, outcome, and words of the reason.
ROWS: dict[str, tuple[Object, list[Object], list[Object], float, str, str]] = {
    # The Job has ended.
    "complete": (job(condition("Complete")), [], [], 9, "succeeded", "Job own/test-1 is complete"),
    "not complete": (job(condition("Complete", status="False")), [pod()], [], 9, "running", "own/test-1-x is Pending"),
    "pod succeeded": (job(), [pod("Succeeded", ended(0))], [], 9, "succeeded", "Pod own/test-1-x succeeded"),
    "one of two succeeded": (job(), [pod("Failed"), pod("Succeeded")], [], 9, "succeeded", "succeeded"),
    "deadline": (
        *(job(condition("Failed", "DeadlineExceeded", "Job was active longer than specified deadline")), [], [], 9),
        *("failed", "DeadlineExceeded: Job was active longer than specified deadline. Its pod was deleted. "),
    ),
    "deadline, advice": (job(condition("Failed", "DeadlineExceeded")), [], [], 9, "failed", "raise active_deadline"),
    "backoff": (
        *(job(condition("Failed", "BackoffLimitExceeded", "limit")), [pod("Failed", ended(1, message="2 failed"))]),
        *([], 9, "failed", "limit. Container refresh ended with exit code 1 (Error): 2 failed."),
    ),
    # Its pod has ended.
    "pod failed": (job(), [pod("Failed", ended(1, message="a: forbidden"))], [], 9, "failed", "(Error): a: forbidden."),
    "pod failed, command": (job(), [pod("Failed", ended(1))], [], 9, "failed", "kubectl describe pod test-1-x -n own"),
    "out of memory": (job(), [pod("Failed", ended(137, "OOMKilled"))], [], 9, "failed", "Raise the memory limit"),
    "evicted": (
        *(job(), [pod("Failed", reason="Evicted", message="The node was low on memory")], [], 9, "failed"),
        "Pod own/test-1-x: Evicted: The node was low on memory. Its node ran out of a resource.",
    ),
    "init container failed": (
        *(job(), [pod("Failed", initContainerStatuses=[ended(3, name="setup")])], [], 9, "failed"),
        "Container setup ended with exit code 3",
    ),
    "failed, another runs": (job(), [pod("Failed"), pod("Running", runs())], [], 9, "running", "is Running"),
    "its sidecar was stopped": (
        *(job(), [pod("Failed", ended(1, message="no session"), initContainerStatuses=[ended(2, name=SIDECAR)])]),
        *([], 9, "failed", "Pod own/test-1-x failed. Container refresh ended with exit code 1 (Error): no session."),
    ),
    "its sidecar has no memory": (
        job(),
        [
            pod(
                "Failed",
                ended(1),
                initContainerStatuses=[
                    {**ended(2, name=SIDECAR), "lastState": ended(137, "OOMKilled")["state"]},
                ],
            )
        ],
        *([], 9, "failed", "Raise the memory limit in roles_anywhere_resources"),
    ),
    # Its sidecar does not start.
    "own sidecar": (
        *(job(), [pod("Pending", waits("PodInitializing"), initContainerStatuses=[crashes(SIDECAR)])], [], 16),
        *("failed", f"container {SIDECAR}: CrashLoopBackOff: back-off 10s. Container {SIDECAR} ended with exit code 1"),
    ),
    "own sidecar, early": (
        *(job(), [pod("Pending", waits("PodInitializing"), initContainerStatuses=[crashes(SIDECAR)])], [], 14),
        *("running", "(Error): no key. The program starts after this container. Correct the cause"),
    ),
    "own sidecar, meanwhile": (
        *(job(), [pod("Running", runs(), initContainerStatuses=[crashes(SIDECAR)])], [], 99),
        *("running", "is Running"),
    ),
    # It is queued.
    "suspended": (job(suspend=True), [], [], 31, "failed", "Job own/test-1 is suspended. A queue such as Kueue"),
    "suspended, early": (job(suspend=True), [], [], 29, "running", "is suspended"),
    "condition suspended": (
        *(job(condition("Suspended", "JobSuspended", "by x")), [], [], 31, "failed", "suspended: JobSuspended: by x."),
    ),
    "resumed": (job(condition("Suspended", "JobResumed", status="False")), [], [], 31, "running", "has no pod yet"),
    "gated": (job(), [unscheduled("SchedulingGated", "gates")], [], 31, "failed", "scheduling gates: SchedulingGated"),
    "gated, early": (job(), [unscheduled("SchedulingGated")], [], 29, "running", "scheduling gates"),
    # It has no pod.
    "quota": (job(), [], [QUOTA], 11, "failed", 'rejects the pod of Job own/test-1: pods "x" is forbidden: exceeded'),
    "quota, early": (job(), [], [QUOTA], 9, "running", "exceeded quota"),
    "quota, then a pod": (job(), [pod("Running", runs())], [QUOTA], 99, "running", "is Running"),
    "another Job's": (job(), [], [event("FailedCreate", "no", "Job", "other")], 99, "running", "no pod yet"),
    "another kind's": (job(), [], [event("FailedCreate", "no", "Pod", "test-1")], 99, "running", "no pod yet"),
    "the newest": (
        *(job(), [], [event("FailedCreate", "new", "Job", at="2026-01-01T00:00:09Z"), QUOTA], 11, "failed"),
        "of Job own/test-1: new. Change the quota",
    ),
    "no pod": (job(), [], [], 500, "running", "kubectl describe job test-1 -n own shows its events"),
    # No node can run it.
    "unschedulable": (job(), [unscheduled("Unschedulable")], [], 61, "failed", "3 Insufficient cpu. No node can run"),
    "unschedulable, early": (job(), [unscheduled("Unschedulable")], [], 59, "running", "Unschedulable"),
    "scheduler error": (job(), [unscheduled("SchedulerError")], [], 99, "running", "SchedulerError"),
    "scale up": (
        *(job(), [unscheduled("Unschedulable")], [event("TriggeredScaleUp", "pod triggered scale-up")], 300),
        *("running", "A node is announced: pod triggered scale-up."),
    ),
    "Karpenter": (
        *(job(), [unscheduled("Unschedulable")], [event("Nominated", "Pod should schedule on: x")], 300),
        *("running", "Pod should schedule on: x"),
    ),
    "scale up of another": (
        *(job(), [unscheduled("Unschedulable")], [event("TriggeredScaleUp", "x", name="other")], 61),
        *("failed", "Unschedulable"),
    ),
    "no scale up": (
        *(job(), [unscheduled("Unschedulable")], [event("NotTriggerScaleUp", "max node group size")], 61),
        *("failed", "Unschedulable"),
    ),
    # A volume.
    **{
        f"{reason} after {seconds}": (
            *(job(), [pod("Pending", waits("ContainerCreating"))], [event(reason, 'secret "keys" not found')], seconds),
            *(outcome, 'cannot mount a volume: secret "keys" not found. Create'),
        )
        for reason in ("FailedMount", "FailedAttachVolume")
        for seconds, outcome in ((61, "failed"), (59, "running"))
    },
    "mounted since": (job(), [pod("Running", runs())], [MOUNT], 99, "running", "is Running"),
    "mounted since, init": (job(), [pod(initContainerStatuses=[runs("x")])], [MOUNT], 99, "running", "is Pending"),
    "creating": (job(), [pod("Pending", waits("ContainerCreating"))], [], 99, "running", "is Pending"),
    # A container that cannot start.
    **{
        f"{reason} of {where}": (job(), [status], [], 0, "failed", f"container x: {reason}: m. Correct")
        for reason in (
            *("InvalidImageName", "ErrImageNeverPull", "CreateContainerConfigError", "CreateContainerError"),
            *("RunContainerError", "StartError"),
        )
        for where, status in {
            "a container": pod("Pending", runs(), waits(reason, "m", "x")),
            "an init container": pod(
                "Pending", waits("PodInitializing"), initContainerStatuses=[waits(reason, "m", "x")]
            ),
        }.items()
    },
    # A pull.
    "back-off": (job(), [pod("Pending", waits("ImagePullBackOff", PULL))], [], 0, "failed", "Check image, image_pull"),
    "back-off, event": (
        *(job(), [pod("Pending", waits("ImagePullBackOff", PULL))], [NOT_FOUND], 0, "failed"),
        'a:429". Failed to pull image "a": not found. Check image',
    ),
    "pull error": (job(), [pod("Pending", waits("ErrImagePull", "not found"))], [], 0, "running", "retries the pull"),
    "throttled, event": (
        *(job(), [pod("Pending", waits("ImagePullBackOff", PULL))], [THROTTLED], 300, "running", "retries the pull"),
    ),
    "throttled, then not": (
        *(job(), [pod("Pending", waits("ImagePullBackOff", PULL))], [NOT_FOUND, THROTTLED], 0, "failed", "not found"),
    ),
    "not throttled, then throttled": (
        *(job(), [pod("Pending", waits("ImagePullBackOff", PULL))]),
        *([NOT_FOUND, {**THROTTLED, "lastTimestamp": "2026-01-01T00:03:00Z"}], 300, "running", "retries the pull"),
    ),
    "throttled, another container": (
        *(job(), [pod("Pending", waits("ImagePullBackOff", PULL))]),
        *([{**THROTTLED, "involvedObject": event("", "", field="spec.containers{x}")["involvedObject"]}], 0),
        *("failed", "Check image"),
    ),
    "throttled, this container": (
        *(job(), [pod("Pending", waits("ImagePullBackOff", PULL))]),
        *([{**THROTTLED, "involvedObject": event("", "", field="spec.containers{refresh}")["involvedObject"]}], 0),
        *("running", "retries"),
    ),
    "throttled, event of the state": (
        *(job(), [pod("Pending", waits("ImagePullBackOff", PULL))]),
        *([THROTTLED, event("Failed", "Error: ImagePullBackOff", at="2026-01-01T00:09:00Z")], 9, "running", "retries"),
    ),
    "one throttled, one stuck": (
        *(job(), [pod("Pending", waits("ImagePullBackOff", "429 Too Many"), waits("InvalidImageName", name="x"))]),
        *([], 0, "failed", "container x: InvalidImageName"),
    ),
    # Another container still runs.
    "sidecar": (
        *(job(), [pod("Running", ended(0, "Completed"), runs("istio-proxy"), runs("log"))], [], 16, "failed"),
        "other containers in it have not: istio-proxy, log. A service mesh",
    ),
    "sidecar, early": (job(), [pod("Running", ended(0), runs("x"))], [], 14, "running", "have not: x."),
    "sidecar, ended late": (
        *(job(), [pod("Running", ended(0, at="2026-01-01T00:01:40Z"), runs("x"))], [], 114, "running", "have not: x."),
    ),
    "sidecar, ended long ago": (
        *(job(), [pod("Running", ended(0, at="2026-01-01T00:01:40Z"), runs("x"))], [], 116, "failed", "Exclude the"),
    ),
    "sidecar, the node's clock is ahead": (
        *(job(), [pod("Running", ended(0, at="2026-01-02T00:00:00Z"), runs("x"))], [], 99, "running", "have not: x."),
    ),
    "sidecar, the node's clock is behind": (
        *(job(), [pod("Running", ended(0, at="2025-01-01T00:00:00Z"), runs("x"))], [], 9, "running", "have not: x."),
    ),
    "sidecar, no time": (job(), [pod("Running", ended(0, at="?"), runs("x"))], [], 16, "failed", "have not: x."),
    "sidecar of a failed program": (
        *(job(), [pod("Running", ended(1, message="denied"), runs("x"))], [], 0, "failed"),
        "exit code 1 (Error): denied. Pod own/test-1-x has not ended",
    ),
    "sidecar of a failed program, not started": (
        *(job(), [pod("Running", ended(1), waits("ErrImagePull", "429", "x"))], [], 0, "failed", "have not: x."),
    ),
    "sidecar of a program that is started again": (
        *(job(), [{**pod("Running", ended(1), runs("x")), "spec": {"restartPolicy": "OnFailure"}}], [], 0),
        *("running", "have not: x."),
    ),
    "sidecar that has ended": (job(), [pod("Running", ended(0), ended(0, name="x"))], [], 99, "running", "is Running"),
    "native sidecar": (
        *(job(), [pod("Running", ended(0), initContainerStatuses=[runs("istio-proxy")])], [], 99, "running", "is Run"),
    ),
    # Nothing is wrong.
    "runs": (job(), [pod("Running", runs())], [], 300, "running", "Pod own/test-1-x is Running."),
    "new": (job(), [named("Pod", "test-1-x")], [], 0, "running", "Pod own/test-1-x is not started."),
}


@pytest.mark.parametrize("row", ROWS)
def test_each_rule(row: str) -> None:
    job_, pods, events, waited, outcome, words = ROWS[row]
    found = judge(job_, pods, events, waited)
    assert (found.outcome, words in found.why) == (outcome, True), found


@pytest.mark.parametrize(
    ("message", "throttled"),
    [
        ("toomanyrequests: Rate exceeded", True),
        ("unexpected status from HEAD request to https://public.ecr.aws/v2/a/manifests/1: 429 Too Many Requests", True),
        ("denied: Data limit exceeded", True),
        ("RATE EXCEEDED", True),
        ("status code 429", True),
        ("(429)", True),
        (f"{'x' * 5000} toomanyrequests", True),
        ("unexpected status: 404 Not Found", False),
        ("a@sha256:0429: not found", False),
        ("registry.example:429/a: not found", False),
        ("a:1.429: not found", False),
        ("a:429-slim: not found", False),
        ("1429 bytes", False),
        ("", False),
    ],
)
def test_a_throttled_pull_is_waited_for(message: str, throttled: bool) -> None:
    found = judge(job(), [pod("Pending", waits("ImagePullBackOff", message))], [], 300)
    assert found.outcome == ("running" if throttled else "failed")


def test_enormous_texts_are_cut() -> None:
    long = 10**5
    statuses = [ended(1, "r" * long, "m" * long, f"{number}{'n' * long}") for number in range(50)]
    found = judge(job(condition("Failed", "x" * long, "y" * long)), [pod("Failed", *statuses)], [], 9)
    assert "…" in found.why
    assert len(found.why) < (3 * verdict.MOST_ENDS + 6) * (LONGEST_TEXT + 100)


SHAPES: list[Any] = [None, "", "\ud800", 7, -0.5, True, [], [None], ["x"], [[]], [{}], {}, {"": None}, {"type": []}]


def replaced(value: Any, shape: Any) -> list[Any]:
    """The value with each of its parts replaced by the shape, one at a time, and as a whole."""
    found = [shape]
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        for other in replaced(part, shape):
            copy = value.copy()
            copy[key] = other
            found.append(copy)
    return found


SEEN = {
    "failed": (job(condition("Failed", "x", "y")), pod("Failed", ended(1), initContainerStatuses=[ended(1)]), QUOTA),
    "quota": (job(), None, QUOTA),
    "suspended": (job(condition("Suspended"), suspend=True), None, QUOTA),
    "pull": (job(), pod("Pending", waits("ImagePullBackOff"), initContainerStatuses=[waits("x")]), THROTTLED),
    "mount": (job(), pod("Pending", waits("ContainerCreating")), MOUNT),
    "sidecar": (job(), pod("Running", ended(0), runs("x")), MOUNT),
    "unscheduled": (job(), unscheduled("Unschedulable"), event("Nominated", "x")),
}


@pytest.mark.parametrize("case", SEEN)
@pytest.mark.parametrize("shape", SHAPES, ids=ascii)
def test_any_shape_is_judged(case: str, shape: Any) -> None:
    job_, pod_, event_ = SEEN[case]
    pods = [] if pod_ is None else [pod_]
    for other in replaced(job_, shape):
        check(other, pods, [event_])
    for other in replaced(pod_, shape):
        check(job_, [other], [event_])
        assert set(containers.started(other)) <= {"refresh", "roles-anywhere"}
    for other in replaced(event_, shape):
        check(job_, pods, [other])


def check(job_: Any, pods: list[Any], events: list[Any]) -> None:
    found = judge(job_, pods, events, 1000)
    assert found.outcome in ("running", "succeeded", "failed")
    assert found.why.encode()
