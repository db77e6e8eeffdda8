# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Replays whose credentials are tried on a registry."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.chain_secret import ChainSecret
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.keyring import Entry
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.pods import Account, Pod
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.pull_verifier import Attempt, Verdict
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.replay import MOST_TRIES, Replay
from unit.cases import decide as cases
from unit.plugins.module_utils._pull_secret.test_pods import account as account_object
from unit.plugins.module_utils._pull_secret.test_pods import pod as pod_object
from unit.plugins.module_utils._pull_secret.test_replay import (
    IMAGE,
    MALFORMED,
    NOW,
    PAST,
    POLICY,
    REGISTRY,
    raw,
    secrets_of,
)


class Registry:
    """Returns the verdict for a password, or for None without credentials, and records what is tried."""

    def __init__(self, verdicts: dict[str | None, Verdict]) -> None:
        self.tried: list[str | None] = []
        self._verdicts = verdicts

    def __call__(self, _image: str, entry: Entry | None) -> Attempt:
        password = entry.password if entry else None
        self.tried.append(password)
        verdict = self._verdicts[password]
        return Attempt(verdict, "" if verdict == "accepted" else "The reason.")


def kept(name: str, password: str, **fields: Any) -> ChainSecret:
    found = cases.secret(name=name, **{"auths": {REGISTRY: password}, **fields})
    return ChainSecret.from_object(found, POLICY.registries, keep_passwords=True)


EXPIRED: dict[str, Any] = {"expires_at": PAST, "renewed_at": "2025-12-31T17:00:00Z"}


@dataclass(frozen=True)
class Tried:
    """tried: in order. chain: secret, state and verdict of each element."""

    secrets: list[ChainSecret]
    verdicts: dict[str | None, Verdict]
    tried: list[str | None]
    outcome: str
    codes: list[str]
    chain: list[tuple[str, str, str | None]]
    image: str = IMAGE


TRIED: dict[str, Tried] = {
    "accepted": Tried([kept("a", "p")], {"p": "accepted"}, ["p"], "authenticated", [], [("a", "valid", "accepted")]),
    "the first one that is accepted ends the search": Tried(
        [kept("a", "p", managed=False), kept("b", "q")],
        {"p": "accepted"},
        ["p"],
        "authenticated",
        [],
        [("a", "valid", "accepted"), ("b", "valid", None)],
    ),
    "rejected, whatever the annotation states": Tried(
        [kept("a", "p")], {"p": "rejected"}, ["p"], "rejected_likely", ["rejected"], [("a", "rejected", "rejected")]
    ),
    "rejected, then accepted": Tried(
        [kept("a", "p"), kept("b", "q")],
        {"p": "rejected", "q": "accepted"},
        ["p", "q"],
        "authenticated",
        ["rejected_first"],
        [("a", "rejected", "rejected"), ("b", "valid", "accepted")],
    ),
    "expired, and the registry agrees": Tried(
        [kept("a", "p", **EXPIRED)],
        {"p": "rejected"},
        ["p"],
        "rejected_likely",
        ["expired"],
        [("a", "expired", "rejected")],
    ),
    "expired, and accepted": Tried(
        [kept("a", "p", **EXPIRED)], {"p": "accepted"}, ["p"], "authenticated", [], [("a", "valid", "accepted")]
    ),
    "throttled": Tried(
        [kept("a", "p")], {"p": "throttled"}, ["p"], "authenticated", ["throttled"], [("a", "valid", "throttled")]
    ),
    "no response": Tried(
        [kept("a", "p", **EXPIRED)],
        {"p": "unverified"},
        ["p"],
        "rejected_likely",
        ["expired", "unverified"],
        [("a", "expired", "unverified")],
    ),
    "no such image": Tried(
        [kept("a", "p")],
        {"p": "no_such_image"},
        ["p"],
        "authenticated",
        ["no_such_image"],
        [("a", "valid", "no_such_image")],
    ),
    "anonymous": Tried(
        [kept("a", "p", auths={})], {None: "accepted"}, [None], "anonymous", ["no_entries"], [("a", "no_match", None)]
    ),
    "anonymous and throttled": Tried(
        [kept("a", "p", auths={})],
        {None: "throttled"},
        [None],
        "anonymous",
        ["anonymous_throttled", "no_entries"],
        [("a", "no_match", None)],
    ),
    "anonymous and rejected": Tried(
        [kept("a", "p", auths={})],
        {None: "rejected"},
        [None],
        "anonymous",
        ["anonymous_rejected", "no_entries"],
        [("a", "no_match", None)],
    ),
    "an empty credential is not tried": Tried(
        [raw("a", {REGISTRY: {}})], {}, [], "unknown", ["empty_credential"], [("a", "empty", None)]
    ),
    "a malformed sibling": Tried(
        [kept("a", "p"), MALFORMED],
        {},
        [],
        "blocked",
        ["malformed_secret"],
        [("a", "valid", None), ("bad", "malformed", None)],
    ),
    "another registry is never tried": Tried(
        [kept("a", "p", auths={"evil.example": "p"}, managed=False)],
        {},
        [],
        "not_our_registry",
        ["other_registry"],
        [("a", "unknown_expiry", None)],
        image="evil.example/app",
    ),
}


@pytest.mark.parametrize("name", TRIED)
def test_what_the_registry_states(name: str) -> None:
    case = TRIED[name]
    names = [one.name for one in case.secrets]
    pod = Pod.from_object(pod_object(*names, images=(case.image,)))
    account = Account.from_object(account_object(*names, POLICY.name))
    registry = Registry(case.verdicts)
    policy = replace(POLICY, name=names[0])
    found = Replay(secrets_of(case.secrets), policy, NOW, try_pull=registry).pull(pod, pod.uses[0], account)
    codes = [one.code for one in found.findings if one.code not in ("list_differs", "older_than_account")]
    assert (registry.tried, found.outcome, sorted(codes)) == (case.tried, case.outcome, sorted(case.codes))
    assert [(link.secret, link.state, link.attempt and link.attempt.verdict) for link in found.chain] == case.chain
    assert all("{" not in one.msg for one in found.findings)


def test_a_namespace_costs_a_bounded_number_of_tries() -> None:
    many = kept("a", "p", auths={f"{REGISTRY}/{'t' * number}": "p" for number in range(1, 9)}, managed=False)
    image = f"{REGISTRY}/{'t' * 9}"
    registry = Registry({"p": "rejected"})
    replayed = Replay(secrets_of([many]), POLICY, NOW, try_pull=registry)
    pods = [Pod.from_object(pod_object("a", images=(f"{image}:{number}",))) for number in range(20)]
    found = [replayed.pull(pod, pod.uses[0], None) for pod in pods]
    assert len(registry.tried) == MOST_TRIES
    assert found[0].outcome == "rejected_likely"
    (last,) = [one.msg for one in found[-1].findings if one.code == "unverified"]
    assert f"{MOST_TRIES} pulls of this namespace were tried" in last
