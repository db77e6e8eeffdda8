# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When the module deletes a secret, over a script of calls to the API server."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.freshpull.ecr_public.plugins.modules import ecr_public_pull_secret
from unit.plugins.modules.pull_secrets import (
    NAME,
    OLD,
    OTHER,
    REGISTRY,
    SECRETS,
    created,
    entries,
    path,
    reads,
    secret,
)
from unit.plugins.modules.scripted import CONNECTION, DRY_RUN, Call, Result, Runner

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
