# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Replay the pull of an image by a pod. Private to this collection.

keyring.py has the rules of the kubelet. This file adds what the kubelet does not know: when credentials expire. If the
task wants it, each credential is tried on the registry. Nothing else is read.
"""

from __future__ import annotations

import datetime as dt
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret import image_name
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.chain_secret import ChainSecret, State
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.decision import Policy
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.diagnosis import Diagnosis
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.image_name import ImageNameError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.keyring import Candidate, Entry, Keyring
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.nodes import Node
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.pods import Account, Pod, Use
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.pull_verifier import Attempt, TryPull
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.pulls import (
    SECRET_STATES,
    USABLE,
    Link,
    LinkState,
    Pull,
    PullOutcome,
)

MOST_TRIES = 100
"""Pulls that are tried for a namespace. Each one costs up to three requests."""


class Replay:
    """Replays the pulls in one namespace."""

    def __init__(
        self,
        secrets: t.Mapping[str, ChainSecret],
        policy: Policy,
        now: dt.datetime,
        *,
        nodes: t.Mapping[str, Node] | None = None,
        try_pull: TryPull | None = None,
    ) -> None:
        """secrets: by name. One that is not in it counts as missing. policy: its name and its registries are used.

        nodes: by name, those that could be read. try_pull: tries a pull on the registry. The secrets have their
        passwords then.
        """
        self._secrets = secrets
        self._policy = policy
        self._now = now
        self._nodes = nodes or {}
        self._try_pull = try_pull
        self._tries = 0
        # The pods of a workload have the same list.
        self._keyrings: dict[tuple[str, ...], Keyring] = {}
        self._found: dict[tuple[tuple[str, ...], str], list[Candidate]] = {}

    def pull(self, pod: Pod, use: Use, account: Account | None, account_error: str = "") -> Pull:
        """account: the pod's, None if it does not exist or could not be read; account_error: why it could not."""
        secrets = [self._secret(name) for name in dict.fromkeys(pod.secrets)]
        diagnosis = Diagnosis(pod, use, secrets, self._policy, self._nodes.get(pod.node))
        try:
            repository = image_name.repository(use.image)
        except ImageNameError as exc:
            return Pull(pod, use, "blocked", _links(secrets, []), tuple(diagnosis.of_invalid_image(str(exc))))
        ring = self._keyring(pod.secrets)
        candidates = self._candidates(pod.secrets, use.image)
        listed = repository.partition("/")[0] in self._policy.registries
        try_pull = self._try_pull if listed and not ring.blocked else None
        tried = list(self._tried(use.image, candidates, try_pull))
        links = _links(secrets, tried)
        outcome = _outcome(ring, links, listed)
        anonymous = self._attempt(try_pull, use.image, None) if try_pull and outcome == "anonymous" else None
        findings = diagnosis.findings(
            repository, listed, outcome, [*zip(tried, candidates)], anonymous, account, account_error
        )
        return Pull(pod, use, outcome, links, tuple(findings))

    def _keyring(self, names: tuple[str, ...]) -> Keyring:
        if names not in self._keyrings:
            self._keyrings[names] = Keyring(self._secret(name).pull_secret for name in names)
        return self._keyrings[names]

    def _candidates(self, names: tuple[str, ...], image: str) -> list[Candidate]:
        if (names, image) not in self._found:
            self._found[names, image] = self._keyring(names).candidates(image)
        return self._found[names, image]

    def _secret(self, name: str) -> ChainSecret:
        return self._secrets.get(name) or ChainSecret.missing(name)

    def _tried(self, image: str, candidates: t.Sequence[Candidate], try_pull: TryPull | None) -> t.Iterator[Link]:
        """Yield the credentials in the order in which the kubelet tries them.

        They are tried on the registry up to the first that it accepts. An empty credential is not: what the container
        runtime does with it differs.
        """
        accepted = False
        for candidate in candidates:
            secret, entry = self._secret(candidate.secret), candidate.entry
            state = secret.state_of(entry, self._now)
            attempt = None
            if try_pull and not accepted and state != "empty":
                attempt = self._attempt(try_pull, image, entry)
                accepted = attempt.accepts
            yield Link(
                secret.name, _judged(state, attempt), entry.key, entry.username, secret.expiry_of(entry), attempt
            )

    def _attempt(self, try_pull: TryPull, image: str, entry: Entry | None) -> Attempt:
        if self._tries == MOST_TRIES:
            return Attempt("unverified", f"{MOST_TRIES} pulls of this namespace were tried, which is the limit.")
        self._tries += 1
        return try_pull(image, entry)


def _links(secrets: t.Sequence[ChainSecret], tried: t.Sequence[Link]) -> tuple[Link, ...]:
    """Return the credentials, then the secrets without any."""
    used = {link.secret for link in tried}
    rest = [secret.pull_secret for secret in secrets if secret.name not in used]
    return (*tried, *(Link(secret.name, SECRET_STATES[secret.state]) for secret in rest))


def _judged(state: State, attempt: Attempt | None) -> LinkState:
    """Return the state of a credential. What the registry states wins."""
    if attempt and attempt.accepts:
        return "valid"
    return "rejected" if attempt and attempt.verdict == "rejected" and state != "expired" else state


def _outcome(ring: Keyring, links: t.Sequence[Link], listed: bool) -> PullOutcome:
    states = {link.state for link in links}
    if ring.blocked:
        return "blocked"
    if not listed:
        return "not_our_registry"
    if ring.unreadable:
        return "unknown"
    if states & USABLE:
        return "authenticated"
    if "empty" in states:
        # What the container runtime does with it differs.
        return "unknown"
    return "rejected_likely" if states & {"expired", "rejected"} else "anonymous"
