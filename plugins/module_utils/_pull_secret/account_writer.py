# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read and write single service accounts. Private to this collection.

The module and the refresher share it: the module plans from lists, the refresher reads each account.
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

MAX_DECISIONS = 8
"""For one account, if other clients write it at the same time."""
WAIT_SECONDS = 60.0
"""For the `default` accounts of new namespaces, in one task."""


class AccountWriter:
    """Safe to use from many threads. secret: the pull secret's name. wait: as WAIT_SECONDS."""

    def __init__(self, cluster: Cluster, secret: str, *, wait: float = WAIT_SECONDS) -> None:
        self._cluster = cluster
        self._secret = secret
        self._wait = wait
        self._deadline: float | None = None

    def write(self, namespace: str, plan: AccountPlan) -> AccountPlan:
        """Carry out one plan, and return the result."""
        if self._cluster.stopped_by:
            msg = f"Not started, because {self._cluster.stopped_by} was received. Run the task again."
            return AccountPlan(plan.name, "failed", reason="stopped", msg=msg)
        try:
            return self._write(namespace, plan, attach=plan.action == "attached")
        except ClusterError as exc:
            return AccountPlan(plan.name, "failed", reason=exc.reason, msg=str(exc))

    def _write(self, namespace: str, planned: AccountPlan, attach: bool) -> AccountPlan:
        """Send one patch. On a conflict, read and decide again, up to MAX_DECISIONS times."""
        account = planned.account or self._wait_for(namespace, planned.name)
        conflict: ClusterError | None = None
        unconfirmed: AccountPlan | None = None
        for attempt in range(MAX_DECISIONS):
            if account is None:
                break
            plan = service_accounts.decide_account(account, attach, self._secret)
            conflict = self._patch(namespace, plan) if plan.writes else None
            if conflict is None:
                # If nothing is left to do after an unconfirmed write, that write succeeded.
                return plan if plan.writes or unconfirmed is None else unconfirmed
            unconfirmed = plan if conflict.unconfirmed else unconfirmed
            time.sleep(random.SystemRandom().uniform(0, 0.02 * 2**attempt))
            account = read_existing(self._cluster, namespace, planned.name)
        else:
            msg = f"Other clients wrote service account {planned.name} at the same time: {conflict}"
            return AccountPlan(planned.name, "failed", reason="conflict", msg=msg)
        if not attach:
            return AccountPlan(planned.name, "unchanged")
        waited = f" after {self._wait:.0f} seconds" if planned.account is None else ""
        return service_accounts.missing(planned.name, waited)

    def _patch(self, namespace: str, plan: AccountPlan) -> ClusterError | None:
        """Return the error if the account must be read and decided about again."""
        try:
            self._cluster.patch_service_account(namespace, plan.name, service_accounts.merge_patch(plan))
        except (ConflictError, NotFoundError) as exc:
            return exc
        return None

    def _wait_for(self, namespace: str, name: str) -> Account | None:
        """Wait until the account exists. Kubernetes creates `default` a moment after the namespace."""
        if self._deadline is None:
            self._deadline = time.monotonic() + self._wait
        pause = 0.1
        while True:
            account = read_existing(self._cluster, namespace, name)
            if account:
                return account
            if time.monotonic() + pause > self._deadline:
                return None
            time.sleep(pause)
            pause = min(pause * 1.5, 2.0)


def read_existing(cluster: Cluster, namespace: str, name: str) -> Account | None:
    """Return the account, or None if it does not exist. Raises ClusterError."""
    item = cluster.service_account(namespace, name)
    return Account.from_object(item) if item else None


def read_into(found: Found, cluster: Cluster, namespace: str, name: str) -> None:
    """Read one account, and add it or the failure to what was found."""
    try:
        account = read_existing(cluster, namespace, name)
    except ClusterError as exc:
        found.failed[name] = (exc.reason, str(exc))
    else:
        if account:
            found.accounts[name] = account
