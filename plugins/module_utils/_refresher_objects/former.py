# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What there is of a refresher in a cluster. Private to this collection."""

from __future__ import annotations

import concurrent.futures
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _marks
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes import objects
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.api import Cluster
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher.settings import POLICY
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.settings import (
    AWS_SECRET,
    CONFIG,
    CRONJOB,
    permissions_name,
    policy_name,
)

Object = dict[str, t.Any]


class Former:
    """The objects of the refresher in a namespace, read in parallel before anything is written."""

    def __init__(self, cluster: Cluster, namespace: str, pool: concurrent.futures.Executor) -> None:
        """Raises ClusterError."""
        permissions, policy = permissions_name(namespace), policy_name(namespace)
        places = {
            "ServiceAccount": (CRONJOB, namespace),
            "Secret": (AWS_SECRET, namespace),
            "CronJob": (CRONJOB, namespace),
            "ClusterRole": (permissions, ""),
            "ClusterRoleBinding": (permissions, ""),
            # Kubernetes before 1.30 does not know these kinds: they are not there, either.
            "ValidatingAdmissionPolicy": (policy, ""),
            "ValidatingAdmissionPolicyBinding": (policy, ""),
        }
        read = {kind: pool.submit(objects.read, cluster, kind, *place) for kind, place in places.items()}
        selector = f"{_marks.REFRESHER_LABEL}={namespace}"
        bindings = pool.submit(lambda: list(objects.labelled(cluster, "RoleBinding", selector)))
        config_maps = pool.submit(lambda: list(objects.labelled(cluster, "ConfigMap", selector, namespace)))
        self.named = {kind: future.result() for kind, future in read.items()}
        """Kind -> the object of its one name, or None."""
        self.bindings = {each["metadata"]["namespace"]: each for each in bindings.result()}
        """Namespace -> the RoleBinding there."""
        self.config_maps = {each["metadata"]["name"]: each for each in config_maps.result()}
        """Name -> the ConfigMap: the program, one or several of them, and what it reads."""

    def stored(self, body: Object) -> Object | None:
        """The object that has the kind and the name of this one."""
        if body["kind"] == "ConfigMap":
            return self.config_maps.get(body["metadata"]["name"])
        return self.named[body["kind"]]

    def forget(self, found: Object) -> None:
        """This one is gone by now."""
        if found["kind"] == "ConfigMap":
            del self.config_maps[found["metadata"]["name"]]
        else:
            self.named[found["kind"]] = None

    @property
    def settings(self) -> t.Mapping[str, str]:
        """The files that the program reads; {} if there are none."""
        if CONFIG in self.config_maps:
            return self.config_maps[CONFIG].get("data") or {}
        # Those of a refresher whose ConfigMap had another name.
        found = [each.get("data") or {} for each in self.config_maps.values()]
        return next((data for data in found if POLICY in data), {})

    @property
    def wide(self) -> Object | None:
        """What binds the permissions in all namespaces."""
        return self.named["ClusterRoleBinding"]

    @property
    def secrets(self) -> set[str]:
        """The names of the secrets that it may write."""
        rules = (self.named["ClusterRole"] or {}).get("rules") or []
        return {
            name for rule in rules if rule.get("resources") == ["secrets"] for name in rule.get("resourceNames") or []
        }

    @property
    def policy(self) -> Object | None:
        return self.named["ValidatingAdmissionPolicy"]

    @property
    def policy_binding(self) -> Object | None:
        return self.named["ValidatingAdmissionPolicyBinding"]

    @property
    def aws_secret(self) -> Object | None:
        """The AWS keys that options gave, not a Secret that the user made."""
        return self.named["Secret"]
