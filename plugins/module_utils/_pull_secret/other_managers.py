# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the tools that also manage a secret, as pure functions. Private to this collection."""

from __future__ import annotations

import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils._names import SHOWN, shortened, some
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret import managed_metadata

# The metadata by which a tool is known: kind of metadata, key, the tool. The value names the tool's own object.
_TOOLS = (
    # https://helm.sh/docs/chart_best_practices/labels/
    ("annotations", "meta.helm.sh/release-name", "Helm release"),
    # https://argo-cd.readthedocs.io/en/stable/user-guide/resource_tracking/
    ("annotations", "argocd.argoproj.io/tracking-id", "Argo CD application"),
    ("labels", "argocd.argoproj.io/instance", "Argo CD application"),
    # https://fluxcd.io/flux/components/kustomize/kustomizations/
    ("labels", "kustomize.toolkit.fluxcd.io/name", "Flux Kustomization"),
    ("labels", "helm.toolkit.fluxcd.io/name", "Flux HelmRelease"),
)
# Tools that copy secrets with their labels and annotations, and the metadata of a copy.
_REPLICATORS = (
    # https://github.com/emberstack/kubernetes-reflector
    ("annotations", "reflector.v1.k8s.emberstack.com/reflects", "reflector"),
    # https://github.com/mittwald/kubernetes-replicator
    ("annotations", "replicator.v1.mittwald.de/replicated-at", "kubernetes-replicator"),
    ("annotations", "replicator.v1.mittwald.de/replicate-from", "kubernetes-replicator"),
    # https://kyverno.io/docs/writing-policies/generate/
    ("labels", "generate.kyverno.io/policy-name", "Kyverno"),
    # https://github.com/kubernetes-retired/hierarchical-namespaces
    ("labels", "hnc.x-k8s.io/inherited-from", "HNC"),
)
# https://external-secrets.io/latest/api/spec/
_EXTERNAL_SECRETS = "reconcile.external-secrets.io/managed"


def warning(found: t.Mapping[str, t.Sequence[str]], name: str) -> str:
    """Return one sentence for all adopted secrets of this name. found: namespace -> the tools that manage it."""
    places = [f"{namespace} ({', '.join(tools)})" for namespace, tools in sorted(found.items())]
    return (
        f"Secret {name} is adopted although other tools manage it, which are likely to change it back or delete it: "
        f"{some(places)}. Configure them to ignore the secret, or choose another name."
    )


def replicator(secret: t.Mapping[str, t.Any]) -> str:
    """Return the tool that copied the secret from another namespace, or "" if it is not known."""
    metadata = secret["metadata"]
    return next((tool for kind, key, tool in _REPLICATORS if key in (metadata.get(kind) or {})), "")


def copies_warning(found: t.Mapping[str, str], name: str) -> str:
    """Return one sentence for all copies of this name. found: namespace -> the tool that made the copy, or ""."""
    tools = " and ".join(sorted(set(filter(None, found.values())))) or "another tool"
    return (
        f"{len(found)} namespaces have a copy of the secret {name} that {tools} made: {some(sorted(found))}. This task "
        "leaves copies unchanged. A copied token expires like any other: exclude the secret from that tool, and select "
        "these namespaces."
    )


def find(secret: t.Mapping[str, t.Any]) -> list[str]:
    """Return the tools that are likely to write or delete the secret. The result holds nothing but names."""
    metadata = secret["metadata"]
    found = [
        f"{tool} {metadata[kind][key].partition(':')[0]}"
        for kind, key, tool in _TOOLS
        if key in (metadata.get(kind) or {})
    ]
    copied_by = replicator(secret)
    found += [copied_by] if copied_by else []
    references = metadata.get("ownerReferences") or []
    found += [f"{reference['kind']} {reference['name']}" for reference in references]
    labels = metadata.get("labels") or {}
    if _EXTERNAL_SECRETS in labels and not any(reference["kind"] == "ExternalSecret" for reference in references):
        found.append("External Secrets")
    manager = labels.get(managed_metadata.MANAGED_BY_LABEL)
    if manager and manager != managed_metadata.MANAGED_BY and not found:
        found.append(manager)
    tools = list(dict.fromkeys(found))
    more = [f"and {len(tools) - SHOWN} more"] if len(tools) > SHOWN else []
    return [*map(shortened, tools[:SHOWN]), *more]
