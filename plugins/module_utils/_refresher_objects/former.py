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
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects import manifests
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.settings import (
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
            "Secret": (manifests.AWS_SECRET, namespace),
            "ConfigMap": (CRONJOB, namespace),
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
        self.named = {kind: future.result() for kind, future in read.items()}
        """Kind -> the object of its one name, or None."""
        self.bindings = {each["metadata"]["namespace"]: each for each in bindings.result()}
        """Namespace -> the RoleBinding there."""

    @property
    def wide(self) -> Object | None:
        """What binds the permissions in all namespaces."""
        return self.named["ClusterRoleBinding"]

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
