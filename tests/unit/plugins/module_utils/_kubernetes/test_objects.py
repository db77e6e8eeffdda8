# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each request for an object, over a script of the calls."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes import objects
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.api import Cluster, ForbiddenError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.transport import APPLY_PATCH, MERGE_PATCH
from unit.plugins.modules.scripted import DRY_RUN, Call, Script, error, listed

LIST = "/api/v1/namespaces/a/configmaps"
PATH = f"{LIST}/b"
BODY: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "b", "namespace": "a", "uid": "u"},
}
MANAGER = ("fieldManager", "freshpull")
FORCE = ("force", "true")


@pytest.mark.parametrize("dry_run", [False, True])
def test_an_apply_wins_conflicts(dry_run: bool) -> None:
    script = Script((Call("PATCH", PATH, query=dict([DRY_RUN] if dry_run else [])),))
    assert objects.apply(Cluster(script), BODY, dry_run=dry_run) == BODY
    (sent,) = script.sent
    assert (sent.content_type, sent.body) == (APPLY_PATCH, BODY)
    assert set(sent.query) == {MANAGER, FORCE, *([DRY_RUN] if dry_run else [])}


def test_a_merge_is_no_apply() -> None:
    script = Script((Call("PATCH", PATH),))
    objects.merge(Cluster(script), BODY, {"data": {"c": None}})
    (sent,) = script.sent
    assert (sent.content_type, sent.body, sent.query) == (MERGE_PATCH, {"data": {"c": None}}, (MANAGER,))


def test_a_create_can_have_no_name() -> None:
    body = {**BODY, "metadata": {"generateName": "b-", "namespace": "a"}}
    script = Script((error("POST", LIST, 403, "no", **dict([DRY_RUN])),))
    with pytest.raises(ForbiddenError, match=r"create ConfigMap a/b-\* \(dry run\)"):
        objects.create(Cluster(script), body, dry_run=True)


def test_a_missing_object_is_none() -> None:
    assert objects.read(Cluster(Script((error("GET", PATH, 404),))), "ConfigMap", "b", "a") is None
    assert objects.read(Cluster(Script((Call("GET", PATH, body=BODY),))), "ConfigMap", "b", "a") == BODY


def test_objects_of_a_list_have_their_kind() -> None:
    """The API server leaves kind and apiVersion out of the items."""
    script = Script((listed(LIST, {"metadata": {"name": "b", "namespace": "a"}}, labelSelector="x=y"),))
    (found,) = objects.labelled(Cluster(script), "ConfigMap", "x=y", "a")
    assert (found["kind"], found["apiVersion"]) == ("ConfigMap", "v1")
    path = "/apis/rbac.authorization.k8s.io/v1/rolebindings"
    script = Script((listed(path, {"metadata": {"name": "b", "namespace": "a"}}, labelSelector="x=y"),))
    (found,) = objects.labelled(Cluster(script), "RoleBinding", "x=y")
    assert found["apiVersion"] == "rbac.authorization.k8s.io/v1"


def test_a_delete_is_bound_to_the_object_that_was_read() -> None:
    script = Script((Call("DELETE", PATH),))
    objects.delete(Cluster(script), BODY, propagation="Foreground")
    (sent,) = script.sent
    assert sent.body is not None
    assert (sent.body["preconditions"], sent.body["propagationPolicy"]) == ({"uid": "u"}, "Foreground")
    assert "dryRun" not in sent.body


def test_a_dry_run_of_a_delete_is_in_its_body_too() -> None:
    script = Script((Call("DELETE", PATH, query=dict([DRY_RUN])),))
    objects.delete(Cluster(script), BODY, dry_run=True)
    (sent,) = script.sent
    assert sent.body is not None
    assert sent.body["dryRun"] == ["All"]


def test_an_object_that_is_gone_needs_no_delete() -> None:
    objects.delete(Cluster(Script((error("DELETE", PATH, 404),))), BODY)
    with pytest.raises(ForbiddenError, match="delete ConfigMap a/b"):
        objects.delete(Cluster(Script((error("DELETE", PATH, 403),))), BODY)
