# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which tools manage a secret or the list of a service account: tables, and metadata that is malformed or huge."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret import other_managers
from unit.linear_time import assert_linear_time

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
RELEASE = {"meta.helm.sh/release-name": "shop", "meta.helm.sh/release-namespace": "a"}
CONTROLLER = {"apiVersion": "external-secrets.io/v1", "kind": "ExternalSecret", "name": "logins", "controller": True}


def entry(manager: str, operation: str, *fields: str, written_at: str = "2026-01-01T00:00:00Z") -> dict[str, Any]:
    """Build an entry of managedFields as the API server returns it."""
    owned: dict[str, Any] = {f"f:{field}": {"f:.dockerconfigjson": {}} if field == "data" else {} for field in fields}
    return {
        "manager": manager,
        "operation": operation,
        "apiVersion": "v1",
        "time": written_at,
        "fieldsType": "FieldsV1",
        "fieldsV1": owned,
    }


def applied(*names: str) -> dict[str, str]:
    """Return the annotation of `kubectl apply` for an account with this list."""
    manifest = {"kind": "ServiceAccount", "imagePullSecrets": [{"name": name} for name in names]}
    return {LAST_APPLIED: json.dumps(manifest) + "\n"}


# The metadata of a secret -> the tools and the names of their own objects.
SECRETS: dict[str, tuple[dict[str, Any], list[tuple[str, str]]]] = {
    "no manager": ({"labels": {"team": "a"}, "annotations": {"note": "b"}}, []),
    "no metadata": ({}, []),
    "this collection": ({"labels": {"app.kubernetes.io/managed-by": "freshpull"}}, []),
    "Helm": (
        {"labels": {"app.kubernetes.io/managed-by": "Helm"}, "annotations": RELEASE},
        [("Helm", "release shop")],
    ),
    "Helm without its annotations": ({"labels": {"app.kubernetes.io/managed-by": "Helm"}}, [("Helm", "")]),
    "Helm by its field manager": ({"managedFields": [entry("helm", "Update", "data")]}, [("Helm", "")]),
    "Argo CD": (
        {"annotations": {"argocd.argoproj.io/tracking-id": "platform:/Secret:a/logins"}},
        [("Argo CD", "application platform")],
    ),
    "Argo CD by label": (
        {"labels": {"argocd.argoproj.io/instance": "platform"}},
        [("Argo CD", "application platform")],
    ),
    "Argo CD by its default label": (
        {
            "labels": {"app.kubernetes.io/instance": "platform"},
            "managedFields": [entry("argocd-controller", "Update", "data")],
        },
        [("Argo CD", "application platform")],
    ),
    "the same label of a chart": ({"labels": {"app.kubernetes.io/instance": "platform"}}, []),
    "Argo CD with a chart": (
        {
            "labels": {"app.kubernetes.io/managed-by": "Helm"},
            "annotations": {"argocd.argoproj.io/tracking-id": "platform:/Secret:a/logins"},
        },
        [("Argo CD", "application platform")],
    ),
    "Argo CD without server-side apply": (
        {"annotations": {"argocd.argoproj.io/tracking-id": "platform:/Secret:a/logins", LAST_APPLIED: "{}"}},
        [("Argo CD", "application platform")],
    ),
    "kubectl apply": ({"annotations": {LAST_APPLIED: "{}"}}, [("kubectl apply", "")]),
    "kubectl apply --server-side": ({"managedFields": [entry("kubectl", "Apply", "data")]}, [("kubectl apply", "")]),
    "kubectl create": ({"managedFields": [entry("kubectl-create", "Update", "data", "type")]}, []),
    "a Python program": ({"managedFields": [entry("OpenAPI-Generator", "Update", "data", "type")]}, []),
    "one that applies labels only": ({"managedFields": [entry("labeler", "Apply", "metadata")]}, []),
    "an unknown one": (
        {"managedFields": [entry("platform", "Apply", "data")]},
        [("Another tool", "field manager platform")],
    ),
    "the refresher": ({"managedFields": [entry("freshpull-0a1b2c3d", "Apply", "data")]}, []),
    "Flux": ({"labels": {"kustomize.toolkit.fluxcd.io/name": "apps"}}, [("Flux", "Kustomization apps")]),
    "Flux with Helm": (
        {"labels": {"helm.toolkit.fluxcd.io/name": "apps"}, "annotations": RELEASE},
        [("Flux", "HelmRelease apps")],
    ),
    "External Secrets": (
        {"labels": {"reconcile.external-secrets.io/managed": "true"}, "ownerReferences": [CONTROLLER]},
        [("External Secrets", "ExternalSecret logins")],
    ),
    "External Secrets that merge": (
        {"labels": {"reconcile.external-secrets.io/managed": "true"}},
        [("External Secrets", "")],
    ),
    "External Secrets by its field manager": (
        {"managedFields": [entry("externalsecrets.external-secrets.io/logins", "Update", "data")]},
        [("External Secrets", "")],
    ),
    "Sealed Secrets": (
        {"ownerReferences": [{"kind": "SealedSecret", "name": "x", "controller": True}]},
        [("Sealed Secrets", "SealedSecret x")],
    ),
    "an owner of any kind": (
        {"ownerReferences": [{"kind": "Login", "name": "x"}]},
        [("Another tool", "Login x")],
    ),
    "reflector": ({"annotations": {"reflector.v1.k8s.emberstack.com/reflects": "a/x"}}, [("reflector", "")]),
    "the source of reflector": ({"annotations": {"reflector.v1.k8s.emberstack.com/reflection-allowed": "true"}}, []),
    "kubernetes-replicator": (
        {"annotations": {"replicator.v1.mittwald.de/replicated-at": "2026-01-01T00:00:00Z"}},
        [("kubernetes-replicator", "")],
    ),
    "Kyverno": (
        {"labels": {"app.kubernetes.io/managed-by": "kyverno", "generate.kyverno.io/policy-name": "logins"}},
        [("Kyverno", "policy logins")],
    ),
    "HNC": (
        {"labels": {"app.kubernetes.io/managed-by": "hnc.x-k8s.io", "hnc.x-k8s.io/inherited-from": "a"}},
        [("HNC", "")],
    ),
    "ClusterSecret": (
        {"labels": {"clustersecret.io": "true"}, "annotations": {"clustersecret.io/created-by": "ClusterSecrets"}},
        [("ClusterSecret", "")],
    ),
    "imagepullsecret-patcher": (
        {"annotations": {"app.kubernetes.io/managed-by": "imagepullsecret-patcher"}},
        [("imagepullsecret-patcher", "")],
    ),
    "Rancher": (
        {"annotations": {"management.cattle.io/project-scoped-secret-copy": "true"}},
        [("Rancher", "")],
    ),
    "Terraform": ({"managedFields": [entry("HashiCorp", "Update", "data")]}, [("Terraform", "")]),
    "any manager": ({"labels": {"app.kubernetes.io/managed-by": "vault"}}, [("Another tool", "vault")]),
    "several": (
        {
            "annotations": {**RELEASE, "argocd.argoproj.io/tracking-id": "y:z"},
            "ownerReferences": [CONTROLLER],
        },
        [("Argo CD", "application y"), ("Helm", "release shop"), ("External Secrets", "ExternalSecret logins")],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", SECRETS)
def test_the_managers_of_a_secret(case: str) -> None:
    metadata, expected = SECRETS[case]
    found = other_managers.of_secret({"metadata": {"name": "x", **metadata}})
    assert [(manager.tool.name, str(manager)) for manager in found] == expected


COPIES = {
    "reflector": ("annotations", "reflector.v1.k8s.emberstack.com/reflects"),
    "kubernetes-replicator": ("annotations", "replicator.v1.mittwald.de/replicated-at"),
    "Kyverno": ("labels", "generate.kyverno.io/policy-name"),
    "HNC": ("labels", "hnc.x-k8s.io/inherited-from"),
    "ClusterSecret": ("annotations", "clustersecret.io/created-by"),
}


@pytest.mark.parametrize("tool", COPIES)
def test_the_tool_that_made_a_copy(tool: str) -> None:
    kind, key = COPIES[tool]
    # The copy also has the labels and annotations of its source.
    metadata = {"annotations": dict(RELEASE), "labels": {}}
    metadata[kind][key] = "x"
    found = other_managers.copied_by(metadata)
    assert found is not None
    assert found.name == tool
    assert other_managers.copied_by({"annotations": RELEASE}) is None


LIST, LABELS = "imagePullSecrets", "metadata"
# The metadata of an account -> tool, name and whether the list contains "ours"; the account itself has "theirs".
ACCOUNTS: dict[str, tuple[dict[str, Any], list[tuple[str, str, bool]]]] = {
    "no manager": ({}, []),
    "Helm 4": (
        {"annotations": RELEASE, "managedFields": [entry("helm", "Apply", LIST, LABELS)]},
        [("Helm", "release shop", False)],
    ),
    "Helm 3": ({"managedFields": [entry("helm", "Update", LIST)]}, [("Helm", "", False)]),
    "the provider of Terraform with Helm inside": (
        {"annotations": RELEASE, "managedFields": [entry("terraform-provider-helm_v3.0.2_x5", "Update", LIST)]},
        [("Helm", "release shop", False)],
    ),
    "Helm without a list": ({"annotations": RELEASE, "managedFields": [entry("helm", "Apply", LABELS)]}, []),
    "Helm after an attach": (
        {
            "annotations": RELEASE,
            "managedFields": [entry("helm", "Apply", LABELS), entry("freshpull", "Update", LIST)],
        },
        [],
    ),
    "Flux": (
        {
            "labels": {"kustomize.toolkit.fluxcd.io/name": "apps"},
            "managedFields": [entry("kustomize-controller", "Apply", LIST, LABELS)],
        },
        [("Flux", "Kustomization apps", False)],
    ),
    "Flux with Helm": (
        {
            "labels": {"helm.toolkit.fluxcd.io/name": "shop"},
            "annotations": RELEASE,
            "managedFields": [entry("helm-controller", "Apply", LIST, LABELS)],
        },
        [("Flux", "HelmRelease shop", False)],
    ),
    "Argo CD with server-side apply": (
        {
            "annotations": {"argocd.argoproj.io/tracking-id": "shop:/ServiceAccount:a/build"},
            "managedFields": [entry("argocd-controller", "Apply", LIST)],
        },
        [("Argo CD", "application shop", False)],
    ),
    "Argo CD without server-side apply": (
        {
            "labels": {"app.kubernetes.io/instance": "shop"},
            "annotations": applied("theirs"),
            "managedFields": [entry("argocd-controller", "Update", LIST, LABELS)],
        },
        [("Argo CD", "application shop", False)],
    ),
    "Argo CD after an attach": (
        {
            "annotations": {"argocd.argoproj.io/tracking-id": "shop:/ServiceAccount:a/build", **applied("theirs")},
            "managedFields": [entry("argocd-controller", "Update", LABELS), entry("freshpull", "Update", LIST)],
        },
        [("Argo CD", "application shop", False)],
    ),
    "kubectl apply": (
        {"annotations": applied("theirs"), "managedFields": [entry("kubectl-client-side-apply", "Update", LIST)]},
        [("kubectl apply", "", False)],
    ),
    "kubectl apply of a list with the secret": (
        {"annotations": applied("theirs", "ours")},
        [("kubectl apply", "", True)],
    ),
    "kubectl apply of an empty list": ({"annotations": applied()}, [("kubectl apply", "", False)]),
    "kubectl apply without a list": ({"annotations": {LAST_APPLIED: '{"kind":"ServiceAccount"}'}}, []),
    "kubectl apply --server-side": (
        {"managedFields": [entry("kubectl", "Apply", LIST)]},
        [("kubectl apply", "", False)],
    ),
    "Terraform": ({"managedFields": [entry("Terraform", "Apply", LIST)]}, [("Terraform", "", False)]),
    "Pulumi": ({"managedFields": [entry("pulumi-kubernetes-1a2b3c4d", "Apply", LIST)]}, [("Pulumi", "", False)]),
    "Fleet": ({"annotations": RELEASE, "managedFields": [entry("fleetagent", "Update", LIST)]}, [("Fleet", "", False)]),
    "an unknown tool that applies": (
        {"managedFields": [entry("platform", "Apply", LIST)]},
        [("Another tool", "field manager platform", False)],
    ),
    "OpenShift, which keeps other entries": (
        {
            "managedFields": [
                entry("openshift.io/image-registry-pull-secrets_service-account-controller", "Apply", LIST)
            ]
        },
        [],
    ),
    "what is written once": (
        {
            "managedFields": [
                entry(manager, "Update", LIST)
                for manager in ("kubectl-create", "kubectl-edit", "kubectl-patch", "kubectl-replace", "curl", "k9s")
            ]
        },
        [],
    ),
    "two of them": (
        {"managedFields": [entry("helm", "Apply", LIST), entry("kustomize-controller", "Apply", LIST)]},
        [("Helm", "", False), ("Flux", "", False)],
    ),
}  # fmt: skip


def account(**metadata: Any) -> dict[str, Any]:
    return {"metadata": {"name": "build", **metadata}, LIST: [{"name": "theirs"}]}


@pytest.mark.parametrize("case", ACCOUNTS)
def test_the_lists_of_a_service_account(case: str) -> None:
    metadata, expected = ACCOUNTS[case]
    found = other_managers.of_account(account(**metadata))
    assert [(one.manager.tool.name, str(one.manager), one.contains("ours", ["theirs"])) for one in found] == expected


def test_a_list_of_a_field_manager_is_that_of_the_account() -> None:
    (found,) = other_managers.of_account(account(managedFields=[entry("helm", "Apply", LIST)]))
    assert found.contains("ours", ["theirs", "ours"])
    assert found.written_at == "2026-01-01T00:00:00Z"


_JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=8)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)),
    max_leaves=8,
)
_ENTRIES = st.one_of(
    _JSON,
    st.fixed_dictionaries(
        {},
        optional={
            "manager": st.one_of(_JSON, st.sampled_from(["helm", "kubectl", "argocd-controller", "freshpull", ""])),
            "operation": st.one_of(_JSON, st.sampled_from(["Apply", "Update"])),
            "time": _JSON,
            "fieldsV1": st.one_of(_JSON, st.fixed_dictionaries({"f:imagePullSecrets": _JSON, "f:data": _JSON})),
        },
    ),
)
_ANNOTATIONS = st.one_of(
    _JSON,
    st.fixed_dictionaries(
        {LAST_APPLIED: st.one_of(_JSON, _JSON.map(lambda value: json.dumps({LIST: value})), st.just(LIST))}
    ),
)
_METADATA = st.fixed_dictionaries(
    {},
    optional={
        "labels": st.one_of(_JSON, st.just({"app.kubernetes.io/managed-by": 1, "hnc.x-k8s.io/inherited-from": []})),
        "annotations": _ANNOTATIONS,
        "ownerReferences": st.one_of(_JSON, st.lists(_JSON, max_size=3)),
        "managedFields": st.one_of(_JSON, st.lists(_ENTRIES, max_size=4)),
    },
)


@given(st.one_of(_JSON, _METADATA))
def test_malformed_metadata_raises_nothing(metadata: Any) -> None:
    for found in (other_managers.of_secret({"metadata": metadata}), other_managers.of_account({"metadata": metadata})):
        json.dumps([str(getattr(one, "manager", one)) for one in found]).encode()
    if isinstance(metadata, dict):
        other_managers.copied_by(metadata)


def nested(depth: int) -> Any:
    value: Any = {}
    for _unused in range(depth):
        value = {"f:x": value}
    return value


HUGE: dict[str, Callable[[int], dict[str, Any]]] = {
    "many field managers": lambda size: {
        "managedFields": [entry(f"manager-{number}", "Apply", LIST, "data") for number in range(size // 10)]
    },
    "one many times": lambda size: {"managedFields": [entry("helm", "Update", LIST, "data")] * (size // 10)},
    "many fields": lambda size: {
        "managedFields": [
            {**entry("helm", "Apply"), "fieldsV1": {**{f"f:x{n}": {} for n in range(size)}, f"f:{LIST}": {}}}
        ]
    },
    "deep fields": lambda size: {
        "managedFields": [{**entry("helm", "Apply"), "fieldsV1": {f"f:{LIST}": nested(min(size // 10, 9_000))}}]
    },
    "a long manifest": lambda size: {"annotations": applied(*(f"secret-{n:06}" for n in range(size // 22)))},
    "a deep manifest": lambda size: {
        "annotations": {LAST_APPLIED: f'{{"{LIST}":' + "[" * (size // 2) + "]" * (size // 2) + "}"}
    },
    "long names": lambda size: {
        "labels": {"kustomize.toolkit.fluxcd.io/name": "k" * size},
        "annotations": {"meta.helm.sh/release-name": "r" * size, "argocd.argoproj.io/tracking-id": "a" * size},
    },
    "many owners": lambda size: {"ownerReferences": [{"kind": f"K{n}", "name": "n"} for n in range(size // 10)]},
}


@pytest.mark.parametrize("case", HUGE)
def test_huge_metadata_takes_linear_time_and_gives_short_names(case: str) -> None:
    def find(metadata: dict[str, Any]) -> None:
        secret = other_managers.of_secret({"metadata": metadata})
        lists = other_managers.of_account({"metadata": metadata})
        assert max(len(secret), len(lists)) <= 20
        assert all(len(str(manager)) < 300 for manager in (*secret, *(one.manager for one in lists)))

    assert_linear_time(find, HUGE[case], 200_000)
