# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The replayed pull of an image, and the credentials that the kubelet tries for it. Private to this collection."""

from __future__ import annotations

import dataclasses
import datetime as dt
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils._docker_config import shortened_key
from ansible_collections.freshpull.ecr_public.plugins.module_utils._names import shortened
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret import keyring
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.chain_secret import State
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.pods import Pod, Use
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.pull_findings import Finding
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.pull_verifier import Attempt
from ansible_collections.freshpull.ecr_public.plugins.module_utils._time import format_time

MOST_LINKS = 100
"""Elements of a chain that the result has. A secret can have 45,000 entries."""

PullOutcome = t.Literal["authenticated", "anonymous", "rejected_likely", "unknown", "blocked", "not_our_registry"]
LinkState = t.Literal[State, "rejected", "no_match", "missing", "wrong_type", "malformed", "unreadable"]
USABLE: frozenset[LinkState] = frozenset({"valid", "unknown_expiry"})
"""The states of a credential that is not known to be rejected."""
SECRET_STATES: dict[str, LinkState] = {
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
    attempt: Attempt | None = None
    """The try on the registry, if there was one."""

    def to_result(self) -> dict[str, str | None]:
        return {
            "secret": shortened(self.secret),
            "state": self.state,
            "key": None if self.key is None else shortened_key(self.key),
            "username": None if self.username is None else shortened(self.username),
            "expires_at": None if self.expires_at is None else format_time(self.expires_at),
            "registry": None if self.attempt is None else self.attempt.verdict,
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
        return next((link for link in self.chain if link.state in USABLE), None)

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
