# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The status of each secret, and its planned action, which equals the module's."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Iterator
from typing import Any, cast

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes import clocks
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.api import (
    Cluster,
    ClusterError,
    ForbiddenError,
    Namespace,
    NotFoundError,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.clocks import Clocks
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret import managed_metadata
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.decision import Policy
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.selection import Selection
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.status import StatusReader, health
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.task import PullSecretTask
from ansible_collections.freshpull.ecr_public.plugins.module_utils._time import parse_time
from unit.cases import decide as cases
from unit.plugins.module_utils._pull_secret.test_decision import policy_of

CASES = cases.load()
NAME = "ecr-public-secret"
NOW = parse_time(cases.DEFAULT_NOW)


class ReadOnlyCluster:
    """A cluster that can only be read."""

    def __init__(self, *names: str, secrets: dict[str, Any] | None = None) -> None:
        self.names = names
        self.stored = secrets or {}
        self.accounts: dict[str, dict[str, list[str]]] = {}
        self.objects: list[dict[str, Any]] = []
        """Other service accounts, as the API server returns them."""
        self.annotations: dict[str, str] = {}
        """Of each service account."""
        self.stopped_by = ""
        self.rejected: dict[str, ClusterError] = {}
        self.clocks = Clocks()
        self.calls: Counter[str] = Counter()

    def _call(self, what: str, where: str = "") -> None:
        self.calls[what] += 1
        error = self.rejected.get(f"{what} {where}".strip())
        if error:
            raise error

    def namespaces(self, selector: str) -> dict[str, Namespace]:
        self._call("list namespaces")
        assert selector == ""
        return {name: Namespace(name) for name in self.names}

    def namespace(self, name: str) -> Namespace:
        self._call("get namespace", name)
        if name not in self.names:
            raise NotFoundError("not_found", name)
        return Namespace(name, terminating=name == "terminating")

    def secrets(self, name: str) -> Iterator[dict[str, Any]]:
        self._call("list secrets")
        assert name == NAME
        yield from self.stored.values()

    def secret(self, namespace: str, name: str) -> dict[str, Any] | None:
        self._call("get secret", namespace)
        assert name == NAME
        return self.stored.get(namespace)

    def service_accounts(self, namespace: str = "", name: str = "") -> Iterator[dict[str, Any]]:
        self._call("list accounts", namespace)
        for where, accounts in self.accounts.items():
            if namespace in ("", where):
                yield from (self._account(where, one, held) for one, held in accounts.items() if name in ("", one))
        yield from (one for one in self.objects if namespace in ("", one["metadata"]["namespace"]))

    def service_account(self, namespace: str, name: str) -> dict[str, Any] | None:
        self._call("get account", namespace)
        entries = self.accounts.get(namespace, {}).get(name)
        return None if entries is None else self._account(namespace, name, entries)

    def _account(self, namespace: str, name: str, entries: list[str]) -> dict[str, Any]:
        metadata: dict[str, Any] = {"namespace": namespace, "name": name, "uid": name, "resourceVersion": "1"}
        metadata["annotations"] = self.annotations
        return {"metadata": metadata, "imagePullSecrets": [{"name": entry} for entry in entries]}


def inspect(cluster: ReadOnlyCluster, *namespaces: str, policy: Policy | None = None, prune: bool = False) -> Any:
    reader = StatusReader(cast(Cluster, cluster), policy or Policy(name=NAME), workers=4, prune=prune)
    return reader.read(Selection(namespaces))


def entries(cluster: ReadOnlyCluster, *namespaces: str, policy: Policy | None = None) -> dict[str, dict[str, Any]]:
    result = inspect(cluster, *namespaces, policy=policy).to_result()
    return {entry["namespace"]: entry for entry in result["namespaces"]}


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Set the clock."""

    def stop(now: dt.datetime) -> None:
        monkeypatch.setattr(clocks, "_here", lambda: now)

    return stop


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_planned_action_is_what_the_module_does(case: cases.Case, at: Any) -> None:
    """Both plan without a token."""
    at(parse_time(case.now))
    stored = {"team-a": case.secret} if case.secret else {}
    found = entries(ReadOnlyCluster("team-a", secrets=stored), "team-a", policy=policy_of(case))["team-a"]
    cluster = cast(Cluster, ReadOnlyCluster("team-a", secrets=stored))
    task = PullSecretTask(cluster, policy_of(case), workers=1)
    (outcome,) = task.plan(Selection(("team-a",))).outcomes
    assert (found["planned_action"], found["reason"], found["msg"]) == (
        outcome.plan.action,
        outcome.plan.reason,
        outcome.plan.msg,
    )
    if case.token is None and not case.outage:
        assert (found["planned_action"], found["reason"]) == (case.expect["action"], case.expect["reason"])


STATUS: dict[str, tuple[str, dict[str, Any] | None]] = {
    "nothing": ("missing", None),
    "6 hours left": ("due", {}),
    "20 hours left": ("fresh", {"expires_at": "2026-01-02T02:00:00Z"}),
    "over": ("expired", {"expires_at": "2026-01-01T05:00:00Z"}),
    "expires now": ("expired", {"expires_at": "2026-01-01T06:00:00Z"}),
    "no expiry": ("unknown_expiry", {"expires_at": None}),
    "a placeholder": ("unknown_expiry", {"auths": {}, "expires_at": None, "fingerprint": "none"}),
    "modified": ("unknown_expiry", {"fingerprint": "sha256:0000000000000000"}),
    "failed open": (
        "failed_open",
        {
            "auths": {},
            "registries": [],
            "expires_at": None,
            "annotations": {managed_metadata.FAILED_OPEN_AT: cases.DEFAULT_NOW},
        },
    ),
    "unmanaged": ("unmanaged", {"managed": False}),
    "wrong type": ("wrong_type", {"type": "Opaque"}),
    "unmanaged, of a wrong type": ("wrong_type", {"type": "Opaque", "managed": False}),
    "malformed": ("malformed", {"raw": '{"auths":[]}'}),
    "immutable, 6 hours left": ("due", {"immutable": True}),
    "immutable, 20 hours left": ("fresh", {"immutable": True, "expires_at": "2026-01-02T02:00:00Z"}),
    "other registries": ("fresh", {"auths": {"other.example": "old"}, "expires_at": "2026-01-02T02:00:00Z"}),
}
POLICIES = {
    "plain": Policy(name=NAME),
    "all allowed": Policy(name=NAME, adopt=True, recreate=True, force_renew=True, labels={"a": "b"}),
    "placeholder": Policy(name=NAME, placeholder=True),
    "absent": Policy(name=NAME, state="absent"),
}


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("kind", STATUS)
def test_the_status_is_the_secret_s_own(kind: str, policy: str) -> None:
    status, secret = STATUS[kind]
    assert health(None if secret is None else cases.secret(**secret), POLICIES[policy], NOW).status == status


def test_the_policy_determines_when_a_token_is_due() -> None:
    assert health(cases.secret(), Policy(name=NAME, renew_before=dt.timedelta(hours=4)), NOW).status == "fresh"


def test_the_remaining_lifetime(at: Any) -> None:
    at(NOW)
    stored = {
        "over": cases.secret(namespace="over", expires_at="2026-01-01T05:59:00Z"),
        "good": cases.secret(namespace="good"),
        "unknown": cases.secret(namespace="unknown", fingerprint="none"),
    }
    result = inspect(ReadOnlyCluster(*stored, secrets=stored), *stored).to_result()
    remaining = {
        entry["namespace"]: (entry["expires_at"], entry["remaining_seconds"]) for entry in result["namespaces"]
    }
    assert remaining == {
        "over": ("2026-01-01T05:59:00Z", -60),
        "good": ("2026-01-01T12:00:00Z", 6 * 3600),
        "unknown": (None, None),
    }
    assert result["expires_at"] == "2026-01-01T05:59:00Z"
    assert result["summary"] == {"expired": 1, "due": 1, "unknown_expiry": 1}


def test_what_cannot_be_read_has_a_status_too() -> None:
    cluster = ReadOnlyCluster("forbidden", "broken", "terminating", "good")
    cluster.rejected = {
        "get secret forbidden": ForbiddenError("forbidden", "no"),
        "get secret broken": ClusterError("api_error", "etcd is down"),
    }
    found = entries(cluster, *cluster.names, "gone")
    assert {name: (entry["status"], entry["planned_action"], entry["reason"]) for name, entry in found.items()} == {
        "forbidden": ("forbidden", "failed", "forbidden"),
        "broken": ("unknown", "failed", "api_error"),
        "terminating": ("terminating", "failed", "terminating"),
        "gone": ("missing", "failed", "missing_namespace"),
        "good": ("missing", "created", "missing"),
    }
    assert found["broken"]["msg"] == "etcd is down"


def test_a_secret_that_prune_would_remove_is_an_orphan(at: Any) -> None:
    at(NOW)
    stored = {name: cases.secret(namespace=name) for name in ("chosen", "old")}
    (old,) = [
        entry
        for entry in inspect(ReadOnlyCluster(*stored, secrets=stored), "chosen", prune=True).to_result()["namespaces"]
        if entry["namespace"] == "old"
    ]
    assert (old["status"], old["planned_action"], old["reason"]) == ("orphaned", "removed", "orphaned")
    assert old["remaining_seconds"] == 6 * 3600


def test_an_orphan_is_found_if_the_secrets_are_listed(at: Any) -> None:
    at(NOW)
    names = [f"n{number}" for number in range(10)]
    stored = {name: cases.secret(namespace=name) for name in ("n0", "old")}
    stored["unmanaged"] = cases.secret(namespace="unmanaged", managed=False)
    cluster = ReadOnlyCluster(*names, "old", "unmanaged", secrets=stored)
    cluster.accounts = {"old": {"build": [NAME], "other": []}}
    policy = Policy(name=NAME, service_accounts=("other",))
    found = entries(cluster, *names, policy=policy)
    assert set(found) == {*names, "old"}
    old = found["old"]
    assert (old["status"], old["planned_action"], old["reason"]) == ("orphaned", "unchanged", "orphaned")
    assert (old["remaining_seconds"], old["service_accounts"]) == (6 * 3600, ["build"])
    assert set(entries(cluster, *names, policy=Policy(name=NAME, state="absent"))) == set(names)


def test_the_reason_why_nothing_is_pruned_is_a_warning() -> None:
    cluster = ReadOnlyCluster("a")
    (warning,) = inspect(cluster, "a", "gone", prune=True).warnings
    assert warning == (
        "Nothing was pruned: namespace gone does not exist or does not match namespace_selector. "
        "Create it, label it or remove it from namespaces."
    )


def test_the_service_accounts_that_name_it() -> None:
    cluster = ReadOnlyCluster("a", "b")
    cluster.accounts = {"a": {"default": ["x", NAME], "build": [NAME], "other": ["x"]}, "b": {"default": []}}
    found = entries(cluster, "a", "b", "gone")
    assert {name: entry["service_accounts"] for name, entry in found.items()} == {
        "a": ["default", "build"],
        "b": [],
        "gone": [],
    }
    assert cluster.calls["list accounts"] == 2


def test_accounts_that_would_be_attached(at: Any) -> None:
    at(NOW)
    secrets = {name: cases.secret(namespace=name) for name in ("a", "b")}
    cluster = ReadOnlyCluster("a", "b", secrets=secrets)
    cluster.accounts = {"a": {"build": []}, "b": {"default": []}}
    policy = Policy(name=NAME, renew_before=dt.timedelta(hours=1), service_accounts=("build",))
    found = entries(cluster, "a", "b", policy=policy)
    assert {name: (entry["status"], entry["planned_action"], entry["reason"]) for name, entry in found.items()} == {
        "a": ("fresh", "updated", "service_accounts"),
        "b": ("fresh", "failed", "missing_service_account"),
    }
    assert "build does not exist" in found["b"]["msg"]


NAMES = [f"n{number:02}" for number in range(20)]


def test_service_accounts_of_many_are_one_list() -> None:
    cluster = ReadOnlyCluster(*NAMES)
    cluster.accounts = {name: {"default": [NAME]} for name in (*NAMES, "elsewhere")}
    found = entries(cluster, *NAMES)
    assert [entry["service_accounts"] for entry in found.values()] == [["default"]] * 20
    assert cluster.calls == {"list namespaces": 1, "list secrets": 1, "list accounts": 1}


def test_accounts_are_listed_in_the_namespaces_with_permission() -> None:
    cluster = ReadOnlyCluster(*NAMES)
    cluster.accounts = {name: {"default": [NAME]} for name in NAMES}
    cluster.rejected = {f"list accounts {name}".strip(): ForbiddenError("forbidden", "no") for name in ("", "n03")}
    findings = inspect(cluster, *NAMES)
    assert [
        entry["namespace"] for entry in findings.to_result()["namespaces"] if entry["service_accounts"] is None
    ] == ["n03"]
    assert len(findings.warnings) == 1
    assert "1 namespaces, such as n03" in findings.warnings[0]
    assert "list serviceaccounts" in findings.warnings[0]


def test_an_account_that_uses_the_secret_and_is_applied_without_it_is_a_warning(at: Any) -> None:
    at(NOW)
    cluster = ReadOnlyCluster("a", "b", secrets={name: cases.secret(namespace=name) for name in ("a", "b")})
    cluster.accounts = {"a": {"build": [NAME], "other": ["theirs"]}, "b": {"build": [NAME]}}
    manifest = '{"imagePullSecrets":[{"name":"theirs"}]}'
    cluster.annotations = {"kubectl.kubernetes.io/last-applied-configuration": manifest}
    (warning,) = inspect(cluster, "a", "b").warnings
    assert "kubectl apply writes imagePullSecrets" in warning
    assert f"from a list without the secret {NAME}: a/build, b/build." in warning
    # Accounts of the option are in the report already.
    (warning,) = inspect(cluster, "a", "b", policy=Policy(name=NAME, service_accounts=("build",))).warnings
    assert f"from a list without the secret {NAME}: a/build, b/build." in warning
    found = inspect(cluster, "a", "b", policy=Policy(name=NAME, service_accounts=("other",)))
    assert ["missing_service_account" in str(found.to_result()), len(found.warnings)] == [True, 2]
