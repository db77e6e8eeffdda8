# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The objects in a namespace, over a script of the calls."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.api import Cluster, ForbiddenError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.contents import contents
from unit.plugins.modules.scripted import Call, Script, error, listed


def apis(*versions: str) -> Call:
    return Call(
        "GET",
        "/apis",
        body={"kind": "APIGroupList", "groups": [{"preferredVersion": {"groupVersion": each}} for each in versions]},
    )


def resources(path: str, *names: str, **changes: Any) -> Call:
    verbs = ["get", "list", "delete"]
    found = [{"name": name, "kind": name.title(), "namespaced": True, "verbs": verbs} | changes for name in names]
    return Call("GET", path, body={"kind": "APIResourceList", "resources": found})


def find(*calls: Call) -> tuple[list[tuple[str, str]], tuple[str, ...]]:
    """Return kind and name of each object, and the unknown resources."""
    script = Script(calls)
    found = contents(Cluster(script), "a", workers=1)
    assert script.left == []
    return [(each["kind"], each["metadata"]["name"]) for each in found.objects], found.unknown


def item(name: str) -> dict[str, Any]:
    return {"metadata": {"name": name, "namespace": "a"}}


def test_each_resource_of_each_api_is_listed() -> None:
    assert find(
        apis("apps/v1"),
        resources("/api/v1", "pods", "secrets"),
        resources("/apis/apps/v1", "deployments"),
        listed("/api/v1/namespaces/a/pods", item("x"), item("y")),
        listed("/api/v1/namespaces/a/secrets"),
        listed("/apis/apps/v1/namespaces/a/deployments", item("z")),
    ) == ([("Pods", "x"), ("Pods", "y"), ("Deployments", "z")], ())


@pytest.mark.parametrize(
    "changes", [{"namespaced": False}, {"verbs": ["create"]}, {"verbs": ["get", "list"]}, {"name": "pods/log"}]
)
def test_what_the_deletion_of_a_namespace_does_not_delete_is_left_out(changes: dict[str, Any]) -> None:
    assert find(apis(), resources("/api/v1", "pods", **changes)) == ([], ())


def test_an_api_that_does_not_respond_is_unknown() -> None:
    assert find(apis("metrics.k8s.io/v1"), resources("/api/v1"), error("GET", "/apis/metrics.k8s.io/v1", 404)) == (
        [],
        ("metrics.k8s.io/v1",),
    )


def test_a_resource_that_cannot_be_listed_is_unknown() -> None:
    assert find(
        apis(), resources("/api/v1", "secrets"), error("GET", "/api/v1/namespaces/a/secrets", 403, limit="500")
    ) == ([], ("secrets",))


def test_a_resource_that_supports_no_list_is_left_out() -> None:
    assert find(
        apis(), resources("/api/v1", "reviews"), error("GET", "/api/v1/namespaces/a/reviews", 405, limit="500")
    ) == ([], ())


def test_without_the_list_of_the_apis_nothing_is_known() -> None:
    with pytest.raises(ForbiddenError, match="list the APIs"):
        find(error("GET", "/apis", 403))
