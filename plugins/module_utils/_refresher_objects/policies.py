# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the admission policies that restrict the refresher, from settings. Private to this collection.

All functions are pure. RBAC cannot restrict a permission to labelled namespaces, to a type of secret or to a field of a
service account. An admission policy can. It is in force before the permissions are granted.
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
    """One policy and its binding, which have the same name.

    kind, resource: of the objects whose writes are restricted. variables, validations: in CEL.
    """

    settings: Settings
    name: str
    kind: str
    resource: str
    variables: t.Sequence[Object]
    validations: t.Sequence[Object]

    @property
    def policy(self) -> Object:
        """The policy, with the API server's defaults: it compares equal to the stored object."""
        settings = self.settings
        refresher = (
            f"request.userInfo.username == '{settings.user}' || request.dryRun "
            f"&& request.namespace == '{settings.namespace}' && request.name == '{self._probe_name}'"
        )
        return {
            "apiVersion": ADMISSION,
            "kind": "ValidatingAdmissionPolicy",
            "metadata": {"name": self.name, **settings.object_metadata},
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
        """The binding that puts the policy into force."""
        return {
            "apiVersion": ADMISSION,
            "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": {"name": self.name, **self.settings.object_metadata},
            "spec": {"policyName": self.name, "validationActions": ["Deny"]},
        }

    @property
    def probe(self) -> Object:
        """An object whose dry run this policy denies to every user, once the policy is in force."""
        name = {"name": self._probe_name, "namespace": self.settings.namespace}
        # With the metadata that other policies may demand.
        probe = {"apiVersion": "v1", "kind": self.kind, "metadata": {**name, **self.settings.object_metadata}}
        return {**probe, "type": "Opaque"} if self.kind == "Secret" else probe

    @property
    def _probe_name(self) -> str:
        checks = {"variables": list(self.variables), "validations": list(self.validations)}
        digest = hashlib.sha256(json.dumps(checks, sort_keys=True).encode()).hexdigest()
        return f"{CRONJOB}-probe-{digest[:10]}"


def restrictions(settings: Settings, former: Names = NONE) -> list[Restriction]:
    """Return the policies that these settings need. former: as in permissions.secret_names."""
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
    """Build the variables that state whether the namespace is selected. RBAC restricts listed namespaces."""
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
    """Build the expression of a requirement for the labels of the namespace."""
    key = _text(requirement.key)
    there = f"{key} in variables.where"
    if requirement.values:
        there = f"{there} && variables.where[{key}] in {json.dumps(list(requirement.values))}"
    return f"!({there})" if requirement.negate else f"({there})"


# --- Labels and annotations

_IF_ADDED = (
    "If another webhook or policy changes them, add their keys to the option allowed_metadata (the role's "
    "pull_secret_refresher_allowed_metadata)."
)


def _unchanged(field: str, settings: Settings, *, except_own: bool = False) -> str:
    """Build the expression that states whether a map is as before. except_own: whether managed keys may differ."""
    after, before = f"variables.{field}", f"variables.{field}Before"
    own = f"key.startsWith('{managed_metadata.PREFIX}')"
    allowed = f"key.matches({_text(pattern(settings.metadata.allowed))})" if settings.metadata.allowed else ""
    if except_own:
        may_differ = " || ".join(filter(None, [own, allowed]))
    elif allowed:
        may_differ = f"!{own} && {allowed}"
    else:
        return f"{after} == {before}"
    return (
        f"{after}.all(key, {may_differ} || key in {before} && {after}[key] == {before}[key])"
        f" && {before}.all(key, {may_differ} || key in {after})"
    )


def _maps(*fields: str) -> dict[str, str]:
    """Build the variables with the maps in the metadata of a changed object, after and before."""
    return {
        f"{field}{suffix}": f"has({where}.metadata.{field}) ? {where}.metadata.{field} : {{}}"
        for field in fields
        for suffix, where in (("", "object"), ("Before", "oldObject"))
    }


# --- Pull secrets


def _secret_variables(settings: Settings) -> list[Object]:
    renewal = settings.renewal
    variables = {"creating": "request.operation == 'CREATE'", **_where(settings)}
    # The new and the old value of each field. For a new object the old value is what the refresher may set.
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
    managed, owner, names = (
        _text(managed_metadata.MANAGED_LABEL),
        _text(managed_metadata.OWNER_LABEL),
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
            f"The refresher may create and change only the pull secret {settings.renewal.secret}.",
        ),
        _validation(
            f"variables.creating || variables.labelsBefore[?{managed}].orValue('') == 'true'"
            f" && variables.labelsBefore[?{owner}].orValue('') == {_text(settings.renewal.owner)}",
            f"The refresher may change only managed secrets of the owner {settings.renewal.owner}.",
        ),
        _validation(
            f"{_unchanged('labels', settings)} && {_unchanged('annotations', settings, except_own=True)}",
            f"The refresher may change managed annotations, but no other annotations and no labels. {_IF_ADDED}",
        ),
        _validation(
            " && ".join(unchanged),
            "The refresher may not change owners, finalizers or the field immutable.",
        ),
        _validation(
            f"variables.data.all(key, key == '{_docker_config.DATA_KEY}'"
            " || key in variables.dataBefore && variables.data[key] == variables.dataBefore[key])"
            " && variables.dataBefore.all(key, key in variables.data)",
            f"The refresher may write only the key {_docker_config.DATA_KEY}.",
        ),
        # In other namespaces it may remove managed entries. CEL cannot check that better, since it reads no base64.
        _validation(
            "variables.selected || !variables.creating"
            f" && size(variables.data['{_docker_config.DATA_KEY}'])"
            f" < size(variables.dataBefore['{_docker_config.DATA_KEY}'])"
            f" && variables.annotations[?'{managed_metadata.REGISTRIES}'].orValue('') == ''",
            "In a namespace that is not selected the refresher may only remove managed entries.",
        ),
    ]


# --- Service accounts

_KEPT = (
    "metadata.finalizers",
    "metadata.ownerReferences",
    "secrets",
    "automountServiceAccountToken",
)


def _account_variables(settings: Settings) -> list[Object]:
    names = "has({0}.imagePullSecrets) ? {0}.imagePullSecrets.map(e, has(e.name) ? e.name : '') : []"
    variables = {
        **_where(settings),
        **_maps("labels", "annotations"),
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
            "The refresher may change service accounts in selected namespaces, but not create or delete them.",
        ),
        _validation(
            f"request.operation == 'UPDATE' && (variables.after == variables.before || {added})",
            f"The refresher may add {settings.renewal.secret} to imagePullSecrets, but not change other entries.",
        ),
        _validation(
            f"request.operation == 'UPDATE' && {kept}",
            "The refresher may change no field of a service account but imagePullSecrets.",
        ),
        _validation(
            "request.operation == 'UPDATE'"
            f" && {_unchanged('labels', settings)} && {_unchanged('annotations', settings)}",
            f"The refresher may change neither labels nor annotations of a service account. {_IF_ADDED}",
        ),
    ]


def _validation(expression: str, message: str) -> Object:
    return {"expression": expression, "message": message, "reason": "Forbidden"}


def _text(value: str) -> str:
    """Quote a string for CEL, whose escapes include those of JSON."""
    return json.dumps(value)
