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

from ansible_collections.freshpull.ecr_public.plugins.module_utils import (
    _bodies,
    _ownership,
    _pull_secret,
    _service_accounts,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._attachments import Attachments
from ansible_collections.freshpull.ecr_public.plugins.module_utils._doubt import carried_out
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.api import (
    READ_ONE_BY_ONE,
    Cluster,
    ClusterError,
    ConflictError,
    ForbiddenError,
    NotFoundError,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret import Plan, Policy
from ansible_collections.freshpull.ecr_public.plugins.module_utils._report import Outcome, Report, some
from ansible_collections.freshpull.ecr_public.plugins.module_utils._selection import (
    Chosen,
    Namespace,
    Selection,
    choose,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._stored import Secret, Stored
from ansible_collections.freshpull.ecr_public.plugins.module_utils._token import Token, TokenError, format_time

DECISIONS = 5
"""How often a secret is decided about anew when others write it at the same time."""
SKEW = dt.timedelta(seconds=60)

_NAMESPACE_PROBLEMS = {
    "missing_namespace": "The namespace does not exist. Make it first, or take it out of namespaces.",
    "not_selected": "The namespace does not exist or does not match namespace_selector.",
    "terminating": "The namespace is being deleted. Wait until it is gone, or take it out of namespaces.",
}


class Runner:
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
        self._prune = prune
        self._unpruned = ""
        self._orphans: set[str] = set()
        self._workers = workers
        self._dry_run = dry_run
        self._observe = observe
        self._now = dt.datetime.now(dt.timezone.utc)

    def run(self, selection: Selection) -> Report:
        """Raises ClusterError where nothing at all could be done, TokenError for a token that is of no use; a single
        namespace's trouble is in its outcome.
        """
        with concurrent.futures.ThreadPoolExecutor(max_workers=self._workers) as pool:
            present = self._present(selection, pool)
            chosen = choose(selection, present)
            self._settle_pruning(chosen, selection, present is not None)
            # The API server has answered by now, so its clock is known.
            self._now = dt.datetime.now(dt.timezone.utc) + max(self._cluster.clock_offset, dt.timedelta())
            if self._token and self._token.expires_at <= self._now:
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
                outcomes = list(pool.map(self._act, outcomes))
                outcomes = list(pool.map(lambda outcome: self._attach(outcome, attachments), outcomes))
        warnings = self._warnings(chosen, outcomes) + attachments.warnings
        outcomes.sort(key=lambda outcome: outcome.namespace)
        return Report(outcomes, warnings, self._outage, self._unpruned)

    def _settle_pruning(self, chosen: Chosen, selection: Selection, namespaces_known: bool) -> None:
        """Nothing is pruned while it is not certain what is chosen: a typing error must not take good secrets away."""
        if not self._prune:
            return
        if not namespaces_known:
            self._unpruned = (
                "Nothing was pruned: whether each named namespace exists may not be asked (get namespaces)."
            )
        elif {"missing_namespace", "not_selected"} & set(chosen.chosen.values()):
            self._unpruned = "Nothing was pruned, since a namespace that is named is not there: mend that first."
        # Nothing chosen without a selector is an error, which names itself.
        self._prune = not self._unpruned and bool(chosen.chosen or chosen.skipped or selection.selector)

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
        if len(names) > READ_ONE_BY_ONE or self._prune:
            unread = dict.fromkeys(names)
            outcomes = []
            try:
                for secret in self._cluster.secrets(self._policy.name):
                    namespace = secret["metadata"]["namespace"]
                    if namespace in unread:
                        del unread[namespace]
                        outcomes.append(self._decide(namespace, secret))
                    elif namespace not in chosen and Stored(secret).ours:
                        self._orphans.add(namespace)
                        if self._prune or (self._observe and self._policy.state == "present"):
                            outcomes.append(self._decide(namespace, secret))
                return outcomes + [self._decide(namespace, None) for namespace in unread]
            except ForbiddenError as exc:
                if self._prune:
                    self._unpruned = f"Nothing was pruned: {exc}"
        return list(pool.map(self._read_and_decide, names))

    def _read_and_decide(self, namespace: str) -> Outcome:
        try:
            return self._decide(namespace, self._cluster.secret(namespace, self._policy.name))
        except ClusterError as exc:
            return Outcome(namespace, Plan("failed", exc.reason, str(exc)), orphan=namespace in self._orphans)

    def _decide(self, namespace: str, secret: Secret | None) -> Outcome:
        if self._observe:
            self._observe(namespace, secret, self._now)
        orphan = namespace in self._orphans
        policy = dataclasses.replace(self._policy, state="absent") if orphan else self._policy
        plan = _pull_secret.decide(secret, policy, self._now, self._token, outage=bool(self._outage))
        if orphan and not self._prune:
            # Whoever only looks is shown it, though nothing would be done about it.
            plan = Plan("unchanged", "orphaned")
        uid = secret["metadata"]["uid"] if secret else None
        usable = not orphan and _service_accounts.usable(secret, self._policy, self._now)
        owners = _ownership.owners(secret) if secret and plan.action in ("adopted", "recreated") else ()
        before = secret if plan.writes else None
        return Outcome(namespace, plan, before=before, uid=uid, usable=usable, owners=tuple(owners), orphan=orphan)

    def _plan_accounts(self, outcomes: list[Outcome], attachments: Attachments) -> list[Outcome]:
        reaches = {one.namespace: _service_accounts.reach(one.plan, self._policy, one.usable) for one in outcomes}
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
            attachments.write(outcome.namespace, account) if account.action == action else account
            for account in outcome.accounts
        ]
        return dataclasses.replace(outcome, accounts=tuple(accounts))

    def _act(self, outcome: Outcome) -> Outcome:
        """Write one plan; on a conflict read again and decide again, a bounded number of times."""
        conflict: ClusterError | None = None
        for _unused in range(DECISIONS):
            if not outcome.plan.writes:
                return outcome
            if self._cluster.stopped_by:
                return _failed(outcome, "stopped", f"Not begun: {self._cluster.stopped_by} came. Run the task again.")
            if outcome.plan.needs_token and self._token is None:
                return _failed(outcome, "no_token", "It came to need a token while the task ran: run the task again.")
            try:
                return dataclasses.replace(outcome, uid=self._write(outcome))
            except (ConflictError, NotFoundError) as exc:
                conflict = exc
            except ClusterError as exc:
                return _failed(outcome, exc.reason, str(exc))
            if isinstance(conflict, NotFoundError) and outcome.before is None:
                return _failed(outcome, "missing_namespace", _NAMESPACE_PROBLEMS["missing_namespace"])
            try:
                secret = self._cluster.secret(outcome.namespace, self._policy.name)
            except ClusterError as exc:
                return _failed(outcome, exc.reason, str(exc))
            if conflict.in_doubt and carried_out(outcome.plan, secret):
                return dataclasses.replace(outcome, uid=secret["metadata"]["uid"] if secret else None)
            outcome = dataclasses.replace(self._decide(outcome.namespace, secret), accounts=outcome.accounts)
        return _failed(outcome, "conflict", f"Others kept writing this secret: {conflict}")

    def _write(self, outcome: Outcome) -> str | None:
        """One plan onto the cluster; the secret's UID, None once it is deleted."""
        plan, before = outcome.plan, outcome.before
        if before is None:
            body = _bodies.new_secret(outcome.namespace, self._policy, plan.change)
            return self._cluster.create_secret(outcome.namespace, body)
        if plan.action == "recreated":
            return self._recreate(outcome.namespace, before, plan)
        if plan.action == "removed" and not plan.change:
            self._cluster.delete_secret(before)
            return None
        patch = _bodies.merge_patch(before, plan.change)
        return self._cluster.patch_secret(outcome.namespace, self._policy.name, patch)

    def _recreate(self, namespace: str, before: Secret, plan: Plan) -> str:
        """Delete and create, where nothing else is possible. The old secret is put back if the new one is refused."""
        body = _bodies.successor(before, self._policy, plan.change)
        trial = {**body, "metadata": {**body["metadata"], "name": f"{self._policy.name[:240]}-trial"}}
        self._cluster.create_secret(namespace, trial, dry_run=True)
        try:
            self._cluster.delete_secret(before)
        except NotFoundError as exc:
            # Where the first try's answer was lost it is gone by our own hand.
            if not exc.in_doubt:
                raise
        try:
            return self._cluster.create_secret(namespace, body)
        except ConflictError:
            # Somebody else made one at this moment, or our own first try was carried out: decide about that one.
            raise
        except ClusterError as exc:
            try:
                self._cluster.create_secret(namespace, _put_back(before))
            except ConflictError:
                raise
            except ClusterError as second:
                raise ClusterError(
                    "secret_lost",
                    f"THE SECRET {namespace}/{self._policy.name} IS GONE: it was deleted to be made anew, then that "
                    f"was refused ({exc}), and so was putting the old one back ({second}). Run the task again at once.",
                ) from exc
            raise ClusterError("recreate_refused", f"The old secret was put back: {exc}") from exc

    def _warnings(self, chosen: Chosen, outcomes: list[Outcome]) -> list[str]:
        warnings = [f"No namespace matches {glob!r}." for glob in chosen.unmatched_globs]
        owned = {outcome.namespace: outcome.owners for outcome in outcomes if outcome.owners}
        if owned:
            warnings.append(_ownership.warning(owned, self._policy.name))
        if self._orphans and not self._prune and self._policy.state == "present":
            advice = "" if self._unpruned else " Set prune: true to have it taken away."
            warnings.append(
                f"A secret {self._policy.name} of ours is in {len(self._orphans)} namespaces that are not chosen, so "
                f"that this task does not renew it: {some(sorted(self._orphans))}. If nobody else does, pulls with it "
                f"are refused once its token has ended.{advice}"
            )
        offset = self._cluster.clock_offset
        if abs(offset) > SKEW:
            ahead = "ahead of" if offset > dt.timedelta() else "behind"
            warnings.append(
                f"The API server's clock is {abs(int(offset.total_seconds()))} s {ahead} this host's. The later of "
                "the two was used; set the clocks, or tokens are renewed too late."
            )
        return warnings


def _failed(outcome: Outcome, reason: str, msg: str) -> Outcome:
    return dataclasses.replace(outcome, plan=Plan("failed", reason, msg))


def _put_back(secret: Secret) -> Secret:
    """The body that makes a deleted secret again."""
    dropped = ("uid", "resourceVersion", "creationTimestamp", "managedFields")
    metadata = {key: value for key, value in secret["metadata"].items() if key not in dropped}
    return {**secret, "metadata": metadata}
