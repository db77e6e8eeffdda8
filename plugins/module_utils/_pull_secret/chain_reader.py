# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the pull secrets that pods name, in one or thousands of namespaces. Private to this collection.

Of a list nothing but the secrets that pods name is kept, and no password unless it is to be tried on its registry.
"""

from __future__ import annotations

import concurrent.futures
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _docker_config
from ansible_collections.freshpull.ecr_public.plugins.module_utils._errors import bug
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes import kinds
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.api import (
    METADATA_LIST,
    READ_ONE_BY_ONE,
    Cluster,
    ClusterError,
    ForbiddenError,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._names import is_dns_subdomain
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.chain_secret import (
    MOST_SECRETS,
    ChainSecret,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.stored import Secret

MOST_LISTS = 8
"""Names for each of which the secrets of all namespaces are listed: the API server reads all secrets for each list."""
MOST_SINGLE_READS = 100
"""If more secrets are left, those of the two types that the kubelet reads are listed."""
_TYPES = (_docker_config.DOCKERCONFIG_TYPE, _docker_config.LEGACY_TYPE)

Secrets = dict[str, dict[str, ChainSecret]]
"""Namespace -> name -> secret."""
Place = tuple[str, str]
"""Namespace and name."""


class ChainReader:
    """Reads with one list for each name that many namespaces use, and reads the others one by one."""

    def __init__(
        self,
        cluster: Cluster,
        registries: t.Sequence[str],
        pool: concurrent.futures.Executor,
        *,
        keep_passwords: bool = False,
    ) -> None:
        self._cluster = cluster
        self._registries = registries
        self._pool = pool
        self._keep_passwords = keep_passwords

    def read(self, names: t.Mapping[str, t.Iterable[str]], known: Secrets) -> Secrets:
        """names: those that the pods of each namespace name. known: secrets that were read before.

        Raises ClusterError if a list fails for another reason than permissions.
        """
        found: Secrets = {}
        unread: dict[Place, None] = {}
        for namespace, listed in names.items():
            found[namespace] = {}
            for number, name in enumerate(dict.fromkeys(listed)):
                secret = known.get(namespace, {}).get(name) or _without_request(name, number)
                if secret:
                    found[namespace][name] = secret
                else:
                    unread[namespace, name] = None
        self._list(unread, found)
        places = list(unread)
        for (namespace, name), secret in zip(places, self._pool.map(self._get, places)):
            found[namespace][name] = secret
        self._search(found)
        return found

    def _list(self, unread: dict[Place, None], found: Secrets) -> None:
        """Remove from unread what the lists show."""
        users: dict[str, int] = {}
        for _namespace, name in unread:
            users[name] = users.get(name, 0) + 1
        shared = [name for name, count in users.items() if count > READ_ONE_BY_ONE]
        if len(shared) <= MOST_LISTS:
            for name in shared:
                if self._list_one(f"metadata.name={name}", f"named {name}", unread, found):
                    for place in [place for place in unread if place[1] == name]:
                        del unread[place]
                        found[place[0]][name] = ChainSecret.missing(name)
        if len(unread) > MOST_SINGLE_READS:
            for secret_type in _TYPES:
                self._list_one(f"type={secret_type}", f"of type {secret_type}", unread, found)

    def _list_one(self, selector: str, words: str, unread: dict[Place, None], found: Secrets) -> bool:
        """Return whether the list is permitted."""
        what = f"list secrets {words} in all namespaces"
        try:
            for item in self._cluster.list_objects(kinds.path("Secret"), [("fieldSelector", selector)], what):
                place = item["metadata"]["namespace"], item["metadata"]["name"]
                if place in unread:
                    del unread[place]
                    found[place[0]][place[1]] = self._secret(place[1], item)
        except ForbiddenError:
            return False
        return True

    def _get(self, place: Place) -> ChainSecret:
        namespace, name = place
        try:
            item = self._cluster.secret(namespace, name)
        except ClusterError as exc:
            return ChainSecret.unreadable(name, str(exc))
        return self._secret(name, item)

    def _secret(self, name: str, item: Secret | None) -> ChainSecret:
        try:
            if not item:
                return ChainSecret.missing(name)
            return ChainSecret.from_object(item, self._registries, keep_passwords=self._keep_passwords)
        except Exception as exc:  # noqa: BLE001
            return ChainSecret.unreadable(name, bug("The secret's reading", exc))

    def _search(self, found: Secrets) -> None:
        """Look for missing secrets in other namespaces, without their data."""
        missing = [name for secrets in found.values() for name, secret in secrets.items() if secret.missing_here]
        for name in list(dict.fromkeys(filter(is_dns_subdomain, missing)))[:MOST_LISTS]:
            query = [("fieldSelector", f"metadata.name={name}")]
            what = f"list the namespaces with a secret named {name}"
            try:
                items = self._cluster.list_objects(kinds.path("Secret"), query, what, accept=METADATA_LIST)
                namespaces = tuple(sorted(item["metadata"]["namespace"] for item in items))
            except ForbiddenError:
                return
            for secrets in found.values():
                if namespaces and name in secrets and secrets[name].missing_here:
                    secrets[name] = ChainSecret.missing(name, namespaces)


def _without_request(name: str, number: int) -> ChainSecret | None:
    """Return the secret if no request is needed. number: of the name in its namespace."""
    if not is_dns_subdomain(name):
        return ChainSecret.missing(name)
    return ChainSecret.unreadable(name) if number >= MOST_SECRETS else None
