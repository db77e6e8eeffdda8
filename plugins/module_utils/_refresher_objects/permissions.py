# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the refresher may do in the cluster, as pure functions from settings to objects. Private to this collection.

With listed namespaces RBAC alone restricts the refresher: get and patch of one secret in each. With a selector the
refresher also creates secrets, in namespaces that nobody has listed. RBAC cannot tell the selected namespaces from the
others, nor one type of secret from another: an admission policy does, and it is in force before the permissions are.
"""

from __future__ import annotations

import hashlib
import json
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _marks
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.selector import (
    Requirement,
    pattern,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.settings import CRONJOB, Settings

RBAC = "rbac.authorization.k8s.io"
ADMISSION = "admissionregistration.k8s.io/v1"

Object = dict[str, t.Any]


Names = t.AbstractSet[str]
"""Other names of the pull secrets, which the refresher keeps until an installation is through."""
_NONE: Names = frozenset()


def cluster_role(settings: Settings, former: Names = _NONE) -> Object:
    """Grants nothing by itself: only bindings do."""
    secrets = {"apiGroups": [""], "resources": ["secrets"], "resourceNames": _names(settings, former)}
    if settings.places.selector:
        # With the name in the path, as server-side apply has it, RBAC restricts create to that name.
        rules = [
            {**secrets, "verbs": ["get", "list", "create", "patch"]},
            {"apiGroups": [""], "resources": ["namespaces"], "verbs": ["list"]},
        ]
    else:
        # Never create, delete or list: the refresher reads and patches the one secret by its name.
        rules = [{**secrets, "verbs": ["get", "patch"]}]
    return {
        "apiVersion": f"{RBAC}/v1",
        "kind": "ClusterRole",
        "metadata": {"name": settings.permissions, "labels": settings.labels},
        "rules": rules,
    }


def role_binding(settings: Settings, namespace: str) -> Object:
    """The permissions in one listed namespace."""
    return _binding(settings, "RoleBinding", {"namespace": namespace})


def cluster_role_binding(settings: Settings) -> Object:
    """The permissions in all namespaces, within the policy."""
    return _binding(settings, "ClusterRoleBinding", {})


def _binding(settings: Settings, kind: str, place: t.Mapping[str, str]) -> Object:
    return {
        "apiVersion": f"{RBAC}/v1",
        "kind": kind,
        "metadata": {"name": settings.permissions, **place, "labels": settings.labels},
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": settings.permissions},
        "subjects": [{"kind": "ServiceAccount", "name": CRONJOB, "namespace": settings.namespace}],
    }


def _names(settings: Settings, former: Names) -> list[str]:
    return [settings.renewal.secret, *sorted(former)]


def policy(settings: Settings, former: Names = _NONE) -> Object:
    """What the refresher may write, with the API server's own defaults, so that it compares equal to what is stored."""
    restriction = _restriction(settings, former)
    refresher = (
        f"request.userInfo.username == '{settings.user}' || request.dryRun "
        f"&& request.namespace == '{settings.namespace}' && request.name == '{_probe_name(restriction)}'"
    )
    return {
        "apiVersion": ADMISSION,
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": settings.policy, "labels": settings.labels},
        "spec": {
            "failurePolicy": "Fail",
            "matchConstraints": {
                "matchPolicy": "Equivalent",
                "namespaceSelector": {},
                "objectSelector": {},
                "resourceRules": [
                    {
                        "apiGroups": [""],
                        "apiVersions": ["*"],
                        "resources": ["secrets"],
                        "operations": ["CREATE", "UPDATE", "DELETE"],
                        "scope": "*",
                    }
                ],
            },
            "matchConditions": [{"name": "refresher", "expression": refresher}],
            **restriction,
        },
    }


def policy_binding(settings: Settings) -> Object:
    """Puts the policy into force."""
    return {
        "apiVersion": ADMISSION,
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": settings.policy, "labels": settings.labels},
        "spec": {"policyName": settings.policy, "validationActions": ["Deny"]},
    }


def probe(settings: Settings, former: Names = _NONE) -> Object:
    """A Secret whose dry run is denied by just this policy, whoever makes it: that shows that it is in force."""
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": _probe_name(_restriction(settings, former)), "namespace": settings.namespace},
        "type": "Opaque",
    }


def _probe_name(restriction: Object) -> str:
    digest = hashlib.sha256(json.dumps(restriction, sort_keys=True).encode()).hexdigest()
    return f"{CRONJOB}-probe-{digest[:10]}"


# --- What the policy checks, in CEL


def _restriction(settings: Settings, former: Names) -> Object:
    return {"variables": _variables(settings), "validations": _validations(settings, former)}


def _variables(settings: Settings) -> list[Object]:
    places, renewal = settings.places, settings.renewal
    selected = [
        f"request.namespace.matches({_text(pattern(places.globs))})",
        f"!request.namespace.matches({_text(pattern(places.exclude))})",
        *map(_holds, places.requirements),
    ]
    variables = {
        "creating": "request.operation == 'CREATE'",
        "where": "has(namespaceObject.metadata.labels) ? namespaceObject.metadata.labels : {}",
        "selected": " && ".join(selected),
    }
    # What a field has, and what it had: of a new object what the refresher may give it.
    for name, field, new in (
        ("labels", "metadata.labels", renewal.all_labels),
        ("annotations", "metadata.annotations", dict(renewal.annotations)),
        ("data", "data", {}),
    ):
        variables[name] = f"has(object.{field}) ? object.{field} : {{}}"
        variables[f"{name}Before"] = (
            f"variables.creating ? {json.dumps(new, ensure_ascii=False)} : "
            f"has(oldObject.{field}) ? oldObject.{field} : {{}}"
        )
    return [{"name": name, "expression": expression} for name, expression in variables.items()]


def _holds(requirement: Requirement) -> str:
    """A requirement, of the labels of the namespace."""
    key = _text(requirement.key)
    there = f"{key} in variables.where"
    if requirement.values:
        there = f"{there} && variables.where[{key}] in {json.dumps(list(requirement.values))}"
    return f"!({there})" if requirement.negate else f"({there})"


def _validations(settings: Settings, former: Names) -> list[Object]:
    managed, prefix, names = _text(_marks.MANAGED_LABEL), f"'{_marks.PREFIX}'", json.dumps(_names(settings, former))
    unchanged = [
        f"(has(object.{field}) ? object.{field} : {new})"
        f" == (!variables.creating && has(oldObject.{field}) ? oldObject.{field} : {new})"
        for field, new in (("metadata.ownerReferences", "[]"), ("metadata.finalizers", "[]"), ("immutable", "false"))
    ]
    return [
        _validation(
            f"request.operation in ['CREATE', 'UPDATE'] && request.name in {names}"
            f" && object.type == '{_marks.DOCKERCONFIG_TYPE}'",
            f"The refresher creates and changes the pull secret {settings.renewal.secret}, and nothing else.",
        ),
        _validation(
            f"variables.creating || {managed} in variables.labelsBefore && variables.labelsBefore[{managed}] == 'true'",
            "The refresher leaves unmanaged secrets alone.",
        ),
        _validation(
            "variables.labels == variables.labelsBefore"
            f" && variables.annotations.all(key, key.startsWith({prefix}) || key in variables.annotationsBefore"
            " && variables.annotations[key] == variables.annotationsBefore[key])"
            f" && variables.annotationsBefore.all(key, key.startsWith({prefix}) || key in variables.annotations)",
            "The refresher changes no labels, and no annotations but managed ones.",
        ),
        _validation(
            " && ".join(unchanged),
            "The refresher changes no owners and finalizers, and makes no secret immutable.",
        ),
        _validation(
            f"variables.data.all(key, key == '{_marks.DATA_KEY}'"
            " || key in variables.dataBefore && variables.data[key] == variables.dataBefore[key])"
            " && variables.dataBefore.all(key, key in variables.data)",
            f"The refresher writes {_marks.DATA_KEY} only.",
        ),
        # In other namespaces it may remove managed entries. No more can be checked here: CEL reads no base64.
        _validation(
            "variables.selected || !variables.creating"
            f" && size(variables.data['{_marks.DATA_KEY}']) < size(variables.dataBefore['{_marks.DATA_KEY}'])"
            f" && variables.annotations[?'{_marks.REGISTRIES}'].orValue('') == ''",
            "In a namespace that is not selected the refresher removes managed entries, and does nothing else.",
        ),
    ]


def _validation(expression: str, message: str) -> Object:
    return {"expression": expression, "message": message, "reason": "Forbidden"}


def _text(value: str) -> str:
    """A string of CEL, whose escapes include those of JSON."""
    return json.dumps(value)
