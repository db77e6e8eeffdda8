# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The admission policies that restrict the refresher, as pure functions from settings. Private to this collection.

RBAC cannot tell the selected namespaces from the others, nor one type of secret from another, nor one field of a
service account from another. An admission policy can, and it is in force before the permissions are.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _docker_config
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret import managed_metadata
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.permissions import (
    NONE,
    Names,
    secret_names,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.selector import (
    Requirement,
    pattern,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.settings import CRONJOB, Settings

ADMISSION = "admissionregistration.k8s.io/v1"

Object = dict[str, t.Any]


@dataclasses.dataclass(frozen=True)
class Restriction:
    """One policy. name: its own and its binding's. kind: of the objects that it restricts the refresher to."""

    settings: Settings
    name: str
    kind: str
    resource: str
    variables: t.Sequence[Object]
    validations: t.Sequence[Object]

    @property
    def policy(self) -> Object:
        """With the API server's own defaults, so that it compares equal to what is stored."""
        settings = self.settings
        refresher = (
            f"request.userInfo.username == '{settings.user}' || request.dryRun "
            f"&& request.namespace == '{settings.namespace}' && request.name == '{self._probe_name}'"
        )
        return {
            "apiVersion": ADMISSION,
            "kind": "ValidatingAdmissionPolicy",
            "metadata": {"name": self.name, "labels": settings.labels},
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
                            "resources": [self.resource],
                            "operations": ["CREATE", "UPDATE", "DELETE"],
                            "scope": "*",
                        }
                    ],
                },
                "matchConditions": [{"name": "refresher", "expression": refresher}],
                "variables": list(self.variables),
                "validations": list(self.validations),
            },
        }

    @property
    def binding(self) -> Object:
        """Puts the policy into force."""
        return {
            "apiVersion": ADMISSION,
            "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": {"name": self.name, "labels": self.settings.labels},
            "spec": {"policyName": self.name, "validationActions": ["Deny"]},
        }

    @property
    def probe(self) -> Object:
        """An object whose dry run is denied by just this policy, whoever makes it: that shows that it is in force."""
        probe = {
            "apiVersion": "v1",
            "kind": self.kind,
            "metadata": {"name": self._probe_name, "namespace": self.settings.namespace},
        }
        return {**probe, "type": "Opaque"} if self.kind == "Secret" else probe

    @property
    def _probe_name(self) -> str:
        checks = {"variables": list(self.variables), "validations": list(self.validations)}
        digest = hashlib.sha256(json.dumps(checks, sort_keys=True).encode()).hexdigest()
        return f"{CRONJOB}-probe-{digest[:10]}"


def restrictions(settings: Settings, former: Names = NONE) -> list[Restriction]:
    """Those that these settings need. former: as in permissions.secret_names."""
    found = []
    if settings.places.selector:
        variables, validations = _secret_variables(settings), _secret_validations(settings, former)
        found.append(Restriction(settings, settings.policy, "Secret", "secrets", variables, validations))
    if settings.renewal.service_accounts:
        variables, validations = _account_variables(settings), _account_validations(settings, former)
        name = settings.accounts_policy
        found.append(Restriction(settings, name, "ServiceAccount", "serviceaccounts", variables, validations))
    return found


# --- In CEL


def _where(settings: Settings) -> dict[str, str]:
    """Whether the namespace is selected. Listed namespaces are a matter of RBAC."""
    places = settings.places
    if not places.selector:
        return {"selected": "true"}
    selected = [
        f"request.namespace.matches({_text(pattern(places.globs))})",
        f"!request.namespace.matches({_text(pattern(places.exclude))})",
        *map(_holds, places.requirements),
    ]
    labels = "has(namespaceObject.metadata.labels) ? namespaceObject.metadata.labels : {}"
    return {"where": labels, "selected": " && ".join(selected)}


def _holds(requirement: Requirement) -> str:
    """A requirement, of the labels of the namespace."""
    key = _text(requirement.key)
    there = f"{key} in variables.where"
    if requirement.values:
        there = f"{there} && variables.where[{key}] in {json.dumps(list(requirement.values))}"
    return f"!({there})" if requirement.negate else f"({there})"


# --- What it may do with pull secrets


def _secret_variables(settings: Settings) -> list[Object]:
    renewal = settings.renewal
    variables = {"creating": "request.operation == 'CREATE'", **_where(settings)}
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


def _secret_validations(settings: Settings, former: Names) -> list[Object]:
    managed, prefix, names = (
        _text(managed_metadata.MANAGED_LABEL),
        f"'{managed_metadata.PREFIX}'",
        json.dumps(secret_names(settings, former)),
    )
    unchanged = [
        f"(has(object.{field}) ? object.{field} : {new})"
        f" == (!variables.creating && has(oldObject.{field}) ? oldObject.{field} : {new})"
        for field, new in (("metadata.ownerReferences", "[]"), ("metadata.finalizers", "[]"), ("immutable", "false"))
    ]
    return [
        _validation(
            f"request.operation in ['CREATE', 'UPDATE'] && request.name in {names}"
            f" && object.type == '{_docker_config.DOCKERCONFIG_TYPE}'",
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
            f"variables.data.all(key, key == '{_docker_config.DATA_KEY}'"
            " || key in variables.dataBefore && variables.data[key] == variables.dataBefore[key])"
            " && variables.dataBefore.all(key, key in variables.data)",
            f"The refresher writes {_docker_config.DATA_KEY} only.",
        ),
        # In other namespaces it may remove managed entries. No more can be checked here: CEL reads no base64.
        _validation(
            "variables.selected || !variables.creating"
            f" && size(variables.data['{_docker_config.DATA_KEY}'])"
            f" < size(variables.dataBefore['{_docker_config.DATA_KEY}'])"
            f" && variables.annotations[?'{managed_metadata.REGISTRIES}'].orValue('') == ''",
            "In a namespace that is not selected the refresher removes managed entries, and does nothing else.",
        ),
    ]


# --- What it may do with service accounts

_KEPT = (
    "metadata.labels",
    "metadata.annotations",
    "metadata.finalizers",
    "metadata.ownerReferences",
    "secrets",
    "automountServiceAccountToken",
)


def _account_variables(settings: Settings) -> list[Object]:
    names = "has({0}.imagePullSecrets) ? {0}.imagePullSecrets.map(e, has(e.name) ? e.name : '') : []"
    variables = {
        **_where(settings),
        "after": names.format("object"),
        "before": names.format("oldObject"),
    }
    return [{"name": name, "expression": expression} for name, expression in variables.items()]


def _account_validations(settings: Settings, former: Names) -> list[Object]:
    names = secret_names(settings, former)
    added = " || ".join(
        f"!({_text(name)} in variables.before) && variables.after == variables.before + [{_text(name)}]"
        for name in names
    )
    kept = " && ".join(
        f"has(object.{field}) == has(oldObject.{field})"
        f" && (!has(object.{field}) || object.{field} == oldObject.{field})"
        for field in _KEPT
    )
    return [
        _validation(
            "request.operation == 'UPDATE' && variables.selected",
            "The refresher changes service accounts in the selected namespaces, and creates and deletes none.",
        ),
        _validation(
            f"request.operation == 'UPDATE' && (variables.after == variables.before || {added})",
            f"The refresher adds {settings.renewal.secret} to imagePullSecrets, and changes no other entry.",
        ),
        _validation(
            f"request.operation == 'UPDATE' && {kept}",
            "The refresher changes nothing of a service account but its imagePullSecrets.",
        ),
    ]


def _validation(expression: str, message: str) -> Object:
    return {"expression": expression, "message": message, "reason": "Forbidden"}


def _text(value: str) -> str:
    """A string of CEL, whose escapes include those of JSON."""
    return json.dumps(value)
