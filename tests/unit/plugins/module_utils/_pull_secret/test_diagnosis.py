# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Findings that need no replay. test_replay.py has the constellations."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.chain_secret import ChainSecret
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.decision import Policy
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.diagnosis import Diagnosis
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.keyring import Candidate, Entry
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.nodes import Node
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.pods import Account, Pod, Use
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.pull_findings import Finding
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.pull_verifier import Attempt, Verdict
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.pulls import Link
from unit.plugins.module_utils._pull_secret.test_pods import CREATED, OTHER_FIELDS
from unit.plugins.module_utils._pull_secret.test_pods import account as account_object
from unit.plugins.module_utils._pull_secret.test_pods import pod as pod_object

REGISTRY = "public.ecr.aws"
REPOSITORY = f"{REGISTRY}/team/app"
POLICY = Policy(name="ecr-public-secret", registries=(REGISTRY,))


def findings(*names: str, pod: Pod | None = None, **given: Any) -> dict[str, Finding]:
    """Return the findings of a pull of an image of REGISTRY by a pod with these secrets, which are missing."""
    pod = pod or Pod("web", "ci", names)
    diagnosis = Diagnosis(pod, Use(REPOSITORY, ("app",)), [ChainSecret.missing(name) for name in names], POLICY)
    values = {"outcome": "anonymous", "tried": [], "anonymous": None, "account": None, "account_error": "", **given}
    return {one.code: one for one in diagnosis.findings(REPOSITORY, True, **values)}


def test_an_invalid_image_and_the_secrets() -> None:
    diagnosis = Diagnosis(Pod("web", "ci", ("a",)), Use("A"), [ChainSecret.missing("a")], POLICY)
    assert [one.code for one in diagnosis.of_invalid_image("A is no name")] == ["invalid_image", "missing_secret"]


def test_an_account_that_cannot_be_read() -> None:
    found = findings("a", account_error="Denied.")["unreadable_account"]
    assert found.object == "serviceaccount/ci"
    assert "Denied." in found.msg


@pytest.mark.parametrize(("time", "named"), [("2026-01-01T05:30:00Z", True), (CREATED, False)])
def test_a_later_write_of_the_account_is_named(time: str, named: bool) -> None:
    managers = [{"manager": "freshpull", "time": time, "fieldsV1": {"f:imagePullSecrets": {}}}]
    account = Account.from_object(account_object(POLICY.name, managedFields=managers))
    pod = Pod.from_object(pod_object(images=(REPOSITORY,), metadata={"managedFields": [OTHER_FIELDS]}))
    older = findings(pod=pod, account=account)["older_than_account"]
    assert (f"last written at {time} by freshpull" in older.msg) == named
    assert "(none)" in older.msg


HAS = Node("worker-1", "v1.37.2", frozenset({f"{REPOSITORY}:latest"}))
ON_NODE: dict[str, tuple[Node, set[str], list[str]]] = {
    "no": (Node("worker-1", "v1.37.2"), {"IfNotPresent"}, []),
    "verified": (HAS, {"IfNotPresent"}, ["on_node_verified"]),
    "an older kubelet": (replace(HAS, kubelet="v1.34.0"), {"IfNotPresent", "Always"}, ["on_node"]),
    "never pulled": (HAS, {"Never"}, ["never_pulled", "on_node_verified"]),
    "always pulled": (HAS, {"Always"}, []),
}


@pytest.mark.parametrize("case", ON_NODE)
def test_an_image_that_the_node_has(case: str) -> None:
    node, policies, codes = ON_NODE[case]
    pod = Pod("web", "ci", ("a",), node="worker-1")
    diagnosis = Diagnosis(pod, Use(REPOSITORY, ("app",), frozenset(policies)), [], POLICY, node)
    found = list(diagnosis.findings(REPOSITORY, True, "blocked", [], None, None, ""))
    assert [one.code for one in found] == codes
    assert all("Node worker-1 has the image" in one.msg for one in found if one.code != "never_pulled")


ANONYMOUS: dict[Verdict, list[str]] = {
    "accepted": [],
    "rejected": ["anonymous_rejected"],
    "throttled": ["anonymous_throttled"],
    "no_such_image": ["no_such_image"],
    "unverified": ["unverified"],
}


@pytest.mark.parametrize("verdict", ANONYMOUS)
def test_a_pull_without_credentials(verdict: Verdict) -> None:
    found = findings("a", anonymous=Attempt(verdict, "The reason."))
    assert [code for code in found if code != "missing_secret"] == ANONYMOUS[verdict]
    assert all("The reason." in found[code].msg and found[code].object == "pod/web" for code in ANONYMOUS[verdict])


def test_each_kind_of_attempt_is_one_finding() -> None:
    def tried(verdict: Verdict, msg: str) -> tuple[Link, Candidate]:
        link = Link("a", "valid", REGISTRY, "AWS", attempt=Attempt(verdict, msg))
        return link, Candidate("a", Entry(REGISTRY, REGISTRY, "AWS", "p"), 0)

    attempts: list[tuple[Verdict, str]] = [
        ("throttled", "T1."),
        ("unverified", "U1."),
        ("throttled", "T2."),
        ("no_such_image", "N."),
    ]
    found = findings("a", outcome="authenticated", tried=[tried(*attempt) for attempt in attempts])
    assert {code: one.msg.partition(". ")[2].split()[0] for code, one in found.items() if code != "missing_secret"} == {
        "throttled": "T1.",
        "unverified": "U1.",
        "no_such_image": "N.",
    }
