# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Carries out the decision about service accounts: reads them with few requests, writes one patch an account.

Private to this collection.
"""

from __future__ import annotations

import concurrent.futures
import random
import time
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _service_accounts
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.api import (
    READ_ONE_BY_ONE,
    Cluster,
    ClusterError,
    ConflictError,
    ForbiddenError,
    NotFoundError,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._service_accounts import (
    ALL,
    Account,
    AccountPlan,
    Found,
    Reach,
)

DECISIONS = 8
"""How often an account is decided about anew when others write it at the same time."""
WAIT_SECONDS = 60.0
"""How long a task waits for the `default` accounts of new namespaces, all of them together."""
NAMED = 10
"""Namespaces that a warning names."""


class Attachments:
    """The service accounts of one task. Plans are made first; writing is safe from many threads."""

    def __init__(self, cluster: Cluster, secret: str, pool: concurrent.futures.Executor) -> None:
        self._cluster = cluster
        self._secret = secret
        self._pool = pool
        self._deadline: float | None = None
        self.warnings: list[str] = []

    # --- Reading

    def plan(self, reaches: t.Mapping[str, Reach]) -> dict[str, tuple[AccountPlan, ...]]:
        """The plans for the accounts of each of these namespaces. Raises ClusterError where a whole list fails."""
        found = self._find(reaches)
        plans = {
            namespace: _service_accounts.decide(found[namespace], wanted, self._secret)
            for namespace, wanted in reaches.items()
        }
        self._warn(reaches, found)
        return plans

    def _find(self, reaches: t.Mapping[str, Reach]) -> dict[str, Found]:
        """Names cost one list each over all namespaces; globs and a search one list of all accounts."""
        found = {namespace: Found() for namespace in reaches}
        unlisted = [namespace for namespace, wanted in reaches.items() if wanted.needs_list]
        by_name = {namespace: wanted for namespace, wanted in reaches.items() if not wanted.needs_list}
        unread = [(namespace, name) for namespace, wanted in by_name.items() for name in wanted.names]
        if len(unlisted) > READ_ONE_BY_ONE and self._take_all(found, set(unlisted)):
            unlisted = []
        if len(by_name) > READ_ONE_BY_ONE:
            for name in dict.fromkeys(name for _namespace, name in unread):
                if self._take_all(found, by_name, name):
                    unread = [pair for pair in unread if pair[1] != name]
        found.update(zip(unlisted, self._pool.map(lambda one: self._list_one(one, reaches[one]), unlisted)))
        for (namespace, name), answer in zip(unread, self._pool.map(lambda pair: self._read(*pair), unread)):
            _keep(found[namespace], name, answer)
        return found

    def _take_all(self, found: t.Mapping[str, Found], wanted: t.Container[str], name: str = "") -> bool:
        """Whether the accounts of all namespaces, those of one name if it is given, could be listed and were kept."""
        try:
            for item in self._cluster.service_accounts(name=name):
                namespace = item["metadata"]["namespace"]
                if namespace in wanted:
                    _keep(found[namespace], item["metadata"]["name"], Account.from_object(item))
        except ForbiddenError:
            return False
        return True

    def _list_one(self, namespace: str, wanted: Reach) -> Found:
        """The accounts of one namespace; where they may not be listed, those that are named."""
        found = Found()
        try:
            for item in self._cluster.service_accounts(namespace):
                _keep(found, item["metadata"]["name"], Account.from_object(item))
        except ClusterError as exc:
            _keep(found, ALL, exc)
            for name in wanted.names:
                _keep(found, name, self._read(namespace, name))
        return found

    def _read(self, namespace: str, name: str) -> Account | ClusterError | None:
        try:
            return self._existing(namespace, name)
        except ClusterError as exc:
            return exc

    def _warn(self, reaches: t.Mapping[str, Reach], found: t.Mapping[str, Found]) -> None:
        accounts = {name for one in found.values() for name in one.accounts} | {_service_accounts.DEFAULT}
        for glob in dict.fromkeys(glob for wanted in reaches.values() if wanted.attach for glob in wanted.globs):
            refused = any(ALL in one.refused for one in found.values())
            if not refused and not _service_accounts.matching(accounts, glob):
                self.warnings.append(f"No service account of the chosen namespaces matches {glob!r}.")
        unseen = [name for name, wanted in reaches.items() if wanted.everyone and ALL in found[name].refused]
        if unseen:
            more = f" and {len(unseen) - NAMED} more" if len(unseen) > NAMED else ""
            self.warnings.append(
                f"Service accounts in {', '.join(unseen[:NAMED])}{more} may go on naming the secret that is removed "
                f"there, since they could not be looked through: {found[unseen[0]].refused[ALL][1]}. Pods of such an "
                "account pull without credentials. Name the accounts in service_accounts, or allow to list them."
            )

    # --- Writing

    def write(self, namespace: str, plan: AccountPlan) -> AccountPlan:
        """Carry out one plan; what became of it."""
        if self._cluster.stopped_by:
            msg = f"Not begun: {self._cluster.stopped_by} came. Run the task again."
            return AccountPlan(plan.name, "failed", reason="stopped", msg=msg)
        try:
            return self._write(namespace, plan, attach=plan.action == "attached")
        except ClusterError as exc:
            return AccountPlan(plan.name, "failed", reason=exc.reason, msg=str(exc))

    def _write(self, namespace: str, planned: AccountPlan, attach: bool) -> AccountPlan:
        """One patch. On a conflict the account is read and decided about again, a bounded number of times."""
        account = planned.account or self._awaited(namespace, planned.name)
        conflict: ClusterError | None = None
        tried: AccountPlan | None = None
        for attempt in range(DECISIONS):
            if account is None:
                break
            plan = _service_accounts.decide_account(account, attach, self._secret)
            conflict = self._patch(namespace, plan) if plan.writes else None
            if conflict is None:
                # Where only the answer was lost it is done, and by us.
                return plan if plan.writes or tried is None else tried
            tried = plan if conflict.in_doubt else tried
            time.sleep(random.SystemRandom().uniform(0, 0.02 * 2**attempt))
            account = self._existing(namespace, planned.name)
        else:
            msg = f"Others kept writing service account {planned.name}: {conflict}"
            return AccountPlan(planned.name, "failed", reason="conflict", msg=msg)
        if not attach:
            return AccountPlan(planned.name, "unchanged")
        waited = f" after {WAIT_SECONDS:.0f} seconds" if planned.account is None else ""
        return _service_accounts.missing(planned.name, waited)

    def _patch(self, namespace: str, plan: AccountPlan) -> ClusterError | None:
        """What stood in the way if it is worth another look at the account."""
        try:
            self._cluster.patch_service_account(namespace, plan.name, _service_accounts.merge_patch(plan))
        except (ConflictError, NotFoundError) as exc:
            return exc
        return None

    def _existing(self, namespace: str, name: str) -> Account | None:
        item = self._cluster.service_account(namespace, name)
        return Account.from_object(item) if item else None

    def _awaited(self, namespace: str, name: str) -> Account | None:
        """The account once it is there. Kubernetes makes `default` a moment after the namespace."""
        if self._deadline is None:
            self._deadline = time.monotonic() + WAIT_SECONDS
        pause = 0.1
        while True:
            account = self._existing(namespace, name)
            if account:
                return account
            if time.monotonic() + pause > self._deadline:
                return None
            time.sleep(pause)
            pause = min(pause * 1.5, 2.0)


def _keep(found: Found, name: str, answer: Account | ClusterError | None) -> None:
    if isinstance(answer, ClusterError):
        found.refused[name] = (answer.reason, str(answer))
    elif answer is not None:
        found.accounts[name] = answer
