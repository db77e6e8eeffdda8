# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module ecr_public_refresher as a process: options, results, check mode, diff, and no secrets in its output."""

from __future__ import annotations

import concurrent.futures
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from kubernetes import client

from support import module
from support.installed_refresher import (
    ACCOUNT,
    CLUSTER_BINDING,
    CODE,
    JOB,
    PERMISSIONS,
    READER_BINDING,
    READER_ROLE,
    SETTINGS,
    InstalledRefresher,
    role_bindings,
)
from support.installed_refresher import KEYS as KEYS_SECRET
from support.module import Result
from support.program import FILES
from support.refresher_settings import KEYS
from support.stored import quiet_schedule

INSTALLED = {JOB, SETTINGS, CODE, ACCOUNT, KEYS_SECRET, PERMISSIONS, READER_ROLE, READER_BINDING}

Run = Callable[..., Result]


@pytest.fixture
def run(installed: InstalledRefresher, kubeconfig: str) -> Run:
    """A function that runs the module for the refresher in namespaces a and b, with other options if given."""

    def run(*, check_mode: bool = False, **changes: Any) -> Result:
        options = {
            "kubeconfig": kubeconfig,
            "namespace": installed.settings.namespace,
            "namespaces": [f"{installed.prefix}a", f"{installed.prefix}b"],
            "schedule": quiet_schedule(),
            "test_run": "deferred",
            "_program": FILES,
            **KEYS,
            "_ansible_check_mode": check_mode,
            "_ansible_diff": True,
            **changes,
        }
        given = {option: value for option, value in options.items() if value is not None}
        result = module.ModuleProcess("ecr_public_refresher", given).wait()
        shown = json.dumps(result.values) + result.errors
        assert KEYS["aws_secret_key"] not in shown
        assert FILES["_refresher/main.py"][:200] not in shown
        return result

    return run


def named(result: Result) -> set[tuple[str, str]]:
    """Return the kind and action of each object that is not unchanged."""
    return {(each["kind"], each["action"]) for each in result.values["objects"] if each["action"] != "unchanged"}


def warnings_of(result: Result) -> str:
    """Return the warnings as text, because their form depends on the version of ansible-core."""
    return str(result.values.get("warnings", []))


CREATED = {
    (kind, "created")
    for kind in (
        *("Namespace", "ServiceAccount", "Secret", "ConfigMap", "CronJob"),
        *("ClusterRole", "ClusterRoleBinding", "RoleBinding"),
    )
}


def test_check_mode_reports_the_changes_and_a_second_run_changes_nothing(
    run: Run, installed: InstalledRefresher
) -> None:
    with installed.stored.written() as nothing:
        predicted = run(check_mode=True).ok()
    assert nothing == set()
    assert "does not exist yet" in warnings_of(predicted)
    done = run().ok()
    assert installed.stored.left() == {*INSTALLED, *role_bindings("a", "b")}
    assert named(done) == named(predicted) == CREATED
    assert done.values["changed"] is predicted.values["changed"] is True
    assert done.values["fail_open_before"] == "8400s"
    assert done.values["test_run"] == {"due": True, "outcome": "", "job": "", "msg": ""}
    with installed.stored.written() as nothing:
        again = run().ok()
    assert nothing == set()
    assert (again.values["changed"], again.values["diff"], named(again)) == (False, [], set())
    # No test run has succeeded yet.
    assert again.values["test_run"]["due"] is True


def test_the_diff_shows_each_object_and_no_secret(run: Run, installed: InstalledRefresher) -> None:
    done = run().ok()
    # The first ConfigMap is the program.
    diff = {each["after_header"].split()[0]: each for each in reversed(done.values["diff"])}
    assert set(diff) == {kind for kind, _action in CREATED}
    assert all(each["before"] == {} for each in diff.values())
    assert diff["Secret"]["after"]["data"]["credentials"].startswith("sha256:")
    assert all(value.startswith("sha256:") for value in diff["ConfigMap"]["after"]["data"].values())
    changed = run(history=1).ok()
    (cronjob,) = changed.values["diff"]
    assert cronjob["before"]["spec"]["failedJobsHistoryLimit"] == 3
    assert cronjob["after"]["spec"]["failedJobsHistoryLimit"] == 1


def test_a_refresher_is_suspended_and_resumed(run: Run, installed: InstalledRefresher, core: client.CoreV1Api) -> None:
    batch, own = client.BatchV1Api(core.api_client), installed.settings.namespace
    run().ok()
    with installed.stored.written() as nothing:
        predicted = run(check_mode=True, state="suspended").ok()
    assert nothing == set()
    done = run(state="suspended").ok()
    assert named(done) == named(predicted) == {("CronJob", "changed")}
    assert batch.list_namespaced_cron_job(own).items[0].spec.suspend is True
    assert done.values["test_run"]["due"] is False
    assert run(state="suspended").ok().values["changed"] is False
    run().ok()
    assert batch.list_namespaced_cron_job(own).items[0].spec.suspend is False


@pytest.mark.parametrize("selector", [None, "ecr-public=enabled"])
def test_a_removal_needs_no_other_option_and_names_the_served_namespaces(
    run: Run, installed: InstalledRefresher, selector: str | None
) -> None:
    run(namespace_selector=selector).ok()
    nothing_else: dict[str, Any] = {"aws_auth": None, "namespaces": None, "_program": {}, "state": "absent"}
    with installed.stored.written() as nothing:
        predicted = run(check_mode=True, **nothing_else).ok()
    assert nothing == set()
    done = run(**nothing_else).ok()
    assert named(done) == named(predicted)
    served = ["*"] if selector else [f"{installed.prefix}a", f"{installed.prefix}b"]
    assert done.values["served"] == predicted.values["served"] == served
    assert installed.stored.left() == set()
    again = run(**nothing_else).ok()
    assert (again.values["changed"], again.values["objects"], again.values["served"]) == (False, [], [])


def test_globs_are_resolved_and_missing_namespaces_are_a_warning(run: Run, installed: InstalledRefresher) -> None:
    prefix = installed.prefix
    done = run(namespaces=[f"{prefix}[ab]", f"{prefix}missing", "none-*"], exclude_namespaces=[f"{prefix}b"]).ok()
    assert installed.stored.left() == {*INSTALLED, *role_bindings("a")}
    warnings = warnings_of(done)
    assert f"no permissions in namespaces that do not exist or are being deleted: {prefix}missing." in warnings
    assert "'none-*' matches no namespace" in warnings


def test_its_own_namespace_can_be_selected_before_it_exists(run: Run, installed: InstalledRefresher) -> None:
    done = run(namespaces=[f"{installed.prefix}[abr]*"]).ok()
    assert installed.stored.left() == {*INSTALLED, *role_bindings("a", "b", "refresher")}
    assert done.values["unbound"] == []
    assert run(namespaces=[f"{installed.prefix}[abr]*"]).ok().values["changed"] is False


@pytest.mark.parametrize("namespaces", [["none-*"], ["no-such-namespace"]])
def test_without_any_namespace_nothing_is_written(
    run: Run, installed: InstalledRefresher, namespaces: list[str]
) -> None:
    failed = run(namespaces=namespaces)
    assert installed.stored.left() == set()
    assert "No namespace is selected" in failed.msg
    assert failed.values["host"]


def test_bad_options_are_rejected_before_any_request(run: Run) -> None:
    failed = run(schedule="* */6 * * *", kubeconfig="/nonexistent")
    assert "at each minute" in failed.msg


def test_a_new_name_removes_the_secrets_of_the_former_one(
    run: Run, installed: InstalledRefresher, kubeconfig: str
) -> None:
    own = f"{installed.prefix}a"
    run(name="former").ok()
    owner = installed.settings.namespace
    module.run(kubeconfig, name="former", owner=owner, namespaces=[own], placeholder=True).ok()
    with installed.stored.written() as nothing:
        predicted = run(check_mode=True, name="latter").ok()
    assert nothing == set()
    done = run(name="latter").ok()
    removed = {"kind": "Secret", "namespace": own, "name": "former", "action": "removed"}
    assert removed in predicted.values["objects"]
    assert removed in done.values["objects"]
    assert not {name for name in installed.stored.left() if name.endswith("/former")}
    assert named(done) == named(predicted)
    assert run(name="latter").ok().values["changed"] is False


def test_an_object_that_is_being_deleted_does_not_count_as_existing(
    run: Run, installed: InstalledRefresher, core: client.CoreV1Api
) -> None:
    run().ok()
    own, name = installed.settings.namespace, SETTINGS.rpartition("/")[2]
    body = {"metadata": {"finalizers": ["test.example.com/held"]}}
    core.patch_namespaced_config_map(name, own, body)
    core.delete_namespaced_config_map(name, own)
    predicted = run(check_mode=True).ok()
    assert f"ConfigMap {own}/{name} is being deleted" in warnings_of(predicted)
    assert ("ConfigMap", "created") in named(predicted)
    with concurrent.futures.ThreadPoolExecutor(max_workers=1) as pool:
        running = pool.submit(run)
        time.sleep(3)
        assert core.read_namespaced_config_map(name, own).metadata.deletion_timestamp
        core.patch_namespaced_config_map(name, own, {"metadata": {"finalizers": None}})
        done = running.result().ok()
    assert ("ConfigMap", "created") in named(done)
    assert core.read_namespaced_config_map(name, own).metadata.deletion_timestamp is None


def test_a_selector_uses_one_cluster_role_binding(run: Run, installed: InstalledRefresher) -> None:
    run(namespace_selector=["ecr-public=enabled"]).ok()
    assert CLUSTER_BINDING in installed.stored.left()
