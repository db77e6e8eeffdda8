# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs that are interrupted or meet another run: unavailable API servers, Ctrl-C, two runs at a time."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes import client, config

from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes import client as kubernetes_client
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.api import Cluster
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.client import ClientTransport
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.retry import RetryBudget
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.decision import Policy
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.selection import Selection
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.task import PullSecretTask, Report
from ansible_collections.freshpull.ecr_public.plugins.module_utils._token import Token
from support import module
from support.aws import FakeAws
from support.cluster.audit import AuditLog
from support.dockerconfig import auths_of
from support.faults import BEFORE, Fault, FaultProxy
from support.leaks import find_in_files, forms
from support.playbook import PULL_SECRET, Ansible
from support.refresher import Refresher
from support.workloads import wait_for

Make = Callable[..., list[str]]
NAME = "ecr-public-secret"
ADMIN = "freshpull-admin"
FORTY = tuple(f"n{number:02}" for number in range(40))


def passwords(core: client.CoreV1Api, namespaces: list[str]) -> Counter[str]:
    read = (core.read_namespaced_secret(NAME, name).data for name in namespaces)
    return Counter(auths_of(data)["public.ecr.aws"]["password"] for data in read)


def done(audit: AuditLog, mark: int, user: str = ADMIN) -> Counter[str]:
    writes = audit.writes(since=mark, resource="secrets", user=user)
    return Counter(write["objectRef"]["namespace"] for write in writes if write["responseStatus"]["code"] < 300)


# --- Unavailable API servers


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of a server that accepts connections and never responds."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"https://127.0.0.1:{server.getsockname()[1]}"


@pytest.mark.parametrize("kind", ["closed", "silent"])
def test_an_unavailable_server_is_reported_once_and_soon(
    kubeconfig: str, aws: FakeAws, tmp_path: Path, silent: str, kind: str
) -> None:
    """Use a wrong address for 1,000 namespaces."""
    settings = yaml.safe_load(Path(kubeconfig).read_text())
    url = silent if kind == "silent" else "https://127.0.0.1:9"
    settings["clusters"][0]["cluster"]["server"] = url
    path = tmp_path / "kubeconfig"
    path.write_text(yaml.safe_dump(settings))
    path.chmod(0o600)
    began = time.monotonic()
    names = [f"namespace-{number}" for number in range(1000)]
    result = module.run(str(path), namespaces=names, token=aws.issue())
    # 15 seconds of attempts, the last of which can take 10; the rest allows for a slow machine.
    assert time.monotonic() - began < 60
    assert result.errors == ""
    assert result.values["failed"]
    assert result.msg.count(url) == 1
    assert result.msg.startswith(f"Could not list namespaces at {url}: ")
    assert "namespaces" not in result.values


def run_with_fast_clock(proxy: FaultProxy, names: list[str], token: dict[str, str], factor: int) -> Report:
    """Run the module's task in this process by a faster clock, which turns limits of a minute into seconds."""
    settings = client.Configuration()
    config.load_kube_config(proxy.kubeconfig, client_configuration=settings)
    budget = RetryBudget(now=lambda: time.monotonic() * factor, sleep=lambda seconds: time.sleep(seconds / factor))
    cluster = Cluster(ClientTransport(settings, connections=8), retries=budget)
    task = PullSecretTask(cluster, Policy(name=NAME), workers=8, token=Token.from_mapping(token))
    return task.apply(task.plan(Selection(tuple(names))))


def test_a_server_that_stays_down_ends_the_task_in_bounded_time(
    proxy: FaultProxy, core: client.CoreV1Api, aws: FakeAws, make_namespaces: Make
) -> None:
    """Fail all requests after 10 of 40 writes: the other namespaces do not wait one after the other."""
    names = make_namespaces(*FORTY)
    proxy.inject(Fault("POST", skip=10, strikes=BEFORE))
    factor = 12
    began = time.monotonic()
    report = run_with_fast_clock(proxy, names, aws.issue(), factor=factor)
    # A minute for the 8 writes in progress; 30 writes one after the other would take 4 minutes.
    assert (time.monotonic() - began) * factor < 180
    assert report.summary == {"created": 10, "failed": 30}
    assert {failure.plan.reason for failure in report.failures} == {"unreachable"}
    # Only the writes in progress are retried, for a minute by the fast clock; the others hardly or not at all.
    tried = Counter(re.findall(r"namespaces/(\S+)/secrets", " ".join(seen.path for seen in proxy.seen)))
    assert len([name for name, count in tried.items() if count > 5]) == 8
    assert sum(passwords(core, [o.namespace for o in report.outcomes if o.plan.action == "created"]).values()) == 10


def test_a_request_to_a_server_that_hangs_is_retried(
    proxy: FaultProxy, aws: FakeAws, audit: AuditLog, make_namespaces: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No response within the timeout: twice for a read, once for a write that the server carries out."""
    names = make_namespaces("a", "b")
    monkeypatch.setattr(kubernetes_client, "TIMEOUT_SECONDS", (1, 1))
    proxy.inject(Fault("GET", f"/{names[0]}/secrets", times=2, delay=1.5))
    proxy.inject(Fault("POST", f"/{names[1]}/secrets", times=1, delay=1.5))
    mark = audit.mark()
    assert run_with_fast_clock(proxy, names, aws.issue(), factor=1).summary == {"created": 2}
    assert len(proxy.times("GET", f"/{names[0]}/secrets")) == 3
    assert len(proxy.times("POST", f"/{names[1]}/secrets")) == 2
    assert done(audit, mark) == dict.fromkeys(names, 1)


# --- Stopped by a signal


def test_a_stop_before_anything_was_written(proxy: FaultProxy, aws: FakeAws, make_namespaces: Make) -> None:
    (name,) = make_namespaces("a")
    running: list[module.ModuleProcess] = []

    def stop() -> None:
        wait_for(lambda: running, "the module's start")
        running[0].send(signal.SIGTERM)

    proxy.inject(Fault("GET", f"/{name}$", times=1, meanwhile=stop, delay=0.5))
    running.append(module.start(proxy.kubeconfig, namespaces=[name], token=aws.issue(), check_mode=True))
    result = running[0].wait()
    assert result.errors == ""
    assert (result.values["failed"], result.values.get("changed", False)) == (True, False)
    assert result.msg.startswith("Stopped by SIGTERM")
    assert proxy.times("POST") == []


def test_a_recreation_that_has_begun_is_finished(
    proxy: FaultProxy, core: client.CoreV1Api, aws: FakeAws, make_namespaces: Make
) -> None:
    """The module does not stop between the deletion and the creation."""
    (name,) = make_namespaces("a")
    core.create_namespaced_secret(name, {"metadata": {"name": NAME}, "type": "Opaque"})
    running: list[module.ModuleProcess] = []

    def stop() -> None:
        running[0].send(signal.SIGTERM)

    proxy.inject(Fault("DELETE", times=1, meanwhile=stop, delay=0.5))
    options: dict[str, Any] = {"adopt": True, "recreate": True}
    running.append(module.start(proxy.kubeconfig, namespaces=[name], token=aws.issue(), **options))
    result = running[0].wait()
    assert result.actions == {name: ("recreated", "wrong_type")}
    assert passwords(core, [name]) == {aws.tokens[-1]: 1}


def test_ctrl_c_in_a_playbook(
    ansible: Ansible, proxy: FaultProxy, core: client.CoreV1Api, aws: FakeAws, audit: AuditLog, make_namespaces: Make
) -> None:
    """Ansible ends at once without a report; the module finishes the writes in progress, and the next run the rest."""
    names = make_namespaces(*FORTY)
    token = aws.issue()
    tasks = [{PULL_SECRET: {"kubeconfig": proxy.kubeconfig, "namespaces": names, "token": token, "workers": 4}}]
    play = ansible.directory / "play.yml"
    play.write_text(yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}]))
    play.chmod(0o600)
    mark = audit.mark()
    proxy.inject(Fault("POST", delay=0.3))
    process = subprocess.Popen(
        [
            *("ansible-playbook", str(play), "-i", "localhost,", "-c", "local"),
            *("-e", f"ansible_python_interpreter={sys.executable}"),
        ],
        env=ansible.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    wait_for(lambda: len(proxy.times("POST")) >= 10, "ten writes", seconds=60)
    # A terminal sends the signal to all foreground processes.
    os.killpg(process.pid, signal.SIGINT)
    output, _none = process.communicate(timeout=60)
    assert process.returncode != 0
    assert "Traceback" not in output
    assert token["password"] not in output
    play.unlink()
    begun = wait_for_quiet(proxy)
    assert 10 <= begun < 40
    first = done(audit, mark)
    assert set(first.values()) == {1}
    assert len(first) == begun
    assert passwords(core, list(first)) == {token["password"]: begun}
    again = module.run(proxy.kubeconfig, namespaces=names, token=token).ok()
    assert again.summary == {"created": 40 - begun, "unchanged": begun}
    assert done(audit, mark) == dict.fromkeys(names, 1)
    assert find_in_files(ansible.directory, forms(token["password"])) == []


def wait_for_quiet(proxy: FaultProxy) -> int:
    """Return the number of writes, once none has come for as long as five of them take."""
    wait_for(lambda: proxy.times("POST")[-1] < time.monotonic() - 1.5, "the end of the writes", seconds=60)
    return len(proxy.times("POST"))


# --- Two runs at a time


def test_two_runs_at_the_same_moment(
    proxy: FaultProxy, core: client.CoreV1Api, aws: FakeAws, audit: AuditLog, make_namespaces: Make
) -> None:
    """Hold one run between its read and its write until the other is done: the later token stays, nothing fails."""
    names = make_namespaces("made", "renewed")
    module.run(proxy.kubeconfig, namespaces=names[1:], token=aws.issue(40000)).ok()
    uid = core.read_namespaced_secret(NAME, names[1]).metadata.uid
    sooner, later = aws.issue(41000), aws.issue(42000)
    other: list[module.Result] = []

    def overtake() -> None:
        other.append(module.run(proxy.kubeconfig, namespaces=names, token=later, force_renew=True).ok())

    proxy.inject(Fault("PATCH", f"/{names[1]}/", times=1, meanwhile=overtake))
    proxy.inject(Fault("POST", f"/{names[0]}/", times=1, meanwhile=lambda: wait(other)))
    mark = audit.mark()
    result = module.run(proxy.kubeconfig, namespaces=names, token=sooner, force_renew=True).ok()
    assert other[0].actions == {names[0]: ("created", "missing"), names[1]: ("renewed", "forced")}
    assert result.actions == dict.fromkeys(names, ("unchanged", "not_later"))
    assert done(audit, mark) == dict.fromkeys(names, 1)
    assert passwords(core, names) == {later["password"]: 2}
    assert core.read_namespaced_secret(NAME, names[1]).metadata.uid == uid


def wait(results: list[module.Result]) -> None:
    wait_for(lambda: results, "the other run")


def test_two_runs_that_race(
    kubeconfig: str, core: client.CoreV1Api, aws: FakeAws, audit: AuditLog, make_namespaces: Make
) -> None:
    """Whichever run is first in each of 40 namespaces, the later token stays, and both runs succeed."""
    names = make_namespaces(*FORTY)
    sooner, later = aws.issue(41000), aws.issue(42000)
    mark = audit.mark()
    both = [module.start(kubeconfig, namespaces=names, token=token, force_renew=True) for token in (sooner, later)]
    results = [running.wait().ok() for running in both]
    assert [result.errors for result in results] == ["", ""]
    assert passwords(core, names) == {later["password"]: 40}
    written = Counter(
        name for result in results for name, (action, _why) in result.actions.items() if action != "unchanged"
    )
    assert done(audit, mark) == written
    assert set(written) == set(names)


def test_the_refresher_and_a_playbook_at_the_same_moment(
    core: client.CoreV1Api, aws: FakeAws, audit: AuditLog, kubeconfig: str, tmp_path: Path
) -> None:
    """Hold the refresher between its read and its write until the module is done in half of the namespaces."""
    refresher = Refresher(core, aws, tmp_path)
    both, alone = (
        [refresher.add(kind, expires_at="2020-01-01T00:00:00Z") for _number in range(5)] for kind in ("both", "alone")
    )
    uids = {name: core.read_namespaced_secret(NAME, name).metadata.uid for name in both + alone}
    later = aws.issue(50000)
    mark = audit.mark()
    reached, go_on = tmp_path / "reached", tmp_path / "go-on"
    wait = f"touch {reached}; until [[ -e {go_on} ]]; do sleep 0.1; done"
    refresher.wrap("aws", f'{wait}\nexec "$REAL" "$@"')
    with ThreadPoolExecutor() as pool:
        run = pool.submit(refresher.run)
        wait_for(reached.exists, "the refresher's call of AWS")
        assert module.run(kubeconfig, namespaces=both, token=later).ok().summary == {"renewed": 5}
        go_on.touch()
        results = run.result()
    assert {results[name]["action"] for name in both} == {"unchanged"}
    assert {results[name]["action"] for name in alone} == {"renewed"}
    assert done(audit, mark) == dict.fromkeys(both, 1)
    assert passwords(core, both) == {later["password"]: 5}
    assert {name: core.read_namespaced_secret(NAME, name).metadata.uid for name in both + alone} == uids
