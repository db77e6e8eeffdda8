# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which requests read the secrets that pods name, and what is known of each."""

from __future__ import annotations

import concurrent.futures
from typing import Any

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.api import ClusterError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret import chain_reader
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.chain_reader import ChainReader, Secrets
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.chain_secret import (
    MOST_SECRETS,
    ChainSecret,
)
from unit.cases import decide as cases
from unit.plugins.module_utils._pull_secret.api_store import Store

LISTS = "list secrets"
TYPES = [f"{LISTS} type=kubernetes.io/dockerconfigjson", f"{LISTS} type=kubernetes.io/dockercfg"]


def secret(namespace: str, name: str, **fields: Any) -> dict[str, Any]:
    return cases.secret(namespace=namespace, name=name, **fields)


def read(store: Store, names: dict[str, list[str]], known: Secrets | None = None) -> Secrets:
    with concurrent.futures.ThreadPoolExecutor(max_workers=4) as pool:
        return ChainReader(store.cluster, ("public.ecr.aws",), pool).read(names, known or {})


def states(found: Secrets) -> dict[str, dict[str, str]]:
    return {
        namespace: {name: one.pull_secret.state for name, one in secrets.items()}
        for namespace, secrets in found.items()
    }


def test_few_secrets_are_read_one_by_one() -> None:
    store = Store(secrets=[secret("a", "x"), secret("a", "y", type="Opaque"), secret("b", "z")])
    found = read(store, {"a": ["x", "y", "x"], "b": ["x"]})
    assert states(found) == {"a": {"x": "used", "y": "ignored"}, "b": {"x": "missing"}}
    assert found["b"]["x"].elsewhere == ("a",)
    assert sorted(store.sent) == [
        "get namespaces/a/secrets/x",
        "get namespaces/a/secrets/y",
        "get namespaces/b/secrets/x",
        f"{LISTS} metadata.name=x",
    ]


def test_a_name_that_many_namespaces_use_is_listed_once() -> None:
    names = [f"n{number}" for number in range(1000)]
    store = Store(secrets=[secret(name, "x") for name in names[1:]] + [secret("other", "x")])
    found = read(store, {name: ["x"] for name in names})
    assert [name for name in names if found[name]["x"].pull_secret.state != "used"] == ["n0"]
    assert "other" not in found
    # The second list is the search for the missing one.
    assert store.sent == [f"{LISTS} metadata.name=x"] * 2


def test_many_different_names_are_listed_by_type() -> None:
    names = [f"n{number}" for number in range(chain_reader.MOST_SINGLE_READS + 5)]
    stored = [secret(name, f"x-{name}") for name in names[2:]]
    store = Store(secrets=[*stored, secret("n1", "x-n1", type="Opaque")])
    found = read(store, {name: [f"x-{name}"] for name in names})
    assert [found[name][f"x-{name}"].pull_secret.state for name in names[:3]] == ["missing", "ignored", "used"]
    singles = ["get namespaces/n0/secrets/x-n0", "get namespaces/n1/secrets/x-n1"]
    assert sorted(store.sent) == sorted([*TYPES, *singles, f"{LISTS} metadata.name=x-n0"])


def test_without_permission_to_list_each_secret_is_read() -> None:
    names = [f"n{number}" for number in range(10)]
    store = Store(secrets=[secret(name, "x") for name in names[1:]])
    store.denied = {LISTS, "get namespaces/n1/secrets/x"}
    found = read(store, {name: ["x"] for name in names})
    assert [found[name]["x"].pull_secret.state for name in names[:3]] == ["missing", "unreadable", "used"]
    assert "get namespaces/n1/secrets/x is forbidden" in found["n1"]["x"].error
    assert found["n0"]["x"].elsewhere == ()
    assert store.sent.count(f"{LISTS} metadata.name=x") == 2


def test_what_was_read_before_and_what_cannot_exist_need_no_request() -> None:
    known = {"a": {"x": ChainSecret.missing("x")}, "b": {"x": ChainSecret.unreadable("x", "no")}}
    store = Store()
    store.denied = {LISTS}
    found = read(store, {"a": ["x", "..", "A/b", "x" * 300], "b": ["x"]}, known)
    assert set(states(found)["a"].values()) == {"missing"}
    assert found["b"]["x"].error == "no"
    # The search for the missing one.
    assert store.sent == [f"{LISTS} metadata.name=x"]


def test_a_long_list_costs_a_bounded_number_of_requests() -> None:
    store = Store()
    found = read(store, {"a": [f"x{number}" for number in range(5_000)]})
    unread = [one for one in found["a"].values() if one.pull_secret.state == "unreadable"]
    assert (len(unread), unread[0].error) == (5_000 - MOST_SECRETS, "")
    assert len(store.sent) <= MOST_SECRETS + chain_reader.MOST_LISTS


def test_odd_content_costs_its_own_secret_only(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(item: dict[str, Any], _registries: Any, **_options: Any) -> ChainSecret:
        if item["metadata"]["namespace"] == "a":
            raise KeyError("never-shown")
        return ChainSecret.missing("x")

    monkeypatch.setattr(ChainSecret, "from_object", broken)
    found = read(Store(secrets=[secret("a", "x"), secret("b", "x")]), {"a": ["x"], "b": ["x"]})
    assert found["a"]["x"].pull_secret.state == "unreadable"
    assert "unexpected KeyError" in found["a"]["x"].error
    assert "never-shown" not in found["a"]["x"].error
    assert found["b"]["x"].pull_secret.state == "missing"


def test_a_list_that_fails_otherwise_fails_the_task(monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store()
    cluster = store.cluster

    def fail(*_args: Any, **_more: Any) -> Any:
        raise ClusterError("unreachable", "gone")

    monkeypatch.setattr(cluster, "list_objects", fail)
    with concurrent.futures.ThreadPoolExecutor(max_workers=4) as pool, pytest.raises(ClusterError, match="gone"):
        ChainReader(cluster, (), pool).read({f"n{number}": ["x"] for number in range(10)}, {})
