# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find what is wrong with a replayed pull, as pure functions. Private to this collection.

pull_findings.py has the texts.
"""

from __future__ import annotations

import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils._docker_config import shortened_key
from ansible_collections.freshpull.ecr_public.plugins.module_utils._names import shortened, some
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret import keyring, pods
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.chain_secret import (
    MOST_SECRETS,
    ChainSecret,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.decision import Policy
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.keyring import Candidate
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.nodes import Node
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.pods import Account, Pod, Use
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.pull_findings import (
    Code,
    Finding,
    finding,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.pull_verifier import Attempt, Verdict
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.pulls import USABLE, Link, PullOutcome
from ansible_collections.freshpull.ecr_public.plugins.module_utils._time import format_time

Tried = tuple[Link, Candidate]
"""A credential in the kubelet's order."""
_UNJUDGED: dict[Verdict, Code] = {"throttled": "throttled", "unverified": "unverified"}
_ANONYMOUS: dict[Verdict, Code] = {
    **_UNJUDGED,
    "rejected": "anonymous_rejected",
    "throttled": "anonymous_throttled",
    "no_such_image": "no_such_image",
}


class Diagnosis:
    """The findings of the pull of one image by one pod."""

    def __init__(
        self, pod: Pod, use: Use, secrets: t.Sequence[ChainSecret], policy: Policy, node: Node | None = None
    ) -> None:
        """secrets: those that the pod names, each once. policy: its name and its registries are used.

        node: that of the pod, if it could be read.
        """
        self._pod = pod
        self._use = use
        self._secrets = secrets
        self._policy = policy
        self._node = node
        self._object = ("pod", pod.name) if pod.name else ("serviceaccount", pod.account)

    def of_invalid_image(self, error: str) -> t.Iterator[Finding]:
        yield finding("invalid_image", *self._object, error=error)
        yield from self._of_secrets()

    def findings(
        self,
        repository: str,
        listed: bool,
        outcome: PullOutcome,
        tried: t.Sequence[Tried],
        anonymous: Attempt | None,
        account: Account | None,
        account_error: str,
    ) -> t.Iterator[Finding]:
        """listed: whether the image is in a registry of the task. anonymous: the try without credentials."""
        yield from self._of_secrets()
        yield from self._of_credentials(tried, outcome)
        yield from self._of_attempts(tried, anonymous)
        if listed and not tried and outcome != "blocked":
            yield from self._of_no_credential(repository)
        yield from self._of_account(account, account_error, listed and outcome in ("anonymous", "rejected_likely"))
        yield from self._of_image(repository, listed)

    def _of_secrets(self) -> t.Iterator[Finding]:
        lister = _lister(self._pod)
        for secret in self._secrets:
            name, read = secret.name, secret.pull_secret
            if read.state == keyring.MALFORMED:
                yield _of("malformed_secret", name, malformed=read.malformed, lister=lister)
            elif read.state == keyring.IGNORED:
                yield _of("wrong_type", name, type=shortened(secret.type))
            elif read.state == keyring.MISSING and secret.elsewhere:
                yield _of("other_namespace", name, namespaces=some(secret.elsewhere))
            elif read.state == keyring.MISSING:
                yield _of("missing_secret", name, lister=lister)
            elif read.state == keyring.UNREADABLE and secret.error:
                yield _of("unreadable_secret", name, error=secret.error)
            elif read.state == keyring.UNREADABLE:
                yield _of("too_many_secrets", name, most=str(MOST_SECRETS))

    def _of_credentials(self, tried: t.Sequence[Tried], outcome: PullOutcome) -> t.Iterator[Finding]:
        """Each secret has one finding of a kind: it can have any number of entries."""
        seen: set[tuple[Code, str]] = set()
        immutable = {secret.name for secret in self._secrets if secret.immutable}
        accepted = False
        for link, candidate in tried:
            key = shortened_key(candidate.entry.key)
            codes: list[Code] = []
            accepted = accepted or link.state in USABLE
            if link.state == "expired" and not accepted:
                codes.append("expired_first" if outcome == "authenticated" else "expired")
            if link.state == "rejected":
                codes.append("rejected_first" if outcome == "authenticated" else "rejected")
            if link.state == "expired" and link.secret in immutable:
                codes.append("immutable_secret")
            if link.state == "empty" and not accepted:
                codes.append("empty_credential")
            if candidate.unordered:
                codes.append("undefined_order")
                key = shortened_key(candidate.entry.normalised_key or "")
            for code in codes:
                if (code, link.secret) not in seen:
                    seen.add((code, link.secret))
                    expires_at = format_time(link.expires_at) if link.expires_at else ""
                    error = link.attempt.msg if link.attempt else ""
                    yield _of(code, link.secret, key=key, expires_at=expires_at, error=error)

    def _of_attempts(self, tried: t.Sequence[Tried], anonymous: Attempt | None) -> t.Iterator[Finding]:
        """Return what the tries on the registry show besides rejected credentials: each kind once."""
        codes: dict[Code, str] = {}
        for link, _candidate in tried:
            if link.attempt and link.attempt.verdict == "no_such_image":
                codes["no_such_image"] = link.attempt.msg
            elif link.attempt and link.attempt.verdict in _UNJUDGED:
                codes.setdefault(_UNJUDGED[link.attempt.verdict], link.attempt.msg)
        if anonymous and anonymous.verdict in _ANONYMOUS:
            codes[_ANONYMOUS[anonymous.verdict]] = anonymous.msg
        for code, error in codes.items():
            yield finding(code, *self._object, error=error)

    def _of_no_credential(self, repository: str) -> t.Iterator[Finding]:
        if not self._secrets:
            yield finding("no_pull_secret", *self._object, Lister=_capital(_who(self._pod)))
        for secret in self._secrets:
            if secret.pull_secret.state != keyring.USED:
                continue
            keys = [shortened_key(entry.key) for entry in secret.pull_secret.entries]
            if secret.failed_open:
                yield _of("failed_open", secret.name)
            elif keys:
                yield _of("no_matching_entry", secret.name, repository=shortened(repository), keys=some(keys))
            else:
                yield _of("no_entries", secret.name)

    def _of_account(self, account: Account | None, error: str, without: bool) -> t.Iterator[Finding]:
        """without: whether the pull has no credential that the registry accepts."""
        pod = self._pod
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
                yield finding("own_list", *self._object, add=add, **texts)
        elif set(pod.secrets) != set(account.secrets):
            certain = pod.origin == pods.ADMITTED or not pod.secrets
            yield finding("older_than_account" if certain else "list_differs", *self._object, **texts)
        if lacks and pod.origin != pods.OWN and self._policy.name not in account.secrets:
            yield finding(
                "account_without_secret",
                "serviceaccount",
                account.name,
                account=account.name,
                secret=self._policy.name,
            )

    def _of_image(self, repository: str, listed: bool) -> t.Iterator[Finding]:
        if not listed:
            registries = some(self._policy.registries)
            yield finding("other_registry", *self._object, repository=shortened(repository), registries=registries)
        if self._pod.name and not self._use.containers:
            yield finding("image_not_in_pod", *self._object)
        if self._use.never_pulled:
            yield finding("never_pulled", *self._object)
        if self._node and not self._use.always_pulled and self._node.has(self._use.image):
            code: Code = "on_node_verified" if self._node.verifies else "on_node"
            yield finding(code, *self._object, node=self._node.name, kubelet=shortened(self._node.kubelet))


def _of(code: Code, secret: str, **values: str) -> Finding:
    return finding(code, "secret", secret, secret=shortened(secret), **values)


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


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
