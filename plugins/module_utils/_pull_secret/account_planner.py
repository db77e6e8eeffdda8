# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the service accounts of a task with few requests, and plan the changes. Private to this collection."""

from __future__ import annotations

import concurrent.futures
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.api import (
    READ_ONE_BY_ONE,
    Cluster,
    ClusterError,
    ForbiddenError,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._names import matches, some
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret import service_accounts
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.account_writer import read_into
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.service_accounts import (
    ALL,
    Account,
    AccountPlan,
    Found,
    Wanted,
)


class AccountPlanner:
    """Plans for the service accounts of one task. secret: the pull secret's name."""

    def __init__(self, cluster: Cluster, secret: str, pool: concurrent.futures.Executor) -> None:
        self._cluster = cluster
        self._secret = secret
        self._pool = pool
        self.warnings: list[str] = []

    def plan(self, wanted: t.Mapping[str, Wanted]) -> dict[str, tuple[AccountPlan, ...]]:
        """Return the plans for the accounts of each namespace. Raises ClusterError if a whole list fails."""
        found = self._read(wanted)
        plans = {
            namespace: service_accounts.decide(found[namespace], one, self._secret) for namespace, one in wanted.items()
        }
        self._warn(wanted, found)
        return plans

    def _read(self, wanted: t.Mapping[str, Wanted]) -> dict[str, Found]:
        """Read with one list for each name over all namespaces, and one list of all accounts for globs and a search."""
        found = {namespace: Found() for namespace in wanted}
        unlisted = [namespace for namespace, one in wanted.items() if one.needs_list]
        by_name = {namespace: one for namespace, one in wanted.items() if not one.needs_list}
        unread = [(namespace, name) for namespace, one in by_name.items() for name in one.names]
        if len(unlisted) > READ_ONE_BY_ONE and self._list_all(found, set(unlisted)):
            unlisted = []
        if len(by_name) > READ_ONE_BY_ONE:
            for name in dict.fromkeys(name for _namespace, name in unread):
                if self._list_all(found, by_name, name):
                    unread = [pair for pair in unread if pair[1] != name]
        list(self._pool.map(lambda one: self._list_one(found[one], one, wanted[one]), unlisted))
        list(self._pool.map(lambda pair: read_into(found[pair[0]], self._cluster, *pair), unread))
        return found

    def _list_all(self, found: t.Mapping[str, Found], namespaces: t.Container[str], name: str = "") -> bool:
        """List the accounts of all namespaces, or those of one name. Return whether that is permitted."""
        try:
            for item in self._cluster.service_accounts(name=name):
                account, namespace = Account.from_object(item), item["metadata"]["namespace"]
                if namespace in namespaces:
                    found[namespace].accounts[account.name] = account
        except ForbiddenError:
            return False
        return True

    def _list_one(self, found: Found, namespace: str, wanted: Wanted) -> None:
        """List the accounts of one namespace. If that fails, read the accounts that are named."""
        try:
            for item in self._cluster.service_accounts(namespace):
                account = Account.from_object(item)
                found.accounts[account.name] = account
        except ClusterError as exc:
            found.failed[ALL] = (exc.reason, str(exc))
            for name in wanted.names:
                read_into(found, self._cluster, namespace, name)

    def _warn(self, wanted: t.Mapping[str, Wanted], found: t.Mapping[str, Found]) -> None:
        names = {name for one in found.values() for name in one.accounts} | {service_accounts.DEFAULT}
        all_listed = not any(ALL in one.failed for one in found.values())
        for glob in dict.fromkeys(glob for one in wanted.values() if one.attach for glob in one.globs):
            if all_listed and not any(matches(name, [glob]) for name in names):
                self.warnings.append(
                    f"service_accounts: {glob!r} matches no service account of the selected namespaces."
                )
        unlisted = [name for name, one in wanted.items() if one.every_user and ALL in found[name].failed]
        if unlisted:
            self.warnings.append(
                f"The service accounts in {some(unlisted)} could not be listed, so accounts there may still name the "
                f"removed secret: {found[unlisted[0]].failed[ALL][1]}. Pods of such an account pull without "
                "credentials. Name the accounts in service_accounts, or grant permission to list serviceaccounts."
            )
