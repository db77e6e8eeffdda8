# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole tasks with a cluster in memory that counts calls, rejects them and causes races."""

from __future__ import annotations

import base64
import copy
import datetime as dt
import json
from typing import Any

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.api import (
    ClusterError,
    ConflictError,
    ForbiddenError,
    NotFoundError,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.clocks import Clocks
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret import secret_writer
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.decision import Policy
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.report import DIFFS
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.selection import Selection
from ansible_collections.freshpull.ecr_public.plugins.module_utils._time import format_time
from ansible_collections.freshpull.ecr_public.plugins.module_utils._token import Token, TokenError
from unit.cases import decide as cases
from unit.plugins.module_utils._pull_secret.memory import NAME, NOW, MemoryCluster, result, run


def test_few_are_read_one_by_one_and_many_are_listed() -> None:
    few = MemoryCluster(["a", "b"])
    run(few, "a", "b")
    assert few.calls == {"get namespace": 2, "get secret": 2, "create secret": 2}
    names = [f"n{number}" for number in range(20)]
    many = MemoryCluster(names)
    run(many, *names)
    assert many.calls == {"list namespaces": 1, "list secrets": 1, "create secret": 20}


def test_without_permission_to_list_each_is_read() -> None:
    names = [f"n{number}" for number in range(20)]
    cluster = MemoryCluster(names)
    forbidden = ForbiddenError("forbidden", "no")
    cluster.reject = {"list namespaces": [forbidden], "list secrets": [forbidden]}
    assert run(cluster, *names).summary == {"created": 20}
    assert cluster.calls == {"list namespaces": 1, "list secrets": 1, "get secret": 20, "create secret": 20}


def test_a_glob_without_permission_to_list_is_an_error() -> None:
    cluster = MemoryCluster(["a"])
    cluster.reject = {"list namespaces": [ForbiddenError("forbidden", "cannot list namespaces")]}
    with pytest.raises(ForbiddenError):
        run(cluster, "*")


def test_dry_run_writes_nothing() -> None:
    cluster = MemoryCluster(["a"])
    report = run(cluster, "a", token=None, dry_run=True)
    assert report.changed
    assert report.outcomes[0].to_result()["expires_at"] == "unknown"
    assert cluster.calls == {"get namespace": 1, "get secret": 1}


def test_a_secret_with_a_conflict_is_read_again() -> None:
    cluster = MemoryCluster(["a"])
    cluster.stored = {"a": cases.secret(namespace="a")}
    cluster.reject = {"patch secret": [ConflictError("conflict", "x"), ConflictError("conflict", "x")]}
    assert result(run(cluster, "a")) == {"a": ("renewed", "expired")}
    assert cluster.calls["patch secret"] == 3
    assert cluster.calls["get secret"] == 3


def test_endless_conflicts_are_a_failure() -> None:
    cluster = MemoryCluster(["a"])
    cluster.stored = {"a": cases.secret(namespace="a")}
    cluster.reject = {"patch secret": [ConflictError("conflict", "x")] * 100}
    assert result(run(cluster, "a")) == {"a": ("failed", "conflict")}
    assert cluster.calls["patch secret"] == secret_writer.MAX_DECISIONS


def test_an_unmanaged_secret_that_was_created_meanwhile_is_not_overwritten() -> None:
    cluster = MemoryCluster(["a"])
    cluster.meanwhile = {"a": cases.secret(namespace="a", managed=False)}
    assert result(run(cluster, "a")) == {"a": ("failed", "unmanaged")}


def test_a_namespace_deleted_meanwhile_is_named() -> None:
    cluster = MemoryCluster(["a", "b"])
    cluster.reject = {"create secret": [NotFoundError("not_found", "gone"), None]}
    report = run(cluster, "a", "b")
    assert sorted(report.summary.items()) == [("created", 1), ("failed", 1)]
    assert report.failures[0].plan.reason == "missing_namespace"


def test_a_token_that_is_needed_since_the_plan_is_a_failure() -> None:
    cluster = MemoryCluster(["a"])
    assert result(run(cluster, "a", token=None)) == {"a": ("failed", "token_needed")}
    assert cluster.calls["create secret"] == 0


def test_an_expired_token_is_rejected_before_any_write() -> None:
    cluster = MemoryCluster(["a"])
    old = Token(expires_at=NOW - dt.timedelta(seconds=1), username="AWS", password="old")
    with pytest.raises(TokenError, match="expired"):
        run(cluster, "a", token=old)
    assert cluster.calls["create secret"] == 0


def test_recreating_keeps_the_old_secret_if_the_new_one_is_rejected() -> None:
    cluster = MemoryCluster(["a"])
    cluster.stored = {"a": cases.secret(namespace="a", type="Opaque")}
    before = copy.deepcopy(cluster.stored["a"]["data"])
    cluster.reject = {"create secret": [ClusterError("api_error", "quota")]}
    assert result(run(cluster, "a", recreate=True)) == {"a": ("failed", "recreate_refused")}
    assert cluster.stored["a"]["data"] == before
    assert cluster.calls["dry run"] == 1


def test_recreating_is_not_begun_if_the_dry_run_fails() -> None:
    cluster = MemoryCluster(["a"])
    cluster.stored = {"a": cases.secret(namespace="a", type="Opaque")}
    cluster.reject = {"dry run": [ForbiddenError("forbidden", "no create")]}
    assert result(run(cluster, "a", recreate=True)) == {"a": ("failed", "forbidden")}
    assert cluster.calls["delete secret"] == 0


def test_recreating_continues_if_the_response_to_the_deletion_was_lost() -> None:
    """If this counted as another client's deletion, the new secret would lose the unmanaged logins."""
    cluster = MemoryCluster(["a"])
    cluster.stored = {"a": cases.secret(namespace="a", type="Opaque", auths={"other.example": "theirs"}, registries=[])}
    lost = NotFoundError("not_found", "gone by the first try")
    lost.unconfirmed = True

    def delete_secret(secret: dict[str, Any]) -> None:
        cluster.stored.clear()
        raise lost

    cluster.delete_secret = delete_secret  # type: ignore[method-assign]
    assert result(run(cluster, "a", recreate=True)) == {"a": ("recreated", "wrong_type")}
    config = json.loads(base64.b64decode(cluster.stored["a"]["data"][".dockerconfigjson"]))
    assert set(config["auths"]) == {"other.example", "public.ecr.aws"}


def test_restoring_the_old_secret_does_not_replace_a_new_one() -> None:
    """The response to the create is lost, so restoring the old secret is a conflict. The new secret is not lost."""
    cluster = MemoryCluster(["a"])
    cluster.stored = {"a": cases.secret(namespace="a", type="Opaque")}
    cluster.reject = {"create secret": [ClusterError("unreachable", "x"), ConflictError("conflict", "exists"), None]}
    assert result(run(cluster, "a", recreate=True)) == {"a": ("created", "missing")}


def test_an_unconfirmed_write_that_succeeded_is_reported_as_such() -> None:
    cluster = MemoryCluster(["a"])
    cluster.stored = {"a": cases.secret(namespace="a")}
    patch = cluster.patch_secret

    def patch_twice(namespace: str, name: str, body: dict[str, Any]) -> str:
        patch(namespace, name, body)
        cluster.stored[namespace]["metadata"]["resourceVersion"] = "101"
        error = ConflictError("conflict", "changed")
        error.unconfirmed = True
        raise error

    cluster.patch_secret = patch_twice  # type: ignore[method-assign]
    report = run(cluster, "a")
    assert result(report) == {"a": ("renewed", "expired")}
    assert report.outcomes[0].uid == cluster.stored["a"]["metadata"]["uid"]
    assert cluster.calls["patch secret"] == 1


def test_after_a_signal_no_write_begins_and_all_is_reported() -> None:
    names = [f"n{number:02}" for number in range(50)]
    cluster = MemoryCluster(names)
    cluster.stop_after = {"create secret": 20}
    report = run(cluster, *names)
    assert 20 <= cluster.calls["create secret"] == len(cluster.stored) < 30
    assert {name for name, (action, _reason) in result(report).items() if action == "created"} == set(cluster.stored)
    assert {failed.plan.reason for failed in report.failures} == {"stopped"}
    assert "Not started, because SIGTERM was received. Run the task again." in report.problem(
        Policy(name=NAME), Selection(tuple(names))
    )


def test_an_interrupted_plan_is_an_error() -> None:
    cluster = MemoryCluster(["a", "b"])
    cluster.stop_after = {"get secret": 2}
    with pytest.raises(ClusterError, match=r"Stopped by SIGTERM\. Nothing was written"):
        run(cluster, "a", "b", dry_run=True)


def test_a_lost_secret_is_reported() -> None:
    cluster = MemoryCluster(["a"])
    cluster.stored = {"a": cases.secret(namespace="a", type="Opaque")}
    cluster.reject = {"create secret": [ClusterError("api_error", "x"), ClusterError("api_error", "y")]}
    report = run(cluster, "a", recreate=True)
    assert result(report) == {"a": ("failed", "secret_lost")}
    assert "IS GONE" in report.failures[0].plan.msg


def test_the_later_clock_counts_and_a_difference_is_a_warning() -> None:
    cluster = MemoryCluster(["a"])
    # Not NOW, which may be long ago: it is the start of the tests.
    soon = dt.datetime.now(dt.timezone.utc) + dt.timedelta(hours=8, minutes=5)
    cluster.stored = {"a": cases.secret(namespace="a", expires_at=format_time(soon))}
    assert result(run(cluster, "a", dry_run=True)) == {"a": ("unchanged", "fresh")}
    cluster.clocks = Clocks(dt.timedelta(minutes=9))
    report = run(cluster, "a", dry_run=True)
    assert result(report) == {"a": ("renewed", "due")}
    assert "540 s ahead of" in report.warnings[0]
    cluster.clocks = Clocks(dt.timedelta(minutes=-9))
    report = run(cluster, "a", dry_run=True)
    assert result(report) == {"a": ("unchanged", "fresh")}
    assert "behind" in report.warnings[0]


@pytest.mark.parametrize("ahead", [dt.timedelta(days=2), dt.timedelta(hours=-11)])
def test_clocks_that_are_far_apart_remove_no_token(ahead: dt.timedelta) -> None:
    cluster = MemoryCluster(["a", "b"])
    cluster.clocks = Clocks(ahead)
    soon = format_time(NOW + dt.timedelta(minutes=5))
    cluster.stored = {name: cases.secret(namespace=name, expires_at=soon) for name in ("a", "b")}
    before = copy.deepcopy(cluster.stored)
    report = run(cluster, "a", "b", token=None, outage="AWS is down.")
    assert result(report) == dict.fromkeys(("a", "b"), ("failed", "clocks"))
    assert cluster.stored == before
    problem = report.problem(Policy(NAME), Selection(("a", "b")))
    assert problem.startswith("AWS is down. 2 of 2 namespaces keep their token, since the clocks do not show")
    assert "By the API server's clock it is 20" in problem
    # A token that AWS has just issued is written, whatever the clocks show.
    written = run(cluster, "a", "b")
    assert {action for action, _reason in result(written).values()} == {"renewed"}
    assert "By the API server's clock it is 20" in written.problem(Policy(NAME), Selection(("a", "b")))


def test_a_removal_needs_no_clock() -> None:
    cluster = MemoryCluster(["a"])
    cluster.clocks = Clocks(dt.timedelta(days=2))
    cluster.stored = {"a": cases.secret(namespace="a")}
    report = run(cluster, "a", state="absent")
    assert result(report) == {"a": ("removed", "managed")}
    assert report.problem(Policy(NAME, state="absent"), Selection(("a",))) == ""


def test_nothing_selected() -> None:
    cluster = MemoryCluster(["a"])
    selection = Selection(("x-*",))
    report = run(cluster, "x-*")
    assert "No namespace is selected" in report.problem(Policy(name=NAME), selection)
    assert report.problem(Policy(name=NAME, state="absent"), selection) == ""
    assert "x-*" in report.warnings[0]
    selected = Selection(("*",), selector="none=match")
    assert run(cluster, "*", selector="none=match").problem(Policy(name=NAME), selected) == ""


def test_absent_in_a_namespace_that_is_gone_is_no_failure() -> None:
    cluster = MemoryCluster(["a"])
    assert result(run(cluster, "a", "b", state="absent")) == {
        "a": ("unchanged", "missing"),
        "b": ("unchanged", "missing_namespace"),
    }


def test_the_message_names_the_first_failures_and_counts_the_rest() -> None:
    names = [f"n{number:02}" for number in range(15)]
    cluster = MemoryCluster(names)
    cluster.stored = {name: cases.secret(namespace=name, managed=False) for name in names}
    message = run(cluster, *names).problem(Policy(name=NAME), Selection(tuple(names)))
    assert message.startswith("15 of 15 namespaces failed. n00: unmanaged:")
    assert "n10" not in message
    assert message.endswith("And 5 more, see namespaces.")


def test_a_diff_of_many_namespaces_is_cut() -> None:
    names = [f"n{number:03}" for number in range(DIFFS + 20)]
    report = run(MemoryCluster(names), *names, dry_run=True)
    after = report.diff(Policy(name=NAME))["after"]
    assert len(after) == DIFFS + 1
    assert "and 20 more namespaces" in after


def test_the_outage_and_the_result_of_each_class_are_reported() -> None:
    names = [f"n{number:02}" for number in range(14)]
    cluster = MemoryCluster(names)
    soon: dict[str, Any] = {
        "expires_at": (NOW + dt.timedelta(hours=5)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "renewed_at": None,
    }
    cluster.stored = {name: cases.secret(namespace=name, **(soon if name > "n11" else {})) for name in names[1:]}
    report = run(cluster, *names, token=None, outage="AWS is down.")
    assert report.summary == {"failed": 3, "failed_open": 11}
    message = report.problem(Policy(name=NAME), Selection(tuple(names)))
    assert message.startswith("AWS is down. 2 of 14 namespaces keep a token that is still valid: n12, n13.")
    assert "pulls are anonymous: n01, n02, n03, n04, n05, n06, n07, n08, n09, n10 and 1 more." in message
    assert message.endswith("1 of 14 namespaces have no managed token: n00.")
    assert cluster.calls["patch secret"] == 11
    again = run(cluster, "n01", token=None, outage="AWS is down.")
    assert result(again) == {"n01": ("failed", "token_unavailable")}
    assert not again.changed


def test_an_outage_without_effect_is_no_failure() -> None:
    cluster = MemoryCluster(["a"])
    late = (NOW + dt.timedelta(hours=11)).strftime("%Y-%m-%dT%H:%M:%SZ")
    cluster.stored = {"a": cases.secret(namespace="a", expires_at=late, renewed_at=None)}
    report = run(cluster, "a", token=None, outage="AWS is down.")
    assert report.problem(Policy(name=NAME), Selection(("a",))) == ""


LIST_OF_HELM = {
    "manager": "helm",
    "operation": "Apply",
    "time": format_time(NOW + dt.timedelta(hours=1)),
    "fieldsV1": {"f:imagePullSecrets": {}},
}


def test_a_list_of_another_tool_is_a_warning_while_the_entry_is_written() -> None:
    cluster = MemoryCluster([f"n{number:02}" for number in range(12)])
    cluster.accounts = {(name, "build"): ["theirs"] for name in cluster.present}
    cluster.account_metadata = {
        "annotations": {"meta.helm.sh/release-name": "shop"},
        "creationTimestamp": "2026-01-01T00:00:00Z",
        "managedFields": [LIST_OF_HELM],
    }
    for dry_run in (True, False):
        report = run(cluster, "*", service_accounts=("build*",), dry_run=dry_run)
        (warning,) = report.warnings
        assert f"from a list without the secret {NAME}: n00/build (release shop), n01/build" in warning
        assert "and 2 more." in warning
        assert "after the last renewal" not in warning, "this task wrote the secrets first"
    assert set(map(tuple, cluster.accounts.values())) == {("theirs", NAME)}

    # Helm owns the list with the entry now, as after a change of its values.
    again = run(cluster, "*", service_accounts=("build*",))
    assert (again.summary, again.warnings) == ({"unchanged": 12}, [])

    cluster.accounts["n03", "build"] = ["theirs"]
    again = run(cluster, "*", service_accounts=("build*",))
    (warning,) = again.warnings
    assert (
        "after the last renewal of the secret, which removed the entry if an earlier run had attached it: n03/build"
        in (warning)
    )
    assert again.summary == {"unchanged": 11, "updated": 1}


def test_entries_that_another_tool_changed_are_renewed_with_a_warning() -> None:
    cluster = MemoryCluster(["a"])
    run(cluster, "a")
    stored = cluster.stored["a"]
    stored["metadata"]["labels"]["kustomize.toolkit.fluxcd.io/name"] = "apps"
    assert run(cluster, "a").warnings == [], "nothing was changed"
    stored["data"][".dockerconfigjson"] = base64.b64encode(
        json.dumps({"auths": {"public.ecr.aws": {"auth": "eDp5"}}}).encode()
    ).decode()
    report = run(cluster, "a")
    assert result(report) == {"a": ("renewed", "modified")}
    (warning,) = report.warnings
    assert warning.startswith(f"Flux also manages the secret {NAME} in a (Kustomization apps).")
    assert "changed the managed entries in a (Kustomization apps)." in warning
