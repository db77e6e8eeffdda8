# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pruning of orphans, on a cluster in memory."""

from __future__ import annotations

import copy
import datetime as dt

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.api import (
    ConflictError,
    ForbiddenError,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.decision import Policy
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.selection import Selection
from unit.cases import decide as cases
from unit.plugins.module_utils._pull_secret.memory import NAME, NOW, MemoryCluster, result, run


def settled(*names: str, orphans: tuple[str, ...] = ("old",)) -> MemoryCluster:
    """Build a cluster with fresh managed secrets in these namespaces and the orphans, and an unmanaged secret."""
    cluster = MemoryCluster([*names, *orphans, "unmanaged"])
    late = (NOW + dt.timedelta(hours=11)).strftime("%Y-%m-%dT%H:%M:%SZ")
    for name in (*names, *orphans):
        cluster.stored[name] = cases.secret(namespace=name, expires_at=late, renewed_at=None)
    cluster.stored["unmanaged"] = cases.secret(namespace="unmanaged", managed=False)
    return cluster


def test_orphans_are_pruned_with_one_list() -> None:
    cluster = settled("a", "b")
    assert result(run(cluster, "a", "b", prune=True)) == {
        "a": ("unchanged", "fresh"),
        "b": ("unchanged", "fresh"),
        "old": ("removed", "orphaned"),
    }
    assert cluster.calls == {"get namespace": 2, "list secrets": 1, "list accounts": 1, "delete secret": 1}
    assert sorted(cluster.stored) == ["a", "b", "unmanaged"]
    assert result(run(cluster, "a", "b", prune=True)) == dict.fromkeys(("a", "b"), ("unchanged", "fresh"))


def test_the_accounts_of_an_orphan_are_detached_while_others_are_attached() -> None:
    cluster = settled("a")
    cluster.accounts = {
        ("a", "build"): ["theirs"],
        ("old", "build"): [NAME, "theirs"],
        ("old", "by-hand"): [NAME],
        ("unmanaged", "build"): [NAME],
    }
    report = run(cluster, "a", prune=True, service_accounts=("b*",))
    assert result(report) == {"a": ("updated", "service_accounts"), "old": ("removed", "orphaned")}
    assert cluster.accounts == {
        ("a", "build"): ["theirs", NAME],
        ("old", "build"): ["theirs"],
        ("old", "by-hand"): [],
        ("unmanaged", "build"): [NAME],
    }
    assert cluster.calls["patch account"] == 3


def test_an_excluded_namespace_is_not_selected() -> None:
    cluster = settled("a", "old", orphans=())
    pruned = run(cluster, "*", exclude=("old", "unmanaged"), prune=True)
    assert result(pruned) == {"a": ("unchanged", "fresh"), "old": ("removed", "orphaned")}


def test_pruning_in_check_mode_removes_nothing() -> None:
    cluster = settled("a")
    report = run(cluster, "a", prune=True, dry_run=True)
    assert result(report)["old"] == ("removed", "orphaned")
    assert report.changed
    assert "delete secret" not in cluster.calls


def test_an_orphan_that_changed_meanwhile_is_read_again() -> None:
    cluster = settled("a")
    cluster.reject = {"delete secret": [ConflictError("conflict", "x")]}
    assert result(run(cluster, "a", prune=True))["old"] == ("removed", "orphaned")
    assert cluster.calls["delete secret"] == 2


def test_an_orphan_that_cannot_be_removed_is_named() -> None:
    cluster = settled("a")
    cluster.reject = {"delete secret": [ForbiddenError("forbidden", "Could not delete secret old/x")]}
    report = run(cluster, "a", prune=True)
    assert result(report) == {"a": ("unchanged", "fresh"), "old": ("failed", "orphaned")}
    assert "old: orphaned: Could not delete" in report.problem(Policy(name=NAME), Selection(("a",)))


NOT_PRUNED: dict[str, tuple[tuple[str, ...], str]] = {
    "a missing namespace": (
        ("a", "tyop"),
        "Nothing was pruned: namespace tyop does not exist or does not match namespace_selector.",
    ),
    "nothing selected": (("tyop-*",), "No namespace is selected"),
}


@pytest.mark.parametrize(("names", "words"), NOT_PRUNED.values(), ids=NOT_PRUNED)
def test_nothing_is_pruned_if_the_selection_is_uncertain(names: tuple[str, ...], words: str) -> None:
    cluster = settled("a")
    report = run(cluster, *names, prune=True)
    assert words in report.problem(Policy(name=NAME), Selection(names))
    assert sorted(cluster.stored) == ["a", "old", "unmanaged"]


def test_a_selector_without_a_match_prunes_all() -> None:
    cluster = settled("a")
    assert result(run(cluster, "*", selector="none=match", prune=True)) == {
        "a": ("removed", "orphaned"),
        "old": ("removed", "orphaned"),
    }


@pytest.mark.parametrize("verb", ["list secrets", "get namespace"])
def test_without_permission_to_read_the_rest_is_done_and_the_reason_reported(verb: str) -> None:
    cluster = settled("a")
    del cluster.stored["a"]
    cluster.reject = {verb: [ForbiddenError("forbidden", "Could not do it")]}
    report = run(cluster, "a", prune=True)
    assert result(report) == {"a": ("created", "missing")}
    assert report.problem(Policy(name=NAME), Selection(("a",))).startswith("Nothing was pruned: ")
    assert "old" in cluster.stored


def test_a_glob_without_a_match_prunes_nothing() -> None:
    cluster = settled("a")
    report = run(cluster, "a", "tyop-*", prune=True)
    assert result(report) == {"a": ("unchanged", "fresh")}
    problem = report.problem(Policy(name=NAME), Selection(("a", "tyop-*")))
    assert "Nothing was pruned, since namespaces: 'tyop-*' matches no namespace" in problem
    assert (
        f"old (expires at {cluster.stored['old']['metadata']['annotations']['ecr-public.freshpull/expires-at']})"
        in problem
    )
    del cluster.stored["old"]
    report = run(cluster, "a", "tyop-*", prune=True)
    assert report.problem(Policy(name=NAME), Selection(("a", "tyop-*"))) == ""
    assert report.warnings == ["namespaces: 'tyop-*' matches no namespace."]


def test_secrets_of_another_owner_and_copies_are_not_pruned() -> None:
    cluster = settled("a", orphans=("old", "theirs", "ownerless", "copy", "copy2"))
    for name, owner in (("a", "us"), ("old", "us"), ("theirs", "them"), ("copy", "us"), ("copy2", "us")):
        cluster.stored[name]["metadata"]["labels"]["ecr-public.freshpull/owner"] = owner
    for name, key in (
        ("copy", "reflector.v1.k8s.emberstack.com/reflects"),
        ("copy2", "replicator.v1.mittwald.de/replicate-from"),
    ):
        cluster.stored[name]["metadata"]["annotations"].update({"ecr-public.freshpull/namespace": "a", key: "a/x"})
    before = sorted(cluster.stored)
    copies = copy.deepcopy([cluster.stored["copy"], cluster.stored["copy2"]])
    report = run(cluster, "a", prune=True, owner="us")
    assert result(report) == {"a": ("unchanged", "fresh"), "old": ("removed", "orphaned")}
    assert sorted(cluster.stored) == [name for name in before if name != "old"]
    assert [cluster.stored["copy"], cluster.stored["copy2"]] == copies
    assert "patch secret" not in cluster.calls
    assert [warning.partition(". ")[0] for warning in report.warnings] == [
        "kubernetes-replicator copied the secret ecr-public-secret to other namespaces: copy2",
        "reflector copied the secret ecr-public-secret to other namespaces: copy",
    ]


@pytest.mark.parametrize("names", [("a",), ("a", "tyop"), ("tyop-*",)])
def test_absent_with_prune_removes_all_secrets_of_the_owner(names: tuple[str, ...]) -> None:
    cluster = settled("a", orphans=("old", "theirs"))
    for name, owner in (("a", "us"), ("old", "us"), ("theirs", "them")):
        cluster.stored[name]["metadata"]["labels"]["ecr-public.freshpull/owner"] = owner
    report = run(cluster, *names, state="absent", prune=True, owner="us")
    assert sorted(cluster.stored) == ["theirs", "unmanaged"]
    assert report.problem(Policy(name=NAME, state="absent"), Selection(names)) == ""
    assert result(report)["old"] == ("removed", "orphaned")


def test_a_copy_in_a_selected_namespace_is_left_unchanged_and_named() -> None:
    cluster = settled("a", "copy", orphans=())
    copied = cluster.stored["copy"]["metadata"]
    copied["annotations"]["ecr-public.freshpull/namespace"] = "a"
    copied["labels"]["generate.kyverno.io/policy-name"] = "copies"
    report = run(cluster, "a", "copy")
    assert result(report) == {"a": ("unchanged", "fresh"), "copy": ("failed", "copy")}
    assert report.warnings[0].startswith("Kyverno copied the secret ecr-public-secret to other namespaces: copy.")
    assert "patch secret" not in cluster.calls


def test_without_prune_orphans_that_are_found_are_a_warning() -> None:
    names = [f"n{number}" for number in range(9)]
    cluster = settled(*names, orphans=tuple(f"old{number:02}" for number in range(12)))
    report = run(cluster, *names)
    assert report.summary == {"unchanged": 9}
    assert "in 12 namespaces that are not selected" in report.warnings[0]
    assert "old00, old01, old02, old03, old04, old05, old06, old07, old08, old09 and 2 more." in report.warnings[0]
    assert report.warnings[0].endswith(" Remove it with state: absent.")
    few = run(cluster, "n1")
    assert few.warnings == []
    assert run(cluster, *names, state="absent").warnings == []
