# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role as a whole, as a user runs it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from kubernetes import client

from support import leaks, permissions_guide
from support.aws import FakeAws
from support.bulk_client import BulkClient
from support.cluster.audit import AuditLog
from support.dockerconfig import auths_of
from support.playbook import Ansible
from support.role import Role, changed
from support.workloads import CONFIG, CRONJOB

pytestmark = pytest.mark.role
NAME = "ecr-public-secret"
ADMIN = "freshpull-admin"
# Kubernetes creates these in every new namespace.
MADE_BY_KUBERNETES = ("default", "kube-root-ca.crt")
RENEWED_BY = "ecr-public.freshpull/renewed-by"


@pytest.fixture
def role(ansible: Ansible, aws: FakeAws, make_namespaces: Callable[..., list[str]]) -> Iterator[Role]:
    names = make_namespaces("a", "b", "c")
    with Role(ansible, aws, names, refresher=names[0].removesuffix("a") + "refresher") as role:
        yield role


def versions(role: Role, kubeconfig: str) -> dict[tuple[str, str, str], str]:
    """Return the resourceVersion of all objects in the role's namespaces, and of those elsewhere with its name."""
    found = {}
    for item in leaks.cluster_objects(kubeconfig):
        metadata = item["metadata"]
        namespace, name = metadata.get("namespace", ""), metadata["name"]
        if item["kind"] == "Event" or name in MADE_BY_KUBERNETES:
            continue
        if namespace in (*role.namespaces, role.refresher) or role.refresher in str(metadata):
            found[item["kind"], namespace, name] = metadata["resourceVersion"]
    return found


def password(core: client.CoreV1Api, namespace: str) -> str:
    return str(auths_of(core.read_namespaced_secret(NAME, namespace).data)["public.ecr.aws"]["password"])


@pytest.mark.core
def test_check_mode_on_an_empty_cluster_writes_nothing(role: Role, aws: FakeAws, audit: AuditLog) -> None:
    mark = audit.mark()
    run = role.run("--check", "--diff").ok()
    assert changed(run) > 0
    assert (audit.writes(since=mark, user=ADMIN), aws.calls) == ([], {})


@pytest.mark.core
def test_second_run_changes_nothing_and_absent_leaves_nothing(
    role: Role, core: client.CoreV1Api, kubeconfig: str, aws: FakeAws
) -> None:
    first = role.namespaces[0]
    theirs: dict[str, Any] = {"metadata": {"name": "theirs", "namespace": first}}
    core.create_namespaced_secret(first, {**theirs, "stringData": {"a": "b"}})
    core.create_namespaced_config_map(first, theirs)
    before = versions(role, kubeconfig)

    assert changed(role.run(test_run="never").ok()) > 0
    assert aws.calls == {"GetAuthorizationToken": 1}
    assert {password(core, namespace) for namespace in role.namespaces} == {aws.tokens[-1]}

    made = versions(role, kubeconfig)
    assert changed(role.run().ok()) == 0
    # No Job was created either: the role detects no change.
    assert versions(role, kubeconfig) == made
    assert aws.calls == {"GetAuthorizationToken": 1}

    assert changed(role.run(state="absent", aws_on_control_node=False).ok()) > 0
    assert versions(role, kubeconfig) == before


def test_nothing_stays_in_a_namespace_that_is_no_longer_selected(
    role: Role, core: client.CoreV1Api, kubeconfig: str, aws: FakeAws
) -> None:
    before = versions(role, kubeconfig)
    role.run(test_run="never").ok()
    settings = core.read_namespaced_config_map(CONFIG, role.refresher).data
    policy = json.loads(settings["policy.json"])
    # The longest gap of every 2 hours, and the two deadlines of 600 seconds.
    assert (policy["fail_open"], policy["fail_open_before"]) == (True, 2 * 3600 + 600 + 600)

    *kept, old = role.namespaces
    role.run(test_run="never", exclude_namespaces=[old]).ok()
    left = {key: version for key, version in versions(role, kubeconfig).items() if key[1] == old}
    assert left == {key: version for key, version in before.items() if key[1] == old}
    assert core.read_namespaced_config_map(CONFIG, role.refresher).data["namespaces"].split() == kept
    assert aws.calls == {"GetAuthorizationToken": 1}


def test_the_refresher_s_own_account_never_carries_the_secret(role: Role, core: client.CoreV1Api) -> None:
    """Even if its namespace is selected and a glob matches it: an expired token would stop its pod from starting."""
    everywhere: dict[str, Any] = {"namespaces": [role.refresher.removesuffix("refresher") + "*"], "test_run": "never"}

    def attached() -> dict[str, list[str]]:
        found = {}
        for namespace in (*role.namespaces, role.refresher):
            for account in core.list_namespaced_service_account(namespace).items:
                names = [entry.name for entry in account.image_pull_secrets or []]
                found[f"{namespace}/{account.metadata.name}"] = names
        return found

    expected = {f"{namespace}/default": [NAME] for namespace in (*role.namespaces, role.refresher)}
    expected[f"{role.refresher}/{CRONJOB}"] = []
    role.run(service_accounts=["*"], **everywhere).ok()
    assert attached() == expected
    assert changed(role.run(service_accounts=["*"], **everywhere).ok()) == 0
    assert attached() == expected


@pytest.mark.node
def test_first_token_from_the_refresher_for_a_control_node_without_aws(
    role: Role, core: client.CoreV1Api, aws: FakeAws
) -> None:
    role.run(first_token="refresher", aws_on_control_node=False).ok()
    assert aws.calls == {"GetAuthorizationToken": 1}
    for namespace in role.namespaces:
        assert password(core, namespace) == aws.tokens[-1]
        assert core.read_namespaced_secret(NAME, namespace).metadata.annotations[RENEWED_BY] == "cronjob"


@pytest.mark.node
def test_first_token_from_the_refresher_if_a_dry_run_of_its_pod_is_denied(
    role: Role, core: client.CoreV1Api, aws: FakeAws, ansible: Ansible, kubeconfig: str
) -> None:
    """The test run shows whether the cluster accepts the pod. Until then no token is written."""
    rules = permissions_guide.roles()["ecr-public-pull-secret-installer"]
    for rule in rules:
        if rule["resources"] == ["pods"]:
            rule["verbs"].remove("create")
    limited = BulkClient(kubeconfig).account(ansible.directory, "default", everywhere=rules)
    run = role.run(cluster={"kubeconfig": limited}).ok()
    assert "It is unknown whether the cluster accepts the refresher's pods." in run.output
    assert aws.calls == {"GetAuthorizationToken": 1}
    for namespace in role.namespaces:
        assert core.read_namespaced_secret(NAME, namespace).metadata.annotations[RENEWED_BY] == "cronjob"
    assert changed(role.run(cluster={"kubeconfig": limited}).ok()) == 0


@pytest.mark.node
def test_aws_keys_in_an_existing_secret_and_none_in_the_output(
    role: Role, core: client.CoreV1Api, ansible: Ansible, aws: FakeAws
) -> None:
    core.create_namespace({"metadata": {"name": role.refresher}})
    keys = f"[default]\naws_access_key_id = {aws.access_key}\naws_secret_access_key = {aws.secret_key}\n"
    core.create_namespaced_secret(
        role.refresher, {"metadata": {"name": "our-keys"}, "stringData": {"credentials": keys}}
    )
    existing: dict[str, Any] = {"refresher_aws_auth": "existing_secret", "refresher_aws_existing_secret": "our-keys"}
    log = ansible.directory / "ansible.log"

    aws.behave(life=43200)
    made = role.run("-vvv", "--diff", test_run="never", env={"ANSIBLE_LOG_PATH": str(log)}, **existing).ok()
    aws.behave(life=50000)
    proven = role.run("-vvv", "--diff", test_run="always", env={"ANSIBLE_LOG_PATH": str(log)}, **existing).ok()
    gone = role.run("-vvv", "--diff", state="absent", env={"ANSIBLE_LOG_PATH": str(log)}).ok()

    assert aws.calls == {"GetAuthorizationToken": 2}
    needles = {aws.secret_key, *(form for password in aws.tokens for form in leaks.forms(password))}
    for run in (made, proven, gone):
        assert leaks.find(run.output, needles) == []
    assert leaks.find_in_files(ansible.directory, needles) == []
    # The role does not remove the existing secret and the namespace, since it did not create them.
    assert core.read_namespaced_secret("our-keys", role.refresher)
