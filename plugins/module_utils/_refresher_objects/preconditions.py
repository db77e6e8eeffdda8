# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check what a refresher needs in a cluster, before anything is written. Private to this collection."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes import kinds, objects
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.api import (
    Cluster,
    ClusterError,
    ForbiddenError,
    NotFoundError,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.transport import Request
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret import managed_metadata
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher import mounted_keys
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects import policies
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.existing import Existing
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.permissions import granted
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.settings import (
    AWS_SECRET,
    CERTIFICATE_KEYS,
    Settings,
)

Object = dict[str, t.Any]

WITH_SIDECARS = (1, 29)
"""The first version of Kubernetes in which sidecar containers are on by default."""

WITHOUT_POLICIES = {
    "Secret": "With namespace_selector the refresher creates secrets, which only such a policy can restrict. Use "
    "namespaces without a selector, or run the role in push mode (pull_secret_refresher: none).",
    "ServiceAccount": "Only such a policy can restrict a refresher that changes service accounts. Set "
    "attach_service_accounts: false (in the role: pull_secret_refresher_attach_service_accounts). The role then "
    "attaches the secret to them when it runs.",
}
"""Kind whose writes a policy restricts -> what to do where policies are not possible."""


def check(cluster: Cluster, settings: Settings) -> None:
    """Raises ClusterError, with the next step, if the cluster does not meet a precondition."""
    if settings.aws.kind == "existing_secret":
        _check_existing_secret(cluster, settings)
    if settings.aws.roles_anywhere:
        _check_sidecars(cluster)
        _check_certificate(cluster, settings.namespace, settings.aws.roles_anywhere.certificate_secret)
    restrictions = policies.restrictions(settings)
    if restrictions:
        _check_policies(cluster, restrictions[0].kind)
    if settings.places.selector:
        _check_other_refreshers(cluster, settings)


def check_users_secret(existing: Existing, settings: Settings) -> None:
    """Check that the Secret for the AWS keys is not a user's own. Raises ClusterError."""
    if settings.aws.kind == "secret" and existing.users_secret:
        raise ClusterError(
            "conflict",
            f"Secret {settings.namespace}/{AWS_SECRET} exists, and this refresher did not create it: it has no label "
            f"{managed_metadata.REFRESHER_LABEL}={settings.namespace}. Delete it, or copy it to a Secret of another "
            "name and use that with aws_auth: existing_secret.",
        )


def _check_existing_secret(cluster: Cluster, settings: Settings) -> None:
    name = settings.aws.existing_secret
    found = objects.read(cluster, "Secret", name, settings.namespace)
    keys = set((found or {}).get("data") or {})
    if mounted_keys.FILE not in keys and not {mounted_keys.ACCESS_KEY, mounted_keys.SECRET_KEY} <= keys:
        raise ClusterError(
            "not_found",
            f"The namespace {settings.namespace} has no Secret {name} with {mounted_keys.LAYOUTS}. Create the "
            "namespace and the Secret first.",
        )


def _check_sidecars(cluster: Cluster) -> None:
    """Check that the cluster has native sidecars. Every user may read the version.

    An older API server ignores the field restartPolicy of an init container, whose pod would then never start.
    """
    try:
        version = cluster.request(Request("GET", "/version"), "read the version of the API server")
    except (ForbiddenError, NotFoundError):
        return
    # Providers add a plus sign to the minor version.
    numbers = [re.match(r"\d+", str(version.get(part))) for part in ("major", "minor")]
    found = tuple(int(number.group()) for number in numbers if number)
    if len(found) == len(WITH_SIDECARS) and found < WITH_SIDECARS:
        raise ClusterError(
            "not_found",
            f"{cluster.host} has Kubernetes {found[0]}.{found[1]}. aws_auth: roles_anywhere needs the sidecar "
            f"containers of Kubernetes {WITH_SIDECARS[0]}.{WITH_SIDECARS[1]} or newer. Upgrade the cluster, or use "
            "another aws_auth.",
        )


def _check_certificate(cluster: Cluster, namespace: str, name: str) -> None:
    found = objects.read(cluster, "Secret", name, namespace)
    data = (found or {}).get("data") or {}
    if not all(data.get(key) for key in CERTIFICATE_KEYS):
        raise ClusterError(
            "not_found",
            f"The namespace {namespace} has no Secret {name} with the keys {' and '.join(CERTIFICATE_KEYS)}. Create "
            "the namespace and the Secret first. For a Certificate of cert-manager, wait until it is ready: kubectl "
            f"wait --for=condition=Ready certificate --all -n {namespace}.",
        )


def _check_policies(cluster: Cluster, kind: str) -> None:
    """Check that the cluster has admission policies. Every user may list the resources of an API."""
    start, plural = kinds.KINDS["ValidatingAdmissionPolicy"]
    try:
        found = cluster.request(Request("GET", start), "list the resources of admissionregistration.k8s.io/v1")
        known = {each["name"] for each in found.get("resources") or []}
    except NotFoundError:
        known = set()
    if plural not in known:
        raise ClusterError(
            "not_found",
            f"{cluster.host} has no ValidatingAdmissionPolicy (admissionregistration.k8s.io/v1, Kubernetes 1.30). "
            f"{WITHOUT_POLICIES[kind]}",
        )


def _check_other_refreshers(cluster: Cluster, settings: Settings) -> None:
    """Check that no other refresher has this secret name and this owner.

    This one removes the managed entries of its owner in namespaces that are not selected.
    """
    selector = f"{managed_metadata.REFRESHER_LABEL},{managed_metadata.REFRESHER_LABEL}!={settings.namespace}"
    for role in objects.labelled(cluster, "ClusterRole", selector):
        owner = (role["metadata"].get("labels") or {}).get(managed_metadata.OWNER_LABEL, "")
        if owner == settings.renewal.owner and settings.renewal.secret in granted([role], "secrets"):
            raise ClusterError(
                "conflict",
                f"Another refresher renews secrets named {settings.renewal.secret} of the owner {owner} in this "
                f"cluster: its ClusterRole is {role['metadata']['name']}. With namespace_selector this refresher would "
                "remove their entries. Use another owner or another name.",
            )
