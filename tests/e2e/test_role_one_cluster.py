# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Plays that name two clusters, in every possible way: the role works on one of them, or stops with a clear message.

One playbook runs all ways. Each has its own refresher namespace, which shows the clusters that it wrote to.
"""

from __future__ import annotations

import dataclasses
import json
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.aws import FakeAws
from support.cluster.audit import AuditLog
from support.cluster.second_cluster import SecondCluster, second_cluster
from support.playbook import Ansible

pytestmark = pytest.mark.role
ROLE = "freshpull.ecr_public.pull_secret"
ADMIN = "freshpull-admin"


@dataclasses.dataclass(frozen=True)
class Way:
    """What a play sets besides the role's variables. cluster: the one that the role must use, "" if it must stop."""

    cluster: str
    defaults: dict[str, Any] = dataclasses.field(default_factory=dict)
    environment: dict[str, Any] = dataclasses.field(default_factory=dict)
    variables: dict[str, Any] = dataclasses.field(default_factory=dict)


# Variables of the playbook: paths of kubeconfigs, and the address of an API server.
PRODUCTION, STAGING, SERVER = "{{ production }}", "{{ staging }}", "{{ staging_server }}"
OWN = {"pull_secret_cluster": {"kubeconfig": PRODUCTION}}
OF_KUBERNETES_CORE = {"group/kubernetes.core.k8s": {"kubeconfig": STAGING}}
WAYS = {
    "a group of kubernetes.core": Way("", OF_KUBERNETES_CORE, {"K8S_AUTH_KUBECONFIG": PRODUCTION}),
    "a module of kubernetes.core": Way("", {"k8s": {"context": "any"}}, {"K8S_AUTH_KUBECONFIG": PRODUCTION}),
    "that group, and the role's variable": Way("production", OF_KUBERNETES_CORE, variables=OWN),
    "one module of this collection": Way(
        "",
        {"freshpull.ecr_public.ecr_public_pull_secret": {"kubeconfig": STAGING}},
        {"K8S_AUTH_KUBECONFIG": PRODUCTION},
    ),
    "the group of this collection, and the role's variable": Way(
        "production", {"group/freshpull.ecr_public.k8s": {"kubeconfig": STAGING, "context": "none"}}, variables=OWN
    ),
    "the group of this collection": Way(
        "staging", {"group/freshpull.ecr_public.k8s": {"kubeconfig": STAGING}}, {"K8S_AUTH_KUBECONFIG": PRODUCTION}
    ),
    "the environment": Way("staging", environment={"K8S_AUTH_KUBECONFIG": STAGING}),
    "the environment, and the role's variable": Way(
        "production", environment={"K8S_AUTH_HOST": SERVER, "K8S_AUTH_API_KEY": "other"}, variables=OWN
    ),
}


@dataclasses.dataclass(frozen=True)
class Done:
    """results: pull_secret_result, or the failure, of each way. written: the written namespaces of each cluster.

    looped: the namespace of a refresher that a loop over both clusters installs.
    """

    results: dict[str, dict[str, Any]]
    refreshers: dict[str, str]
    written: dict[str, set[str]]
    hosts: dict[str, str]
    looped: str


@pytest.fixture(scope="module")
def staging(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecondCluster]:
    with second_cluster(tmp_path_factory.mktemp("staging")) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def done(
    staging: SecondCluster,
    kubeconfig: str,
    audit: AuditLog,
    running_aws: FakeAws,
    tmp_path_factory: pytest.TempPathFactory,
) -> Done:
    prefix = "w" + secrets.token_hex(4)
    refreshers = {name: f"{prefix}-{number}" for number, name in enumerate(WAYS)}
    plays = [_play(name, way, refreshers[name], running_aws) for name, way in WAYS.items()]
    looped = f"{prefix}-looped"
    plays.append(_loop(_play("loop", Way(""), looped, running_aws)))
    last = plays[-1]["tasks"]
    last.append(
        {
            "name": "Keep the results",
            "ansible.builtin.copy": {"content": "{{ kept | to_json }}", "dest": "{{ results_file }}", "mode": "0600"},
        }
    )
    logs = {"production": audit, "staging": staging.audit}
    marks = {cluster: log.mark() for cluster, log in logs.items()}
    hosts = {"production": _server(kubeconfig), "staging": _server(staging.kubeconfig)}
    given = {"production": kubeconfig, "staging": staging.kubeconfig, "staging_server": hosts["staging"]}
    run = Ansible(tmp_path_factory.mktemp("ways"), kubeconfig).play(plays, "-e", json.dumps(given)).ok()
    written = {
        cluster: {_namespace_of(event) for event in log.writes(since=marks[cluster], user=ADMIN)}
        for cluster, log in logs.items()
    }
    return Done(run.results, refreshers, written, hosts, looped)


def _server(kubeconfig: str) -> str:
    server: str = yaml.safe_load(Path(kubeconfig).read_text())["clusters"][0]["cluster"]["server"]
    return server


def _play(name: str, way: Way, refresher: str, aws: FakeAws) -> dict[str, Any]:
    # The installation and the removal must both act on one cluster.
    states = [{"ansible.builtin.include_role": {"name": ROLE}, "vars": {"pull_secret_state": "present"}}]
    states.append({"ansible.builtin.set_fact": {"installed": "{{ pull_secret_result }}"}})
    states.append({"ansible.builtin.include_role": {"name": ROLE}, "vars": {"pull_secret_state": "absent"}})
    found = {"installed": "{{ installed }}", "removed": "{{ pull_secret_result }}"}
    return {
        "name": name,
        "hosts": "localhost",
        "connection": "local",
        "gather_facts": False,
        "module_defaults": way.defaults,
        "environment": way.environment,
        "vars": {
            "pull_secret_name": refresher,
            "pull_secret_namespaces": [refresher],
            "pull_secret_aws": {
                "endpoint_url": aws.endpoint_url,
                "access_key": aws.access_key,
                "secret_key": aws.secret_key,
            },
            "pull_secret_refresher_namespace": refresher,
            "pull_secret_refresher_aws_auth": "ambient",
            "pull_secret_test_run": "never",
            **way.variables,
        },
        "tasks": [
            {
                "block": [
                    *states,
                    {
                        "ansible.builtin.set_fact": {"kept": "{{ kept | default({}) | combine({way: found}) }}"},
                        "vars": {"way": name, "found": found},
                    },
                ],
                "rescue": [
                    {
                        "ansible.builtin.set_fact": {
                            "kept": "{{ kept | default({}) | combine({way: {'failed': ansible_failed_result.msg}}) }}"
                        },
                        "vars": {"way": name},
                    }
                ],
            }
        ],
    }


def _loop(play: dict[str, Any]) -> dict[str, Any]:
    """Build a play that loops over both clusters with the same variables."""
    included = {"ansible.builtin.include_role": {"name": ROLE}, "loop": [PRODUCTION, STAGING]}
    tasks = [
        {**included, "vars": {"pull_secret_cluster": {"kubeconfig": "{{ item }}"}, "pull_secret_state": state}}
        for state in ("present", "absent")
    ]
    return {**play, "tasks": tasks}


def _namespace_of(event: dict[str, Any]) -> str:
    reference = event["objectRef"]
    name: str = reference.get("name", "") if reference["resource"] == "namespaces" else reference.get("namespace", "")
    return name


@pytest.mark.parametrize("name", WAYS)
def test_a_play_acts_on_one_cluster_or_stops(done: Done, name: str) -> None:
    cluster, result, refresher = WAYS[name].cluster, done.results[name], done.refreshers[name]
    assert {each for each, namespaces in done.written.items() if refresher in namespaces} == ({cluster} - {""})
    if cluster:
        assert result["installed"]["host"] == result["removed"]["host"] == done.hosts[cluster]
        assert result["installed"]["summary"] == {"created": 1}
        assert result["removed"]["summary"] == {"removed": 1}
    else:
        assert "module_defaults of group/freshpull.ecr_public.k8s" in result["failed"]


def test_a_loop_goes_through_both(done: Done) -> None:
    assert all(done.looped in namespaces for namespaces in done.written.values())


def test_every_way_has_a_result(done: Done) -> None:
    assert set(done.results) == set(WAYS)
