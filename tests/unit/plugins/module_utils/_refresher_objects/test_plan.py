# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Differences between objects, and the content of a diff."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects import permissions, plan
from support.refresher_settings import settings

STORED: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "a", "namespace": "ns", "uid": "u", "resourceVersion": "7", "managedFields": [{}]},
    "data": {"a": "b"},
}


def stored(**metadata: Any) -> dict[str, Any]:
    return {**STORED, "metadata": {**STORED["metadata"], **metadata}}


@pytest.mark.parametrize(
    ("after", "action"),
    [
        (stored(resourceVersion="8", managedFields=[], generation=3), "unchanged"),
        ({**STORED, "status": {"active": 1}}, "unchanged"),
        (stored(labels={"x": "y"}), "changed"),
        ({**STORED, "data": {}}, "changed"),
    ],
)
def test_fields_that_the_server_sets_are_no_difference(after: dict[str, Any], action: str) -> None:
    assert plan.applied(STORED, after).action == action


def test_new_and_deleted_objects() -> None:
    expected = {"kind": "ConfigMap", "namespace": "ns", "name": "a"}
    assert plan.applied(None, STORED).to_result() == {**expected, "action": "created"}
    assert plan.removed(STORED).to_result() == {**expected, "action": "removed"}


BINDING = permissions.role_binding(settings(), "team-a")
OTHERS: dict[str, dict[str, Any]] = {
    "another role": {"roleRef": {**BINDING["roleRef"], "name": "cluster-admin"}},
    "another subject": {"subjects": [{**BINDING["subjects"][0], "name": "default"}]},
    "a subject more": {"subjects": [*BINDING["subjects"], {"kind": "User", "name": "x"}]},
    "none": {"subjects": None},
    "no label": {"metadata": {**BINDING["metadata"], "labels": None}},
}


def test_a_binding_with_more_labels_needs_no_write() -> None:
    metadata = {**BINDING["metadata"], "labels": {**BINDING["metadata"]["labels"], "theirs": "x"}}
    assert plan.binds_as({**BINDING, "metadata": metadata}, BINDING)


def applied_by(manager: str, **fields: dict[str, Any]) -> dict[str, Any]:
    return {"manager": manager, "operation": "Apply", "fieldsV1": {"f:metadata": fields}}


@pytest.mark.parametrize("field", ["labels", "annotations"])
def test_a_label_that_is_dropped_needs_a_write(field: str) -> None:
    values = {**BINDING["metadata"].get(field, {}), "dropped": "x"}
    keys: dict[str, Any] = {f"f:{field}": {".": {}, **{f"f:{key}": {} for key in values}}}
    ours = {**BINDING["metadata"], field: values, "managedFields": [applied_by("freshpull", **keys)]}
    assert not plan.binds_as({**BINDING, "metadata": ours}, BINDING)
    assert plan.binds_as({**BINDING, "metadata": ours}, {**BINDING, "metadata": {**BINDING["metadata"], field: values}})
    theirs = {**ours, "managedFields": [applied_by("somebody", **keys)]}
    assert plan.binds_as({**BINDING, "metadata": theirs}, BINDING)


@pytest.mark.parametrize("kind", OTHERS)
def test_a_different_binding_needs_a_write(kind: str) -> None:
    assert not plan.binds_as({**BINDING, **OTHERS[kind]}, BINDING)


def test_a_diff_shows_only_whether_a_secret_changed() -> None:
    secret = {**STORED, "kind": "Secret", "data": {"credentials": "c2VjcmV0"}, "stringData": {"b": "secret"}}
    secret["metadata"] = {
        **STORED["metadata"],
        "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "c2VjcmV0", "note": "kept"},
    }
    shown = plan.shown(secret)
    assert "c2VjcmV0" not in json.dumps(shown)
    assert '"secret"' not in json.dumps(shown)
    assert shown["metadata"]["annotations"] == {"note": "kept"}
    assert shown["data"].keys() == {"credentials"}
    assert shown != plan.shown({**secret, "data": {"credentials": "b3RoZXI="}})
    assert secret["metadata"]["annotations"].keys() == {"kubectl.kubernetes.io/last-applied-configuration", "note"}
    assert plan.shown(None) == {}


def job(volumes: Any, *conditions: tuple[str, str]) -> dict[str, Any]:
    spec = {"template": {"spec": {"volumes": volumes}}}
    return {"spec": spec, "status": {"conditions": [{"type": kind, "status": status} for kind, status in conditions]}}


CODE = [{"name": "program", "configMap": {"name": "code"}}, {"name": "scratch", "emptyDir": {}}]


@pytest.mark.parametrize(
    ("found", "used"),
    [
        (job(CODE), {"code"}),
        (job(CODE, ("Suspended", "True"), ("Failed", "False")), {"code"}),
        (job(CODE, ("FailureTarget", "True")), {"code"}),
        ({**job(CODE), "status": {}}, {"code"}),
        (job(CODE, ("Complete", "True")), set()),
        (job(CODE, ("Failed", "True")), set()),
        (job(None), set()),
    ],
)
def test_a_job_uses_its_config_maps_until_it_has_ended(found: dict[str, Any], used: set[str]) -> None:
    assert plan.used_config_maps([found]) == used


def test_a_diff_shows_only_whether_an_immutable_config_map_changed() -> None:
    assert plan.shown(STORED)["data"] == {"a": "b"}
    assert plan.shown({**STORED, "immutable": True})["data"]["a"].startswith("sha256:")
