# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a replay reads of pods and service accounts."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret import pods
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.pods import Account, Pod, Use
from ansible_collections.freshpull.ecr_public.plugins.module_utils._time import parse_time

CREATED = "2026-01-01T05:00:00Z"
OTHER_FIELDS = {"manager": "kube-controller-manager", "fieldsV1": {"f:spec": {"f:containers": {}}}}
OWN_FIELD = {"manager": "kubectl", "fieldsV1": {"f:spec": {"f:imagePullSecrets": {".": {}}}}}


def pod(*secrets: str, images: tuple[str, ...] = (), **changes: Any) -> dict[str, Any]:
    """Build a pod as the API server returns it; by default admission gave it the list of its account."""
    metadata = {"name": "app", "namespace": "team-a", "creationTimestamp": CREATED, "managedFields": [OTHER_FIELDS]}
    containers = [{"name": f"c{number}", "image": image} for number, image in enumerate(images)]
    spec: dict[str, Any] = {"serviceAccountName": "ci", "containers": containers}
    if secrets:
        spec["imagePullSecrets"] = [{"name": name} for name in secrets]
    return {"metadata": {**metadata, **changes.pop("metadata", {})}, "spec": {**spec, **changes}}


def account(*secrets: str, **metadata: Any) -> dict[str, Any]:
    entries = [{"name": name} for name in secrets]
    return {"metadata": {"name": "ci", "namespace": "team-a", **metadata}, "imagePullSecrets": entries}


def test_each_image_is_read_once_with_all_its_containers() -> None:
    found = Pod.from_object(
        pod(
            initContainers=[{"name": "migrate", "image": "a:1"}],
            containers=[
                {"name": "app", "image": "a:1", "imagePullPolicy": "Never"},
                {"name": "side", "image": "b:1", "imagePullPolicy": "Never"},
                {"name": "later"},
            ],
            ephemeralContainers=[{"name": "debug", "image": "c:1"}],
            volumes=[
                {"name": "model", "image": {"reference": "d:1", "pullPolicy": "Always"}},
                {"name": "scratch", "emptyDir": {}},
            ],
        )
    )
    assert found.uses == (
        Use("a:1", ("init/migrate", "app"), frozenset({"", "Never"})),
        Use("b:1", ("side",), frozenset({"Never"})),
        Use("c:1", ("ephemeral/debug",), frozenset({""})),
        Use("d:1", ("volume/model",), frozenset({"Always"})),
    )
    assert [use.never_pulled for use in found.uses] == [False, True, False, False]
    assert [use.always_pulled for use in found.uses] == [False, False, False, True]
    assert found.use_of("c:1") == found.uses[2]
    assert found.use_of("c") is None


def test_the_list_is_that_of_the_kubelet() -> None:
    """It skips references without a name, and a name can be there twice."""
    found = pod()
    found["spec"]["imagePullSecrets"] = [{"name": "a"}, {}, {"name": ""}, {"name": "a"}]
    assert Pod.from_object(found).secrets == ("a", "a")
    assert Pod.from_object(pod(imagePullSecrets=None)).secrets == ()


ORIGINS: dict[str, tuple[dict[str, Any], str]] = {
    "its creator sent the list": ({"managedFields": [OTHER_FIELDS, OWN_FIELD]}, pods.OWN),
    "its creator sent none": ({"managedFields": [OTHER_FIELDS]}, pods.ADMITTED),
    "a manager without fields": ({"managedFields": [{"manager": "x"}]}, pods.ADMITTED),
    "removed managedFields": ({"managedFields": None}, pods.UNKNOWN),
    "a static pod": ({"annotations": {"kubernetes.io/config.mirror": "x"}}, pods.OWN),
}


@pytest.mark.parametrize("case", ORIGINS)
def test_where_the_list_comes_from(case: str) -> None:
    metadata, origin = ORIGINS[case]
    assert Pod.from_object(pod("a", metadata=metadata)).origin == origin


def test_the_account_and_the_time_of_a_pod() -> None:
    found = Pod.from_object(pod())
    assert (found.name, found.account, found.created_at) == ("app", "ci", parse_time(CREATED))
    found = Pod.from_object(pod(serviceAccountName=None, metadata={"creationTimestamp": "soon"}))
    assert (found.account, found.created_at) == ("default", None)


def test_an_account_shows_who_wrote_its_list() -> None:
    fields: dict[str, dict[str, str]] = {"f:imagePullSecrets": {}}
    managers = [
        {"manager": "freshpull", "time": "2026-01-01T06:00:00Z", "fieldsV1": fields},
        {"manager": "odd", "time": "soon", "fieldsV1": fields},
        {"manager": "kubectl", "time": "2026-01-01T07:00:00Z", "fieldsV1": {"f:metadata": {}}},
    ]
    found = Account.from_object(account("a", "", "b", managedFields=managers))
    assert found == Account("ci", ("a", "b"), (("freshpull", parse_time("2026-01-01T06:00:00Z")),))
    assert Account.from_object({"metadata": {"name": "x"}}) == Account("x")


def test_a_pod_that_an_account_would_get() -> None:
    made = Pod.of_account(Account("ci", ("a",)))
    assert (made.name, made.account, made.secrets, made.origin) == ("", "ci", ("a",), pods.ADMITTED)
