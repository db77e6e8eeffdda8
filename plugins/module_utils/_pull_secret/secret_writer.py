# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decide about one pull secret at a time, and carry the decision out. Private to this collection.

The module and the refresher share it: the module decides about the secrets of its lists, the refresher about each
secret that it reads.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import threading
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils._aws_errors import AwsError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._errors import bug
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
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.reasons import Reason
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.report import Outcome
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.stored import Secret, Stored
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.unconfirmed import is_carried_out
from ansible_collections.freshpull.ecr_public.plugins.module_utils._token import Token

MAX_DECISIONS = 5
"""For one secret, if other clients write it at the same time."""
_BY_OTHERS = ("copy", "modified", "empty")
"""Reasons that have their cause in another client."""
MISSING_NAMESPACE = "The namespace does not exist. Create it, or remove it from namespaces."


class Tokens:
    """The token of a task, or the reason why there is none. Safe to use from many threads."""

    def __init__(
        self, *, token: Token | None = None, outage: str = "", fetch: t.Callable[[], Token] | None = None
    ) -> None:
        """token: one that was given. outage: why no token is available, in words.

        fetch: called once, when the first secret needs the token. If it raises AwsError, no secret gets a token.
        """
        self.token = token
        self.outage = outage
        self._fetch = fetch
        self._lock = threading.Lock()

    def request(self) -> bool:
        """Request the token unless that was done already. Return whether a decision could differ from one before."""
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
    """Safe to use from many threads."""

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
        """prune: remove orphans. create: creates a secret in a namespace and returns its UID; by default a POST.

        observe: called with each secret that is decided about, its namespace, and the time of the decision.
        """
        self._cluster = cluster
        self._policy = policy
        self._tokens = tokens
        self._create = create
        self._observe = observe
        self.prune = prune
        self.now = self._later
        """Returns the time of a decision."""

    def _later(self) -> dt.datetime:
        return self._cluster.clocks.later()

    def read_and_decide(self, namespace: str, *, orphan: bool = False) -> Outcome:
        """Read the secret of this name in the namespace, and decide. A failure is in the outcome."""
        try:
            return self.decide(namespace, self._cluster.secret(namespace, self._policy.name), orphan=orphan)
        except ClusterError as exc:
            return Outcome(namespace, Plan("failed", exc.reason, str(exc)), orphan=orphan)

    def decide(self, namespace: str, secret: Secret | None, *, orphan: bool = False) -> Outcome:
        """secret: None if the namespace has none. orphan: whether the namespace is not selected.

        Whatever the secret holds, it fails at most its own namespace.
        """
        try:
            return self._decide(namespace, secret, orphan)
        except Exception as exc:  # noqa: BLE001
            return Outcome(namespace, Plan("failed", "internal_error", bug("The decision", exc)), orphan=orphan)

    def _decide(self, namespace: str, secret: Secret | None, orphan: bool) -> Outcome:
        now = self.now()
        if self._observe:
            self._observe(namespace, secret, now)
        policy = dataclasses.replace(self._policy, state="absent") if orphan else self._policy
        plan = self._plan(secret, policy, now)
        if plan.needs_token and self._tokens.token is None and self._tokens.request():
            plan = self._plan(secret, policy, now)
        if orphan and not self.prune:
            # ecr_public_pull_secret_info shows orphans that no task would change.
            plan = Plan("unchanged", "orphaned")
        uid = secret["metadata"]["uid"] if secret else None
        usable = not orphan and service_accounts.is_usable(secret, self._policy, now)
        by_others = plan.action in ("adopted", "recreated") or plan.reason in _BY_OTHERS
        return Outcome(
            namespace,
            plan,
            before=secret if plan.writes else None,
            uid=uid,
            usable=usable,
            managers=other_managers.of_secret(secret) if secret and by_others else (),
            renewed_at=Stored(secret).renewed_at if secret and plan.action != "adopted" else "",
            orphan=orphan,
        )

    def _plan(self, secret: Secret | None, policy: Policy, now: dt.datetime) -> Plan:
        clocks = self._cluster.clocks
        return decision.decide(
            secret, policy, now, self._tokens.token, outage=bool(self._tokens.outage), clocks_agree=clocks.agree
        )

    def act(self, outcome: Outcome) -> Outcome:
        """Write one plan. On a conflict, read and decide again, MAX_DECISIONS times. A failure is in the outcome."""
        try:
            return self._act(outcome)
        except Exception as exc:  # noqa: BLE001
            return _failed(outcome, "internal_error", bug("The write", exc))

    def _act(self, outcome: Outcome) -> Outcome:
        conflict: ClusterError | None = None
        for _unused in range(MAX_DECISIONS):
            if not outcome.plan.writes:
                return outcome
            if self._cluster.stopped_by:
                msg = f"Not started, because {self._cluster.stopped_by} was received. Run the task again."
                return _failed(outcome, "stopped", msg)
            if outcome.plan.needs_token and self._tokens.token is None:
                msg = "The secret changed during the task and now needs a token. Run the task again."
                return _failed(outcome, "token_needed", msg)
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
            if conflict.unconfirmed and is_carried_out(outcome.plan, secret):
                return dataclasses.replace(outcome, uid=secret["metadata"]["uid"] if secret else None)
            decided = self.decide(outcome.namespace, secret, orphan=outcome.orphan)
            outcome = dataclasses.replace(decided, accounts=outcome.accounts)
        return _failed(outcome, "conflict", f"Other clients wrote this secret at the same time: {conflict}")

    def _write(self, outcome: Outcome) -> str | None:
        """Write one plan. Return the secret's UID, or None if the secret is deleted."""
        plan, before = outcome.plan, outcome.before
        if before is None:
            body = bodies.new_secret(outcome.namespace, self._policy, plan.change)
            return (self._create or self._cluster.create_secret)(outcome.namespace, body)
        if plan.recreates:
            return self._recreate(outcome.namespace, before, plan)
        if plan.deletes:
            self._cluster.delete_secret(before)
            return None
        patch = bodies.merge_patch(before, plan.change)
        return self._cluster.patch_secret(outcome.namespace, self._policy.name, patch)

    def _recreate(self, namespace: str, before: Secret, plan: Plan) -> str:
        """Delete and create the secret. If the new one is rejected, create the old one again."""
        body = bodies.successor(before, self._policy, plan.change)
        trial = {**body, "metadata": {**body["metadata"], "name": f"{self._policy.name[:240]}-trial"}}
        self._cluster.create_secret(namespace, trial, dry_run=True)
        try:
            self._cluster.delete_secret(before)
        except NotFoundError as exc:
            # An unconfirmed first try may have deleted it.
            if not exc.unconfirmed:
                raise
        try:
            return self._cluster.create_secret(namespace, body)
        except ConflictError:
            # Another client, or an unconfirmed first try, has created one: act() decides about that one.
            raise
        except ClusterError as exc:
            try:
                self._cluster.create_secret(namespace, bodies.copy(before))
            except ConflictError:
                raise
            except ClusterError as second:
                raise ClusterError(
                    "secret_lost",
                    f"THE SECRET {namespace}/{self._policy.name} IS GONE. It was deleted to be created again, but the "
                    f"new secret was rejected ({exc}), and so was the old one ({second}). Run the task again at once.",
                ) from exc
            raise ClusterError("recreate_refused", f"The old secret was created again: {exc}") from exc


def _failed(outcome: Outcome, reason: Reason, msg: str) -> Outcome:
    return dataclasses.replace(outcome, plan=Plan("failed", reason, msg))
