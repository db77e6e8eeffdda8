# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What there is of a refresher in a cluster. Private to this collection."""

from __future__ import annotations

import concurrent.futures
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes import objects
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.api import Cluster
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


class Former:
    """The objects of the refresher in a namespace, read in parallel before anything is written."""

    def __init__(self, cluster: Cluster, namespace: str, pool: concurrent.futures.Executor) -> None:
        """Raises ClusterError."""
        permissions = permissions_name(namespace), namespaces_permission_name(namespace)
        policies = policy_name(namespace), accounts_policy_name(namespace)
        named = [
            ("ServiceAccount", CRONJOB, namespace),
            ("Secret", AWS_SECRET, namespace),
            ("CronJob", CRONJOB, namespace),
            *((kind, name, "") for kind in ("ClusterRole", "ClusterRoleBinding") for name in permissions),
            # Kubernetes before 1.30 does not know these kinds: they are not there, either.
            *((kind, name, "") for kind in _POLICIES for name in policies),
        ]
        read = [pool.submit(objects.read, cluster, *each) for each in named]
        selector = f"{managed_metadata.REFRESHER_LABEL}={namespace}"
        listed = [
            pool.submit(lambda: list(objects.labelled(cluster, "RoleBinding", selector))),
            pool.submit(lambda: list(objects.labelled(cluster, "ConfigMap", selector, namespace))),
        ]
        found = [each for future in read if (each := future.result())]
        found += [each for future in listed for each in future.result()]
        self._stored = {plan.identity(each): each for each in found}
        self._wide = permissions[0]

    def stored(self, body: Object) -> Object | None:
        """The object that has the kind, the namespace and the name of this one."""
        return self._stored.get(plan.identity(body))

    def forget(self, found: Object) -> None:
        """This one is gone by now."""
        del self._stored[plan.identity(found)]

    def all(self, *kinds: str) -> list[Object]:
        """The objects of these kinds; without any, all."""
        return [each for each in self._stored.values() if not kinds or each["kind"] in kinds]

    @property
    def cronjob(self) -> Object | None:
        return next(iter(self.all("CronJob")), None)

    @property
    def aws_secret(self) -> Object | None:
        """The AWS keys that options gave, not a Secret that the user made."""
        return next(iter(self.all("Secret")), None)

    @property
    def bindings(self) -> dict[str, Object]:
        """Namespace -> the RoleBinding there."""
        return {each["metadata"]["namespace"]: each for each in self.all("RoleBinding")}

    @property
    def wide(self) -> Object | None:
        """What binds the permissions for secrets in all namespaces."""
        return self._stored.get(("ClusterRoleBinding", "", self._wide))

    @property
    def policies(self) -> list[Object]:
        """Each binding before the policy that it puts into force."""
        return [*self.all(_POLICIES[0]), *self.all(_POLICIES[1])]

    @property
    def settings(self) -> t.Mapping[str, str]:
        """The files that the program reads; {} if there are none."""
        config_maps = {each["metadata"]["name"]: each.get("data") or {} for each in self.all("ConfigMap")}
        if CONFIG in config_maps:
            return config_maps[CONFIG]
        # Those of a refresher whose ConfigMap had another name.
        return next((data for data in config_maps.values() if POLICY in data), {})

    @property
    def secrets(self) -> set[str]:
        """The names of the secrets that it may write."""
        return granted(self.all("ClusterRole"), "secrets")

    @property
    def service_accounts(self) -> set[str]:
        """The names of the service accounts that it may change."""
        return granted(self.all("ClusterRole"), "serviceaccounts")


_POLICIES = ("ValidatingAdmissionPolicyBinding", "ValidatingAdmissionPolicy")
