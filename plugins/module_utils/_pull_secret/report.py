# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What became of one task: its result, its message and its diff. Private to this collection."""

from __future__ import annotations

import collections
import dataclasses
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _docker_config
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret import bodies, service_accounts
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.decision import UNKNOWN, Plan, Policy
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.selection import Selection
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.service_accounts import AccountPlan
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.stored import Secret
from ansible_collections.freshpull.ecr_public.plugins.module_utils._time import format_time
from ansible_collections.freshpull.ecr_public.plugins.module_utils._token import Token

DIFFS = 100
"""Namespaces whose diff is shown."""
NAMED = 10
"""Failed namespaces that the task's message names."""


# What is said of the namespaces that needed a token which AWS did not give, by their kind.
_WITHOUT_TOKEN = {
    "kept": "keep the token they have, of whose life more than fail_open_before is left",
    "fail_open_disabled": (
        "keep a token that has ended or is about to, since fail_open is false: pulls with it are refused"
    ),
    "failed_open": "had a token that had ended or was about to: it was taken out, so that pulls are anonymous",
    "token_unavailable": "have no token of ours",
    "clocks": "keep the token they have, since the clocks do not tell whether it has expired",
}


@dataclasses.dataclass
class Outcome:
    """What became of one namespace. plan: the secret's own. before: the secret as it was read, kept only where the
    plan writes. usable: whether service accounts may name it. owners: others who look after a secret taken over.
    orphan: whether the namespace is not chosen.
    """

    namespace: str
    plan: Plan
    before: Secret | None = None
    uid: str | None = None
    usable: bool = True
    owners: tuple[str, ...] = ()
    accounts: tuple[AccountPlan, ...] = ()
    orphan: bool = False

    @property
    def overall(self) -> Plan:
        """With the service accounts: what the user is told."""
        plan = service_accounts.overall(self.plan, self.accounts)
        return dataclasses.replace(plan, reason="orphaned") if self.orphan else plan

    @property
    def writes(self) -> bool:
        return self.plan.writes or any(account.writes for account in self.accounts)

    def to_result(self) -> dict[str, t.Any]:
        overall = self.overall
        waits = self.plan.needs_token and self.plan.expires_at is None
        expires_at = UNKNOWN if waits else self.plan.expires_at and format_time(self.plan.expires_at)
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
        """Before and after of each object that changes, by its name."""
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


@dataclasses.dataclass
class Report:
    """What became of the task. warnings are sentences for the user; outage: why AWS gave no token; unpruned: why it is
    not known whether anything is to be pruned; clocks: why nothing is removed for its age.
    """

    outcomes: list[Outcome]
    warnings: list[str]
    outage: str = ""
    unpruned: str = ""
    clocks: str = ""

    @property
    def failures(self) -> list[Outcome]:
        return [outcome for outcome in self.outcomes if outcome.overall.action in ("failed", "failed_open")]

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
        """What the module returns. It holds no secret."""
        fingerprint = _docker_config.fingerprint(dict.fromkeys(policy.registries, token.entry)) if token else None
        return {
            "changed": self.changed,
            "namespaces": [outcome.to_result() for outcome in self.outcomes],
            "summary": self.summary,
            "expires_at": self.expires_at,
            "fingerprint": fingerprint,
        }

    def problem(self, policy: Policy, selection: Selection) -> str:
        """Why the task fails, or nothing."""
        if not self.outcomes and policy.state == "present" and not selection.selector:
            return "No namespace was chosen: namespaces matches none, or exclude_namespaces leaves none of them."
        return " ".join(filter(None, [self._without_token(), self._failed(), self.unpruned, self.clocks]))

    def _without_token(self) -> str:
        """What was kept and what was emptied, where AWS gave no token to those who need one."""
        parts = []
        for kind, words in _WITHOUT_TOKEN.items():
            found = [failed.namespace for failed in self.failures if _kind(failed.overall) == kind]
            if found:
                parts.append(f"{len(found)} of {len(self.outcomes)} namespaces {words}: {some(found)}.")
        return " ".join([self.outage, *parts]) if parts else ""

    def _failed(self) -> str:
        failures = [failed for failed in self.failures if _kind(failed.overall) not in _WITHOUT_TOKEN]
        if not failures:
            return ""
        plans = [(failed.namespace, failed.overall) for failed in failures[:NAMED]]
        first = [f"{namespace}: {plan.reason}: {plan.msg}" for namespace, plan in plans]
        more = f" And {len(failures) - NAMED} more, see namespaces." if len(failures) > NAMED else ""
        return f"{len(failures)} of {len(self.outcomes)} namespaces failed. {' '.join(first)}{more}"

    def diff(self, policy: Policy) -> dict[str, t.Any]:
        """Before and after of each namespace that changes, the first DIFFS of them."""
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


def some(names: t.Sequence[str]) -> str:
    """The first of these names, and how many more there are."""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
