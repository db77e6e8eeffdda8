# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries out one task over all chosen namespaces: list once, decide in memory, write what differs.

Private to this collection.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import datetime as dt
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.api import (
    READ_ONE_BY_ONE,
    Cluster,
    ClusterError,
    ForbiddenError,
    Namespace,
    NotFoundError,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret import other_managers, service_accounts
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.attachments import Attachments
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.decision import Plan, Policy
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.report import Outcome, Report, some
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.secret_writer import (
    MISSING_NAMESPACE,
    SecretWriter,
    Tokens,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.selection import (
    Chosen,
    Selection,
    choose,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.stored import Secret, Stored
from ansible_collections.freshpull.ecr_public.plugins.module_utils._time import format_time
from ansible_collections.freshpull.ecr_public.plugins.module_utils._token import Token, TokenError

_NAMESPACE_PROBLEMS = {
    "missing_namespace": MISSING_NAMESPACE,
    "not_selected": "The namespace does not exist or does not match namespace_selector.",
    "terminating": "The namespace is being deleted. Wait until it is gone, or take it out of namespaces.",
}


class PullSecretTask:
    """One task. With dry_run nothing is written; with an outage, the reason in words, there is no token to be had."""

    def __init__(
        self,
        cluster: Cluster,
        policy: Policy,
        token: Token | None,
        workers: int,
        dry_run: bool,
        outage: str = "",
        prune: bool = False,
        observe: t.Callable[[str, Secret | None, dt.datetime], None] | None = None,
    ) -> None:
        """observe: is shown each secret that is decided about, with its namespace and the time of the decision."""
        self._cluster = cluster
        self._policy = policy
        self._token = token
        self._outage = outage
        self._writer = SecretWriter(cluster, policy, Tokens(token, outage), prune=prune, observe=observe)
        self._unpruned = ""
        self._orphans: set[str] = set()
        self._workers = workers
        self._dry_run = dry_run
        self._observes = observe is not None

    def run(self, selection: Selection) -> Report:
        """Raises ClusterError where nothing at all could be done, TokenError for a token that is of no use; a single
        namespace's trouble is in its outcome.
        """
        with concurrent.futures.ThreadPoolExecutor(max_workers=self._workers) as pool:
            present = self._present(selection, pool)
            chosen = choose(selection, present)
            self._settle_pruning(chosen, selection, present is not None)
            # The API server has answered by now, so its clock is known.
            clocks = self._cluster.clocks
            now = clocks.later()
            self._writer.now = lambda: now
            # One that AWS has issued just now may look expired by a clock that is wrong.
            if self._token and self._token.expires_at <= (now if clocks.agree else clocks.earlier()):
                raise TokenError(f"the token given expired at {format_time(self._token.expires_at)}: fetch a new one")
            outcomes = self._unserved(chosen)
            outcomes += self._decide_all(chosen, pool)
            attachments = Attachments(self._cluster, self._policy.name, pool)
            outcomes = self._plan_accounts(outcomes, attachments)
            if self._dry_run and self._cluster.stopped_by:
                # No plan: otherwise the task would go on to carry it out.
                raise ClusterError("stopped", f"Stopped by {self._cluster.stopped_by}. Nothing was written.")
            if not self._dry_run:
                # No account is left naming a secret that is gone, nor names one that could not be made.
                outcomes = list(pool.map(lambda outcome: self._detach(outcome, attachments), outcomes))
                outcomes = list(pool.map(self._writer.act, outcomes))
                outcomes = list(pool.map(lambda outcome: self._attach(outcome, attachments), outcomes))
        warnings = self._warnings(chosen, outcomes) + attachments.warnings
        outcomes.sort(key=lambda outcome: outcome.namespace)
        problem = clocks.problem if self._policy.state == "present" else ""
        return Report(outcomes, warnings, self._outage, self._unpruned, problem)

    def _settle_pruning(self, chosen: Chosen, selection: Selection, namespaces_known: bool) -> None:
        """Nothing is pruned while it is not certain what is chosen: a typing error must not take good secrets away."""
        if not self._writer.prune:
            return
        if not namespaces_known:
            self._unpruned = (
                "Nothing was pruned: whether each named namespace exists may not be asked (get namespaces)."
            )
        elif {"missing_namespace", "not_selected"} & set(chosen.chosen.values()):
            self._unpruned = "Nothing was pruned, since a namespace that is named is not there: mend that first."
        # Nothing chosen without a selector is an error, which names itself.
        self._writer.prune = not self._unpruned and bool(chosen.chosen or chosen.skipped or selection.selector)

    def _present(self, selection: Selection, pool: concurrent.futures.Executor) -> t.Mapping[str, Namespace] | None:
        """The namespaces that exist and match, or None where we may not ask and can do without."""
        if selection.needs_list:
            return self._cluster.namespaces(selection.selector)
        try:
            if len(selection.names) > READ_ONE_BY_ONE:
                return self._cluster.namespaces("")
            found = pool.map(self._namespace, selection.names)
            return {namespace.name: namespace for namespace in found if namespace}
        except ForbiddenError:
            return None

    def _namespace(self, name: str) -> Namespace | None:
        try:
            return self._cluster.namespace(name)
        except NotFoundError:
            return None

    def _unserved(self, chosen: Chosen) -> list[Outcome]:
        """The namespaces in which there is nothing to be done."""
        outcomes = [Outcome(name, Plan("skipped", "terminating")) for name in chosen.skipped]
        for name, problem in chosen.chosen.items():
            if problem and self._policy.state == "absent":
                outcomes.append(Outcome(name, Plan("unchanged", problem)))
            elif problem:
                outcomes.append(Outcome(name, Plan("failed", problem, _NAMESPACE_PROBLEMS[problem])))
        return outcomes

    def _decide_all(self, chosen: Chosen, pool: concurrent.futures.Executor) -> list[Outcome]:
        """Read and decide; only secrets that are to be written are kept in memory."""
        names = [name for name, problem in chosen.chosen.items() if not problem]
        if len(names) > READ_ONE_BY_ONE or self._writer.prune:
            unread = dict.fromkeys(names)
            outcomes = []
            try:
                for secret in self._cluster.secrets(self._policy.name):
                    namespace = secret["metadata"]["namespace"]
                    if namespace in unread:
                        del unread[namespace]
                        outcomes.append(self._writer.decide(namespace, secret))
                    elif namespace not in chosen and Stored(secret).ours:
                        self._orphans.add(namespace)
                        if self._writer.prune or (self._observes and self._policy.state == "present"):
                            outcomes.append(self._writer.decide(namespace, secret, orphan=True))
                return outcomes + [self._writer.decide(namespace, None) for namespace in unread]
            except ForbiddenError as exc:
                if self._writer.prune:
                    self._unpruned = f"Nothing was pruned: {exc}"
        return list(pool.map(self._writer.read_and_decide, names))

    def _plan_accounts(self, outcomes: list[Outcome], attachments: Attachments) -> list[Outcome]:
        reaches = {one.namespace: service_accounts.reach(one.plan, self._policy, one.usable) for one in outcomes}
        plans = attachments.plan({namespace: reach for namespace, reach in reaches.items() if reach})
        return [dataclasses.replace(one, accounts=plans.get(one.namespace, ())) for one in outcomes]

    def _detach(self, outcome: Outcome, attachments: Attachments) -> Outcome:
        return self._write_accounts(outcome, attachments, "detached")

    def _attach(self, outcome: Outcome, attachments: Attachments) -> Outcome:
        if outcome.plan.action == "failed":
            done = tuple(account for account in outcome.accounts if account.action == "detached")
            return dataclasses.replace(outcome, accounts=done)
        return self._write_accounts(outcome, attachments, "attached")

    def _write_accounts(self, outcome: Outcome, attachments: Attachments, action: str) -> Outcome:
        accounts = [
            attachments.writer.write(outcome.namespace, account) if account.action == action else account
            for account in outcome.accounts
        ]
        return dataclasses.replace(outcome, accounts=tuple(accounts))

    def _warnings(self, chosen: Chosen, outcomes: list[Outcome]) -> list[str]:
        warnings = [f"No namespace matches {glob!r}." for glob in chosen.unmatched_globs]
        owned = {outcome.namespace: outcome.owners for outcome in outcomes if outcome.owners}
        if owned:
            warnings.append(other_managers.warning(owned, self._policy.name))
        if self._orphans and not self._writer.prune and self._policy.state == "present":
            advice = "" if self._unpruned else " Set prune: true to have it taken away."
            warnings.append(
                f"A secret {self._policy.name} of ours is in {len(self._orphans)} namespaces that are not chosen, so "
                f"that this task does not renew it: {some(sorted(self._orphans))}. If nobody else does, pulls with it "
                f"are refused once its token has ended.{advice}"
            )
        warnings += filter(None, [self._cluster.clocks.warning])
        return warnings
