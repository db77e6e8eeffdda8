# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Service accounts on a real API server: four runs of each change, unmanaged entries, every write counted."""

from __future__ import annotations

import concurrent.futures
import threading
from collections.abc import Callable, Iterator
from http import HTTPStatus
from typing import Any

import pytest
from kubernetes import client, config
from kubernetes.client.exceptions import ApiException

from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.api import Cluster
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.client import ClientTransport
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.account_planner import AccountPlanner
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.account_writer import AccountWriter
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.service_accounts import Wanted
from support.aws import FakeAws
from support.cluster.audit import AuditLog, resource_of
from support.playbook import Ansible, Run
from support.workloads import wait_for

Make = Callable[..., list[str]]
NAME = "ecr-public-secret"
ADMIN = "freshpull-admin"
THEIRS = ["theirs-1", "theirs-2"]


def make_account(core: client.CoreV1Api, namespace: str, name: str, *secrets: str) -> None:
    body = {"metadata": {"name": name}, "imagePullSecrets": [{"name": secret} for secret in secrets]}
    core.create_namespaced_service_account(namespace, body)


def secrets_of(core: client.CoreV1Api, namespace: str, name: str) -> list[str]:
    found = core.read_namespaced_service_account(name, namespace).image_pull_secrets
    return [entry.name for entry in found or []]


def entry(run: Run, namespace: str) -> dict[str, Any]:
    return {found["namespace"]: found for found in run.results["result"]["namespaces"]}[namespace]


def outcome(run: Run, namespace: str) -> tuple[str, str, dict[str, str]]:
    found = entry(run, namespace)
    return found["action"], found["reason"], {one["name"]: one["action"] for one in found["service_accounts"]}


def writes(audit: AuditLog, mark: int, resource: str = "serviceaccounts") -> int:
    return len(audit.writes(since=mark, resource=resource, user=ADMIN))


def order(audit: AuditLog, mark: int) -> list[str]:
    """Return the written resources in the order of the writes."""
    found = sorted(audit.writes(since=mark, user=ADMIN), key=lambda event: str(event["requestReceivedTimestamp"]))
    return [resource_of(event) for event in found if resource_of(event) in ("secrets", "serviceaccounts")]


@pytest.mark.core
def test_four_runs_of_attaching_changing_and_detaching(
    ansible: Ansible,
    core: client.CoreV1Api,
    aws: FakeAws,
    aws_options: dict[str, Any],
    audit: AuditLog,
    make_namespaces: Make,
) -> None:
    (namespace,) = make_namespaces("a")
    for name in ("build-1", "build-2", "other"):
        make_account(core, namespace, name, *THEIRS)
    options: dict[str, Any] = {"namespaces": [namespace], "aws": aws_options}

    def run_four_times(action: str, reason: str, accounts: dict[str, str], count: int, **changes: Any) -> None:
        """Run in check mode and in real mode, and both again."""
        mark = audit.mark()
        check = ansible.pull_secret("--check", "--diff", **options, **changes)
        assert outcome(check, namespace) == (action, reason, accounts)
        assert check.results["result"]["changed"]
        assert writes(audit, mark) == 0
        done = ansible.pull_secret("--diff", **options, **changes)
        assert outcome(done, namespace) == (action, reason, accounts)
        assert done.results["result"]["changed"]
        assert writes(audit, mark) == count
        for part in ("before", "after"):
            shown = [run.results["result"]["diff"][part] for run in (check, done)]
            lists = [{key: value for key, value in one.items() if "/serviceaccount/" in key} for one in shown]
            assert lists[0] == lists[1]
            assert len(lists[0]) == count
        mark = audit.mark()
        for args in (["--check"], []):
            again = ansible.pull_secret(*args, **options, **changes)
            assert not again.results["result"]["changed"]
            assert set(outcome(again, namespace)[2].values()) <= {"unchanged"}
        assert writes(audit, mark) == writes(audit, mark, "secrets") == 0

    mark = audit.mark()
    attached = {"build-1": "attached", "build-2": "attached", "default": "attached"}
    run_four_times("created", "missing", attached, 3, service_accounts=["default", "build-*"])
    assert secrets_of(core, namespace, "build-1") == secrets_of(core, namespace, "build-2") == [*THEIRS, NAME]
    assert secrets_of(core, namespace, "default") == [NAME]
    assert secrets_of(core, namespace, "other") == THEIRS
    assert aws.calls == {"GetAuthorizationToken": 1}
    # No account names a secret that does not exist, neither at the beginning nor at the end.
    assert order(audit, mark) == ["secrets", *["serviceaccounts"] * 3]

    # Another client adds an entry after the managed one; the option names one more account and one less.
    body = {"imagePullSecrets": [{"name": name} for name in (THEIRS[0], NAME, THEIRS[1])]}
    core.patch_namespaced_service_account("build-1", namespace, body)
    changed = {"build-1": "unchanged", "other": "attached"}
    run_four_times("updated", "service_accounts", changed, 1, service_accounts=["build-1", "other"])
    assert secrets_of(core, namespace, "build-1") == [THEIRS[0], NAME, THEIRS[1]]
    assert secrets_of(core, namespace, "build-2") == secrets_of(core, namespace, "other") == [*THEIRS, NAME]
    assert aws.calls == {"GetAuthorizationToken": 1}

    # The secret is removed, so accounts that the option no longer names are detached too.
    gone = dict.fromkeys(("build-1", "build-2", "default", "other"), "detached")
    mark = audit.mark()
    run_four_times("removed", "managed", gone, 4, state="absent")
    assert order(audit, mark) == [*["serviceaccounts"] * 4, "secrets"]
    for name in ("build-1", "build-2", "other"):
        assert secrets_of(core, namespace, name) == THEIRS
    assert secrets_of(core, namespace, "default") == []


def test_a_diff_shows_the_names_and_their_order(
    ansible: Ansible, core: client.CoreV1Api, aws_options: dict[str, Any], make_namespaces: Make
) -> None:
    (namespace,) = make_namespaces("a")
    make_account(core, namespace, "build", *THEIRS)
    run = ansible.pull_secret("--diff", namespaces=[namespace], service_accounts=["build"], aws=aws_options)
    diff = run.results["result"]["diff"]
    name = f"{namespace}/serviceaccount/build"
    assert diff["before"][name] == {"imagePullSecrets": THEIRS}
    assert diff["after"][name] == {"imagePullSecrets": [*THEIRS, NAME]}


def test_many_namespaces_cost_one_list_and_one_write_each(
    ansible: Ansible,
    core: client.CoreV1Api,
    aws_options: dict[str, Any],
    audit: AuditLog,
    make_namespaces: Make,
) -> None:
    names = make_namespaces(*(f"n{number:02}" for number in range(12)))
    for name in names:
        make_account(core, name, "build", *THEIRS)
    glob = names[0].removesuffix("n00") + "*"

    def requests(service_accounts: list[str], **options: Any) -> dict[str, int]:
        mark = audit.mark()
        ansible.pull_secret(namespaces=[glob], service_accounts=service_accounts, **options)
        found = audit.requests(since=mark, resource="serviceaccounts", user=ADMIN)
        return {verb: sum(event["verb"] == verb for event in found) for verb in {event["verb"] for event in found}}

    # Twice, because the module plans before and after the token request.
    assert requests(["default", "build"], aws=aws_options) == {"list": 4, "patch": 24}
    assert requests(["default", "build"], aws=aws_options) == {"list": 2}
    assert requests(["buil?"], aws=aws_options) == {"list": 1}
    assert requests([], aws=aws_options) == {}
    assert requests([], state="absent") == {"list": 1, "patch": 24}
    assert requests([], state="absent") == {}


def test_an_account_that_does_not_exist_is_named_and_the_rest_is_done(
    ansible: Ansible, core: client.CoreV1Api, aws_options: dict[str, Any], make_namespaces: Make
) -> None:
    bad, good = make_namespaces("a", "b")
    make_account(core, good, "build")
    for args in (["--check"], []):
        run = ansible.pull_secret(*args, namespaces=[bad, good], service_accounts=["build"], aws=aws_options)
        assert outcome(run, good) == ("created", "missing", {"build": "attached"})
        assert outcome(run, bad) == ("failed", "missing_service_account", {"build": "failed"})
        assert run.results["result"]["failed"]
        assert "Service account build does not exist. Create it" in run.results["result"]["msg"]
    # The secret itself was written.
    assert core.read_namespaced_secret(NAME, bad)
    assert secrets_of(core, good, "build") == [NAME]
    make_account(core, bad, "build")
    run = ansible.pull_secret(namespaces=[bad, good], service_accounts=["build"], aws=aws_options)
    assert outcome(run, bad) == ("updated", "service_accounts", {"build": "attached"})


def test_a_secret_that_failed_is_attached_to_no_account(
    ansible: Ansible, core: client.CoreV1Api, aws_options: dict[str, Any], make_namespaces: Make
) -> None:
    (namespace,) = make_namespaces("a")
    unmanaged = {"metadata": {"name": NAME}, "stringData": {"a": "b"}}
    core.create_namespaced_secret(namespace, unmanaged)
    for placeholder in (False, True):
        run = ansible.pull_secret(
            namespaces=[namespace], service_accounts=["*"], placeholder=placeholder, aws=aws_options
        )
        assert entry(run, namespace)["service_accounts"] == []
    assert secrets_of(core, namespace, "default") == []


def test_a_glob_that_matches_nothing_is_a_warning(
    ansible: Ansible, aws_options: dict[str, Any], make_namespaces: Make
) -> None:
    (namespace,) = make_namespaces("a")
    run = ansible.pull_secret("--check", namespaces=[namespace], service_accounts=["buidl-*"], aws=aws_options)
    assert entry(run, namespace)["action"] == "created"
    assert "'buidl-*'" in " ".join(run.results["result"]["warnings"])


@pytest.fixture
def late(core: client.CoreV1Api, make_namespaces: Make) -> Iterator[str]:
    """A namespace whose default account cannot be created while it has the label test-late."""
    admission = client.AdmissionregistrationV1Api(core.api_client)
    label = {"test-late": "yes"}
    (gate,) = make_namespaces("gate", labels=label)
    name = f"{gate}.freshpull.invalid"
    rule = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["serviceaccounts"]}
    policy = {
        "metadata": {"name": name},
        "spec": {
            "matchConstraints": {"resourceRules": [rule], "namespaceSelector": {"matchLabels": label}},
            "validations": [{"expression": "object.metadata.name != 'default'"}],
        },
    }
    binding = {"metadata": {"name": name}, "spec": {"policyName": name, "validationActions": ["Deny"]}}

    def denied() -> bool:
        try:
            core.create_namespaced_service_account(gate, {"metadata": {"name": "default"}}, dry_run="All")
        except ApiException as exc:
            return exc.status != HTTPStatus.CONFLICT  # it exists, and the policy did not deny it
        return False

    admission.create_validating_admission_policy(policy)
    admission.create_validating_admission_policy_binding(binding)
    try:
        wait_for(denied, "the policy that denies default accounts")
        (namespace,) = make_namespaces("late", labels=label)
        yield namespace
    finally:
        admission.delete_validating_admission_policy_binding(name)
        admission.delete_validating_admission_policy(name)


def test_the_default_account_of_a_new_namespace_is_waited_for(
    ansible: Ansible, core: client.CoreV1Api, aws_options: dict[str, Any], audit: AuditLog, late: str
) -> None:
    options: dict[str, Any] = {"namespaces": [late], "service_accounts": ["d*"], "aws": aws_options}
    check = ansible.pull_secret("--check", **options)
    assert outcome(check, late) == ("created", "missing", {"default": "attached"})
    mark = audit.mark()

    def allow_it() -> None:
        wait_for(lambda: _looked_for(audit, mark), "the module to look for the account")
        core.patch_namespace(late, {"metadata": {"labels": {"test-late": None}}})

    with concurrent.futures.ThreadPoolExecutor() as pool:
        allowing = pool.submit(allow_it)
        run = ansible.pull_secret(**options)
        allowing.result()
    assert outcome(run, late) == ("created", "missing", {"default": "attached"})
    assert secrets_of(core, late, "default") == [NAME]


def _looked_for(audit: AuditLog, mark: int) -> bool:
    reads = audit.requests(since=mark, resource="serviceaccounts", user=ADMIN, verb="get")
    return any(event["responseStatus"]["code"] == HTTPStatus.NOT_FOUND for event in reads)


def test_no_entry_is_lost_if_many_tasks_write_one_account(
    core: client.CoreV1Api, kubeconfig: str, audit: AuditLog, make_namespaces: Make
) -> None:
    (namespace,) = make_namespaces("a")
    make_account(core, namespace, "build", *THEIRS)
    names = [f"secret-{number}" for number in range(8)]
    mark = audit.mark()
    start = threading.Barrier(len(names))

    def attach(name: str) -> str:
        settings = config.new_client_from_config(kubeconfig).configuration
        cluster = Cluster(ClientTransport(settings, connections=1))
        with concurrent.futures.ThreadPoolExecutor() as pool:
            (plan,) = AccountPlanner(cluster, name, pool).plan({namespace: Wanted(("build",))})[namespace]
            start.wait()
            return AccountWriter(cluster, name).write(namespace, plan).action

    with concurrent.futures.ThreadPoolExecutor(len(names)) as pool:
        assert list(pool.map(attach, names)) == ["attached"] * len(names)
    found = secrets_of(core, namespace, "build")
    assert found[: len(THEIRS)] == THEIRS
    assert sorted(found[len(THEIRS) :]) == names
    codes = [event["responseStatus"]["code"] for event in audit.writes(since=mark, resource="serviceaccounts")]
    assert codes.count(HTTPStatus.CONFLICT) > 0
    assert codes.count(HTTPStatus.OK) == len(names)
