# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the refresher's RBAC objects from settings. Private to this collection.

All functions are pure. With listed namespaces the refresher may get and patch one secret in each. With a selector it
also creates secrets, in any namespace. The admission policies in policies.py restrict it further.
"""

from __future__ import annotations

import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.settings import CRONJOB, Settings

RBAC = "rbac.authorization.k8s.io"

Object = dict[str, t.Any]
Names = t.AbstractSet[str]
NONE: Names = frozenset()


def secret_names(settings: Settings, former: Names) -> list[str]:
    """Return the names of the secrets that the refresher may write. former: more names, while an installation runs."""
    return [settings.renewal.secret, *sorted(former)]


def cluster_roles(settings: Settings, former: Names = NONE) -> list[Object]:
    """Build the ClusterRoles. They grant nothing until they are bound."""
    roles = [_cluster_role(settings, settings.permissions, _rules(settings, former))]
    if not settings.places.selector:
        # To detect that a namespace is gone. A role of its own, since the rule for secrets is bound in each namespace
        # and never in the whole cluster.
        rule = {"apiGroups": [""], "resources": ["namespaces"], "resourceNames": list(settings.places.listed)}
        roles.append(_cluster_role(settings, settings.namespaces_permission, [{**rule, "verbs": ["get"]}]))
    return roles


def _rules(settings: Settings, former: Names) -> list[Object]:
    secrets = {"apiGroups": [""], "resources": ["secrets"], "resourceNames": secret_names(settings, former)}
    if settings.places.selector:
        # Server-side apply has the name in the path, which lets RBAC restrict create to that name.
        rules: list[Object] = [
            {**secrets, "verbs": ["get", "list", "create", "patch"]},
            {"apiGroups": [""], "resources": ["namespaces"], "verbs": ["list"]},
        ]
    else:
        # No create, delete or list: the refresher reads and patches one secret by its name.
        rules = [{**secrets, "verbs": ["get", "patch"]}]
    accounts = settings.renewal.service_accounts
    if accounts:
        named = {"apiGroups": [""], "resources": ["serviceaccounts"], "resourceNames": list(accounts)}
        rules.append({**named, "verbs": ["get", "patch"]})
    return rules


def _cluster_role(settings: Settings, name: str, rules: list[Object]) -> Object:
    return {
        "apiVersion": f"{RBAC}/v1",
        "kind": "ClusterRole",
        "metadata": {"name": name, **settings.object_metadata},
        "rules": rules,
    }


def granted(roles: t.Iterable[Object], resource: str) -> set[str]:
    """Return the names of this resource for which stored ClusterRoles grant permissions."""
    return {
        name
        for role in roles
        for rule in role.get("rules") or []
        if rule.get("resources") == [resource]
        for name in rule.get("resourceNames") or []
    }


def role_binding(settings: Settings, namespace: str) -> Object:
    """Bind the permissions for the secret in one listed namespace."""
    return _binding(settings, "RoleBinding", settings.permissions, {"namespace": namespace})


def cluster_role_binding(settings: Settings) -> Object:
    """Bind the permissions for the secret in all namespaces (with a selector), else those to get namespaces."""
    name = settings.permissions if settings.places.selector else settings.namespaces_permission
    return _binding(settings, "ClusterRoleBinding", name, {})


def _binding(settings: Settings, kind: str, name: str, place: t.Mapping[str, str]) -> Object:
    return {
        "apiVersion": f"{RBAC}/v1",
        "kind": kind,
        "metadata": {"name": name, **place, **settings.object_metadata},
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": name},
        "subjects": [{"kind": "ServiceAccount", "name": CRONJOB, "namespace": settings.namespace}],
    }
