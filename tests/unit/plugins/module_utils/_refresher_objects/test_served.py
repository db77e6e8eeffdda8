# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The name and the namespaces of the secrets, from the settings of an existing refresher."""

from __future__ import annotations

import dataclasses
import json
from typing import Any, cast

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.api import (
    Cluster,
    ClusterError,
    ForbiddenError,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects import served
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.existing import Existing
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.served import ALL, Served
from unit.cases import decide
from unit.plugins.module_utils._pull_secret.memory import NAME, MemoryCluster

Object = dict[str, Any]


@dataclasses.dataclass
class Found:
    """A replacement for Existing."""

    config_map: Object | None
    bindings: dict[str, Object] = dataclasses.field(default_factory=dict)
    wide: Object | None = None

    @property
    def settings(self) -> Object:
        return (self.config_map or {}).get("data") or {}


NAMED = {"name": "old-name.1", "registries": ["a.example"], "labels": {"name": "no-name"}, "owner": "us"}
LISTED = {"policy.json": json.dumps(NAMED), "namespaces": "team-a\nteam-b\n"}
SELECTED = {"policy.json": json.dumps({**NAMED, "selector": "a=b"}), "namespaces": "\n"}
NOTHING = Served("", ())


def policy(text: str) -> Object:
    return {"data": {"policy.json": text, "namespaces": "team-a\n"}}


# The existing ConfigMap, and the name and the namespaces in it.
CASES: dict[str, tuple[Object | None, Served]] = {
    "none": (None, NOTHING),
    "listed": ({"data": LISTED}, Served("old-name.1", ("team-a", "team-b"), "us")),
    "selected": ({"data": SELECTED}, Served("old-name.1", ALL, "us")),
    "emptied by hand": ({"metadata": {}}, NOTHING),
    "no data": ({"data": None}, NOTHING),
    "no namespaces": ({"data": {"policy.json": LISTED["policy.json"]}}, Served("old-name.1", (), "us")),
    "no settings": ({"data": {"namespaces": "team-a"}}, Served("", ("team-a",))),
    "broken by hand": ({"data": {"policy.json": "{name: x"}}, NOTHING),
    "an empty text": (policy(""), Served("", ("team-a",))),
    "null": (policy("null"), Served("", ("team-a",))),
    "a list": (policy('["name"]'), Served("", ("team-a",))),
    "a number": (policy("7"), Served("", ("team-a",))),
    "a text": (policy('"name"'), Served("", ("team-a",))),
    "no name": (policy('{"selector": ""}'), Served("", ("team-a",))),
    "a name that is null": (policy('{"name": null}'), Served("", ("team-a",))),
    "a name that is a number": (policy('{"name": 7}'), Served("", ("team-a",))),
    "a name that is a list": (policy('{"name": ["a"]}'), Served("", ("team-a",))),
    "a name that no secret has": (policy('{"name": "../x"}'), Served("", ("team-a",))),
    "no owner": (policy('{"name": "a"}'), Served("a", ("team-a",))),
    "an owner that is a number": (policy('{"name": "a", "owner": 7}'), Served("", ("team-a",))),
    "an owner that is no label": (policy('{"name": "a", "owner": "a b"}'), Served("", ("team-a",))),
    "deep lists": (policy("[" * 500_000), Served("", ("team-a",))),
    "deep objects": (policy('{"name":' * 100_000), Served("", ("team-a",))),
}


@pytest.mark.parametrize("case", CASES)
def test_the_settings_name_the_secrets(case: str) -> None:
    config_map, expected = CASES[case]
    assert served.served(cast(Existing, Found(config_map))) == expected


def test_the_permissions_name_namespaces_too() -> None:
    config_map = {"data": LISTED}
    bound = Found(config_map, bindings={"team-c": {}, "team-a": {}})
    assert served.served(cast(Existing, bound)) == Served("old-name.1", ("team-a", "team-b", "team-c"), "us")
    wide = Found(config_map, wide={"kind": "ClusterRoleBinding"})
    assert served.served(cast(Existing, wide)) == Served("old-name.1", ALL, "us")
    alone = Found(None, bindings={"team-c": {}})
    assert served.served(cast(Existing, alone)) == Served("", ("team-c",))


# --- The secrets of a former name


def cluster() -> MemoryCluster:
    found = MemoryCluster(["created", "taken-over", "unmanaged", "elsewhere"])
    found.stored = {
        "created": decide.secret(namespace="created"),
        "taken-over": decide.secret(
            namespace="taken-over",
            created=False,
            auths={"public.ecr.aws": "old", "other.example": "theirs"},
            registries=["public.ecr.aws"],
        ),
        "unmanaged": decide.secret(namespace="unmanaged", managed=False),
        "elsewhere": decide.secret(namespace="elsewhere"),
    }
    return found


WHERE = ("created", "taken-over", "unmanaged")


def remove(found: MemoryCluster, wanted: Served, name: str = "new-name", *, dry_run: bool = False) -> tuple[Any, str]:
    done, problem = served.remove_former_secrets(cast(Cluster, found), wanted, name, workers=2, dry_run=dry_run)
    return {(*change.identity, change.action) for change in done}, problem


def test_secrets_of_a_former_name_are_removed() -> None:
    found = cluster()
    wanted = Served(NAME, WHERE)
    foreseen = remove(found, wanted, dry_run=True)
    assert sorted(found.stored) == sorted(found.present)
    done = {("Secret", place, NAME, "removed") for place in ("created", "taken-over")}
    assert remove(found, wanted) == foreseen == (done, "")
    assert sorted(found.stored) == ["elsewhere", "taken-over", "unmanaged"]
    assert found.calls["patch secret"] == 1


def test_with_a_selector_they_are_removed_everywhere() -> None:
    found = cluster()
    remove(found, Served(NAME, ALL))
    assert sorted(found.stored) == ["taken-over", "unmanaged"]


@pytest.mark.parametrize(
    ("wanted", "name"), [(Served(NAME, WHERE), NAME), (Served("", WHERE), "new-name"), (Served(NAME, ()), "new-name")]
)
def test_no_request_is_sent_if_there_is_nothing_to_remove(wanted: Served, name: str) -> None:
    found = cluster()
    assert remove(found, wanted, name) == (set(), "")
    assert not found.calls


def test_secrets_that_are_left_are_named() -> None:
    found = cluster()
    found.reject = {"delete secret": [ForbiddenError("forbidden", "No permission to delete.")]}
    done, problem = remove(found, Served(NAME, WHERE))
    assert done == {("Secret", "taken-over", NAME, "removed")}
    assert problem.startswith(f"Some secrets of the former name {NAME} are left")
    assert "created" in problem
    assert "No permission to delete." in problem


def test_only_secrets_of_the_recorded_owner_are_removed() -> None:
    found = cluster()
    found.stored["created"]["metadata"]["labels"]["ecr-public.freshpull/owner"] = "us"
    remove(found, Served(NAME, ALL, "us"))
    assert sorted(found.stored) == ["elsewhere", "taken-over", "unmanaged"]


# --- The owner


@pytest.mark.parametrize("where", [ALL, ("created", "elsewhere", "taken-over")])
def test_the_owner_is_released(where: tuple[str, ...]) -> None:
    found = cluster()
    for place in ("created", "elsewhere"):
        found.stored[place]["metadata"]["labels"]["ecr-public.freshpull/owner"] = "us"
    found.stored["taken-over"]["metadata"]["labels"]["ecr-public.freshpull/owner"] = "them"
    assert served.release(cast(Cluster, found), Served(NAME, where, "us"), workers=2, dry_run=True) == ""
    assert "patch secret" not in found.calls
    assert served.release(cast(Cluster, found), Served(NAME, where, "us"), workers=2, dry_run=False) == ""
    assert found.calls["patch secret"] == 2


@pytest.mark.parametrize("known", [Served("", WHERE, "us"), Served(NAME, WHERE), Served(NAME, (), "us")])
def test_nothing_is_released_without_a_record(known: Served) -> None:
    found = cluster()
    assert served.release(cast(Cluster, found), known, workers=2, dry_run=False) == ""
    assert not found.calls


@pytest.mark.parametrize(
    ("wanted", "recorded", "adopt", "owner"),
    [
        ("", "", False, "here"),
        ("", "us", False, "us"),
        ("us", "", False, "us"),
        ("us", "us", False, "us"),
        ("us", "them", True, "us"),
        ("us", "them", False, None),
    ],
)
def test_the_owner_of_the_options_is_compared_with_the_record(
    wanted: str, recorded: str, adopt: bool, owner: str | None
) -> None:
    if owner:
        assert served.settle_owner(wanted, recorded, "here", adopt=adopt) == owner
        return
    with pytest.raises(ClusterError, match="owner: 'us' is not the owner of the refresher in namespace here"):
        served.settle_owner(wanted, recorded, "here", adopt=adopt)
