# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wait until the API server denies the permissions that were removed. Private to this collection."""

from __future__ import annotations

import time
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes import objects
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.api import Cluster
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.existing import Existing
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.settings import (
    accounts_policy_name,
    policy_name,
    user_name,
)

REVIEWS = 3
"""Separate requests, since several API servers may share one address and notice a removal at different times."""
SECONDS = 30.0
"""The time limit. A permission that is still allowed then has another source."""
_PAUSE = 0.5


def wait_until_revoked(
    cluster: Cluster,
    namespace: str,
    existing: Existing,
    policies: t.Iterable[t.Mapping[str, t.Any]],
    sleep: t.Callable[[float], None],
) -> None:
    """Wait until the permissions that these policies restrict are revoked. Raises ClusterError.

    Call it after the bindings are deleted and before the policies are. namespace: the refresher's.
    """
    names = {policy["metadata"]["name"] for policy in policies}
    place = namespace if existing.wide else next(iter(existing.bindings), namespace)
    permissions = []
    if policy_name(namespace) in names:
        permissions += [("create", "secrets", name) for name in sorted(existing.secrets)]
    if accounts_policy_name(namespace) in names:
        permissions += [("patch", "serviceaccounts", name) for name in sorted(existing.service_accounts)]
    deadline = time.monotonic() + SECONDS
    for verb, resource, name in permissions:
        attributes = {"verb": verb, "resource": resource, "name": name, "namespace": place}
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "LocalSubjectAccessReview",
            "metadata": {"namespace": place},
            "spec": {"user": user_name(namespace), "resourceAttributes": attributes},
        }
        revoked = 0
        while revoked < REVIEWS and time.monotonic() < deadline:
            if objects.create(cluster, review)["status"]["allowed"]:
                sleep(_PAUSE)
            else:
                revoked += 1
