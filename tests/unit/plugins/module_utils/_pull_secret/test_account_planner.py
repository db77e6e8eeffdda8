# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Planning and writing of service accounts, against a cluster in memory that counts calls and can reject them."""

from __future__ import annotations

import concurrent.futures
import copy
from collections import Counter
from collections.abc import Iterator
from typing import Any, cast

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.api import (
    Cluster,
    ClusterError,
    ConflictError,
    ForbiddenError,
    NotFoundError,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret import account_writer
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.account_planner import AccountPlanner
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.account_writer import AccountWriter
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.service_accounts import (
    AccountPlan,
    Wanted,
)

NAME = "ecr-public-secret"
FORBIDDEN = ForbiddenError("forbidden", "User x cannot")


class MemoryCluster:
    """The accounts of some namespaces. `reject` maps a verb to errors that its next calls raise, in order."""

    def __init__(self, *namespaces: str, accounts: tuple[str, ...] = ("default", "build")) -> None:
        self.stored = {(namespace, name): account(namespace, name) for namespace in namespaces for name in accounts}
        self.calls: Counter[str] = Counter()
        self.reject: dict[str, list[ClusterError | None]] = {}
        self.stopped_by = ""

    def _count(self, verb: str) -> None:
        self.calls[verb] += 1
        errors = self.reject.get(verb)
        error = errors.pop(0) if errors else None
        if error:
            raise error

    def service_accounts(self, namespace: str = "", name: str = "") -> Iterator[dict[str, Any]]:
        self._count("list in one" if namespace else f"list {name}" if name else "list all")
        for found_namespace, found_name in list(self.stored):
            if namespace in ("", found_namespace) and name in ("", found_name):
                yield copy.deepcopy(self.stored[found_namespace, found_name])

    def service_account(self, namespace: str, name: str) -> dict[str, Any] | None:
        self._count("get")
        return copy.deepcopy(self.stored.get((namespace, name)))

    def patch_service_account(self, namespace: str, name: str, body: dict[str, Any]) -> None:
        self._count("patch")
        stored = self.stored[namespace, name]
        assert body["metadata"]["uid"] == stored["metadata"]["uid"]
        stored["imagePullSecrets"] = body["imagePullSecrets"]

    def secrets(self, namespace: str, name: str) -> list[str]:
        return [entry["name"] for entry in self.stored[namespace, name].get("imagePullSecrets", [])]


def account(namespace: str, name: str, *secrets: str) -> dict[str, Any]:
    metadata = {"namespace": namespace, "name": name, "uid": f"{namespace}-{name}", "resourceVersion": "1"}
    return {"metadata": metadata, "imagePullSecrets": [{"name": secret} for secret in secrets]}


@pytest.fixture
def pool() -> Iterator[concurrent.futures.Executor]:
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        yield pool


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """A clock that only pauses move: [now]."""
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    monkeypatch.setattr(account_writer.time, "sleep", sleep)
    monkeypatch.setattr(account_writer.time, "monotonic", lambda: now[0])
    return now


def planner(cluster: MemoryCluster, pool: concurrent.futures.Executor) -> AccountPlanner:
    return AccountPlanner(cast(Cluster, cluster), NAME, pool)


def writer(cluster: MemoryCluster) -> AccountWriter:
    return AccountWriter(cast(Cluster, cluster), NAME)


def planned(plans: dict[str, tuple[AccountPlan, ...]]) -> dict[str, dict[str, str]]:
    return {namespace: {plan.name: plan.action for plan in found} for namespace, found in plans.items()}


FEW = ("a", "b")
MANY = tuple(f"n{number:02}" for number in range(20))
NAMES, GLOB = Wanted(("default", "build")), Wanted(("b*",))
SEARCH = Wanted((), attach=False, every_user=True)

READS: dict[str, tuple[tuple[str, ...], Wanted, dict[str, int]]] = {
    "few, by name": (FEW, NAMES, {"get": 4}),
    "few, by glob": (FEW, GLOB, {"list in one": 2}),
    "few, every account that names the secret": (FEW, SEARCH, {"list in one": 2}),
    "many, by name": (MANY, NAMES, {"list default": 1, "list build": 1}),
    "many, by glob": (MANY, GLOB, {"list all": 1}),
    "many, by glob and name": (MANY, Wanted(("b*", "default")), {"list all": 1}),
    "many, every account that names the secret": (MANY, SEARCH, {"list all": 1}),
    "none": ((), NAMES, {}),
}


@pytest.mark.parametrize("case", READS)
def test_the_requests_that_it_takes(pool: concurrent.futures.Executor, case: str) -> None:
    namespaces, wanted, calls = READS[case]
    cluster = MemoryCluster(*MANY, *FEW, "not-selected")
    plans = planner(cluster, pool).plan(dict.fromkeys(namespaces, wanted))
    assert cluster.calls == calls
    assert set(plans) == set(namespaces)
    accounts = {"default", "build"} if wanted == NAMES else {"build"} if wanted == GLOB else None
    assert accounts is None or all(set(found) == accounts for found in planned(plans).values())


def test_without_permission_to_list_names_are_read(pool: concurrent.futures.Executor) -> None:
    cluster = MemoryCluster(*MANY)
    cluster.reject = {"list default": [FORBIDDEN]}
    plans = planner(cluster, pool).plan(dict.fromkeys(MANY, Wanted(("default",))))
    assert planned(plans) == {name: {"default": "attached"} for name in MANY}
    assert cluster.calls == {"list default": 1, "get": 20}


def test_without_permission_to_list_all_each_namespace_is_listed(pool: concurrent.futures.Executor) -> None:
    cluster = MemoryCluster(*MANY)
    cluster.reject = {"list all": [FORBIDDEN]}
    plans = planner(cluster, pool).plan(dict.fromkeys(MANY, GLOB))
    assert planned(plans) == {name: {"build": "attached"} for name in MANY}
    assert cluster.calls == {"list all": 1, "list in one": 20}


def test_without_permission_to_list_a_glob_fails_and_names_are_read(pool: concurrent.futures.Executor) -> None:
    cluster = MemoryCluster("a", "b")
    cluster.reject = {"list in one": [FORBIDDEN]}
    one = planner(cluster, pool)
    plans = one.plan({"a": Wanted(("b*", "default"))})
    assert planned(plans) == {"a": {"b*": "failed", "default": "attached"}}
    assert (plans["a"][0].reason, plans["a"][0].msg) == ("forbidden", "User x cannot")
    assert one.warnings == []


def test_accounts_that_cannot_be_listed_are_a_warning(pool: concurrent.futures.Executor) -> None:
    cluster = MemoryCluster("a", "b")
    cluster.stored["a", "default"] = account("a", "default", NAME)
    cluster.reject = {"list in one": [FORBIDDEN, FORBIDDEN]}
    one = planner(cluster, pool)
    plans = one.plan(dict.fromkeys(FEW, Wanted(("default",), attach=False, every_user=True)))
    assert planned(plans) == {"a": {"default": "detached"}, "b": {"default": "unchanged"}}
    (warning,) = one.warnings
    assert warning.startswith("The service accounts in a, b could not be listed, so accounts there may still name")
    assert "User x cannot" in warning


def test_another_error_of_the_list_of_all_stops_the_task(pool: concurrent.futures.Executor) -> None:
    cluster = MemoryCluster(*MANY)
    cluster.reject = {"list all": [ClusterError("unreachable", "no answer")]}
    with pytest.raises(ClusterError, match="no answer"):
        planner(cluster, pool).plan(dict.fromkeys(MANY, GLOB))


@pytest.mark.parametrize(
    ("glob", "warned"), [("x*", True), ("b*", False), ("d*", False), ("*", False)], ids=["x", "b", "d", "all"]
)
def test_a_glob_that_matches_nothing_anywhere(pool: concurrent.futures.Executor, glob: str, warned: bool) -> None:
    cluster = MemoryCluster("a", accounts=())
    cluster.stored["b", "build"] = account("b", "build")
    one = planner(cluster, pool)
    one.plan(dict.fromkeys(FEW, Wanted((glob,))))
    assert any(repr(glob) in warning for warning in one.warnings) is warned


def write(cluster: MemoryCluster, pool: concurrent.futures.Executor, wanted: Wanted) -> list[AccountPlan]:
    plans = planner(cluster, pool).plan({"a": wanted})["a"]
    return [writer(cluster).write("a", plan) for plan in plans if plan.writes]


def test_an_account_with_a_conflict_is_read_again(pool: concurrent.futures.Executor) -> None:
    cluster = MemoryCluster("a", accounts=("build",))
    cluster.reject = {"patch": [ConflictError("conflict", "x"), ConflictError("conflict", "x")]}
    (done,) = write(cluster, pool, Wanted(("build",)))
    assert done.action == "attached"
    assert cluster.calls == {"get": 3, "patch": 3}
    assert cluster.secrets("a", "build") == [NAME]


def test_a_secret_that_another_client_attached_meanwhile_is_unchanged(pool: concurrent.futures.Executor) -> None:
    cluster = MemoryCluster("a", accounts=("build",))
    one = planner(cluster, pool)
    (plan,) = one.plan({"a": Wanted(("build",))})["a"]
    cluster.stored["a", "build"] = account("a", "build", "theirs", NAME)
    cluster.reject = {"patch": [ConflictError("conflict", "x")]}
    assert writer(cluster).write("a", plan).action == "unchanged"
    assert cluster.secrets("a", "build") == ["theirs", NAME]


def test_an_unconfirmed_attachment_that_succeeded_is_reported_as_attached(pool: concurrent.futures.Executor) -> None:
    cluster = MemoryCluster("a", accounts=("build",))
    one = planner(cluster, pool)
    (plan,) = one.plan({"a": Wanted(("build",))})["a"]
    cluster.stored["a", "build"] = account("a", "build", NAME)
    lost = ConflictError("conflict", "x")
    lost.unconfirmed = True
    cluster.reject = {"patch": [lost]}
    assert writer(cluster).write("a", plan).action == "attached"
    assert cluster.calls["patch"] == 1


def test_after_a_signal_no_account_is_begun(pool: concurrent.futures.Executor) -> None:
    cluster = MemoryCluster("a", accounts=("build",))
    cluster.stopped_by = "SIGTERM"
    (done,) = write(cluster, pool, Wanted(("build",)))
    assert (done.action, done.reason) == ("failed", "stopped")
    assert cluster.calls["patch"] == 0


def test_endless_conflicts_are_a_failure(pool: concurrent.futures.Executor) -> None:
    cluster = MemoryCluster("a", accounts=("build",))
    cluster.reject = {"patch": [ConflictError("conflict", "x")] * 100}
    (done,) = write(cluster, pool, Wanted(("build",)))
    assert (done.action, done.reason) == ("failed", "conflict")
    assert cluster.calls["patch"] == account_writer.MAX_DECISIONS


@pytest.mark.parametrize(
    ("attach", "expected"), [(True, ("failed", "missing_service_account")), (False, ("unchanged", None))]
)
def test_an_account_deleted_meanwhile(
    pool: concurrent.futures.Executor, attach: bool, expected: tuple[str, str | None]
) -> None:
    cluster = MemoryCluster("a", accounts=())
    cluster.stored["a", "build"] = account("a", "build", *([] if attach else [NAME]))
    one = planner(cluster, pool)
    (plan,) = one.plan({"a": Wanted(("build",), attach=attach)})["a"]
    cluster.stored.clear()
    cluster.reject = {"patch": [NotFoundError("not_found", "x")]}
    done = writer(cluster).write("a", plan)
    assert (done.action, done.reason) == expected


def test_a_rejection_is_in_the_account_s_own_result(pool: concurrent.futures.Executor) -> None:
    cluster = MemoryCluster("a")
    cluster.reject = {"patch": [FORBIDDEN]}
    failed, attached = write(cluster, pool, NAMES)
    assert (failed.name, failed.action, failed.reason, failed.msg) == ("build", "failed", "forbidden", "User x cannot")
    assert attached.action == "attached"


def test_the_default_account_is_waited_for(pool: concurrent.futures.Executor, monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = MemoryCluster("a", accounts=())

    def appear(seconds: float) -> None:
        if cluster.calls["get"] == 4:
            cluster.stored["a", "default"] = account("a", "default")

    monkeypatch.setattr(account_writer.time, "sleep", appear)
    (done,) = write(cluster, pool, Wanted(("default",)))
    assert done.action == "attached"
    assert cluster.secrets("a", "default") == [NAME]
    assert cluster.calls == {"get": 5, "patch": 1}


def test_the_wait_for_the_default_account_has_a_limit(pool: concurrent.futures.Executor, clock: list[float]) -> None:
    """The wait is not repeated for each namespace: if no account is created, thousands would take hours."""
    cluster = MemoryCluster("a", accounts=())
    one = writer(cluster)
    plans = planner(cluster, pool).plan({namespace: Wanted(("default",)) for namespace in FEW})
    for namespace in FEW:
        (plan,) = plans[namespace]
        done = one.write(namespace, plan)
        assert (done.action, done.reason) == ("failed", "missing_service_account")
        assert "after 60 seconds" in done.msg
    assert clock[0] <= account_writer.WAIT_SECONDS
