# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The request bodies of a change. test_decision.py has those of the plans in its table."""

from __future__ import annotations

import base64
import json
from typing import Any

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _docker_config
from ansible_collections.freshpull.ecr_public.plugins.module_utils._docker_config import auth_entry
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret import bodies
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.decision import Change, Plan, Policy
from unit.cases import decide as cases

REGISTRY, OTHER = "public.ecr.aws", "other.example"
POLICY = Policy("ecr-public-secret")
NEW = auth_entry("AWS", "new-never-shown")


def text(body: dict[str, Any]) -> str:
    return base64.b64decode(body["data"][".dockerconfigjson"]).decode()


def test_a_new_secret_has_the_metadata_and_the_entries_of_the_change() -> None:
    body = bodies.new_secret("a", POLICY, Change({"l": "x"}, {"n": "y"}, {REGISTRY: NEW}))
    assert body["metadata"] == {
        "name": "ecr-public-secret",
        "namespace": "a",
        "labels": {"l": "x"},
        "annotations": {"ecr-public.freshpull/namespace": "a", "n": "y"},
    }
    assert body["type"] == "kubernetes.io/dockerconfigjson"
    assert json.loads(text(body)) == {"auths": {REGISTRY: NEW}}


def test_a_patch_of_metadata_has_no_data() -> None:
    patch = bodies.merge_patch(cases.secret(), Change(labels={"l": "x", "m": None}))
    assert patch == {
        "metadata": {
            "uid": "5f0c5a2e-0000-4000-8000-000000000001",
            "resourceVersion": "100",
            "labels": {"l": "x", "m": None},
        }
    }


def test_a_patch_keeps_the_bytes_of_other_entries() -> None:
    other = '"other.example" :  {"auth":"eDp5", "email": null}'
    stored = cases.secret(
        raw='{"auths": {"public.ecr.aws":{"auth":"eDp5"},\n' + other + '}, "x": 1}', registries=[REGISTRY]
    )
    patch = bodies.merge_patch(stored, Change(auths={REGISTRY: NEW}))
    assert other in text(patch)
    assert json.loads(text(patch))["auths"][REGISTRY] == NEW


def test_a_secret_that_takes_the_place_of_another_keeps_what_is_not_managed() -> None:
    stored = cases.secret(
        type="Opaque", auths={REGISTRY: "old", OTHER: "x"}, labels={"theirs": "1", "gone": "2"}, registries=[REGISTRY]
    )
    stored["data"]["more"] = "eA=="
    body = bodies.successor(stored, POLICY, Change(labels={"gone": None}, auths={REGISTRY: NEW}))
    assert body["metadata"]["labels"]["theirs"] == "1"
    assert "gone" not in body["metadata"]["labels"]
    assert not {"uid", "resourceVersion"} & body["metadata"].keys()
    assert body["data"]["more"] == "eA=="
    assert json.loads(text(body))["auths"].keys() == {REGISTRY, OTHER}


def test_a_plan_that_writes_nothing_has_no_difference() -> None:
    before, after = bodies.diff(cases.secret(), POLICY, Plan("unchanged", "fresh"))
    assert before == after
    assert before["registries"].keys() == {REGISTRY}


def test_a_deleted_secret_is_empty_afterwards() -> None:
    before, after = bodies.diff(cases.secret(), POLICY, Plan("removed", "managed"))
    assert before
    assert after == {}


def test_a_diff_shows_the_metadata_of_the_options_and_the_collection_s_own() -> None:
    stored = cases.secret(labels={"team": "a", "theirs": "x"}, annotations={"note": "b", "theirs": "never-shown"})
    policy = Policy("ecr-public-secret", labels={"team": "b"}, annotations={"note": "c"})
    plan = Plan("updated", "metadata", change=Change({"team": "b"}, {"note": "c"}))
    before, after = bodies.diff(stored, policy, plan)
    assert (before["labels"]["team"], after["labels"]["team"]) == ("a", "b")
    assert (before["annotations"]["note"], after["annotations"]["note"]) == ("b", "c")
    assert "theirs" not in {*before["labels"], *before["annotations"]}
    assert "never-shown" not in json.dumps([before, after])


def test_a_diff_shows_nothing_derived_from_unmanaged_entries() -> None:
    guessable = _docker_config.fingerprint({"": auth_entry("AWS", "Winter2026")})
    auths = {REGISTRY: "Winter2026", OTHER: "Winter2026"}
    for stored, shown in (
        (cases.secret(auths=auths, registries=[REGISTRY], fingerprint="sha256:0"), "modified"),
        (cases.secret(auths=auths, managed=False), "unmanaged"),
    ):
        views = bodies.diff(stored, POLICY, Plan("renewed", "modified", change=Change(auths={REGISTRY: NEW})))
        assert guessable not in json.dumps(views)
        assert views[0]["registries"] == {REGISTRY: shown}
        assert set(views[1]["registries"]) == {REGISTRY}


def test_a_diff_is_short_whatever_the_secret_holds() -> None:
    auths = {f"r{number}.example": "old" for number in range(3000)}
    stored = cases.secret(auths=auths, annotations={"note": "n" * 100_000})
    policy = Policy("ecr-public-secret", annotations={"note": "c"})
    before, after = bodies.diff(stored, policy, Plan("renewed", "due", change=Change(auths={REGISTRY: NEW})))
    assert len(json.dumps([before, after])) < 5000
    assert before["annotations"]["note"].endswith("... (100000 characters)")
    assert before["registries"]["and 2980 more"] == "not shown"
