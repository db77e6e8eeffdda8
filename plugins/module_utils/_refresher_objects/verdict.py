# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Judge whether a Job of the refresher runs, succeeded or failed, and why. Private to this collection.

All functions are pure. A failure is reported as soon as it is certain. Each rule below covers one cause that can stop a
Job from ending, and the first rule that applies decides. Any part of a response may be missing, of another type or very
large.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import re
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.containers import (
    CONTAINER,
    SIDECAR,
    end,
    ended,
    last_end,
    runs,
    started,
    statuses,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.shapes import (
    Object,
    as_dict,
    at,
    capped,
    condition,
    event_time,
    items,
    name_of,
    sentence,
    text_at,
    words,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._time import TimeError, parse_time

SECONDS_TO_CREATE_A_POD = 10.0
"""The Job controller retries after a rejection. A webhook that is still starting may reject only the first try."""
SECONDS_IN_A_QUEUE = 30.0
"""A queue with free capacity admits a Job in seconds. A busy queue may hold it for hours, too long for a task."""
SECONDS_TO_SCHEDULE = 60.0
"""A node may become ready in this time, or a pod on a full node may end."""
SECONDS_TO_MOUNT = 60.0
"""The kubelet retries, since a ConfigMap or Secret may reach its cache late and a disk takes time to attach."""
SECONDS_TO_START_A_SIDECAR = 15.0
"""The kubelet starts a sidecar again and again. A changed Secret may reach it late."""
SECONDS_FOR_SIDECARS = 15.0
"""Some sidecars notice the end of the main container and end by themselves."""

MOST_ENDS = 5
"""The number of ended containers that a message describes."""

_LONGEST_READ = 20000
"""Characters of a pull's error that are searched for its cause. The error may have one part for each mirror."""
# The kubelet recovers from these only if the pod, or an object that the pod refers to, changes.
_STUCK = (
    "InvalidImageName",
    "ErrImageNeverPull",
    "CreateContainerConfigError",
    "CreateContainerError",
    "RunContainerError",
    "StartError",
)
# The texts of registries, containerd and Docker. Image names and digests may contain the digits 429.
_THROTTLED = re.compile(
    r"toomanyrequests|too many requests|rate exceeded|data limit exceeded|(?<![\w.:@/-])429(?![\w.-])", re.IGNORECASE
)
_NODE_ANNOUNCED = ("TriggeredScaleUp", "Nominated")
"""Events by which the cluster autoscaler and Karpenter announce a node for a pod."""
_UNMOUNTED = ("FailedMount", "FailedAttachVolume")


@dataclasses.dataclass(frozen=True)
class Verdict:
    """outcome: running, succeeded or failed. why: sentences that name the Job or pod, the cause and the next step."""

    outcome: str
    why: str


def judge(job: Object, pods: t.Sequence[Object], events: t.Sequence[Object], waited: float) -> Verdict:
    """Judge a Job by the cluster's last responses. It never raises an exception.

    pods: the Job's. events: of its namespace; events about other objects are ignored. waited: seconds since the Job was
    created.
    """
    seen = _Seen(as_dict(job), current(pods), items(list(events)), waited)
    rules = (_finished, _queued, _without_pod, _ended, _unscheduled, _sidecars, _stuck, _unmounted)
    for rule in rules:
        verdict = rule(seen)
        if verdict:
            return verdict
    return Verdict("running", f"{seen.the_pod} is {text_at(seen.status, 'phase') or 'not started'}.")


def current(pods: t.Sequence[Object]) -> Object:
    """Return the pod that decides: one that succeeded, else the newest that did not fail; {} without a pod."""
    ranks = {"Succeeded": 2, "Failed": 0}
    found = sorted(
        items(list(pods)),
        key=lambda pod: (ranks.get(text_at(pod, "status", "phase"), 1), text_at(pod, "metadata", "creationTimestamp")),
    )
    return found[-1] if found else {}


# --- The last responses


@dataclasses.dataclass(frozen=True)
class _Seen:
    """The last responses about a Job. pod: {} without one."""

    job: Object
    pod: Object
    events: t.Sequence[Object]
    waited: float

    @property
    def the_job(self) -> str:
        return f"Job {name_of(self.job)}"

    @property
    def the_pod(self) -> str:
        return f"Pod {name_of(self.pod)}"

    @property
    def status(self) -> Object:
        return as_dict(at(self.pod, "status"))

    @property
    def containers(self) -> list[Object]:
        """The statuses of the main containers."""
        return items(self.status.get("containerStatuses"))

    @property
    def all_containers(self) -> list[Object]:
        return statuses(self.pod)

    def described(self, kind: str) -> str:
        """Return the command that shows details of the pod or Job."""
        name = name_of(self.job if kind == "job" else self.pod)
        namespace, _slash, short = name.rpartition("/")
        return f"kubectl describe {kind} {short}" + (f" -n {namespace}" if namespace else "")

    def about(self, kind: str, *names: str) -> list[Object]:
        """Return the events about the Job or its pod with one of these reasons, the newest last."""
        wanted = text_at(self.job if kind == "Job" else self.pod, "metadata", "name")
        found = [
            event
            for event in self.events
            if wanted
            and text_at(event, "involvedObject", "kind") == kind
            and text_at(event, "involvedObject", "name") == wanted
            and text_at(event, "reason") in names
        ]
        return sorted(found, key=event_time)

    def after(self, seconds: float, why: str, since: float = 0.0) -> Verdict:
        """Return `failed` if a state has lasted these seconds, else `running`. since: its start, in seconds."""
        return Verdict("failed" if self.waited - since >= seconds else "running", why)


# --- The rules: each returns a verdict if it applies


def _finished(seen: _Seen) -> Verdict | None:
    """The Job has ended, or its pod has succeeded."""
    if condition(seen.job, "Complete"):
        return Verdict("succeeded", f"{seen.the_job} is complete.")
    if text_at(seen.status, "phase") == "Succeeded":
        return Verdict("succeeded", f"{seen.the_pod} succeeded.")
    failure = condition(seen.job, "Failed")
    if not failure:
        return None
    parts = [f"{seen.the_job} failed: {words(failure)}"]
    if seen.pod:
        parts += _ends(seen)
    else:
        parts.append("Its pod was deleted.")
    if text_at(failure, "reason") == "DeadlineExceeded":
        parts.append(
            "The refresher did not end in time. Find out what delays it, or raise active_deadline, and run the task "
            "again."
        )
    else:
        parts.append(_advice(seen))
    return Verdict("failed", " ".join(parts))


def _queued(seen: _Seen) -> Verdict | None:
    """The Job is suspended, or its pod has a scheduling gate."""
    gated = condition(seen.pod, "PodScheduled", status="False")
    if text_at(gated, "reason") == "SchedulingGated":
        what = f"{seen.the_pod} is not scheduled, since it has scheduling gates: {words(gated)}"
    elif at(seen.job, "spec", "suspend") is True or condition(seen.job, "Suspended"):
        detail = condition(seen.job, "Suspended")
        what = f"{seen.the_job} is suspended{': ' + words(detail) if detail else '.'}"
    else:
        return None
    return seen.after(
        SECONDS_IN_A_QUEUE,
        f"{what} A queue such as Kueue holds it. Exclude the refresher's namespace from the queue, or give the queue "
        "free capacity, and run the task again.",
    )


def _without_pod(seen: _Seen) -> Verdict | None:
    """The Job has no pod."""
    if seen.pod:
        return None
    rejections = seen.about("Job", "FailedCreate")
    if not rejections:
        return Verdict(
            "running",
            f"{seen.the_job} has no pod yet. {seen.described('job')} shows its events; the Job controller may be down.",
        )
    return seen.after(
        SECONDS_TO_CREATE_A_POD,
        f"The cluster rejects the pod of {seen.the_job}: {_message(rejections[-1])} Change the quota, the admission "
        "policy or the Pod Security level in this message, or the refresher's settings, and run the task again.",
    )


def _ended(seen: _Seen) -> Verdict | None:
    """The pod has failed. The Job has no retries."""
    if text_at(seen.status, "phase") != "Failed":
        return None
    return Verdict("failed", " ".join([f"{seen.the_pod} failed.", *_ends(seen), _advice(seen)]))


def _unscheduled(seen: _Seen) -> Verdict | None:
    """No node runs the pod."""
    unscheduled = condition(seen.pod, "PodScheduled", status="False")
    if not unscheduled:
        return None
    why = f"{seen.the_pod} is not scheduled: {words(unscheduled)}"
    announced = seen.about("Pod", *_NODE_ANNOUNCED)
    if announced:
        return Verdict("running", f"{why} A node is announced: {_message(announced[-1])}")
    if text_at(unscheduled, "reason") != "Unschedulable":
        return Verdict("running", why)
    return seen.after(
        SECONDS_TO_SCHEDULE,
        f"{why} No node can run the pod: change node_selector, tolerations or resources, or add a node, and run the "
        "task again.",
    )


def _sidecars(seen: _Seen) -> Verdict | None:
    """The program has ended, but other containers in the pod still run."""
    main = next((each for each in seen.containers if text_at(each, "name") == CONTAINER), {})
    how = end(main)
    others = [text_at(each, "name") or "(no name)" for each in seen.containers if each is not main and not end(each)]
    if not how or not others:
        return None
    still = f"{seen.the_pod} has not ended, since other containers in it have not: {capped(', '.join(others))}."
    why = f"{ended(main, how)} {still}"
    if how.get("exitCode") != 0 and text_at(seen.pod, "spec", "restartPolicy") == "Never":
        return Verdict("failed", f"{why} {_advice(seen)}")
    return seen.after(
        SECONDS_FOR_SIDECARS,
        f"{why} A service mesh or another webhook injects these containers. Exclude the refresher's pods from the "
        "injection, and run the task again.",
        _seconds_until(seen, how),
    )


def _stuck(seen: _Seen) -> Verdict | None:
    """A container cannot be created, or its image cannot be pulled."""
    waiting = [each for each in seen.all_containers if at(each, "state", "waiting")]
    pulling = None
    for status in waiting:
        state = as_dict(at(status, "state", "waiting"))
        reason = text_at(state, "reason")
        why = f"{seen.the_pod}, container {text_at(status, 'name') or '(no name)'}: {words(state)}"
        if reason == "CrashLoopBackOff" and CONTAINER not in started(seen.pod):
            return seen.after(
                SECONDS_TO_START_A_SIDECAR,
                f"{why} {ended(status, last_end(status))} The program starts after this container. {_advice(seen)}",
            )
        if reason in _STUCK:
            return Verdict("failed", f"{why} Correct the cause and run the task again. {_more(seen)}")
        if reason == "ImagePullBackOff" and not _is_throttled(seen, status):
            return Verdict(
                "failed",
                f"{why} {_pull_message(seen, status)}Check image, image_pull_secrets and the nodes' access to the "
                "registry, and run the task again.",
            )
        if reason in ("ErrImagePull", "ImagePullBackOff"):
            pulling = Verdict("running", f"{why} {_pull_message(seen, status)}The kubelet retries the pull.")
    return pulling


def _unmounted(seen: _Seen) -> Verdict | None:
    """A volume cannot be mounted."""
    failures = seen.about("Pod", *_UNMOUNTED)
    if not failures or any(runs(each) or end(each) for each in seen.all_containers):
        return None
    return seen.after(
        SECONDS_TO_MOUNT,
        f"{seen.the_pod} cannot mount a volume: {_message(failures[-1])} Create or correct the object in this "
        "message, and run the task again.",
    )


# --- How containers ended


def _ends(seen: _Seen) -> list[str]:
    """Return sentences about the end of the pod and of its containers."""
    found = []
    if text_at(seen.status, "reason") or text_at(seen.status, "message"):
        found.append(f"{seen.the_pod}: {words(seen.status)}")
    for status in seen.all_containers:
        how, name = end(status), text_at(status, "name")
        # The kubelet has stopped the sidecar when the program had ended.
        if how and (how.get("exitCode") != 0 or name == CONTAINER) and name != SIDECAR:
            found.append(ended(status, how))
    return found[:MOST_ENDS]


def _advice(seen: _Seen) -> str:
    # The kubelet has started a killed sidecar again.
    killed = {
        text_at(each, "name")
        for each in seen.all_containers
        if "OOMKilled" in (text_at(end(each), "reason"), text_at(last_end(each), "reason"))
    }
    if killed:
        option = "roles_anywhere_resources" if killed == {SIDECAR} else "resources"
        return f"Raise the memory limit in {option}, and run the task again."
    if text_at(seen.status, "reason") == "Evicted":
        return (
            "Its node ran out of a resource. Raise the requests in resources or free the node, and run the task again."
        )
    return f"Correct the cause and run the task again. {_more(seen)}"


def _more(seen: _Seen) -> str:
    kind = "pod" if seen.pod else "job"
    return f"{seen.described(kind)} shows more."


def _seconds_until(seen: _Seen, how: Object) -> float:
    """Return the seconds from the Job's creation (API server's clock) to the container's end (node's); 0 if unknown."""
    try:
        created = parse_time(text_at(seen.job, "metadata", "creationTimestamp"))
        seconds = (parse_time(text_at(how, "finishedAt")) - created) / dt.timedelta(seconds=1)
    except (TimeError, OverflowError):
        return 0.0
    # Not less than 0: a node whose clock is behind must not cause a failure at once.
    return max(seconds, 0.0)


# --- Pulls


def _is_throttled(seen: _Seen, status: Object) -> bool:
    """Whether the registry throttles the pull.

    The newest event is read too, since the messages of older kubelets name no cause.
    """
    message = text_at(status, "state", "waiting", "message", longest=_LONGEST_READ)
    return bool(_THROTTLED.search(f"{message} {_pull_event(seen, status)}"))


def _pull_event(seen: _Seen, status: Object) -> str:
    container = f"{{{text_at(status, 'name')}}}"
    found = ""
    for event in seen.about("Pod", "Failed"):
        place = text_at(event, "involvedObject", "fieldPath")
        message = text_at(event, "message", longest=_LONGEST_READ)
        # Events that only repeat the state, such as "Error: ImagePullBackOff", are ignored.
        if not message.startswith("Error: ") and (not place or container in place):
            found = message
    return found


def _pull_message(seen: _Seen, status: Object) -> str:
    """Return the event's message, if the container's state does not contain it."""
    message = capped(_pull_event(seen, status))
    return f"{sentence(message)} " if message and message not in text_at(status, "state", "waiting", "message") else ""


# --- Parts of a status


def _message(event: Object) -> str:
    return sentence(text_at(event, "message") or text_at(event, "reason"))
