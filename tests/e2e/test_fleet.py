# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many clusters in one play: one AWS call for all that need a token. No cluster stops another one."""

from __future__ import annotations

import base64
import datetime as dt
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from kubernetes import client

from support import leaks
from support.aws import FakeAws
from support.cluster.audit import AuditLog
from support.dockerconfig import auths_of
from support.fleet import Fleet, recap
from support.logins import Site
from support.playbook import PULL_SECRET, Ansible, Run

Make = Callable[..., list[str]]
NAME = "ecr-public-secret"
ADMIN = "freshpull-admin"
# A play of the user.
PLAY = {"hosts": "clusters", "gather_facts": False, "roles": [{"role": "freshpull.ecr_public.pull_secret"}]}
GOOD = [f"c{number}" for number in range(8)]


@pytest.fixture
def fleet(ansible: Ansible, aws: FakeAws) -> Iterator[Fleet]:
    with Fleet(ansible, aws) as fleet:
        yield fleet


def passwords(core: client.CoreV1Api, namespaces: list[str], registry: str = "public.ecr.aws") -> dict[str, str | None]:
    """Return the token of each namespace that has a secret; None if its managed entries were removed."""
    found = {}
    for namespace in namespaces:
        for secret in core.list_namespaced_secret(namespace).items:
            found[namespace] = auths_of(secret.data).get(registry, {}).get("password")
    return found


def set_expiring(core: client.CoreV1Api, namespace: str) -> None:
    """Set the annotations of a token that expires in twenty minutes, after a lifetime of twelve hours."""
    expiry = dt.datetime.now(dt.timezone.utc) + dt.timedelta(minutes=20)
    times = {"expires-at": expiry, "renewed-at": expiry - dt.timedelta(hours=12)}
    annotations = {f"ecr-public.freshpull/{name}": f"{time:%Y-%m-%dT%H:%M:%SZ}" for name, time in times.items()}
    core.patch_namespaced_secret(namespace, namespace, {"metadata": {"annotations": annotations}})


def failed(run: Run) -> set[str]:
    return {host for host, counts in recap(run).items() if counts["failed"]}


def changes(run: Run) -> dict[str, int]:
    return {host: counts["changed"] for host, counts in recap(run).items()}


def limit(names: list[str]) -> str:
    return f"--limit={','.join(names)}"


def written(audit: AuditLog, mark: int) -> list[str]:
    return sorted(event["objectRef"]["namespace"] for event in audit.writes(since=mark, user=ADMIN))


@pytest.mark.core
def test_ten_clusters_of_which_some_are_due(
    fleet: Fleet,
    ansible: Ansible,
    core: client.CoreV1Api,
    kubeconfig: str,
    aws: FakeAws,
    audit: AuditLog,
    make_namespaces: Make,
) -> None:
    names = make_namespaces(*GOOD, "slow", "dead")
    for name in names[:8]:
        fleet.add(name, [name])
    fleet.add(names[8], [names[8]], delay=3)
    dead = fleet.add_dead(names[9], [names[9]])
    fresh, due = names[:5], names[5:9]
    fill = [{PULL_SECRET: {"kubeconfig": kubeconfig, "name": name, "namespaces": [name]}} for name in fresh]
    ansible.tasks(fill, env=fleet.environment()).ok()
    before = passwords(core, fresh)
    aws.reset()

    facts = {"ANSIBLE_CACHE_PLUGIN": "jsonfile", "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(ansible.directory / "facts")}
    mark = audit.mark()
    run = fleet.run("-vvv", "--diff", env={**facts, "ANSIBLE_LOG_PATH": str(ansible.directory / "ansible.log")})
    assert aws.calls == {"GetAuthorizationToken": 1}
    assert written(audit, mark) == due
    (new,) = aws.tokens
    assert passwords(core, names) == {**before, **dict.fromkeys(due, new)}
    assert failed(run) == {names[9]}
    assert changes(run) == {**dict.fromkeys(names, 0), **dict.fromkeys(due, 1)}
    assert f"fatal: [{names[9]}]: FAILED! => " in run.output
    assert dead in run.output

    # The token is only in the secrets, and the AWS access keys are in no cluster.
    tokens = {form for token in (*before.values(), new) if token for form in leaks.forms(token)}
    keys = {aws.secret_key, base64.b64encode(aws.secret_key.encode()).decode()}
    assert leaks.find(run.output, tokens | keys) == []
    assert leaks.find_in_files(ansible.directory, tokens | keys) == []
    for item in leaks.cluster_objects(kubeconfig):
        assert leaks.find(json.dumps(item), {aws.access_key, *keys}) == [], item["metadata"]


def test_check_mode_then_a_write_then_nothing_due_then_no_token(
    fleet: Fleet, core: client.CoreV1Api, aws: FakeAws, audit: AuditLog, make_namespaces: Make
) -> None:
    names = make_namespaces("a", "b")
    for name in names:
        fleet.add(name, [name])
    mark = audit.mark()
    checked = fleet.run("--check", "--diff").ok()
    assert (aws.calls, written(audit, mark)) == ({}, [])
    assert changes(checked) == dict.fromkeys(names, 1)

    # The collection's playbook uses the linear strategy, whatever is configured.
    made = fleet.run(env={"ANSIBLE_STRATEGY": "free"}).ok()
    assert (aws.calls, written(audit, mark)) == ({"GetAuthorizationToken": 1}, names)
    assert changes(made) == dict.fromkeys(names, 1)
    before = passwords(core, names)

    aws.reset()
    mark = audit.mark()
    assert changes(fleet.run().ok()) == dict.fromkeys(names, 0)
    assert (aws.calls, written(audit, mark)) == ({}, [])

    # One token is requested, and each cluster keeps or removes its token as it would alone.
    set_expiring(core, names[1])
    aws.behave(deny="ecr-public:GetAuthorizationToken")
    mark = audit.mark()
    down = fleet.run(force_renew=True)
    assert aws.calls == {"GetAuthorizationToken": 1}
    assert written(audit, mark) == names[1:]
    assert passwords(core, names) == {names[0]: before[names[0]], names[1]: None}
    assert failed(down) == set(names)
    for name in names:
        failures = re.findall(rf"^fatal: \[{name}\]: FAILED! => (.*)", down.output, re.MULTILINE)
        assert "No token available for ECR Public." in failures[-1]
        assert "ecr-public:GetAuthorizationToken" in failures[-1]


def test_a_shared_token_is_tried_and_a_rejected_one_counts_as_no_token(
    ansible: Ansible, core: client.CoreV1Api, site: Site, audit: AuditLog, make_namespaces: Make
) -> None:
    """Each cluster keeps a valid token and removes an expiring one, as it would alone."""
    names = make_namespaces("kept", "expiring")
    options: dict[str, Any] = {"aws": site.options, "registries": [site.registry], "verify": True}
    with Fleet(ansible, site.aws) as fleet:
        for name in names:
            fleet.add(name, [name])
        fleet.run(**options).ok()
        assert site.aws.calls == {"GetAuthorizationToken": 1}
        assert [request["status"] for request in site.aws.registry_requests] == [401, 200, 200] * 2
        before = passwords(core, names, site.registry)
        set_expiring(core, names[1])

        site.aws.behave(registry_refuses=True)
        mark = audit.mark()
        run = fleet.run("-vvv", force_renew=True, **options)
    assert site.aws.calls == {"GetAuthorizationToken": 2}
    assert failed(run) == set(names)
    assert written(audit, mark) == names[1:]
    assert passwords(core, names, site.registry) == {names[0]: before[names[0]], names[1]: None}
    assert run.output.count("The new token was withheld. ") >= 2
    needles = {form for token in site.aws.tokens for form in leaks.forms(token)}
    assert leaks.find(run.output, needles) == []
    assert leaks.find_in_files(ansible.directory, needles) == []


def test_the_clusters_do_not_fail_open_for_invalid_aws_options(
    fleet: Fleet, aws: FakeAws, audit: AuditLog, make_namespaces: Make
) -> None:
    names = make_namespaces("a", "b")
    for name in names:
        fleet.add(name, [name])
    mark = audit.mark()
    run = fleet.run(aws={"profle": "ci"})
    assert failed(run) == set(names)
    assert "Did you mean profile?" in run.output
    assert (aws.calls, written(audit, mark)) == ({}, [])


def test_duplicate_and_unresponsive_clusters_stop_no_other(
    fleet: Fleet, core: client.CoreV1Api, aws: FakeAws, audit: AuditLog, make_namespaces: Make
) -> None:
    names = make_namespaces("good", "double", "silent", "apart")
    good, double, silent, apart = names
    again = f"{double}-again"
    fleet.add(good, [good])
    fleet.add(double, [double])
    fleet.add_double(again, double, namespaces=[apart])
    # The same cluster and namespace, but another secret.
    fleet.add_double(apart, double, name=apart)
    fleet.add(silent, [silent], delay=None)
    mark = audit.mark()
    hasty = fleet.run("-e", "_pull_secret_seconds_to_respond=1")
    assert "The cluster did not respond in 1 seconds" in hasty.output
    assert (failed(hasty), written(audit, mark), aws.calls) == ({good, apart, double, again, silent}, [], {})
    run = fleet.run()
    assert failed(run) == {double, again, silent}
    assert f"The hosts {double}, {again} reach the same cluster, https://127.0.0.1:" in run.output
    # The module itself stops retrying a server that has never responded.
    assert re.search(r"Could not \w+ namespaces? .*at https://127.0.0.1", run.output)
    assert written(audit, mark) == [double, good]
    assert core.read_namespaced_secret(apart, double)
    assert aws.calls == {"GetAuthorizationToken": 1}


def test_one_call_for_each_batch_and_each_set_of_options(fleet: Fleet, aws: FakeAws, make_namespaces: Make) -> None:
    names = make_namespaces("a", "b", "c", "d")
    keys = {"access_key": aws.access_key, "secret_key": aws.secret_key}
    for name in names:
        fleet.add(name, [name], aws=keys if name == names[3] else {})
    assert fleet.run(playbook=[{**PLAY, "serial": 2}]).ok()
    assert aws.calls == {"GetAuthorizationToken": 3}


@pytest.mark.parametrize("way", ["environment", "module_defaults"])
def test_the_play_s_aws_access_is_never_replaced_by_that_of_the_control_node(
    fleet: Fleet, core: client.CoreV1Api, aws: FakeAws, make_namespaces: Make, way: str
) -> None:
    """A shared token is requested by a lookup, which reads neither of them: each cluster requests its own."""
    names = make_namespaces("a", "b")
    for name in names:
        fleet.add(name, [name])
    access = {
        "environment": {"AWS_ACCESS_KEY_ID": aws.access_key, "AWS_SECRET_ACCESS_KEY": aws.secret_key},
        "module_defaults": {
            "group/freshpull.ecr_public.aws": {"aws": {"access_key": aws.access_key, "secret_key": aws.secret_key}}
        },
    }
    others = {"AWS_ACCESS_KEY_ID": "AKIAOTHER", "AWS_SECRET_ACCESS_KEY": "other"}
    fleet.run(playbook=[{**PLAY, way: access[way]}], env=others).ok()
    assert aws.calls == {"GetAuthorizationToken": 2}
    assert set(passwords(core, names).values()) == set(aws.tokens)


@pytest.mark.parametrize("strategy", ["free", "host_pinned"])
def test_strategies_whose_hosts_do_not_wait_for_each_other_are_rejected(
    fleet: Fleet, aws: FakeAws, audit: AuditLog, make_namespaces: Make, strategy: str
) -> None:
    names = make_namespaces("a", "b")
    for name in names:
        fleet.add(name, [name])
    mark = audit.mark()
    run = fleet.run(playbook=[{**PLAY, "strategy": strategy}])
    assert run.returncode != 0
    assert "Reject the strategies free and host_pinned" in run.output
    assert (aws.calls, audit.requests(since=mark, resource="secrets", user=ADMIN)) == ({}, [])


def test_one_cluster_needs_no_shared_token(
    fleet: Fleet, core: client.CoreV1Api, aws: FakeAws, audit: AuditLog, make_namespaces: Make
) -> None:
    names = make_namespaces("a", "b")
    for name in names:
        fleet.add(name, [name])
    mark = audit.mark()
    assert fleet.run(limit(names[:1])).ok()
    requests = audit.requests(since=mark, resource="secrets", user=ADMIN)
    verbs = [event["verb"] for event in requests if event["objectRef"].get("namespace") in (None, names[0])]
    # The requests of the module alone: the plan, a read before the write, and the write.
    assert verbs == ["list", "list", "create"]
    assert aws.calls == {"GetAuthorizationToken": 1}
    assert list(passwords(core, names)) == names[:1]
