# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Status, expiry, users and next action of each pull secret. Private to this collection.

No rule is repeated here: PullSecretTask.plan() returns the next action, and the status of a secret is the reason that
decide() returns under a policy that has nothing but the options that every policy has.
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
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.decision import Policy
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.manager_warnings import ManagerWarnings
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.pull_reader import (
    PullReader,
    Pulls,
    Subject,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.report import Outcome, Report
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.selection import Selection
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.service_accounts import Account
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.stored import Secret, Stored
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.task import PullSecretTask
from ansible_collections.freshpull.ecr_public.plugins.module_utils._time import format_time

UNREAD = "unknown"
"""The status of a secret that could not be read, if the reason has no status of its own."""

# The reason of decide() -> the status, if it is another word.
_STATUS = {
    "empty": "unknown_expiry",
    "restored": "failed_open",
    "modified": "unknown_expiry",
    # The token is valid; only the policy differs.
    "metadata": "fresh",
    "registries": "fresh",
}
# Why a secret was not read -> the status, if it is not "unknown".
_STATUS_UNREAD = {
    "forbidden": "forbidden",
    "missing_namespace": "missing",
    "not_selected": "missing",
    "terminating": "terminating",
}
_NO_NAMESPACE = ("missing_namespace", "not_selected")

Users = dict[str, t.Optional[list[str]]]
"""Namespace -> the service accounts that name the secret; None if they could not be listed."""


@dataclasses.dataclass(frozen=True)
class Health:
    """The status of one secret, its expiry and its remaining lifetime. None if they are not known.

    owner: that of a managed secret, "" if it has none. renewed_at: when its token was written, as it states itself.
    """

    status: str
    expires_at: dt.datetime | None = None
    remaining: dt.timedelta | None = None
    owner: str = ""
    renewed_at: dt.datetime | None = None


def health(secret: Secret | None, policy: Policy, now: dt.datetime) -> Health:
    """Return the status of the secret itself, whatever the policy would force, adopt, reserve or remove."""
    plain = Policy(policy.name, policy.owner, registries=policy.registries, renew_before=policy.renew_before)
    # Whether the secret is immutable matters for the next action, not for the status.
    reason = decision.decide(secret and {**secret, "immutable": False}, plain, now).reason
    if not secret:
        return Health(_STATUS.get(reason, reason))
    stored = Stored(secret, policy.registries)
    expires_at = stored.expires_at
    remaining = expires_at - now if expires_at else None
    status = _STATUS.get(reason, reason)
    if not stored.managed:
        return Health(status, expires_at, remaining)
    return Health(status, expires_at, remaining, stored.owner, stored.renewed_time)


@dataclasses.dataclass(frozen=True)
class Findings:
    """The status of the secret in each namespace."""

    report: Report
    healths: t.Mapping[str, Health]
    users: Users
    managers: t.Sequence[str]
    """Warnings of other tools that write the accounts which use the secret."""
    pulls: Pulls | None = None
    """The replayed pulls, if the task asks for them."""

    @property
    def warnings(self) -> list[str]:
        warnings = [*self.report.warnings, *self.managers, *filter(None, [self.report.unpruned, self.report.clocks])]
        warnings += self.pulls.warnings if self.pulls else ()
        unlisted = [namespace for namespace, users in self.users.items() if users is None]
        if not unlisted:
            return warnings
        warning = (
            f"The service accounts of {len(unlisted)} namespaces, such as {unlisted[0]}, could not be listed, so the "
            "accounts that use the secret there are not known. Grant permission to list serviceaccounts."
        )
        return [*warnings, warning]

    def to_result(self) -> dict[str, t.Any]:
        """Return the module's result. It holds no secret."""
        namespaces = [self._entry(outcome) for outcome in self.report.outcomes]
        known = [health.expires_at for health in self.healths.values() if health.expires_at]
        return {
            "namespaces": namespaces,
            "summary": dict(collections.Counter(entry["status"] for entry in namespaces)),
            "expires_at": format_time(min(known)) if known else None,
            **({"assumption": self.pulls.assumption} if self.pulls else {}),
        }

    def _entry(self, outcome: Outcome) -> dict[str, t.Any]:
        health = self._health(outcome)
        plan = outcome.overall
        return {
            "namespace": outcome.namespace,
            "status": health.status,
            "owner": health.owner,
            "expires_at": health.expires_at and format_time(health.expires_at),
            "renewed_at": health.renewed_at and format_time(health.renewed_at),
            "remaining_seconds": None if health.remaining is None else int(health.remaining.total_seconds()),
            "planned_action": plan.action,
            "reason": plan.reason,
            "msg": plan.msg,
            "secret_uid": outcome.uid,
            "service_accounts": self.users.get(outcome.namespace, []),
            **(self.pulls.entry(outcome.namespace) if self.pulls else {}),
        }

    def _health(self, outcome: Outcome) -> Health:
        unread = Health(_STATUS_UNREAD.get(outcome.plan.reason, UNREAD))
        health = self.healths.get(outcome.namespace, unread)
        # The expiry of an orphan is still of use.
        return dataclasses.replace(health, status="orphaned") if outcome.orphan else health


class StatusReader:
    """Reads the secrets of all selected namespaces. Writes nothing."""

    def __init__(
        self,
        cluster: Cluster,
        policy: Policy,
        *,
        workers: int,
        outage: str = "",
        prune: bool = False,
        find_orphans: bool = False,
        subject: Subject | None = None,
    ) -> None:
        """The options of PullSecretTask. subject: whose pulls are replayed, if any."""
        self._cluster = cluster
        self._policy = policy
        self._workers = workers
        self._healths: dict[str, Health] = {}
        self._contested: list[tuple[str, Account]] = []
        """Namespace and account where another tool writes a list without the secret."""
        self._pulls = PullReader(cluster, policy, subject, workers) if subject else None
        self._task = PullSecretTask(
            cluster,
            policy,
            workers=workers,
            outage=outage,
            prune=prune,
            find_orphans=find_orphans,
            observe=self._observe,
        )

    def read(self, selection: Selection) -> Findings:
        """Raises ClusterError if nothing at all could be read."""
        report = self._task.plan(selection)
        outcomes = [outcome for outcome in report.outcomes if outcome.plan.reason not in _NO_NAMESPACE]
        if self._pulls:
            self._pulls.read_pods([outcome.namespace for outcome in outcomes if not outcome.orphan])
        users = self._users([outcome.namespace for outcome in outcomes])
        unlisted = [namespace for namespace, names in users.items() if names is None]
        pulls = self._pulls.replay(unlisted) if self._pulls else None
        return Findings(report, self._healths, users, self._manager_warnings(report, users), pulls)

    def _manager_warnings(self, report: Report, users: Users) -> list[str]:
        """Return the warnings of accounts that use the secret. The report has those of accounts that the task names."""
        reported = {(outcome.namespace, one.name) for outcome in report.outcomes for one in outcome.accounts}
        warnings = ManagerWarnings(self._policy.name)
        for namespace, account in self._contested:
            if namespace in users and (namespace, account.name) not in reported:
                warnings.add_account(namespace, account)
        return warnings.texts()

    def _observe(self, namespace: str, secret: Secret | None, now: dt.datetime) -> None:
        self._healths[namespace] = health(secret, self._policy, now)
        if self._pulls:
            self._pulls.observe(namespace, secret)

    def _users(self, namespaces: t.Sequence[str]) -> Users:
        """Read few namespaces one by one, and many with one list if that is permitted."""
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
        for item in self._cluster.service_accounts(namespace):
            if self._pulls:
                self._pulls.observe_account(item)
            entries = item.get("imagePullSecrets") or []
            if any(entry.get("name") == self._policy.name for entry in entries):
                account = Account.from_object(item)
                users[item["metadata"]["namespace"]].append(account.name)
                if account.lists_without(self._policy.name):
                    self._contested.append((item["metadata"]["namespace"], account))
        return users
