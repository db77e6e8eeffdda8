# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads and writes single service accounts. Private to this collection.

The module and the refresher share it: one plans from lists, the other from each account as it comes.
"""

from __future__ import annotations

import random
import time

from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.api import (
    Cluster,
    ClusterError,
    ConflictError,
    NotFoundError,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret import service_accounts
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.service_accounts import (
    Account,
    AccountPlan,
    Found,
)

DECISIONS = 8
"""How often an account is decided about anew when others write it at the same time."""
WAIT_SECONDS = 60.0
"""How long a task waits for the `default` accounts of new namespaces, all of them together."""


class AccountWriter:
    """Safe to use from many threads. secret: the name that accounts are to have. wait: as WAIT_SECONDS."""

    def __init__(self, cluster: Cluster, secret: str, wait: float = WAIT_SECONDS) -> None:
        self._cluster = cluster
        self._secret = secret
        self._wait = wait
        self._deadline: float | None = None

    def read(self, namespace: str, name: str) -> Account | ClusterError | None:
        """The account, None if there is none, or why it cannot be read."""
        try:
            return self._existing(namespace, name)
        except ClusterError as exc:
            return exc

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
            plan = service_accounts.decide_account(account, attach, self._secret)
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
        waited = f" after {self._wait:.0f} seconds" if planned.account is None else ""
        return service_accounts.missing(planned.name, waited)

    def _patch(self, namespace: str, plan: AccountPlan) -> ClusterError | None:
        """What stood in the way if it is worth another look at the account."""
        try:
            self._cluster.patch_service_account(namespace, plan.name, service_accounts.merge_patch(plan))
        except (ConflictError, NotFoundError) as exc:
            return exc
        return None

    def _existing(self, namespace: str, name: str) -> Account | None:
        item = self._cluster.service_account(namespace, name)
        return Account.from_object(item) if item else None

    def _awaited(self, namespace: str, name: str) -> Account | None:
        """The account once it is there. Kubernetes makes `default` a moment after the namespace."""
        if self._deadline is None:
            self._deadline = time.monotonic() + self._wait
        pause = 0.1
        while True:
            account = self._existing(namespace, name)
            if account:
                return account
            if time.monotonic() + pause > self._deadline:
                return None
            time.sleep(pause)
            pause = min(pause * 1.5, 2.0)


def keep(found: Found, name: str, answer: Account | ClusterError | None) -> None:
    """Add what AccountWriter.read() returned."""
    if isinstance(answer, ClusterError):
        found.refused[name] = (answer.reason, str(answer))
    elif answer is not None:
        found.accounts[name] = answer
