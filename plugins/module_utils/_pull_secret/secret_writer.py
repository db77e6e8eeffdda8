# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decides about one pull secret and carries the decision out. Private to this collection.

The module and the refresher share it: one gives it the secrets of its lists, the other each secret as it comes.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import threading
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils._aws_errors import AwsError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.api import (
    Cluster,
    ClusterError,
    ConflictError,
    NotFoundError,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret import (
    bodies,
    decision,
    other_managers,
    service_accounts,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.decision import Plan, Policy
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.report import Outcome
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.stored import Secret
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.unconfirmed import carried_out
from ansible_collections.freshpull.ecr_public.plugins.module_utils._token import Token

DECISIONS = 5
"""How often a secret is decided about anew when others write it at the same time."""
MISSING_NAMESPACE = "The namespace does not exist. Make it first, or take it out of namespaces."


class Tokens:
    """The token of a task, or why there is none. Safe to use from many threads."""

    def __init__(
        self, token: Token | None = None, outage: str = "", fetch: t.Callable[[], Token] | None = None
    ) -> None:
        """token: one that is known already. outage: why none can be had, in words.

        fetch: called once, by whoever needs the token first. It raises AwsError, which then holds for all.
        """
        self.token = token
        self.outage = outage
        self._fetch = fetch
        self._lock = threading.Lock()

    def request(self) -> bool:
        """Get the token if nobody has yet; all others wait. Whether there is more to know than without it."""
        if self._fetch is None:
            return False
        with self._lock:
            if self.token is None and not self.outage:
                try:
                    self.token = self._fetch()
                except AwsError as exc:
                    self.outage = str(exc)
        return True


class SecretWriter:
    """Safe to use from many threads. now: tells the time of a decision.

    prune: whether the secret of a namespace that is not chosen is removed. create: makes a secret, and returns its UID;
    by default a POST. observe: is shown each secret that is
    decided about, with its namespace and the time of the decision.
    """

    def __init__(
        self,
        cluster: Cluster,
        policy: Policy,
        tokens: Tokens,
        *,
        prune: bool = False,
        create: t.Callable[[str, Secret], str] | None = None,
        observe: t.Callable[[str, Secret | None, dt.datetime], None] | None = None,
    ) -> None:
        self._cluster = cluster
        self._policy = policy
        self._tokens = tokens
        self._create = create
        self._observe = observe
        self.prune = prune
        self.now = self._later

    def _later(self) -> dt.datetime:
        return self._cluster.clocks.later()

    def read_and_decide(self, namespace: str, *, orphan: bool = False) -> Outcome:
        """About the secret in this namespace, if there is one. A failure is the outcome's."""
        try:
            return self.decide(namespace, self._cluster.secret(namespace, self._policy.name), orphan=orphan)
        except ClusterError as exc:
            return Outcome(namespace, Plan("failed", exc.reason, str(exc)), orphan=orphan)

    def decide(self, namespace: str, secret: Secret | None, *, orphan: bool = False) -> Outcome:
        """secret: None if the namespace has none. orphan: whether the namespace is not chosen."""
        now = self.now()
        if self._observe:
            self._observe(namespace, secret, now)
        policy = dataclasses.replace(self._policy, state="absent") if orphan else self._policy
        plan = self._plan(secret, policy, now)
        if plan.needs_token and self._tokens.token is None and self._tokens.request():
            plan = self._plan(secret, policy, now)
        if orphan and not self.prune:
            # Whoever only looks is shown it, though nothing would be done about it.
            plan = Plan("unchanged", "orphaned")
        uid = secret["metadata"]["uid"] if secret else None
        usable = not orphan and service_accounts.usable(secret, self._policy, now)
        owners = other_managers.owners(secret) if secret and plan.action in ("adopted", "recreated") else ()
        before = secret if plan.writes else None
        return Outcome(namespace, plan, before=before, uid=uid, usable=usable, owners=tuple(owners), orphan=orphan)

    def _plan(self, secret: Secret | None, policy: Policy, now: dt.datetime) -> Plan:
        clocks = self._cluster.clocks
        return decision.decide(
            secret, policy, now, self._tokens.token, outage=bool(self._tokens.outage), clocks_agree=clocks.agree
        )

    def act(self, outcome: Outcome) -> Outcome:
        """Write one plan; on a conflict read again and decide again, a bounded number of times."""
        conflict: ClusterError | None = None
        for _unused in range(DECISIONS):
            if not outcome.plan.writes:
                return outcome
            if self._cluster.stopped_by:
                return _failed(outcome, "stopped", f"Not begun: {self._cluster.stopped_by} came. Run the task again.")
            if outcome.plan.needs_token and self._tokens.token is None:
                return _failed(
                    outcome,
                    "token_needed",
                    "The secret changed during the task and now needs a token. Run the task again.",
                )
            try:
                return dataclasses.replace(outcome, uid=self._write(outcome))
            except (ConflictError, NotFoundError) as exc:
                conflict = exc
            except ClusterError as exc:
                return _failed(outcome, exc.reason, str(exc))
            if isinstance(conflict, NotFoundError) and outcome.before is None:
                return _failed(outcome, "missing_namespace", MISSING_NAMESPACE)
            try:
                secret = self._cluster.secret(outcome.namespace, self._policy.name)
            except ClusterError as exc:
                return _failed(outcome, exc.reason, str(exc))
            if conflict.in_doubt and carried_out(outcome.plan, secret):
                return dataclasses.replace(outcome, uid=secret["metadata"]["uid"] if secret else None)
            decided = self.decide(outcome.namespace, secret, orphan=outcome.orphan)
            outcome = dataclasses.replace(decided, accounts=outcome.accounts)
        return _failed(outcome, "conflict", f"Others kept writing this secret: {conflict}")

    def _write(self, outcome: Outcome) -> str | None:
        """One plan onto the cluster; the secret's UID, None once it is deleted."""
        plan, before = outcome.plan, outcome.before
        if before is None:
            body = bodies.new_secret(outcome.namespace, self._policy, plan.change)
            return (self._create or self._cluster.create_secret)(outcome.namespace, body)
        if plan.action == "recreated":
            return self._recreate(outcome.namespace, before, plan)
        if plan.action == "removed" and not plan.change:
            self._cluster.delete_secret(before)
            return None
        patch = bodies.merge_patch(before, plan.change)
        return self._cluster.patch_secret(outcome.namespace, self._policy.name, patch)

    def _recreate(self, namespace: str, before: Secret, plan: Plan) -> str:
        """Delete and create, where nothing else is possible. The old secret is put back if the new one is refused."""
        body = bodies.successor(before, self._policy, plan.change)
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


def _failed(outcome: Outcome, reason: str, msg: str) -> Outcome:
    return dataclasses.replace(outcome, plan=Plan("failed", reason, msg))


def _put_back(secret: Secret) -> Secret:
    """The body that makes a deleted secret again."""
    dropped = ("uid", "resourceVersion", "creationTimestamp", "managedFields")
    metadata = {key: value for key, value in secret["metadata"].items() if key not in dropped}
    return {**secret, "metadata": metadata}
