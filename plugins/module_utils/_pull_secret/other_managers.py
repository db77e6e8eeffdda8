# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who else looks after a secret, as pure functions. Private to this collection."""

from __future__ import annotations

import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret import managed_metadata

# Where a tool leaves its name: kind of metadata, key, who it is. A value is shown where it names something.
_SIGNS = (
    # https://helm.sh/docs/chart_best_practices/labels/
    ("annotations", "meta.helm.sh/release-name", "Helm release"),
    # https://argo-cd.readthedocs.io/en/stable/user-guide/resource_tracking/
    ("annotations", "argocd.argoproj.io/tracking-id", "Argo CD application"),
    ("labels", "argocd.argoproj.io/instance", "Argo CD application"),
    # https://fluxcd.io/flux/components/kustomize/kustomizations/
    ("labels", "kustomize.toolkit.fluxcd.io/name", "Flux Kustomization"),
    ("labels", "helm.toolkit.fluxcd.io/name", "Flux HelmRelease"),
)
# https://external-secrets.io/latest/api/spec/
_EXTERNAL_SECRETS = "reconcile.external-secrets.io/managed"


NAMED = 10
"""Namespaces that the warning names."""


def warning(found: t.Mapping[str, t.Sequence[str]], name: str) -> str:
    """One sentence for all namespaces whose secret of this name is taken over though it has these owners."""
    first = [f"{namespace} ({', '.join(who)})" for namespace, who in sorted(found.items())[:NAMED]]
    more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
    return (
        f"Secret {name} is taken over though others look after it, who are likely to undo that or to remove it: "
        f"{', '.join(first)}{more}. Let them leave it alone, or choose another name."
    )


def owners(secret: t.Mapping[str, t.Any]) -> list[str]:
    """Who is likely to write the secret again or to remove it, in words. Shows nothing but names."""
    metadata = secret["metadata"]
    found = [
        f"{who} {metadata[kind][key].partition(':')[0]}"
        for kind, key, who in _SIGNS
        if key in (metadata.get(kind) or {})
    ]
    references = metadata.get("ownerReferences") or []
    found += [f"{reference['kind']} {reference['name']}" for reference in references]
    labels = metadata.get("labels") or {}
    if _EXTERNAL_SECRETS in labels and not any(reference["kind"] == "ExternalSecret" for reference in references):
        found.append("External Secrets")
    manager = labels.get(managed_metadata.MANAGED_BY_LABEL)
    if manager and manager != managed_metadata.MANAGED_BY and not found:
        found.append(manager)
    return list(dict.fromkeys(found))
