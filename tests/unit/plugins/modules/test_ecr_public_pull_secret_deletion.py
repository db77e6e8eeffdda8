# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When the module deletes a secret, over a script of calls to the API server."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.freshpull.ecr_public.plugins.modules import ecr_public_pull_secret
from unit.plugins.module_utils._pull_secret.test_unconfirmed import merged
from unit.plugins.modules.pull_secrets import (
    NAME,
    OLD,
    OTHER,
    REGISTRY,
    SECRETS,
    accounts,
    created,
    entries,
    path,
    reads,
    secret,
)
from unit.plugins.modules.scripted import CONNECTION, DRY_RUN, Call, Result, Runner, listed

PREFIX = "ecr-public.freshpull/"
SECRETS_PATH = path(name="").rstrip("/")


@pytest.fixture
def task(run: Runner) -> Any:
    """The module against the script's cluster."""
    run.secrets = SECRETS

    def call(options: dict[str, Any], *calls: Call, **modes: bool) -> Result:
        return run(ecr_public_pull_secret, {**CONNECTION, **options}, *calls, **modes)

    return call


# --- An immutable secret that fails open


@pytest.mark.parametrize("kept", [{}, {"other.example": OTHER}], ids=["empty", "with unmanaged entries"])
def test_an_immutable_secret_is_created_again_without_its_managed_entries(task: Any, kept: dict[str, str]) -> None:
    stored = secret(0.5, immutable=True, auths={REGISTRY: OLD, **kept}, registries=[REGISTRY])
    trial = Call("POST", SECRETS_PATH, 201, query=dict([DRY_RUN]))
    options = {"recreate": True, "token_unavailable": "AWS is down."}
    result = task(options, *reads(stored), trial, Call("DELETE", path()), created())
    tried, deleted, new = [each for each in result.sent if each.method != "GET"]
    assert (tried.method, tried.path, DRY_RUN in tried.query) == ("POST", SECRETS_PATH, True)
    assert tried.body["metadata"]["name"] == f"{NAME}-trial"
    assert (deleted.method, deleted.path) == ("DELETE", path())
    assert deleted.body["preconditions"] == {key: stored["metadata"][key] for key in ("uid", "resourceVersion")}
    assert (new.method, new.path, new.body["metadata"]["name"]) == ("POST", SECRETS_PATH, NAME)
    assert (DRY_RUN in new.query, new.body.get("immutable", False)) == (False, False)
    assert entries(tried.body).keys() == entries(new.body).keys() == kept.keys()
    annotations = new.body["metadata"]["annotations"]
    assert annotations.keys() >= {f"{PREFIX}failed-open-at", f"{PREFIX}created"}
    assert not annotations.keys() & {f"{PREFIX}expires-at", f"{PREFIX}fingerprint"}
    assert new.body["metadata"]["labels"] == stored["metadata"]["labels"]
    assert (result.returncode, result.values["changed"]) == (1, True)
    assert result.actions == {"default": ("failed_open", "due")}
    assert result.values["namespaces"][0]["secret_uid"] == "new-uid"


# --- An adopted secret that has the annotation of a created one


def adopted(task: Any, **fields: Any) -> dict[str, Any]:
    """Return an unmanaged secret with a forged annotation, adopted with a token. fields: metadata, or auths."""
    forged = {f"{PREFIX}created": "true", **fields.pop("annotations", {})}
    stored = secret(managed=False, auths=fields.pop("auths", {}), annotations=forged)
    stored["metadata"] |= fields
    options = {"adopt": True, "token": {"password": OLD, "username": "AWS", "expires_at": "2999-01-01T00:00:00Z"}}
    result = task(options, *reads(stored), Call("PATCH", path()))
    assert result.actions == {"default": ("adopted", "unmanaged")}
    return merged(stored, result.writes[0].body)


REFERENCE = {"apiVersion": "v1", "kind": "ConfigMap", "name": "theirs", "uid": "theirs"}
OTHERS: dict[str, dict[str, Any]] = {
    "ownerReferences": {"ownerReferences": [REFERENCE]},
    "finalizers": {"finalizers": ["example.com/theirs"]},
    "a label": {"labels": {"theirs": "x"}},
    "an annotation": {"annotations": {"theirs": "x"}},
    "an entry": {"auths": {"other.example": OTHER}},
}


@pytest.mark.parametrize("case", OTHERS)
def test_a_forged_annotation_deletes_nothing_of_others(task: Any, case: str) -> None:
    stored = adopted(task, **OTHERS[case])
    result = task({"state": "absent"}, *reads(stored), Call("PATCH", path()))
    assert result.actions == {"default": ("removed", "shared")}
    (write,) = result.writes
    left = merged(stored, write.body)
    assert entries(left).keys() == OTHERS[case].get("auths", {}).keys()
    unmanaged = {
        key: [name for name in left["metadata"][key] if PREFIX not in name] for key in ("labels", "annotations")
    }
    assert unmanaged == {key: list(OTHERS[case].get(key, {})) for key in ("labels", "annotations")}
    assert not {"ownerReferences", "finalizers"} & write.body["metadata"].keys()


def test_a_forged_annotation_counts_if_nothing_else_is_left(task: Any) -> None:
    """Otherwise the test above would pass whatever the secret holds."""
    calls = (*reads(adopted(task)), listed(accounts()), Call("DELETE", path()))
    assert task({"state": "absent"}, *calls).actions == {"default": ("removed", "managed")}
