# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret import other_managers

CONTROLLER = {"apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret", "name": "logins", "controller": True}
SIGNS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "no manager": ({"labels": {"team": "a"}, "annotations": {"note": "b"}}, []),
    "no metadata": ({}, []),
    "this collection": ({"labels": {"app.kubernetes.io/managed-by": "freshpull"}}, []),
    "Helm": (
        {
            "labels": {"app.kubernetes.io/managed-by": "Helm"},
            "annotations": {"meta.helm.sh/release-name": "logins", "meta.helm.sh/release-namespace": "a"},
        },
        ["Helm release logins"],
    ),
    "Helm without its annotations": ({"labels": {"app.kubernetes.io/managed-by": "Helm"}}, ["Helm"]),
    "Argo CD": (
        {"annotations": {"argocd.argoproj.io/tracking-id": "platform:/Secret:a/logins"}},
        ["Argo CD application platform"],
    ),
    "Argo CD by label": ({"labels": {"argocd.argoproj.io/instance": "platform"}}, ["Argo CD application platform"]),
    "Flux": ({"labels": {"kustomize.toolkit.fluxcd.io/name": "apps"}}, ["Flux Kustomization apps"]),
    "Flux with Helm": ({"labels": {"helm.toolkit.fluxcd.io/name": "apps"}}, ["Flux HelmRelease apps"]),
    "External Secrets": (
        {"labels": {"reconcile.external-secrets.io/managed": "true"}, "ownerReferences": [CONTROLLER]},
        ["ExternalSecret logins"],
    ),
    "External Secrets that merge": (
        {"labels": {"reconcile.external-secrets.io/managed": "true"}},
        ["External Secrets"],
    ),
    "an owner of any kind": (
        {"ownerReferences": [{"kind": "SealedSecret", "name": "x", "controller": True}]},
        ["SealedSecret x"],
    ),
    "any manager": ({"labels": {"app.kubernetes.io/managed-by": "kyverno"}}, ["kyverno"]),
    "several": (
        {
            "annotations": {"meta.helm.sh/release-name": "x", "argocd.argoproj.io/tracking-id": "y:z"},
            "ownerReferences": [CONTROLLER],
        },
        ["Helm release x", "Argo CD application y", "ExternalSecret logins"],
    ),
}


@pytest.mark.parametrize("case", SIGNS)
def test_owners(case: str) -> None:
    metadata, expected = SIGNS[case]
    assert other_managers.find({"metadata": {"name": "x", **metadata}}) == expected


def test_one_warning_for_all() -> None:
    text = other_managers.warning({f"n{number:02}": ["Helm release x"] for number in range(12)}, "logins")
    assert "logins" in text
    assert "n00 (Helm release x), n01" in text
    assert "n10" not in text
    assert "and 2 more" in text
