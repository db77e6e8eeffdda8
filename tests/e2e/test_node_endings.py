# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Causes that end the refresher's pod before its work is done, and the termination message of each."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from kubernetes import client, watch

from support import leaks
from support.aws import FakeAws
from support.cluster.audit import AuditLog
from support.faults import BEFORE, Fault
from support.proxied_role import ProxiedRole
from support.workloads import CRONJOB, wait_for

pytestmark = pytest.mark.node
COUNT = 30
ACTIVE_DEADLINE = 180
"""Seconds for a Job, the role's minimum. The program has 90 s of them, and the AWS CLI 60 s of these."""


@pytest.fixture(scope="module")
def place(make_proxied_role: Callable[..., ProxiedRole]) -> ProxiedRole:
    return make_proxied_role(COUNT, refresher_active_deadline=ACTIVE_DEADLINE)


@pytest.fixture(autouse=True)
def healthy(place: ProxiedRole, aws: FakeAws) -> None:
    place.heal(aws)


def test_aws_never_responds(place: ProxiedRole, aws: FakeAws) -> None:
    """The AWS CLI is stopped when a third of the program's time is left, for secrets that must fail open."""
    fresh, due, expiring, expired = place.role.namespaces[:4]
    place.age(5, due)
    place.age(2, expiring)
    place.age(-1, expired)
    uids, before = place.uids(), place.passwords()
    aws.behave(hang=True)
    ended, results = place.refresh()
    aws.behave(hang=False)
    assert (ended.succeeded, ended.exit_code) == (False, 1)
    assert ended.message.startswith(f"1 failed, 2 failed_open, {COUNT - 3} unchanged\n")
    assert f"The AWS CLI got no token from {aws.endpoint_url} in 60 s and was stopped." in ended.message
    assert [results[name] for name in (fresh, due, expiring, expired)] == [
        ("unchanged", "fresh"),
        ("failed", "kept"),
        ("failed_open", "due"),
        ("failed_open", "expired"),
    ]
    assert place.passwords() == {**before, expiring: None, expired: None}
    assert place.uids() == uids
    assert aws.tokens == []


def test_the_program_s_own_deadline(place: ProxiedRole, aws: FakeAws, audit: AuditLog) -> None:
    """The program ends at its own deadline: its termination message can be read, and no second pod retries it."""
    place.age(5, *place.role.namespaces)
    uids, before, mark = place.uids(), place.passwords(), audit.mark()
    # Four workers need 8 times as long for 30 secrets.
    place.proxy.inject(Fault("PATCH", delay=14))
    ended = place.run(retries=True, seconds=ACTIVE_DEADLINE)
    assert ended.exit_code == 3
    assert ended.message.startswith("Stopped by its deadline after 90 s, before the end: see active_deadline. ")
    job = place.workloads.batch.read_namespaced_job(ended.job, place.role.refresher)
    assert job.spec.backoff_limit == 1
    assert [each.reason for each in job.status.conditions if each.type == "Failed"] == ["PodFailurePolicy"]
    assert job.status.failed == 1
    results = ended.outcomes
    renewed = {name for name, outcome in results.items() if outcome == ("renewed", "due")}
    # The program can have read a secret without having begun its write.
    assert {outcome for name, outcome in results.items() if name not in renewed} <= {("failed", "stopped")}
    assert 0 < len(renewed) < COUNT
    assert f"{len(renewed)} renewed" in ended.message
    # Requests that were sent before the program ended still arrive.
    wait_for(lambda: len(place.done(audit, mark)) == len(place.proxy.times("PATCH")), "the last writes")
    done, after = place.done(audit, mark), place.passwords()
    assert renewed <= set(done)
    assert set(done.values()) == {1}
    assert {name for name in after if after[name] != before[name]} == set(done)
    assert {after[name] for name in done} == {aws.tokens[-1]}
    assert place.uids() == uids


def test_a_pod_that_is_deleted(place: ProxiedRole, aws: FakeAws, audit: AuditLog) -> None:
    """The program finishes the writes in progress and begins no others."""
    place.age(5, *place.role.namespaces)
    uids, before, mark = place.uids(), place.passwords(), audit.mark()
    place.proxy.inject(Fault("PATCH", delay=0.5))
    with ThreadPoolExecutor() as pool:
        job = pool.submit(place.run)
        wait_for(lambda: len(place.proxy.times("PATCH")) >= 10, "ten writes")
        home = place.role.refresher
        (pod,) = place.core.list_namespaced_pod(home, field_selector="status.phase=Running").items
        log = pool.submit(place.core.read_namespaced_pod_log, pod.metadata.name, home, follow=True)
        end = pool.submit(termination, place.core, home, pod.metadata.name)
        place.core.delete_namespaced_pod(pod.metadata.name, home)
        exit_code, message = end.result()
        assert not job.result().succeeded
    assert exit_code == 1
    assert message.startswith(
        "Stopped by SIGTERM before the end. Its pod was deleted, its node was drained, or a deadline passed. "
    )
    lines = [json.loads(line) for line in log.result().splitlines()]
    assert lines[-1]["summary"]["renewed"] == len(place.done(audit, mark))
    done, after = place.done(audit, mark), place.passwords()
    assert 10 <= len(done) < COUNT
    assert set(done.values()) == {1}
    assert {line["namespace"] for line in lines if line.get("action") == "renewed"} == set(done)
    assert {name for name in after if after[name] != before[name]} == set(done)
    assert {after[name] for name in done} == {aws.tokens[-1]}
    assert place.uids() == uids


def termination(core: client.CoreV1Api, namespace: str, pod: str) -> tuple[int, str]:
    """Return the exit status and the message of a pod's container, read before the pod is gone."""
    stream = watch.Watch().stream(
        core.list_namespaced_pod, namespace, field_selector=f"metadata.name={pod}", timeout_seconds=60
    )
    for event in stream:
        end = event["object"].status.container_statuses[0].state.terminated
        if end:
            return end.exit_code, end.message or ""
    raise TimeoutError(f"The container of pod {pod} did not terminate.")


@pytest.mark.parametrize("missing", ["python3", "aws"])
def test_an_image_without_a_program(place: ProxiedRole, aws: FakeAws, missing: str) -> None:
    """The container ends before a program can write a message: the kubelet takes the log."""

    def hide(pod: dict[str, Any]) -> None:
        file = {"name": "settings", "mountPath": f"/usr/bin/{missing}", "subPath": "policy.json", "readOnly": True}
        pod["containers"][0]["volumeMounts"].append(file)

    ended = place.run(hide)
    assert (ended.succeeded, ended.exit_code) == (False, 1)
    assert ended.message.startswith(
        f"The image has no {missing}: the refresher needs Python 3.9 or newer and the AWS CLI v2."
    )
    assert (ended.message, aws.calls) == (ended.log, {})


def test_an_api_server_that_is_overloaded(place: ProxiedRole, aws: FakeAws, audit: AuditLog) -> None:
    """The server names the seconds to wait, and the program waits."""
    place.age(5, *place.role.namespaces)
    first, second = Fault("GET", times=6), Fault("PATCH", skip=8, times=6)
    for fault in (first, second):
        fault.strikes, fault.status, fault.headers = BEFORE, 429, {"Retry-After": "3"}
        place.proxy.inject(fault)
    mark = audit.mark()
    ended, results = place.refresh()
    assert (ended.succeeded, ended.message.strip()) == (True, f"{COUNT} renewed")
    assert (first.hits, second.hits) == (6, 6)
    assert Counter(results.values()) == {("renewed", "due"): COUNT}
    assert place.done(audit, mark) == dict.fromkeys(place.role.namespaces, 1)
    assert set(place.passwords().values()) == {aws.tokens[-1]}
    repeated = [times for name in place.role.namespaces if len(times := place.proxy.times("PATCH", f"/{name}/")) > 1]
    assert repeated
    assert min(times[number + 1] - times[number] for times in repeated for number in range(len(times) - 1)) >= 3


def test_a_full_scratch_volume(place: ProxiedRole, aws: FakeAws) -> None:
    """Only the AWS CLI writes there, to cache the credentials of an assumed role."""
    place.age(5, *place.role.namespaces)

    def fill(pod: dict[str, Any]) -> None:
        (container,) = pod["containers"]
        fill = "head -c 1G /dev/zero >/scratch/full; df --output=avail /scratch | tail -n 1"
        pod["initContainers"] = [{**container, "name": "fill", "command": ["sh", "-c", fill]}]

    ended = place.run(fill)
    log = place.core.read_namespaced_pod_log(ended.pod, place.role.refresher, container="fill")
    assert log.split()[-1] == "0", log
    assert (ended.succeeded, ended.message.strip()) == (True, f"{COUNT} renewed")
    assert set(place.passwords().values()) == {aws.tokens[-1]}


ERRORS = {
    # A token in the text, in a worker. It fails each namespace by itself.
    "_pull_secret.secret_writer.py": ("    def _write(self, outcome: ", "str(outcome)"),
    # The AWS keys in the text, before there are workers.
    "_refresher.settings.py": ("def read(directory: ", 'open(os.environ["AWS_SHARED_CREDENTIALS_FILE"]).read()'),
}


@pytest.mark.parametrize("file", ERRORS)
def test_an_unexpected_error_of_the_program(place: ProxiedRole, aws: FakeAws, kubeconfig: str, file: str) -> None:
    """The error's class and line are reported, but not its text, which contains a secret."""
    place.age(5, *place.role.namespaces)
    name, line = broken_program(place, file, *ERRORS[file])

    def mount(pod: dict[str, Any]) -> None:
        (volume,) = [volume for volume in pod["volumes"] if volume["name"] == "program"]
        volume["configMap"]["name"] = name

    ended = place.run(mount)
    assert (ended.succeeded, ended.exit_code) == (False, 1)
    location = f"{file.rpartition('.')[0].rpartition('.')[2]}.py, line {line}"
    what = "The write" if "writer" in file else "The refresher"
    assert f"{what} failed with an unexpected RuntimeError in {location}. " in ended.message
    assert len(aws.tokens) == (file == "_pull_secret.secret_writer.py")
    needles = {aws.secret_key, *(form for token in aws.tokens for form in leaks.forms(token))}
    assert leaks.find(ended.log + ended.message, needles) == []
    others = [item for item in leaks.cluster_objects(kubeconfig) if item["kind"] != "Secret"]
    assert ended.pod in {item["metadata"]["name"] for item in others}
    assert leaks.find(json.dumps(others), needles) == []


def broken_program(place: ProxiedRole, file: str, function: str, secret: str) -> tuple[str, int]:
    """Create a program whose function raises an error with a secret in its text. Return its ConfigMap and the line."""
    core, home = place.core, place.role.refresher
    cronjob = place.workloads.batch.read_namespaced_cron_job(CRONJOB, home)
    volumes = cronjob.spec.job_template.spec.template.spec.volumes
    (program,) = [volume.config_map.name for volume in volumes if volume.name == "program"]
    data = core.read_namespaced_config_map(program, home).data
    lines = data[file].splitlines()
    (start,) = [number for number, line in enumerate(lines) if line.startswith(function)]
    indent = " " * (len(function) - len(function.lstrip()) + 4)
    lines.insert(start + 1, f"{indent}raise RuntimeError({secret})")
    body = {"metadata": {"generateName": "broken-"}, "data": {**data, file: "\n".join(lines) + "\n"}}
    return str(core.create_namespaced_config_map(home, body).metadata.name), start + 2
