# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The refresher attaches the secret to service accounts, and cannot change anything else in them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client

from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.settings import CRONJOB
from support import module
from support.account import APPLY, MERGE, Account
from support.aws import FakeAws
from support.cluster.audit import AuditLog
from support.installed_program import InstalledProgram
from support.installed_refresher import InstalledRefresher
from support.playbook import Ansible
from support.pulls import pull_new_image
from support.refresher_settings import WITH_KEYS
from support.role import Role
from support.workloads import Workloads, wait_for

NAME = "attached-secret"


def install(place: InstalledRefresher, aws: FakeAws, kubeconfig: str, *accounts: str) -> None:
    """Install a refresher for the listed namespaces, a and b, each with a managed secret that is not due."""
    place.change(
        aws=dataclasses.replace(
            WITH_KEYS, access_key=aws.access_key, secret_key=aws.secret_key, endpoint_url=aws.endpoint_url
        ),
        renewal=dataclasses.replace(place.settings.renewal, secret=NAME, service_accounts=accounts),
    )
    names = list(place.settings.places.listed)
    module.run(kubeconfig, name=NAME, owner=place.settings.renewal.owner, namespaces=names, token=aws.issue(50000)).ok()
    place.installer()


def secrets_of(core: client.CoreV1Api, namespace: str, name: str = "default") -> list[str]:
    found = wait_for(
        lambda: [each for each in core.list_namespaced_service_account(namespace).items if each.metadata.name == name],
        f"the account {name}",
    )
    return [each.name for each in found[0].image_pull_secrets or []]


def attach(core: client.CoreV1Api, namespace: str, *names: str) -> None:
    secrets_of(core, namespace)
    body = {"imagePullSecrets": [{"name": name} for name in names]}
    core.patch_namespaced_service_account("default", namespace, body, _content_type=MERGE)


def test_accounts_are_attached_once_and_again_after_another_client_wrote_them(
    installed: InstalledRefresher,
    core: client.CoreV1Api,
    aws: FakeAws,
    audit: AuditLog,
    kubeconfig: str,
    tmp_path: Path,
) -> None:
    first, second = f"{installed.prefix}a", f"{installed.prefix}b"
    attach(core, first, "theirs", "other")
    install(installed, aws, kubeconfig, "default")
    installed_program = InstalledProgram(core, aws, installed.settings.namespace, tmp_path)
    attached = ("updated", "service_accounts")
    assert installed_program.run() == {first: attached, second: attached}
    assert (secrets_of(core, first), secrets_of(core, second)) == (["theirs", "other", NAME], [NAME])

    mark = audit.mark()
    assert installed_program.run() == dict.fromkeys((first, second), ("unchanged", "fresh"))
    assert [*audit.writes(since=mark, resource="serviceaccounts"), *audit.writes(since=mark, resource="secrets")] == []

    assert installed_program.warnings == []

    # Another client writes the account without the entry.
    attach(core, first, "theirs")
    assert installed_program.run() == {first: attached, second: ("unchanged", "fresh")}
    assert secrets_of(core, first) == ["theirs", NAME]
    assert installed_program.warnings == [], "nothing shows that it comes back"

    # Argo CD applies the account without the entry, and will do so again.
    body = {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": "default", "labels": {"argocd.argoproj.io/instance": "shop"}},
        "imagePullSecrets": [{"name": "theirs"}],
    }
    core.patch_namespaced_service_account(
        "default", first, body, field_manager="argocd-controller", force=True, _content_type=APPLY
    )
    assert installed_program.run() == {first: attached, second: ("unchanged", "fresh")}
    assert secrets_of(core, first) == ["theirs", NAME]
    (warning,) = installed_program.warnings
    assert f"from a list without the secret {NAME}: {first}/default (application shop)." in warning
    assert f"removed the entry if an earlier run had attached it: {first}/default (application shop)." in warning
    assert "jsonPointers: [/imagePullSecrets]" in warning


def test_what_cannot_be_attached_is_named(
    installed: InstalledRefresher, core: client.CoreV1Api, aws: FakeAws, kubeconfig: str, tmp_path: Path
) -> None:
    first, second = f"{installed.prefix}a", f"{installed.prefix}b"
    core.create_namespaced_service_account(first, {"metadata": {"name": "builder"}})
    install(installed, aws, kubeconfig, "builder")
    # From now on the secret is unmanaged.
    core.create_namespaced_service_account(second, {"metadata": {"name": "builder"}})
    core.patch_namespaced_secret(NAME, second, {"metadata": {"labels": {"ecr-public.freshpull/managed": None}}})
    installed_program = InstalledProgram(core, aws, installed.settings.namespace, tmp_path)
    assert installed_program.run() == {first: ("updated", "service_accounts"), second: ("skipped", "unmanaged")}
    assert (secrets_of(core, first, "builder"), secrets_of(core, second, "builder")) == ([NAME], [])
    core.delete_namespaced_service_account("builder", first)
    assert installed_program.run(status=1)[first] == ("failed", "missing_service_account")


def test_a_namespace_that_is_gone_is_no_failure(
    installed: InstalledRefresher, core: client.CoreV1Api, aws: FakeAws, kubeconfig: str, tmp_path: Path
) -> None:
    first, second = f"{installed.prefix}a", f"{installed.prefix}gone"
    core.create_namespace({"metadata": {"name": second}})
    installed.list_places("a", "gone")
    install(installed, aws, kubeconfig)
    installed_program = InstalledProgram(core, aws, installed.settings.namespace, tmp_path)
    held = {"metadata": {"name": "held", "finalizers": ["test.example.com/held"]}}
    core.create_namespaced_config_map(second, held)
    core.delete_namespace(second)
    wait_for(lambda: not core.list_namespaced_secret(second).items, "the end of the secret")
    assert installed_program.run() == {first: ("unchanged", "fresh"), second: ("skipped", "terminating")}
    core.patch_namespaced_config_map("held", second, {"metadata": {"finalizers": None}})
    wait_for(lambda: second not in {each.metadata.name for each in core.list_namespace().items}, "its own end")
    assert installed_program.run() == {first: ("unchanged", "fresh"), second: ("skipped", "missing_namespace")}
    # A namespace in which only the secret is gone is a failure.
    core.delete_namespaced_secret(NAME, first)
    assert installed_program.run(status=1)[first] == ("failed", "missing")


# --- Writes with the refresher's token


ENTRY, THEIRS = {"name": NAME}, {"name": "theirs"}
HOSTILE: dict[str, tuple[str, dict[str, Any]]] = {
    "another secret": (MERGE, {"imagePullSecrets": [THEIRS, {"name": "other"}]}),
    "two entries": (MERGE, {"imagePullSecrets": [THEIRS, ENTRY, {"name": "other"}]}),
    "in another order": (MERGE, {"imagePullSecrets": [ENTRY, THEIRS]}),
    "in place of theirs": (MERGE, {"imagePullSecrets": [ENTRY]}),
    "none left": (MERGE, {"imagePullSecrets": None}),
    "twice": (MERGE, {"imagePullSecrets": [THEIRS, ENTRY, ENTRY]}),
    "a role of AWS": (
        MERGE,
        {"metadata": {"annotations": {"eks.amazonaws.com/role-arn": "arn:aws:iam::123456789012:role/admin"}}},
    ),
    "a label": (MERGE, {"metadata": {"labels": {"a": "b"}}}),
    "an annotation removed": (MERGE, {"metadata": {"annotations": {"kept": None}}}),
    "a finalizer": (MERGE, {"metadata": {"finalizers": ["test.example.com/held"]}}),
    "an owner": (
        MERGE,
        {"metadata": {"ownerReferences": [{"apiVersion": "v1", "kind": "ConfigMap", "name": "x", "uid": "u"}]}},
    ),
    "a mountable secret": (MERGE, {"secrets": [{"name": NAME}]}),
    "a mounted token": (MERGE, {"automountServiceAccountToken": False}),
    "an entry and a label": (MERGE, {"metadata": {"labels": {"a": "b"}}, "imagePullSecrets": [THEIRS, ENTRY]}),
    "applied": (
        APPLY,
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}, "secrets": [{"name": "x"}]},
    ),
}


@pytest.fixture
def attacker(
    installed: InstalledRefresher, core: client.CoreV1Api, aws: FakeAws, kubeconfig: str
) -> Callable[..., tuple[int, dict[str, Any]]]:
    """A function that sends a request with the refresher's token."""
    attach(core, f"{installed.prefix}a", "theirs")
    metadata = {"annotations": {"kept": "yes"}}
    core.patch_namespaced_service_account("default", f"{installed.prefix}a", {"metadata": metadata})
    install(installed, aws, kubeconfig, "default")
    account = Account(core, installed.settings.namespace, CRONJOB)

    def send(
        body: dict[str, Any] | None, kind: str = MERGE, where: str = "a", name: str = "default", method: str = "PATCH"
    ) -> tuple[int, dict[str, Any]]:
        path = f"/api/v1/namespaces/{installed.prefix}{where}/serviceaccounts/{name}"
        return account.send(method, f"{path}?fieldManager=x", body, kind)

    return send


def test_its_token_only_allows_adding_the_secret(
    attacker: Callable[..., tuple[int, dict[str, Any]]], installed: InstalledRefresher, core: client.CoreV1Api
) -> None:
    place = f"{installed.prefix}a"
    before = core.read_namespaced_service_account("default", place).to_dict()
    responses = {attempt: attacker(body, kind) for attempt, (kind, body) in HOSTILE.items()}
    assert {attempt: status for attempt, (status, _response) in responses.items()} == dict.fromkeys(
        HOSTILE, HTTPStatus.FORBIDDEN
    )
    assert [
        attempt for attempt, (_status, response) in responses.items() if "The refresher" not in response["message"]
    ] == []
    assert attacker({"imagePullSecrets": [ENTRY]}, where="c")[0] == HTTPStatus.FORBIDDEN
    assert attacker({"imagePullSecrets": [ENTRY]}, name="another")[0] == HTTPStatus.FORBIDDEN
    assert attacker(None, method="DELETE")[0] == HTTPStatus.FORBIDDEN
    assert core.read_namespaced_service_account("default", place).to_dict() == before
    status, response = attacker({"imagePullSecrets": [THEIRS, ENTRY]})
    assert status == HTTPStatus.OK, response
    # A write that changes nothing is allowed.
    assert attacker({"imagePullSecrets": [THEIRS, ENTRY]})[0] == HTTPStatus.OK


def test_the_policy_stays_until_the_permission_is_gone(
    installed: InstalledRefresher, core: client.CoreV1Api, aws: FakeAws, kubeconfig: str
) -> None:
    install(installed, aws, kubeconfig, "default")
    policy = f"validatingadmissionpolicies {CRONJOB}-service-accounts.refresher"
    assert policy in installed.stored.left()
    installed.change(renewal=dataclasses.replace(installed.settings.renewal, service_accounts=()))
    assert policy in installed.install()
    assert policy not in installed.stored.left()
    account = Account(core, installed.settings.namespace, CRONJOB)
    path = f"/api/v1/namespaces/{installed.prefix}a/serviceaccounts/default"
    assert account.send("PATCH", path, {"imagePullSecrets": [ENTRY]}, MERGE)[0] == HTTPStatus.FORBIDDEN


# --- On a real node


@pytest.mark.node
def test_a_namespace_that_is_labelled_later_pulls_with_its_account(
    aws: FakeAws,
    core: client.CoreV1Api,
    ansible: Ansible,
    kubeconfig: str,
    make_namespaces: Callable[..., list[str]],
) -> None:
    """The pod names no pull secret: it uses the one of its service account."""
    (first,) = make_namespaces("first", labels={"attached": "yes"})
    prefix = first.removesuffix("first")
    workloads = Workloads(kubeconfig)
    with Role(ansible, aws, [f"{prefix}*"], refresher=f"{prefix}refresher") as role:
        role.variables["pull_secret_name"] = NAME
        role.variables["pull_secret_service_accounts"] = ["default"]
        role.run(test_run="never", namespace_selector="attached=yes").ok()
        assert secrets_of(core, first) == [NAME]
        (later,) = make_namespaces("later", labels={"attached": "yes"})
        ended = workloads.refresh(role.refresher, force=False)
        assert ended.succeeded, ended
        assert secrets_of(core, later) == [NAME]
        pull, requests = pull_new_image(aws, workloads, later)
        assert pull.pulled, pull
        assert {(request["authenticated"], request["status"]) for request in requests} == {(True, 200)}
