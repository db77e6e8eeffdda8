# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Replay the pull of an image by a pod, as pure functions. Private to this collection.

keyring.py has the rules of the kubelet. This file adds what the kubelet does not know: when credentials expire, and
what the pod's service account is now.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _docker_config
from ansible_collections.freshpull.ecr_public.plugins.module_utils._names import shortened, some
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret import image_name, keyring, pods
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.chain_secret import ChainSecret, State
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.decision import Policy
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.image_name import ImageNameError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.keyring import Candidate, Keyring
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.pods import Account, Pod, Use
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.pull_findings import (
    Code,
    Finding,
    finding,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._time import format_time

ASSUMPTION = (
    "The node has no credentials of its own, neither in a Docker config nor from a credential provider. The API server "
    "does not show them. The kubelet tries them after the pull secrets."
)
MOST_LINKS = 100
"""Elements of a chain that the result has. A secret can have 45,000 entries."""
MOST_SECRETS = 100
"""Pull secrets that are read in a namespace. A service account can name any number."""

PullOutcome = t.Literal["authenticated", "anonymous", "rejected_likely", "unknown", "blocked", "not_our_registry"]
LinkState = t.Literal[State, "no_match", "missing", "wrong_type", "malformed", "unreadable"]
_SECRET_STATES: dict[str, LinkState] = {
    keyring.USED: "no_match",
    keyring.IGNORED: "wrong_type",
    keyring.MALFORMED: "malformed",
    keyring.MISSING: "missing",
    keyring.UNREADABLE: "unreadable",
}


@dataclasses.dataclass(frozen=True)
class Link:
    """A credential of the chain, or a secret of it without one for the image: then key is None."""

    secret: str
    state: LinkState
    key: str | None = None
    username: str | None = None
    expires_at: dt.datetime | None = None

    def to_result(self) -> dict[str, str | None]:
        return {
            "secret": shortened(self.secret),
            "state": self.state,
            "key": None if self.key is None else _key(self.key),
            "username": None if self.username is None else shortened(self.username),
            "expires_at": None if self.expires_at is None else format_time(self.expires_at),
        }


@dataclasses.dataclass(frozen=True)
class Pull:
    """The pull of one image by one pod."""

    pod: Pod
    use: Use
    outcome: PullOutcome
    chain: tuple[Link, ...]
    findings: tuple[Finding, ...]

    @property
    def credential(self) -> Link | None:
        """The first credential that is not known to be rejected. None if the kubelet tries none."""
        if self.outcome == "blocked":
            return None
        return next((link for link in self.chain if link.state in ("valid", "unknown_expiry")), None)

    def to_result(self) -> dict[str, t.Any]:
        """It holds no password."""
        return {
            "pod": self.pod.name or None,
            "service_account": self.pod.account,
            "image": shortened(self.use.image),
            "containers": list(self.use.containers),
            "outcome": self.outcome,
            "credential": self.credential and self.credential.to_result(),
            "chain": [link.to_result() for link in self.chain[:MOST_LINKS]],
            "findings": [one.to_result() for one in self.findings],
        }


class Replay:
    """Replays the pulls in one namespace."""

    def __init__(self, secrets: t.Mapping[str, ChainSecret], policy: Policy, now: dt.datetime) -> None:
        """secrets: by name. One that is not in it counts as missing. policy: its name and its registries are used."""
        self._secrets = secrets
        self._policy = policy
        self._now = now
        # The pods of a workload have the same list.
        self._keyrings: dict[tuple[str, ...], Keyring] = {}
        self._found: dict[tuple[tuple[str, ...], str], list[Candidate]] = {}

    def pull(self, pod: Pod, use: Use, account: Account | None, account_error: str = "") -> Pull:
        """account: the pod's, None if it does not exist or could not be read; account_error: why it could not."""
        try:
            repository = image_name.repository(use.image)
        except ImageNameError as exc:
            found = [finding("invalid_image", *_object(pod), error=str(exc))]
            return Pull(pod, use, "blocked", self._links(pod, []), (*found, *self._of_secrets(pod)))
        candidates = self._candidates(pod.secrets, use.image)
        links = self._links(pod, candidates)
        listed = repository.partition("/")[0] in self._policy.registries
        outcome = self._outcome(pod, links, listed)
        findings = [
            *self._of_secrets(pod),
            *self._of_candidates(links, candidates, outcome),
            *(self._of_no_candidate(pod, repository) if listed and not candidates and outcome != "blocked" else ()),
            *self._of_account(pod, account, account_error, listed and outcome in ("anonymous", "rejected_likely")),
            *self._of_image(pod, use, repository, listed),
        ]
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

    def _links(self, pod: Pod, candidates: t.Sequence[Candidate]) -> tuple[Link, ...]:
        """Return the credentials in the order in which the kubelet tries them, then the secrets without any."""
        links = []
        for candidate in candidates:
            secret, entry = self._secret(candidate.secret), candidate.entry
            state = secret.state_of(entry, self._now)
            links.append(Link(secret.name, state, entry.key, entry.username, secret.expiry_of(entry)))
        used = {candidate.secret for candidate in candidates}
        rest = [self._secret(name).pull_secret for name in dict.fromkeys(pod.secrets) if name not in used]
        return (*links, *(Link(secret.name, _SECRET_STATES[secret.state]) for secret in rest))

    def _outcome(self, pod: Pod, links: t.Sequence[Link], listed: bool) -> PullOutcome:
        ring = self._keyring(pod.secrets)
        states = {link.state for link in links}
        if ring.blocked:
            return "blocked"
        if not listed:
            return "not_our_registry"
        if ring.unreadable:
            return "unknown"
        if states & {"valid", "unknown_expiry"}:
            return "authenticated"
        if "empty" in states:
            # What the container runtime does with it differs.
            return "unknown"
        return "rejected_likely" if "expired" in states else "anonymous"

    # --- Findings

    def _of_secrets(self, pod: Pod) -> t.Iterator[Finding]:
        lister = _lister(pod)
        for name in dict.fromkeys(pod.secrets):
            secret, shown = self._secret(name), shortened(name)
            read = secret.pull_secret
            if read.state == keyring.MALFORMED:
                yield _of("malformed_secret", name, malformed=read.malformed, lister=lister)
            elif read.state == keyring.IGNORED:
                yield _of("wrong_type", name, type=shortened(secret.type))
            elif read.state == keyring.MISSING and secret.elsewhere:
                yield _of("other_namespace", name, namespaces=some(secret.elsewhere))
            elif read.state == keyring.MISSING:
                yield _of("missing_secret", name, lister=lister)
            elif read.state == keyring.UNREADABLE and secret.error:
                yield finding("unreadable_secret", "secret", name, secret=shown, error=secret.error)
            elif read.state == keyring.UNREADABLE:
                yield _of("too_many_secrets", name, most=str(MOST_SECRETS))

    def _of_candidates(
        self, links: t.Sequence[Link], candidates: t.Sequence[Candidate], outcome: PullOutcome
    ) -> t.Iterator[Finding]:
        """Each secret has one finding of a kind: it can have any number of entries."""
        seen: set[tuple[Code, str]] = set()
        accepted = False
        for link, candidate in zip(links, candidates):
            key = _key(candidate.entry.key)
            codes: list[Code] = []
            accepted = accepted or link.state in ("valid", "unknown_expiry")
            if link.state == "expired" and not accepted:
                codes.append("expired_first" if outcome == "authenticated" else "expired")
            if link.state == "expired" and self._secret(link.secret).immutable:
                codes.append("immutable_secret")
            if link.state == "empty" and not accepted:
                codes.append("empty_credential")
            if candidate.unordered:
                codes.append("undefined_order")
                key = _key(candidate.entry.normalised_key or "")
            for code in codes:
                if (code, link.secret) not in seen:
                    seen.add((code, link.secret))
                    expires_at = format_time(link.expires_at) if link.expires_at else ""
                    yield _of(code, link.secret, key=key, expires_at=expires_at)

    def _of_no_candidate(self, pod: Pod, repository: str) -> t.Iterator[Finding]:
        if not pod.secrets:
            yield finding("no_pull_secret", *_object(pod), Lister=_capital(_who(pod)))
        for name in dict.fromkeys(pod.secrets):
            secret = self._secret(name)
            if secret.pull_secret.state != keyring.USED:
                continue
            keys = [_key(entry.key) for entry in secret.pull_secret.entries]
            if secret.failed_open:
                yield _of("failed_open", name)
            elif keys:
                yield _of("no_matching_entry", name, repository=shortened(repository), keys=some(keys))
            else:
                yield _of("no_entries", name)

    def _of_account(self, pod: Pod, account: Account | None, error: str, without: bool) -> t.Iterator[Finding]:
        """without: whether the pull has no credential that the registry accepts."""
        if error:
            yield finding("unreadable_account", "serviceaccount", pod.account, account=pod.account, error=error)
        if account is None:
            return
        lacks = without and self._policy.name not in pod.secrets
        unused = [name for name in dict.fromkeys(account.secrets) if name not in pod.secrets]
        texts = {
            "names": _listed(pod.secrets),
            "account": account.name,
            "current": _listed(account.secrets),
            "written": _written(pod, account),
        }
        if pod.origin == pods.OWN:
            if unused or lacks:
                add = some([shortened(name) for name in unused]) or f"secret {self._policy.name}"
                yield finding("own_list", *_object(pod), add=add, **texts)
        elif set(pod.secrets) != set(account.secrets):
            certain = pod.origin == pods.ADMITTED or not pod.secrets
            yield finding("older_than_account" if certain else "list_differs", *_object(pod), **texts)
        if lacks and pod.origin != pods.OWN and self._policy.name not in account.secrets:
            yield finding(
                "account_without_secret",
                "serviceaccount",
                account.name,
                account=account.name,
                secret=self._policy.name,
            )

    def _of_image(self, pod: Pod, use: Use, repository: str, listed: bool) -> t.Iterator[Finding]:
        if not listed:
            registries = some(self._policy.registries)
            yield finding("other_registry", *_object(pod), repository=shortened(repository), registries=registries)
        if pod.name and not use.containers:
            yield finding("image_not_in_pod", *_object(pod))
        if use.never_pulled:
            yield finding("never_pulled", *_object(pod))


def _of(code: Code, secret: str, **values: str) -> Finding:
    return finding(code, "secret", secret, secret=shortened(secret), **values)


def _object(pod: Pod) -> tuple[str, str]:
    return ("pod", pod.name) if pod.name else ("serviceaccount", pod.account)


def _who(pod: Pod) -> str:
    return f"pod {pod.name}" if pod.name else f"service account {pod.account}"


def _lister(pod: Pod) -> str:
    """Return whose list has to be changed."""
    account = f"service account {pod.account}"
    return {pods.OWN: "the workload", pods.ADMITTED: account}.get(pod.origin, f"the workload or of {account}")


def _listed(names: t.Sequence[str]) -> str:
    return some([shortened(name) for name in names]) or "none"


def _written(pod: Pod, account: Account) -> str:
    """Return who may have changed the account since the pod was created, and when."""
    later = [(time, manager) for manager, time in account.written if pod.created_at and time > pod.created_at]
    if not later:
        return ""
    time, manager = max(later)
    return f", last written at {format_time(time)} by {shortened(manager)}"


def _key(key: str) -> str:
    return key if len(key) <= _docker_config.LONGEST_KEY else key[: _docker_config.LONGEST_KEY] + "…"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
