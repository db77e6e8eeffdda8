# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the tools that also write a secret or the pull secrets of an account, as pure functions.

Private to this collection. The tables list what each tool writes into the metadata of its objects. Whatever an object
holds, the functions take linear time and do not raise.
"""

from __future__ import annotations

import dataclasses
import json
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.api import FIELD_MANAGER
from ansible_collections.freshpull.ecr_public.plugins.module_utils._names import shortened
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret import managed_metadata


@dataclasses.dataclass(frozen=True)
class Tool:
    """A tool that writes secrets or service accounts.

    noun: what the names in its metadata are, such as "release". copies: it copies secrets from other namespaces.
    """

    name: str
    noun: str = ""
    copies: bool = False


HELM = Tool("Helm", "release")
FLUX_HELM = Tool("Flux", "HelmRelease")
FLUX = Tool("Flux", "Kustomization")
ARGO_CD = Tool("Argo CD", "application")
KUBECTL = Tool("kubectl apply")
TERRAFORM = Tool("Terraform")
PULUMI = Tool("Pulumi")
FLEET = Tool("Fleet")
EXTERNAL_SECRETS = Tool("External Secrets", "ExternalSecret")
SEALED_SECRETS = Tool("Sealed Secrets", "SealedSecret")
CLUSTER_SECRET = Tool("ClusterSecret", copies=True)
PATCHER = Tool("imagepullsecret-patcher", copies=True)
REFLECTOR = Tool("reflector", copies=True)
REPLICATOR = Tool("kubernetes-replicator", copies=True)
KYVERNO = Tool("Kyverno", "policy", copies=True)
HNC = Tool("HNC", copies=True)
RANCHER = Tool("Rancher", copies=True)
OTHER = Tool("Another tool")
"""One that is known only by the name of a field manager, of an owner or in a label."""


class _Sign(t.NamedTuple):
    """Metadata by which a tool is known. value: "" for any, which then names an object of the tool."""

    tool: Tool
    place: str
    key: str
    value: str = ""


_SIGNS = (
    # https://github.com/fluxcd/helm-controller/blob/main/internal/postrender/common_renderer.go
    _Sign(FLUX_HELM, "labels", "helm.toolkit.fluxcd.io/name"),
    # https://github.com/fluxcd/kustomize-controller: the owner labels of fluxcd/pkg/ssa
    _Sign(FLUX, "labels", "kustomize.toolkit.fluxcd.io/name"),
    # https://argo-cd.readthedocs.io/en/stable/user-guide/resource_tracking/
    _Sign(ARGO_CD, "annotations", "argocd.argoproj.io/tracking-id"),
    _Sign(ARGO_CD, "labels", "argocd.argoproj.io/instance"),
    # https://helm.sh/docs/chart_best_practices/labels/ and helm/helm, pkg/action/validate.go
    _Sign(HELM, "annotations", "meta.helm.sh/release-name"),
    _Sign(HELM, "labels", managed_metadata.MANAGED_BY_LABEL, "Helm"),
    # https://github.com/external-secrets/external-secrets/blob/main/apis/externalsecrets/v1/externalsecret_types.go
    _Sign(EXTERNAL_SECRETS, "labels", "reconcile.external-secrets.io/managed", "true"),
    # https://github.com/emberstack/kubernetes-reflector/blob/main/src/ES.Kubernetes.Reflector/Mirroring/Core/Annotations.cs
    _Sign(REFLECTOR, "annotations", "reflector.v1.k8s.emberstack.com/reflects"),
    # https://github.com/mittwald/kubernetes-replicator/blob/master/replicate/common/consts.go
    _Sign(REPLICATOR, "annotations", "replicator.v1.mittwald.de/replicated-at"),
    _Sign(REPLICATOR, "annotations", "replicator.v1.mittwald.de/replicate-from"),
    # https://github.com/kyverno/kyverno/blob/main/pkg/background/common/labels.go
    _Sign(KYVERNO, "labels", "generate.kyverno.io/policy-name"),
    _Sign(KYVERNO, "labels", managed_metadata.MANAGED_BY_LABEL, "kyverno"),
    # https://github.com/kubernetes-retired/hierarchical-namespaces/blob/master/api/v1alpha2/hierarchy_types.go
    _Sign(HNC, "labels", "hnc.x-k8s.io/inherited-from"),
    # https://github.com/zakkg3/ClusterSecret/blob/master/src/consts.py
    _Sign(CLUSTER_SECRET, "annotations", "clustersecret.io/created-by"),
    _Sign(CLUSTER_SECRET, "labels", "clustersecret.io", "true"),
    # https://github.com/titansoft-pte-ltd/imagepullsecret-patcher/blob/master/secret.go
    _Sign(PATCHER, "annotations", managed_metadata.MANAGED_BY_LABEL, "imagepullsecret-patcher"),
    # https://github.com/rancher/rancher: pkg/controllers/managementuser/secret/project_scoped_secrets.go
    _Sign(RANCHER, "annotations", "management.cattle.io/project-scoped-secret-copy", "true"),
    _Sign(RANCHER, "annotations", "secret.user.cattle.io/secret", "true"),
)
# The kind of an owner -> the tool.
_OWNERS = {
    # https://github.com/bitnami-labs/sealed-secrets: pkg/apis/sealedsecrets/v1alpha1/sealedsecret_expansion.go
    "SealedSecret": SEALED_SECRETS,
    # https://external-secrets.io/latest/guides/ownership-deletion-policy/
    "ExternalSecret": EXTERNAL_SECRETS,
}
# Argo CD's label by default, which charts set too: it counts only beside a field manager of Argo CD.
_ARGO_CD_INSTANCE = "app.kubernetes.io/instance"

# The beginning of a field manager's name -> the tool. Whatever others write, its next run writes its source again.
_FIELD_MANAGERS = (
    # https://github.com/argoproj/argo-cd/blob/master/common/common.go; the second by releases before 2.5
    ("argocd-controller", ARGO_CD),
    ("argocd-application-controller", ARGO_CD),
    # https://github.com/fluxcd/kustomize-controller/blob/main/main.go
    ("kustomize-controller", FLUX),
    # https://github.com/fluxcd/helm-controller/blob/main/main.go
    ("helm-controller", FLUX_HELM),
    # https://github.com/helm/helm/blob/main/cmd/helm/helm.go; a program with Helm inside has its own file name
    ("terraform-provider-helm", HELM),
    ("fleetagent", FLEET),
    ("helm", HELM),
    # https://github.com/hashicorp/terraform-provider-kubernetes/blob/main/kubernetes/provider.go
    ("Terraform", TERRAFORM),
    ("HashiCorp", TERRAFORM),
    # https://github.com/pulumi/pulumi-kubernetes/pull/2271
    ("pulumi-kubernetes", PULUMI),
    # https://github.com/kyverno/kyverno/blob/main/pkg/clients/dclient/client.go
    ("kyverno-", KYVERNO),
    # https://github.com/external-secrets/external-secrets: pkg/controllers/externalsecret/externalsecret_controller.go
    ("externalsecrets.external-secrets.io/", EXTERNAL_SECRETS),
)
# Field managers with apply that keep the entries of others in imagePullSecrets.
_MERGING = (
    FIELD_MANAGER,
    # https://github.com/openshift/openshift-controller-manager: pkg/internalregistry/controllers
    "openshift.io/image-registry-pull-secrets_",
)
# https://kubernetes.io/docs/reference/labels-annotations-taints/#kubectl-kubernetes-io-last-applied-configuration
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_LIST = "imagePullSecrets"
_MOST = 20
"""Tools of one object that are returned."""


@dataclasses.dataclass(frozen=True)
class Manager:
    """A tool that also manages an object. name: of the tool's own object, such as a release; "" if it is not known."""

    tool: Tool
    name: str = ""

    def __str__(self) -> str:
        """Such as "release shop"; "" if no name is known."""
        return " ".join(filter(None, [self.tool.noun, self.name])) if self.name else ""


@dataclasses.dataclass(frozen=True)
class AccountList:
    """The imagePullSecrets that a tool writes into an account. Their names are not known if they are None.

    A tool that is the field manager of the list wrote the list that the account has. written_at: as in managedFields.
    """

    manager: Manager
    names: tuple[str, ...] | None = None
    written_at: str = ""

    def contains(self, secret: str, stored: t.Container[str]) -> bool:
        """stored: the names in the account's list."""
        return secret in (stored if self.names is None else self.names)


def of_secret(secret: t.Mapping[str, t.Any]) -> tuple[Manager, ...]:
    """Return the tools that are likely to write or delete the secret. The result holds nothing but names."""
    metadata = _mapping(secret.get("metadata"))
    found = [*_by_signs(metadata), *_by_owners(metadata)]
    for manager, operation, _time in _writers(metadata, "f:data"):
        found += filter(None, [_by_field_manager(manager, operation)])
    if _LAST_APPLIED in _mapping(metadata.get("annotations")):
        found.append(Manager(_client_side(metadata)))
    label = _mapping(metadata.get("labels")).get(managed_metadata.MANAGED_BY_LABEL)
    if label and label != managed_metadata.MANAGED_BY and not found:
        found.append(Manager(OTHER, _cut(label)))
    return _distinct(found)


def of_account(account: t.Mapping[str, t.Any]) -> tuple[AccountList, ...]:
    """Return the lists of the tools that write imagePullSecrets of the account again at their next run.

    A list whose entry in managedFields names `kubectl edit`, `kubectl patch` or an unknown program is none: it was
    written once, or by a program that may keep the entries of others.
    """
    metadata = _mapping(account.get("metadata"))
    lists: list[AccountList] = []
    updated_at = ""
    for manager, operation, time in _writers(metadata, f"f:{_LIST}"):
        if operation == "Update" and not manager.startswith(_MERGING):
            updated_at = time
        found = _by_field_manager(manager, operation)
        lists += [AccountList(found, written_at=time)] if found else []
    applied = _last_applied(metadata)
    if applied is not None:
        tool = _client_side(metadata)
        lists = [one for one in lists if one.manager.tool is not tool]
        lists.append(AccountList(Manager(tool), applied, updated_at))
    if not lists:
        return ()
    names = {one.tool: one.name for one in reversed(_by_signs(metadata))}
    named: dict[Manager, AccountList] = {}
    for one in lists:
        known = one.manager if one.manager.name else Manager(one.manager.tool, names.get(one.manager.tool, ""))
        named.setdefault(known, dataclasses.replace(one, manager=known))
    return tuple(named.values())[:_MOST]


def copied_by(metadata: t.Mapping[str, t.Any]) -> Tool | None:
    """Return the tool that copied the secret with this metadata from another namespace. None if it is not known."""
    return next((found.tool for found in _by_signs(metadata) if found.tool.copies), None)


def _by_signs(metadata: t.Mapping[str, t.Any]) -> list[Manager]:
    """Return the tools that labels and annotations name, each once and with a name if it is known."""
    found = []
    for sign in _SIGNS:
        value = _mapping(metadata.get(sign.place)).get(sign.key)
        if value is not None and sign.value in ("", value):
            named = sign.tool.noun and not sign.value
            # The rest of a tracking-id names the object itself.
            found.append(Manager(sign.tool, _cut(value).partition(":")[0] if named else ""))
    instance = _mapping(metadata.get("labels")).get(_ARGO_CD_INSTANCE)
    if instance and _is_argo_cd(metadata):
        found.append(Manager(ARGO_CD, _cut(instance)))
    return list(_distinct(found))


def _by_owners(metadata: t.Mapping[str, t.Any]) -> list[Manager]:
    references = metadata.get("ownerReferences")
    found = []
    for reference in references if isinstance(references, list) else []:
        kind, name = (_cut(_mapping(reference).get(key)) for key in ("kind", "name"))
        tool = _OWNERS.get(kind)
        found.append(Manager(tool, name) if tool else Manager(OTHER, f"{kind} {name}".strip()))
    return found


def _writers(metadata: t.Mapping[str, t.Any], field: str) -> t.Iterator[tuple[str, str, str]]:
    """Yield field manager, operation and time of each entry of managedFields that owns the field or elements of it."""
    entries = metadata.get("managedFields")
    for entry in entries if isinstance(entries, list) else []:
        if field in _mapping(_mapping(entry).get("fieldsV1")):
            manager, operation, time = (_text(entry.get(key)) for key in ("manager", "operation", "time"))
            yield manager, operation, time


def _by_field_manager(manager: str, operation: str) -> Manager | None:
    """Return the tool that writes its field again at its next run.

    Every manager that applies the field on the server side does. Of the others only known tools do: another program may
    have written the field once, as `kubectl edit` does.
    """
    if manager.startswith(_MERGING):
        return None
    known = next((tool for start, tool in _FIELD_MANAGERS if manager.startswith(start)), None)
    if known:
        return Manager(known)
    if operation != "Apply":
        return None
    return Manager(KUBECTL) if manager == "kubectl" else Manager(OTHER, f"field manager {_cut(manager)}")


def _is_argo_cd(metadata: t.Mapping[str, t.Any]) -> bool:
    entries = metadata.get("managedFields")
    managers = [_mapping(entry).get("manager") for entry in entries] if isinstance(entries, list) else []
    return any(_text(manager).startswith("argocd-") for manager in managers)


def _client_side(metadata: t.Mapping[str, t.Any]) -> Tool:
    """Return the tool that wrote last-applied-configuration. Without server-side apply, Argo CD writes it too."""
    argo_cd = _is_argo_cd(metadata) or any(found.tool is ARGO_CD for found in _by_signs(metadata))
    return ARGO_CD if argo_cd else KUBECTL


def _last_applied(metadata: t.Mapping[str, t.Any]) -> tuple[str, ...] | None:
    """Return the names in the list that was applied on the client side. None if there is no such list.

    The next apply of the same manifest replaces the list of the account with this one.
    """
    text = _mapping(metadata.get("annotations")).get(_LAST_APPLIED)
    if not isinstance(text, str) or _LIST not in text:
        return None
    try:
        entries = _mapping(json.loads(text)).get(_LIST)
    except (ValueError, RecursionError):
        return None
    if not isinstance(entries, list):
        return None
    return tuple(_text(_mapping(entry).get("name")) for entry in entries)


def _distinct(found: t.Iterable[Manager]) -> tuple[Manager, ...]:
    """Return each manager once, without those that another one explains."""
    distinct = list(dict.fromkeys(found))
    tools = {one.tool for one in distinct}
    named = {one.tool for one in distinct if one.name}
    if len(tools) > 1:
        # A chart that Argo CD or Flux renders has Helm's label too.
        named.add(HELM)
    # Flux and Fleet run Helm, which names the release.
    explained = {HELM} if tools & {FLUX_HELM, FLEET} else set()
    return tuple(one for one in distinct if one.tool not in explained and (one.name or one.tool not in named))[:_MOST]


def _mapping(value: t.Any) -> t.Mapping[str, t.Any]:
    return value if isinstance(value, dict) else {}


def _text(value: t.Any) -> str:
    return value if isinstance(value, str) else ""


def _cut(value: t.Any) -> str:
    return shortened(_text(value))
