# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One account at a time. test_account_planner.py has many accounts."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.api import Cluster
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret import account_writer
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.account_writer import (
    AccountWriter,
    read_into,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.service_accounts import (
    Account,
    AccountPlan,
    Found,
)
from unit.plugins.modules.scripted import Call, Script, error

NAME = "ecr-public-secret"
PATH = "/api/v1/namespaces/a/serviceaccounts/build"


def account(*secrets: str, version: str = "1") -> dict[str, Any]:
    metadata = {"namespace": "a", "name": "build", "uid": "u", "resourceVersion": version}
    return {"metadata": metadata, "imagePullSecrets": [{"name": each} for each in secrets]}


@pytest.fixture(autouse=True)
def _no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account_writer.time, "sleep", lambda _seconds: None)


def test_an_account_is_read_or_none_or_the_reason_why_not() -> None:
    def read(call: Call) -> Found:
        found = Found()
        read_into(found, Cluster(Script((call,))), "a", "build")
        return found

    assert list(read(Call("GET", PATH, body=account("theirs"))).accounts) == ["build"]
    assert read(error("GET", PATH, 404)) == Found()
    rejected = read(error("GET", PATH, 403, "not for you"))
    assert rejected.accounts == {}
    assert rejected.failed["build"][0] == "forbidden"
    assert "not for you" in rejected.failed["build"][1]


def test_after_a_conflict_the_account_is_read_and_its_new_list_kept() -> None:
    script = Script(
        (
            error("PATCH", PATH, 409),
            Call("GET", PATH, body=account("theirs", "newer", version="2")),
            Call("PATCH", PATH),
        )
    )
    plan = AccountPlan("build", "attached", account=Account.from_object(account("theirs")))
    assert AccountWriter(Cluster(script), NAME).write("a", plan).action == "attached"
    bodies = [each.body for each in script.sent if each.body]
    assert [[entry["name"] for entry in body["imagePullSecrets"]] for body in bodies] == [
        ["theirs", NAME],
        ["theirs", "newer", NAME],
    ]
    assert [body["metadata"]["resourceVersion"] for body in bodies] == ["1", "2"]
    assert script.left == []


def test_an_account_that_does_not_exist_is_waited_for_once_in_a_task() -> None:
    script = Script((error("GET", PATH, 404), error("GET", PATH, 404)))
    writer = AccountWriter(Cluster(script), NAME, wait=0)
    for _unused in range(2):
        done = writer.write("a", AccountPlan("build", "attached"))
        assert (done.action, done.reason) == ("failed", "missing_service_account")
    assert script.left == []
