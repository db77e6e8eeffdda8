# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A table of constellations: what a pod's pull does, with which credential, and what is found."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _docker_config
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.chain_secret import ChainSecret
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.decision import Policy
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.pods import Account, Pod, Use
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.pulls import MOST_LINKS, Pull
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.replay import Replay
from ansible_collections.freshpull.ecr_public.plugins.module_utils._time import parse_time
from unit.cases import decide as cases
from unit.plugins.module_utils._pull_secret.test_pods import OWN_FIELD
from unit.plugins.module_utils._pull_secret.test_pods import account as account_object
from unit.plugins.module_utils._pull_secret.test_pods import pod as pod_object

NOW = parse_time(cases.DEFAULT_NOW)
REGISTRY = "public.ecr.aws"
IMAGE = f"{REGISTRY}/team/app:1.0"
DIGEST = f"{REGISTRY}/team/app@sha256:{'0' * 64}"
PAST = "2026-01-01T05:00:00Z"
OWN = {"metadata": {"managedFields": [OWN_FIELD]}}
NOT_RECORDED: dict[str, Any] = {"metadata": {"managedFields": None}}
POLICY = Policy(name="ecr-public-secret", registries=(REGISTRY, "ecr-public.aws.com"))


def secret(name: str, **fields: Any) -> ChainSecret:
    return ChainSecret.from_object(cases.secret(name=name, **fields), POLICY.registries)


def expired(name: str, **fields: Any) -> ChainSecret:
    return secret(name, expires_at=PAST, renewed_at="2025-12-31T17:00:00Z", **fields)


def by_hand(name: str, *keys: str, **fields: Any) -> ChainSecret:
    """Return an unmanaged secret with an entry for each key."""
    return secret(name, managed=False, auths=dict.fromkeys(keys, "p"), **fields)


def raw(name: str, auths: Any) -> ChainSecret:
    return secret(name, managed=False, raw=json.dumps({"auths": auths}))


def legacy(name: str) -> ChainSecret:
    found = cases.secret(name=name, managed=False, type=_docker_config.LEGACY_TYPE)
    entries = _docker_config.encode_auth("u", "p")
    text = json.dumps({REGISTRY: {"auth": entries}})
    found["data"] = {_docker_config.LEGACY_DATA_KEY: base64.b64encode(text.encode()).decode()}
    return ChainSecret.from_object(found, ())


MANAGED = "ecr-public-secret"
MALFORMED = raw("bad", {REGISTRY: "x"})


@dataclass(frozen=True)
class Case:
    """A pod with the list `names`, and its account with the list `current` (by default the same one).

    codes: of the findings. chain: secret, key and state of each element.
    """

    names: list[str]
    secrets: list[ChainSecret]
    outcome: str
    credential: str | None
    codes: list[str] = field(default_factory=list)
    chain: list[tuple[str, str | None, str]] | None = None
    image: str = IMAGE
    current: list[str] | None = None
    pod: dict[str, Any] = field(default_factory=dict)


CASES: dict[str, Case] = {
    "a valid secret": Case(
        [MANAGED], [secret(MANAGED)], "authenticated", MANAGED, chain=[(MANAGED, REGISTRY, "valid")]
    ),
    "an image with a digest": Case([MANAGED], [secret(MANAGED)], "authenticated", MANAGED, image=DIGEST),
    "a malformed sibling": Case(
        [MANAGED, "bad"],
        [secret(MANAGED), MALFORMED],
        "blocked",
        None,
        ["malformed_secret"],
        [(MANAGED, REGISTRY, "valid"), ("bad", None, "malformed")],
    ),
    "a malformed sibling and another registry": Case(
        ["bad"], [MALFORMED], "blocked", None, ["malformed_secret", "other_registry"], image="nginx"
    ),
    "expired first, then valid": Case(
        ["a", "b"],
        [expired("a"), secret("b")],
        "authenticated",
        "b",
        ["expired_first"],
        [("a", REGISTRY, "expired"), ("b", REGISTRY, "valid")],
    ),
    "valid first, then expired": Case(["a", "b"], [secret("a"), expired("b")], "authenticated", "a"),
    "only expired": Case([MANAGED], [expired(MANAGED)], "rejected_likely", None, ["expired"]),
    "expired and immutable": Case(
        [MANAGED], [expired(MANAGED, immutable=True)], "rejected_likely", None, ["expired", "immutable_secret"]
    ),
    "expired by hand, and the managed one not attached": Case(
        ["a"], [expired("a")], "rejected_likely", None, ["expired", "account_without_secret"]
    ),
    "several keys": Case(
        ["a", "b"],
        [by_hand("a", "*.ecr.aws", REGISTRY), by_hand("b", f"{REGISTRY}/team")],
        "authenticated",
        "b",
        chain=[
            ("b", f"{REGISTRY}/team", "unknown_expiry"),
            ("a", REGISTRY, "unknown_expiry"),
            ("a", "*.ecr.aws", "unknown_expiry"),
        ],
    ),
    "a key with a scheme": Case(["a"], [by_hand("a", f"https://{REGISTRY}")], "authenticated", "a"),
    "a glob": Case(["a"], [by_hand("a", "*.ecr.aws")], "authenticated", "a"),
    "a path is a plain prefix": Case(["a"], [by_hand("a", f"{REGISTRY}/tea")], "authenticated", "a"),
    "a path of another repository": Case(
        ["a"],
        [by_hand("a", f"{REGISTRY}/other")],
        "anonymous",
        None,
        ["no_matching_entry", "account_without_secret"],
        [("a", None, "no_match")],
    ),
    "the legacy type": Case(["a"], [legacy("a")], "authenticated", "a"),
    "another type": Case(
        [MANAGED], [secret(MANAGED, type="Opaque")], "anonymous", None, ["wrong_type"], [(MANAGED, None, "wrong_type")]
    ),
    "a missing secret": Case([MANAGED], [], "anonymous", None, ["missing_secret"], [(MANAGED, None, "missing")]),
    "a secret in another namespace": Case(
        [MANAGED], [ChainSecret.missing(MANAGED, ["team-b"])], "anonymous", None, ["other_namespace"]
    ),
    "one that cannot be read": Case(
        [MANAGED, "a"],
        [secret(MANAGED), ChainSecret.unreadable("a", "Denied.")],
        "unknown",
        MANAGED,
        ["unreadable_secret"],
    ),
    "too many names": Case(["a"], [ChainSecret.unreadable("a")], "unknown", None, ["too_many_secrets"]),
    "failed open": Case(
        [MANAGED],
        [secret(MANAGED, auths={}, annotations={"ecr-public.freshpull/failed-open-at": PAST})],
        "anonymous",
        None,
        ["failed_open"],
    ),
    "without entries": Case([MANAGED], [secret(MANAGED, auths={})], "anonymous", None, ["no_entries"]),
    "an entry without login": Case(["a"], [raw("a", {REGISTRY: None})], "unknown", None, ["empty_credential"]),
    "an entry without login, then a valid one": Case(
        ["a", MANAGED], [raw("a", {REGISTRY: {}}), secret(MANAGED)], "authenticated", MANAGED, ["empty_credential"]
    ),
    "two spellings of a key": Case(
        ["a"], [by_hand("a", REGISTRY, f"https://{REGISTRY}/")], "authenticated", "a", ["undefined_order"]
    ),
    "a name twice": Case(
        [MANAGED, MANAGED],
        [secret(MANAGED)],
        "authenticated",
        MANAGED,
        chain=[(MANAGED, REGISTRY, "valid"), (MANAGED, REGISTRY, "valid")],
    ),
    "two registries": Case(
        [MANAGED],
        [secret(MANAGED, auths={REGISTRY: "a", "ecr-public.aws.com": "a"})],
        "authenticated",
        MANAGED,
        chain=[(MANAGED, "ecr-public.aws.com", "valid")],
        image="ecr-public.aws.com/team/app",
    ),
    "an image of another registry": Case(
        [MANAGED],
        [secret(MANAGED)],
        "not_our_registry",
        None,
        ["other_registry"],
        [(MANAGED, None, "no_match")],
        "nginx",
    ),
    "a name that the kubelet rejects": Case(
        [MANAGED], [secret(MANAGED)], "blocked", None, ["invalid_image"], image=f"{REGISTRY}/Team/App"
    ),
    "no list": Case([], [], "anonymous", None, ["no_pull_secret", "account_without_secret"], []),
    "no list, older than the account's": Case(
        [], [secret(MANAGED)], "anonymous", None, ["no_pull_secret", "older_than_account"], current=[MANAGED]
    ),
    "no list, older, and nothing recorded": Case(
        [], [], "anonymous", None, ["no_pull_secret", "older_than_account"], current=[MANAGED], pod=NOT_RECORDED
    ),
    "a list that is older than the account's": Case(
        ["a"], [by_hand("a", REGISTRY)], "authenticated", "a", ["older_than_account"], current=["a", MANAGED]
    ),
    "a list of its own": Case(
        ["a"],
        [by_hand("a", "x.example")],
        "anonymous",
        None,
        ["no_matching_entry", "own_list"],
        current=[MANAGED],
        pod=OWN,
    ),
    "a list of its own, and the account has none": Case(
        ["a"], [by_hand("a", "x.example")], "anonymous", None, ["no_matching_entry", "own_list"], current=[], pod=OWN
    ),
    "a list of its own that has everything": Case(
        [MANAGED, "a"], [secret(MANAGED), by_hand("a", "x.example")], "authenticated", MANAGED, current=["a"], pod=OWN
    ),
    "a list of unknown origin": Case(
        ["a"], [by_hand("a", REGISTRY)], "authenticated", "a", ["list_differs"], current=[MANAGED], pod=NOT_RECORDED
    ),
    "the account's order differs": Case(
        ["a", MANAGED], [secret("a"), secret(MANAGED)], "authenticated", "a", current=[MANAGED, "a"]
    ),
    "never pulled": Case(
        [MANAGED],
        [secret(MANAGED)],
        "authenticated",
        MANAGED,
        ["never_pulled"],
        pod={"containers": [{"name": "app", "image": IMAGE, "imagePullPolicy": "Never"}]},
    ),
}


def secrets_of(secrets: Iterable[ChainSecret]) -> dict[str, ChainSecret]:
    return {one.name: one for one in secrets}


def pull(case: Case) -> Pull:
    pod = Pod.from_object(pod_object(*case.names, images=(case.image,), **case.pod))
    account = Account.from_object(account_object(*(case.names if case.current is None else case.current)))
    return Replay(secrets_of(case.secrets), POLICY, NOW).pull(pod, pod.uses[0], account)


@pytest.mark.parametrize("name", CASES)
def test_a_constellation(name: str) -> None:
    case = CASES[name]
    found = pull(case)
    assert found.outcome == case.outcome
    assert (found.credential and found.credential.secret) == case.credential
    assert sorted(one.code for one in found.findings) == sorted(case.codes)
    if case.chain is not None:
        assert [(link.secret, link.key, link.state) for link in found.chain] == case.chain


@pytest.mark.parametrize("name", CASES)
def test_each_finding_names_its_object(name: str) -> None:
    for one in pull(CASES[name]).findings:
        kind, _slash, found = one.object.partition("/")
        assert kind in ("pod", "secret", "serviceaccount")
        assert found
        assert "{" not in one.msg


def test_a_pod_that_a_service_account_would_get() -> None:
    account = Account("ci")
    found = Replay({}, POLICY, NOW).pull(Pod.of_account(account), Use(IMAGE), account)
    result = found.to_result()
    assert (result["pod"], result["service_account"], result["containers"]) == (None, "ci", [])
    assert [(one.code, one.object) for one in found.findings] == [
        ("no_pull_secret", "serviceaccount/ci"),
        ("account_without_secret", "serviceaccount/ci"),
    ]
    assert "Service account ci names no pull secret" in found.findings[0].msg


def test_an_image_that_the_pod_does_not_have() -> None:
    pod = Pod.from_object(pod_object(MANAGED, images=(IMAGE,)))
    found = Replay(secrets_of([secret(MANAGED)]), POLICY, NOW).pull(pod, Use(f"{REGISTRY}/x"), None)
    assert (found.outcome, [one.code for one in found.findings]) == ("authenticated", ["image_not_in_pod"])


def test_a_result_is_bounded_whatever_the_secrets_hold() -> None:
    keys = [f"{REGISTRY}/{'t' * (number % 3)}{'e' * 5_000}{number}" for number in range(300)]
    many = by_hand("many", *(f"https://{REGISTRY}{'/' * number}" for number in range(300)), *keys)
    pod = Pod.from_object(pod_object("many", "x" * 100_000, images=(IMAGE,)))
    found = Replay(secrets_of([many]), POLICY, NOW).pull(pod, pod.uses[0], Account("ci", ("y" * 100_000,)))
    result = found.to_result()
    assert len(result["chain"]) <= MOST_LINKS
    assert len(json.dumps(result)) < 60_000
