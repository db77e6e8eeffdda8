# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the secrets are, and what the module would do with them. Private to this collection.

No rule is repeated here: the module's own runner, which never writes for us, says what would be done, and decide() says
how a secret is by what it would do under the plainest policy.
"""

from __future__ import annotations

import collections
import concurrent.futures
import dataclasses
import datetime as dt
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.api import (
    READ_ONE_BY_ONE,
    Cluster,
    ClusterError,
    ForbiddenError,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret import decision
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.decision import Policy, Secret, Stored
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.report import Outcome, Report
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.selection import Selection
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.task import PullSecretTask
from ansible_collections.freshpull.ecr_public.plugins.module_utils._time import format_time

UNREAD = "unknown"
"""The status of a secret that could not be read for a reason that has no status of its own."""

# A reason of decide() under the plainest policy -> the status, where it is another word.
_STATUS = {
    "empty": "unknown_expiry",
    "restored": "failed_open",
    "modified": "unknown_expiry",
    # The token is good; what differs is the policy's business.
    "metadata": "fresh",
    "registries": "fresh",
}
# Why a secret was not read -> the status.
_STATUS_UNREAD = {
    "forbidden": "forbidden",
    "missing_namespace": "missing",
    "not_selected": "missing",
    "terminating": "terminating",
}
_NO_NAMESPACE = ("missing_namespace", "not_selected")

Users = dict[str, t.Optional[list[str]]]
"""Namespace -> the service accounts there that name the secret; None where they could not be listed."""


@dataclasses.dataclass(frozen=True)
class Health:
    """How one secret is, and until when its token is good as far as that is known."""

    status: str
    expires_at: dt.datetime | None = None
    remaining: dt.timedelta | None = None


def health(secret: Secret | None, policy: Policy, now: dt.datetime) -> Health:
    """Of the secret itself: what the policy would force, adopt, reserve or remove makes no difference."""
    plain = Policy(policy.name, registries=policy.registries, renew_before=policy.renew_before)
    # Being immutable says something about what can be done, not about the token.
    reason = decision.decide(secret and {**secret, "immutable": False}, plain, now).reason
    expires_at = Stored(secret).expires_at if secret else None
    return Health(_STATUS.get(reason, reason), expires_at, expires_at - now if expires_at else None)


@dataclasses.dataclass(frozen=True)
class Findings:
    """What was found in each namespace."""

    report: Report
    healths: t.Mapping[str, Health]
    users: Users

    @property
    def warnings(self) -> list[str]:
        warnings = [*self.report.warnings, *filter(None, [self.report.unpruned, self.report.clocks])]
        unlisted = [namespace for namespace, users in self.users.items() if users is None]
        if not unlisted:
            return warnings
        warning = (
            f"The service accounts of {len(unlisted)} namespaces, such as {unlisted[0]}, could not be listed, so those "
            "that use the secret are not known there. It needs the right to list serviceaccounts."
        )
        return [*warnings, warning]

    def to_result(self) -> dict[str, t.Any]:
        """What the module returns. It holds no secret."""
        namespaces = [self._entry(outcome) for outcome in self.report.outcomes]
        known = [health.expires_at for health in self.healths.values() if health.expires_at]
        return {
            "namespaces": namespaces,
            "summary": dict(collections.Counter(entry["status"] for entry in namespaces)),
            "expires_at": format_time(min(known)) if known else None,
        }

    def _entry(self, outcome: Outcome) -> dict[str, t.Any]:
        health = self._health(outcome)
        plan = outcome.overall
        return {
            "namespace": outcome.namespace,
            "status": health.status,
            "expires_at": health.expires_at and format_time(health.expires_at),
            "remaining_seconds": None if health.remaining is None else int(health.remaining.total_seconds()),
            "planned_action": plan.action,
            "reason": plan.reason,
            "msg": plan.msg,
            "secret_uid": outcome.uid,
            "service_accounts": self.users.get(outcome.namespace, []),
        }

    def _health(self, outcome: Outcome) -> Health:
        unread = Health(_STATUS_UNREAD.get(outcome.plan.reason, UNREAD))
        health = self.healths.get(outcome.namespace, unread)
        # How long its token is good is still of use to know.
        return dataclasses.replace(health, status="orphaned") if outcome.orphan else health


class Inspector:
    """One look at all chosen namespaces. Nothing is written."""

    def __init__(self, cluster: Cluster, policy: Policy, workers: int, prune: bool = False) -> None:
        self._cluster = cluster
        self._policy = policy
        self._prune = prune
        self._workers = workers
        self._healths: dict[str, Health] = {}

    def inspect(self, selection: Selection) -> Findings:
        """Raises ClusterError where nothing at all could be read."""
        runner = PullSecretTask(
            *(self._cluster, self._policy, None, self._workers),
            dry_run=True,
            prune=self._prune,
            observe=self._look,
        )
        report = runner.run(selection)
        there = [outcome.namespace for outcome in report.outcomes if outcome.plan.reason not in _NO_NAMESPACE]
        return Findings(report, self._healths, self._users(there))

    def _look(self, namespace: str, secret: Secret | None, now: dt.datetime) -> None:
        self._healths[namespace] = health(secret, self._policy, now)

    def _users(self, namespaces: t.Sequence[str]) -> Users:
        """Asked for as the secrets were: few namespaces one by one, many with one list, where that is allowed."""
        if len(namespaces) > READ_ONE_BY_ONE:
            try:
                found = self._list_users("")
            except ForbiddenError:
                pass
            else:
                return {namespace: found[namespace] for namespace in namespaces}
        with concurrent.futures.ThreadPoolExecutor(max_workers=self._workers) as pool:
            return dict(zip(namespaces, pool.map(self._users_in, namespaces)))

    def _users_in(self, namespace: str) -> list[str] | None:
        try:
            return self._list_users(namespace)[namespace]
        except ClusterError:
            return None

    def _list_users(self, namespace: str) -> collections.defaultdict[str, list[str]]:
        users: collections.defaultdict[str, list[str]] = collections.defaultdict(list)
        for account in self._cluster.service_accounts(namespace):
            entries = account.get("imagePullSecrets") or []
            if any(entry.get("name") == self._policy.name for entry in entries):
                users[account["metadata"]["namespace"]].append(account["metadata"]["name"])
        return users
