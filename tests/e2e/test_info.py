# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The info module on a real API server: its planned action is what the module does, and it only reads."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator
from functools import partial
from http import HTTPStatus
from typing import Any

import pytest
from kubernetes import client
from kubernetes.client.exceptions import ApiException

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _docker_config
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret import managed_metadata
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.decision import decide
from ansible_collections.freshpull.ecr_public.plugins.module_utils._time import TimeError, format_time, parse_time
from e2e.test_module_failures import limited_kubeconfig, spoil_terminating
from e2e.test_where import server, vault
from support.aws import FakeAws
from support.cluster.audit import AuditLog
from support.playbook import PULL_SECRET, PULL_SECRET_INFO, Ansible
from support.workloads import wait_for
from unit.cases import decide as cases
from unit.plugins.module_utils._pull_secret.test_decision import policy_of

Make = Callable[..., list[str]]
NAME = "ecr-public-secret"
MARGIN = dt.timedelta(minutes=10)
FEWEST_ROWS = 50

# Cases whose content the API server rejects for a secret of this type.
REJECTED = {"the legacy type", "not JSON", "not an object"}


def is_of_the_module(case: cases.Case) -> bool:
    """Return whether an option of the module leads to this policy, and a test can create this secret."""
    if case.secret and case.secret["metadata"].get("deletionTimestamp"):
        return False
    return case.policy.get("state") != "orphaned" and "keep_metadata" not in case.policy


def lasts(case: cases.Case) -> bool:
    """Return whether the plan stays the same during the test. The unit tests check the other cases to the second."""
    now = parse_time(case.now)
    plans = (decide(case.secret, policy_of(case), moment) for moment in (now, now + MARGIN))
    return len({(plan.action, plan.reason) for plan in plans}) == 1


def moved(secret: dict[str, Any], by: dt.timedelta, namespace: str) -> dict[str, Any]:
    """Return the secret with its times moved, as if the table's time were now."""
    kept = {key: secret["metadata"][key] for key in ("name", "labels", "annotations")}
    annotations = dict(kept["annotations"])
    for key in (managed_metadata.EXPIRES_AT, managed_metadata.RENEWED_AT):
        try:
            annotations[key] = format_time(parse_time(annotations.get(key, "")) + by)
        except TimeError:
            continue
    if annotations.get(managed_metadata.NAMESPACE) == secret["metadata"]["namespace"]:
        annotations[managed_metadata.NAMESPACE] = namespace
    return {**secret, "metadata": {**kept, "namespace": namespace, "annotations": annotations}}


def stored(core: client.CoreV1Api, case: cases.Case, namespace: str) -> bool:
    """Create the case's secret in the namespace; return whether the API server accepted it."""
    if case.secret is None:
        return True
    by = dt.datetime.now(dt.timezone.utc) - parse_time(case.now)
    try:
        core.create_namespaced_secret(namespace, moved(case.secret, by, namespace))
    except ApiException as error:
        if error.status != HTTPStatus.UNPROCESSABLE_ENTITY:
            raise
        return False
    return True


def both(number: int, options: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield a task of the module in check mode and one of the info module, with the same options."""
    for kind, module in (("module", PULL_SECRET), ("info", PULL_SECRET_INFO)):
        yield {
            "name": f"Group {number}",
            module: options,
            "register": f"{kind}{number}",
            "check_mode": True,
            "ignore_errors": True,
        }


def has_accounts(core: client.CoreV1Api, namespace: str) -> bool:
    return bool(core.list_namespaced_service_account(namespace).items)


def by_namespace(result: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {entry["namespace"]: entry for entry in result["namespaces"]}


@pytest.fixture
def release(core: client.CoreV1Api) -> Iterator[Callable[[str], None]]:
    """Release held namespaces at the end."""
    held: list[str] = []
    yield held.append
    for namespace in held:
        core.patch_namespaced_config_map("held", namespace, {"metadata": {"finalizers": None}})


def test_the_planned_action_is_what_the_module_does(
    ansible: Ansible, core: client.CoreV1Api, aws: FakeAws, audit: AuditLog, make_namespaces: Make
) -> None:
    """Run the cases whose plan stays the same for minutes. Each policy has one pair of tasks."""
    table = [case for case in cases.load() if lasts(case) and not case.outage and is_of_the_module(case)]
    names = make_namespaces(*(f"c{number:03}" for number in range(len(table))))
    rows = dict(zip(names, table, strict=True))
    rejected = {row.name for name, row in rows.items() if not stored(core, row, name)}
    assert rejected == REJECTED
    groups: dict[str, list[str]] = {}
    for name, row in rows.items():
        if row.name not in rejected:
            groups.setdefault(json.dumps(row.policy, sort_keys=True), []).append(name)
    tasks = [
        task
        for number, (policy, members) in enumerate(groups.items())
        for task in both(number, {"kubeconfig": ansible.kubeconfig, "namespaces": members, **json.loads(policy)})
    ]
    mark = audit.mark()
    results = ansible.tasks(tasks).ok().results
    assert (audit.writes(since=mark, user="freshpull-admin"), aws.calls) == ([], {})
    seen = 0
    for number, members in enumerate(groups.values()):
        # The other groups' namespaces are not selected: their secrets are orphans for this group.
        found = {
            name: entry
            for name, entry in by_namespace(results[f"info{number}"]).items()
            if entry["status"] != "orphaned"
        }
        done = by_namespace(results[f"module{number}"])
        assert not results[f"info{number}"].get("failed", False)
        assert sorted(found) == sorted(done) == sorted(members)
        for name, entry in found.items():
            row, seen = rows[name], seen + 1
            assert (entry["planned_action"], entry["reason"]) == (done[name]["action"], done[name]["reason"]), row.name
            assert (entry["msg"], entry["secret_uid"]) == (done[name]["msg"], done[name]["secret_uid"]), row.name
            if row.token is None:
                assert (entry["planned_action"], entry["reason"]) == (row.expect["action"], row.expect["reason"]), (
                    row.name
                )
    assert seen >= FEWEST_ROWS


def test_namespaces_that_cannot_be_served(
    ansible: Ansible,
    core: client.CoreV1Api,
    kubeconfig: str,
    make_namespaces: Make,
    release: Callable[[str], None],
) -> None:
    good, forbidden, ending = make_namespaces("a", "b", "c")
    limited = limited_kubeconfig(core, kubeconfig, ansible, good)
    spoil_terminating(core, ending)
    release(ending)
    tasks = [
        *both(0, {"kubeconfig": kubeconfig, "namespaces": [good, ending, "no-such-namespace"]}),
        *both(1, {"kubeconfig": kubeconfig, "namespaces": [good[:-1] + "*"]}),
        *both(2, {"kubeconfig": limited, "namespaces": [good, forbidden]}),
        *both(3, {"kubeconfig": kubeconfig, "namespaces": [ending, "no-such-namespace"], "state": "absent"}),
    ]
    run = ansible.tasks(tasks).ok()
    statuses: dict[str, str] = {}
    for number in range(4):
        found, done = (by_namespace(run.results[f"{kind}{number}"]) for kind in ("info", "module"))
        assert {name: (entry["planned_action"], entry["reason"], entry["msg"]) for name, entry in found.items()} == {
            name: (entry["action"], entry["reason"], entry["msg"]) for name, entry in done.items()
        }
        statuses |= {f"{number} {name}": entry["status"] for name, entry in found.items()}
        assert not run.results[f"info{number}"].get("failed", False)
    assert statuses == {
        f"0 {good}": "missing",
        f"0 {ending}": "terminating",
        "0 no-such-namespace": "missing",
        f"1 {good}": "missing",
        f"1 {forbidden}": "missing",
        f"1 {ending}": "terminating",
        f"2 {good}": "missing",
        f"2 {forbidden}": "forbidden",
        f"3 {ending}": "terminating",
        "3 no-such-namespace": "missing",
    }
    limited_result = run.results["info2"]
    assert [entry["service_accounts"] for entry in limited_result["namespaces"]] == [None, None]
    assert any("list serviceaccounts" in warning for warning in limited_result["warnings"])


@pytest.mark.core
def test_users_and_expiry_without_any_token(
    ansible: Ansible,
    core: client.CoreV1Api,
    aws: FakeAws,
    aws_options: dict[str, Any],
    audit: AuditLog,
    make_namespaces: Make,
) -> None:
    secret_name = "looked-at"  # with the default name, secrets of other tests would be orphans here
    names = make_namespaces(*(f"n{number}" for number in range(10)))
    ansible.pull_secret(name=secret_name, namespaces=names, aws=aws_options)
    for name in names[:2]:
        wait_for(partial(has_accounts, core, name), f"the account of {name}")
        users = [{"name": "another"}, {"name": secret_name}]
        core.patch_namespaced_service_account("default", name, {"imagePullSecrets": users})
    core.create_namespaced_service_account(
        names[1], {"metadata": {"name": "build"}, "imagePullSecrets": [{"name": secret_name}]}
    )
    expiry = {
        name: core.read_namespaced_secret(secret_name, name).metadata.annotations[managed_metadata.EXPIRES_AT]
        for name in names
    }
    aws.reset()
    for selected, lists in ((names[:2], {"serviceaccounts": 2}), (names, {"namespaces": 1, "secrets": 1})):
        mark = audit.mark()
        run = ansible.pull_secret_info("-vvv", "--diff", name=secret_name, namespaces=selected)
        result = run.results["result"]
        found = by_namespace(result)
        assert found[names[0]]["service_accounts"] == ["default"]
        assert sorted(found[names[1]]["service_accounts"]) == ["build", "default"]
        assert all(found[name]["service_accounts"] == [] for name in selected[2:])
        assert {name: entry["expires_at"] for name, entry in found.items()} == {name: expiry[name] for name in selected}
        assert all(entry["status"] == "fresh" and entry["remaining_seconds"] > 0 for entry in found.values())
        assert result["summary"] == {"fresh": len(selected)}
        assert not result["changed"]
        password = core.read_namespaced_secret(secret_name, names[0]).data[_docker_config.DATA_KEY]
        assert password not in run.output
        assert (audit.writes(since=mark, user="freshpull-admin"), aws.calls) == ([], {})
        for resource, count in lists.items():
            assert len(audit.requests(since=mark, user="freshpull-admin", resource=resource, verb="list")) == count
    assert len(audit.requests(since=mark, user="freshpull-admin", resource="serviceaccounts")) == 1


def test_orphans_are_reported_with_and_without_prune(
    ansible: Ansible, core: client.CoreV1Api, aws_options: dict[str, Any], make_namespaces: Make
) -> None:
    *selected, orphan = names = make_namespaces(*(f"n{number}" for number in range(10)))
    ansible.pull_secret(namespaces=names, name="orphaned", owner="freshpull-test", aws=aws_options)
    options = {"kubeconfig": ansible.kubeconfig, "namespaces": selected, "name": "orphaned", "owner": "freshpull-test"}
    results = ansible.tasks([*both(0, options), *both(1, {**options, "prune": True})]).ok().results
    found = [by_namespace(results[f"info{number}"])[orphan] for number in range(2)]
    assert [(entry["status"], entry["planned_action"], entry["reason"]) for entry in found] == [
        ("orphaned", "unchanged", "orphaned"),
        ("orphaned", "removed", "orphaned"),
    ]
    assert all(entry["remaining_seconds"] > 0 for entry in found)
    # Without prune the module has no entry for it, but a warning.
    assert orphan not in by_namespace(results["module0"])
    assert any(orphan in warning for warning in results["module0"]["warnings"])
    pruned = by_namespace(results["module1"])[orphan]
    assert (pruned["action"], pruned["reason"]) == ("removed", "orphaned")


def test_a_vaulted_kubeconfig_and_another_cluster_in_the_environment(
    ansible: Ansible, kubeconfig: str, make_namespaces: Make
) -> None:
    """The info module connects in the same way as the module."""
    (namespace,) = make_namespaces("a")
    vaulted = vault(ansible, kubeconfig)
    temporary = ansible.directory / "temporary"
    temporary.mkdir()
    run = ansible.pull_secret_info(
        *("--vault-password-file", str(ansible.directory / "vault-password")),
        namespaces=[namespace],
        kubeconfig=vaulted,
        env={
            "K8S_AUTH_HOST": "https://127.0.0.1:1",
            "K8S_AUTH_API_KEY": "other",
            "TMPDIR": str(temporary),
            "ANSIBLE_LOCAL_TEMP": str(temporary),
        },
    )
    assert run.results["result"]["host"] == server(kubeconfig)
    assert run.results["result"]["namespaces"][0]["status"] == "missing"
    assert not [path for path in temporary.rglob("*") if path.is_file()]
