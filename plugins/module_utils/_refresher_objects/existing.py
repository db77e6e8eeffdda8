# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the existing objects of a refresher. Private to this collection."""

from __future__ import annotations

import concurrent.futures
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes import objects
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.api import Cluster, ForbiddenError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret import managed_metadata
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher.settings import POLICY
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects import plan
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.permissions import granted
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.settings import (
    AWS_SECRET,
    CONFIG,
    CRONJOB,
    accounts_policy_name,
    namespaces_permission_name,
    permissions_name,
    policy_name,
)

Object = dict[str, t.Any]


class Existing:
    """The objects of the refresher in a namespace, read in parallel before anything is written."""

    unreadable: ForbiddenError | None = None
    """The error for the objects that the account has no permission to read. There may be some of these."""

    def __init__(
        self, cluster: Cluster, namespace: str, pool: concurrent.futures.Executor, *, partly: bool = False
    ) -> None:
        """Raises ClusterError. partly: whether objects that the account has no permission to read are left out."""
        permissions = permissions_name(namespace), namespaces_permission_name(namespace)
        policies = policy_name(namespace), accounts_policy_name(namespace)
        named = [
            ("ServiceAccount", CRONJOB, namespace),
            ("Secret", AWS_SECRET, namespace),
            ("CronJob", CRONJOB, namespace),
            *((kind, name, "") for kind in ("ClusterRole", "ClusterRoleBinding") for name in permissions),
            # Kubernetes before 1.30 has no such kinds, and responds as if the objects did not exist.
            *((kind, name, "") for kind in _POLICIES for name in policies),
        ]
        selector = f"{managed_metadata.REFRESHER_LABEL}={namespace}"
        reads = [
            *(pool.submit(_read, cluster, *each) for each in named),
            pool.submit(lambda: list(objects.labelled(cluster, "RoleBinding", selector))),
            pool.submit(lambda: list(objects.labelled(cluster, "ConfigMap", selector, namespace))),
        ]
        found: list[Object] = []
        for each in reads:
            try:
                found += each.result()
            except ForbiddenError as error:
                if not partly:
                    raise
                self.unreadable = error
        self._wide = permissions[0]
        # It is read by its name, so it may be a user's own.
        users = [each for each in found if each["kind"] == "Secret" and not _is_labelled(each, namespace)]
        self.users_secret = next(iter(users), None)
        """A Secret of this name that the user created: it is neither changed nor deleted."""
        self._stored = {plan.identity(each): each for each in found if each not in users}

    def stored(self, body: Object) -> Object | None:
        """Return the existing object with the kind, namespace and name of this one, or None."""
        return self._stored.get(plan.identity(body))

    def forget(self, found: Object) -> None:
        """Leave out an object that no longer exists."""
        del self._stored[plan.identity(found)]

    def all(self, *kinds: str) -> list[Object]:
        """Return the objects of these kinds; without kinds, all objects."""
        return [each for each in self._stored.values() if not kinds or each["kind"] in kinds]

    @property
    def cronjob(self) -> Object | None:
        return next(iter(self.all("CronJob")), None)

    @property
    def aws_secret(self) -> Object | None:
        """The Secret with the AWS keys from the options."""
        return next(iter(self.all("Secret")), None)

    @property
    def bindings(self) -> dict[str, Object]:
        """Namespace -> the RoleBinding there."""
        return {each["metadata"]["namespace"]: each for each in self.all("RoleBinding")}

    @property
    def wide(self) -> Object | None:
        """The binding of the permissions for secrets in all namespaces."""
        return self._stored.get(("ClusterRoleBinding", "", self._wide))

    @property
    def policies(self) -> list[Object]:
        """The admission policies. The bindings come first, since they put the policies into force."""
        return [*self.all(_POLICIES[0]), *self.all(_POLICIES[1])]

    @property
    def settings(self) -> t.Mapping[str, str]:
        """The settings files of the program; {} if there are none."""
        config_maps = {each["metadata"]["name"]: each.get("data") or {} for each in self.all("ConfigMap")}
        if CONFIG in config_maps:
            return config_maps[CONFIG]
        # The ConfigMap may have another name.
        return next((data for data in config_maps.values() if POLICY in data), {})

    @property
    def secrets(self) -> set[str]:
        """The names of the secrets for which the refresher has permissions."""
        return granted(self.all("ClusterRole"), "secrets")

    @property
    def service_accounts(self) -> set[str]:
        """The names of the service accounts for which the refresher has permissions."""
        return granted(self.all("ClusterRole"), "serviceaccounts")


def _read(cluster: Cluster, kind: str, name: str, namespace: str) -> list[Object]:
    found = objects.read(cluster, kind, name, namespace)
    return [found] if found else []


def _is_labelled(found: Object, namespace: str) -> bool:
    return (found["metadata"].get("labels") or {}).get(managed_metadata.REFRESHER_LABEL) == namespace


_POLICIES = ("ValidatingAdmissionPolicyBinding", "ValidatingAdmissionPolicy")
