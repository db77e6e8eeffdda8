# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the service accounts of a task with few requests, and plans what is done. Private to this collection."""

from __future__ import annotations

import concurrent.futures
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.api import (
    READ_ONE_BY_ONE,
    Cluster,
    ClusterError,
    ForbiddenError,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret import service_accounts
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.account_writer import (
    AccountWriter,
    keep,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.service_accounts import (
    ALL,
    Account,
    AccountPlan,
    Found,
    Reach,
)

NAMED = 10
"""Namespaces that a warning names."""


class Attachments:
    """The service accounts of one task. writer: carries the plans out."""

    def __init__(self, cluster: Cluster, secret: str, pool: concurrent.futures.Executor) -> None:
        self._cluster = cluster
        self._secret = secret
        self._pool = pool
        self.writer = AccountWriter(cluster, secret)
        self.warnings: list[str] = []

    # --- Reading

    def plan(self, reaches: t.Mapping[str, Reach]) -> dict[str, tuple[AccountPlan, ...]]:
        """The plans for the accounts of each of these namespaces. Raises ClusterError where a whole list fails."""
        found = self._find(reaches)
        plans = {
            namespace: service_accounts.decide(found[namespace], wanted, self._secret)
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
        for (namespace, name), answer in zip(unread, self._pool.map(lambda pair: self.writer.read(*pair), unread)):
            keep(found[namespace], name, answer)
        return found

    def _take_all(self, found: t.Mapping[str, Found], wanted: t.Container[str], name: str = "") -> bool:
        """Whether the accounts of all namespaces, those of one name if it is given, could be listed and were kept."""
        try:
            for item in self._cluster.service_accounts(name=name):
                namespace = item["metadata"]["namespace"]
                if namespace in wanted:
                    keep(found[namespace], item["metadata"]["name"], Account.from_object(item))
        except ForbiddenError:
            return False
        return True

    def _list_one(self, namespace: str, wanted: Reach) -> Found:
        """The accounts of one namespace; where they may not be listed, those that are named."""
        found = Found()
        try:
            for item in self._cluster.service_accounts(namespace):
                keep(found, item["metadata"]["name"], Account.from_object(item))
        except ClusterError as exc:
            keep(found, ALL, exc)
            for name in wanted.names:
                keep(found, name, self.writer.read(namespace, name))
        return found

    def _warn(self, reaches: t.Mapping[str, Reach], found: t.Mapping[str, Found]) -> None:
        accounts = {name for one in found.values() for name in one.accounts} | {service_accounts.DEFAULT}
        for glob in dict.fromkeys(glob for wanted in reaches.values() if wanted.attach for glob in wanted.globs):
            refused = any(ALL in one.refused for one in found.values())
            if not refused and not service_accounts.matching(accounts, glob):
                self.warnings.append(f"No service account of the chosen namespaces matches {glob!r}.")
        unseen = [name for name, wanted in reaches.items() if wanted.everyone and ALL in found[name].refused]
        if unseen:
            more = f" and {len(unseen) - NAMED} more" if len(unseen) > NAMED else ""
            self.warnings.append(
                f"Service accounts in {', '.join(unseen[:NAMED])}{more} may go on naming the secret that is removed "
                f"there, since they could not be looked through: {found[unseen[0]].refused[ALL][1]}. Pods of such an "
                "account pull without credentials. Name the accounts in service_accounts, or allow to list them."
            )
