# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The result, the message and the diff of one task. Private to this collection."""

from __future__ import annotations

import collections
import dataclasses
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _docker_config
from ansible_collections.freshpull.ecr_public.plugins.module_utils._names import SHOWN, some
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret import bodies, service_accounts
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.decision import Plan, Policy
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.other_managers import Manager
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.reasons import FAILURES
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.selection import Selection
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.service_accounts import AccountPlan
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.stored import Secret
from ansible_collections.freshpull.ecr_public.plugins.module_utils._time import format_time
from ansible_collections.freshpull.ecr_public.plugins.module_utils._token import UNKNOWN, Token

DIFFS = 100
"""Namespaces whose diff is shown."""

# The namespaces that needed a token which was not available: action or reason -> what the message states of them.
_WITHOUT_TOKEN = {
    "kept": "keep a token that is still valid",
    "fail_open_disabled": (
        "keep a token that has expired or is expiring, since fail_open is false: the registry rejects pulls with it"
    ),
    "failed_open": "had a token that had expired or was expiring; it was removed, so pulls are anonymous",
    "token_unavailable": "have no managed token",
    "clocks": "keep their token, since the clocks do not show whether it has expired",
}


@dataclasses.dataclass
class Outcome:
    """The plan for one namespace; after it is carried out, the result.

    plan: for the secret. before: the secret as it was read, kept only if the plan writes. usable: whether service
    accounts may name the secret. managers: other tools that manage a secret which they have changed or are likely to
    change. renewed_at: when the managed secret was last renewed before this task, "" if that is not known. orphan:
    whether the namespace is not selected.
    """

    namespace: str
    plan: Plan
    before: Secret | None = None
    uid: str | None = None
    usable: bool = True
    managers: tuple[Manager, ...] = ()
    renewed_at: str = ""
    accounts: tuple[AccountPlan, ...] = ()
    orphan: bool = False

    @property
    def overall(self) -> Plan:
        """The plan with those of the service accounts, as the result shows it."""
        plan = service_accounts.overall(self.plan, self.accounts)
        return dataclasses.replace(plan, reason="orphaned") if self.orphan else plan

    @property
    def writes(self) -> bool:
        return self.plan.writes or any(account.writes for account in self.accounts)

    def to_result(self) -> dict[str, t.Any]:
        overall = self.overall
        unknown = self.plan.needs_token and self.plan.expires_at is None
        expires_at = UNKNOWN if unknown else self.plan.expires_at and format_time(self.plan.expires_at)
        return {
            "namespace": self.namespace,
            "action": overall.action,
            "reason": overall.reason,
            "expires_at": expires_at,
            "secret_uid": self.uid,
            "service_accounts": [account.to_result() for account in self.accounts],
            "msg": overall.msg,
        }

    def diff(self, policy: Policy) -> tuple[dict[str, t.Any], dict[str, t.Any]]:
        """Return before and after of each object that changes, by its name."""
        before: dict[str, t.Any] = {}
        after: dict[str, t.Any] = {}
        if self.plan.writes:
            name = f"{self.namespace}/{policy.name}"
            before[name], after[name] = bodies.diff(self.before, policy, self.plan)
        for account in self.accounts:
            if account.writes:
                name = f"{self.namespace}/serviceaccount/{account.name}"
                before[name], after[name] = account.diff()
        return before, after


@dataclasses.dataclass(frozen=True)
class Report:
    """The outcomes of a task.

    outage: why no token is available. unpruned: why nothing was pruned. clocks: why nothing is removed because of its
    expiry. Each of the three is "" if it does not apply.
    """

    outcomes: list[Outcome]
    warnings: list[str]
    outage: str = ""
    unpruned: str = ""
    clocks: str = ""

    @property
    def failures(self) -> list[Outcome]:
        return [outcome for outcome in self.outcomes if outcome.overall.action in FAILURES]

    @property
    def changed(self) -> bool:
        return any(outcome.writes for outcome in self.outcomes)

    @property
    def summary(self) -> dict[str, int]:
        return dict(collections.Counter(outcome.overall.action for outcome in self.outcomes))

    @property
    def expires_at(self) -> str | None:
        """The earliest known expiry."""
        known = [outcome.plan.expires_at for outcome in self.outcomes if outcome.plan.expires_at]
        return format_time(min(known)) if known else None

    def to_result(self, policy: Policy, token: Token | None) -> dict[str, t.Any]:
        """Return the module's result. It holds no secret."""
        fingerprint = _docker_config.fingerprint(dict.fromkeys(policy.registries, token.entry)) if token else None
        return {
            "changed": self.changed,
            "namespaces": [outcome.to_result() for outcome in self.outcomes],
            "summary": self.summary,
            "expires_at": self.expires_at,
            "fingerprint": fingerprint,
        }

    def problem(self, policy: Policy, selection: Selection) -> str:
        """Return why the task fails, or ""."""
        if not self.outcomes and policy.state == "present" and not selection.selector:
            return "No namespace is selected: namespaces matches none, or exclude_namespaces excludes all of them."
        failures = self.failures
        return " ".join(
            filter(None, [self._without_token(failures), self._failed(failures), self.unpruned, self.clocks])
        )

    def _without_token(self, failures: t.Sequence[Outcome]) -> str:
        """Return the message for namespaces that needed a token which was not available, or ""."""
        parts = []
        for kind, words in _WITHOUT_TOKEN.items():
            found = [failed.namespace for failed in failures if _kind(failed.overall) == kind]
            if found:
                parts.append(f"{len(found)} of {len(self.outcomes)} namespaces {words}: {some(found)}.")
        return " ".join([self.outage, *parts]) if parts else ""

    def _failed(self, failures: t.Iterable[Outcome]) -> str:
        others = [failed for failed in failures if _kind(failed.overall) not in _WITHOUT_TOKEN]
        if not others:
            return ""
        plans = [(failed.namespace, failed.overall) for failed in others[:SHOWN]]
        first = [f"{namespace}: {plan.reason}: {plan.msg}" for namespace, plan in plans]
        more = f" And {len(others) - SHOWN} more, see namespaces." if len(others) > SHOWN else ""
        return f"{len(others)} of {len(self.outcomes)} namespaces failed. {' '.join(first)}{more}"

    def diff(self, policy: Policy) -> dict[str, t.Any]:
        """Return before and after of the first DIFFS namespaces that change."""
        changing = [outcome for outcome in self.outcomes if outcome.writes]
        before: dict[str, t.Any] = {}
        after: dict[str, t.Any] = {}
        for outcome in changing[:DIFFS]:
            one_before, one_after = outcome.diff(policy)
            before.update(one_before)
            after.update(one_after)
        if len(changing) > DIFFS:
            after[f"and {len(changing) - DIFFS} more namespaces"] = {}
        return {"before": before, "after": after}


def _kind(failed: Plan) -> str:
    return failed.action if failed.action == "failed_open" else failed.reason
