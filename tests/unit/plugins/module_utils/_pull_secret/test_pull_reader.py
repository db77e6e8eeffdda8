# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which pods and accounts are read, with how many requests, and what a namespace that fails costs the others."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret import pull_reader
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.decision import Policy
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.pods import Pod
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.pull_reader import Subject
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.selection import Selection
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.status import StatusReader
from unit.cases import decide as cases
from unit.plugins.module_utils._pull_secret.api_store import Store
from unit.plugins.module_utils._pull_secret.test_pods import pod

NAME = "ecr-public-secret"
IMAGE = "public.ecr.aws/team/app:1"
UNFINISHED = "status.phase!=Succeeded,status.phase!=Failed"


def a_pod(namespace: str, name: str, *secrets: str, images: tuple[str, ...] = (IMAGE,), **spec: Any) -> dict[str, Any]:
    return pod(*secrets, images=images, metadata={"namespace": namespace, "name": name}, **spec)


def account(namespace: str, name: str, *secrets: str) -> dict[str, Any]:
    metadata = {"namespace": namespace, "name": name, "uid": name, "resourceVersion": "1"}
    return {"metadata": metadata, "imagePullSecrets": [{"name": each} for each in secrets]}


def store(*namespaces: str, **objects: list[dict[str, Any]]) -> Store:
    """Return a store in which each namespace has the managed secret and the account ci that names it."""
    return Store(
        **{
            "namespaces": [{"metadata": {"name": name}} for name in namespaces],
            "secrets": [cases.secret(namespace=name, expires_at="2100-01-01T00:00:00Z") for name in namespaces],
            "serviceaccounts": [account(name, "ci", NAME) for name in namespaces],
            "pods": [a_pod(name, "web", NAME) for name in namespaces],
            **objects,
        }
    )


def inspect(store: Store, *namespaces: str, **subject: Any) -> tuple[dict[str, Any], list[str]]:
    """Return the entries by namespace, and the warnings."""
    reader = StatusReader(store.cluster, Policy(name=NAME), workers=4, subject=Subject(**subject))
    findings = reader.read(
        Selection(namespaces or tuple(one["metadata"]["name"] for one in store.objects["namespaces"]))
    )
    result = findings.to_result()
    assert "no credentials of its own" in result["assumption"]
    return {entry["namespace"]: entry for entry in result["namespaces"]}, findings.warnings


def outcomes(entry: dict[str, Any]) -> list[tuple[str | None, str]]:
    return [(one["pod"], one["outcome"]) for one in entry["pull"]]


def test_a_thousand_namespaces_need_one_list_for_each_resource() -> None:
    names = [f"n{number}" for number in range(1000)]
    found = store(*names)
    entries, warnings = inspect(found, pod="web")
    assert [outcomes(entries[name]) for name in names] == [[("web", "authenticated")]] * 1000
    assert warnings == []
    assert found.sent == [
        "list namespaces",
        f"list secrets metadata.name={NAME}",
        "list pods metadata.name=web",
        "list serviceaccounts",
    ]


def test_an_account_in_a_thousand_namespaces_needs_no_further_request() -> None:
    names = [f"n{number}" for number in range(1000)]
    found = store(*names)
    entries, _warnings = inspect(found, service_account="ci", image=IMAGE)
    assert [outcomes(entries[name]) for name in names] == [[(None, "authenticated")]] * 1000
    assert len(found.sent) == 3


def test_few_namespaces_are_read_one_by_one() -> None:
    found = store("a", "b")
    found.objects["pods"] += [a_pod("a", "other", NAME)]
    entries, _warnings = inspect(found, pod="web")
    assert [outcomes(entry) for entry in entries.values()] == [[("web", "authenticated")]] * 2
    assert [each for each in found.sent if "pods" in each] == ["get namespaces/a/pods/web", "get namespaces/b/pods/web"]


def test_a_glob_selects_pods_that_have_not_finished() -> None:
    found = store("a")
    found.objects["pods"] += [a_pod("a", "web-2"), a_pod("a", "job")]
    entries, _warnings = inspect(found, pod="web*")
    assert outcomes(entries["a"]) == [("web", "authenticated"), ("web-2", "anonymous")]
    assert f"list namespaces/a/pods {UNFINISHED}" in found.sent


def test_all_images_or_one_image() -> None:
    images = (IMAGE, "nginx")
    found = store("a", pods=[a_pod("a", "web", NAME, images=images), a_pod("a", "web-2", NAME)])
    entries, _warnings = inspect(found, pod="web")
    assert [(one["image"], one["outcome"]) for one in entries["a"]["pull"]] == [
        (IMAGE, "authenticated"),
        ("nginx", "not_our_registry"),
    ]
    entries, _warnings = inspect(found, pod="web*", image="nginx")
    assert outcomes(entries["a"]) == [("web", "not_our_registry")]
    entries, _warnings = inspect(found, pod="web-2", image="public.ecr.aws/x")
    assert [one["code"] for one in entries["a"]["pull"][0]["findings"]] == ["image_not_in_pod"]


NOTHING: dict[str, tuple[dict[str, str], str]] = {
    "no such pod": ({"pod": "gone"}, "pod: 'gone' matches no pod of the selected namespaces."),
    "no such account": (
        {"service_account": "gone", "image": IMAGE},
        "service_account: 'gone' is in none of the selected namespaces.",
    ),
    "no pod with the image": (
        {"pod": "*", "image": "nginx"},
        "image: no pod that matches pod: '*' has the image 'nginx'.",
    ),
}


@pytest.mark.parametrize("case", NOTHING)
def test_nothing_to_replay_is_a_warning(case: str) -> None:
    subject, warning = NOTHING[case]
    entries, warnings = inspect(store("a"), **subject)
    assert (entries["a"]["pull"], entries["a"]["pull_msg"], warnings) == ([], "", [warning])


def test_a_namespace_whose_pods_cannot_be_read_costs_only_itself() -> None:
    names = [f"n{number}" for number in range(10)]
    found = store(*names)
    found.denied = {"list pods", "get namespaces/n3/pods/web"}
    entries, warnings = inspect(found, pod="web")
    assert entries["n3"]["pull"] is None
    assert "get namespaces/n3/pods/web is forbidden" in entries["n3"]["pull_msg"]
    assert [name for name in names if entries[name]["pull"]] == [name for name in names if name != "n3"]
    assert ["1 namespaces, such as n3, could not be replayed" in warning for warning in warnings] == [True]


def test_accounts_that_cannot_be_listed_are_read_one_by_one() -> None:
    found = store("a", "b")
    found.denied = {f"list namespaces/{name}/serviceaccounts" for name in ("a", "b")}
    found.denied |= {"get namespaces/b/serviceaccounts/ci"}
    entries, _warnings = inspect(found, service_account="ci", image=IMAGE)
    assert outcomes(entries["a"]) == [(None, "authenticated")]
    assert entries["b"]["pull"] is None
    assert "get namespaces/b/serviceaccounts/ci is forbidden" in entries["b"]["pull_msg"]
    entries, _warnings = inspect(found, pod="web")
    assert [[one["code"] for one in entries[name]["pull"][0]["findings"]] for name in ("a", "b")] == [
        [],
        ["unreadable_account"],
    ]


def test_a_secret_of_the_task_that_cannot_be_read_is_unknown() -> None:
    found = store("a")
    found.denied = {f"get namespaces/a/secrets/{NAME}"}
    entries, _warnings = inspect(found, pod="web")
    assert outcomes(entries["a"]) == [("web", "unknown")]
    (one,) = entries["a"]["pull"][0]["findings"]
    assert (one["code"], one["object"]) == ("unreadable_secret", f"secret/{NAME}")


def on(node: str, **spec: Any) -> dict[str, Any]:
    containers = [{"name": "app", "image": IMAGE, "imagePullPolicy": "IfNotPresent"}]
    return a_pod("a", f"web-{node}", NAME, nodeName=node, **{"containers": containers, **spec})


def node(name: str) -> dict[str, Any]:
    status = {"nodeInfo": {"kubeletVersion": "v1.37.2"}, "images": [{"names": [IMAGE]}]}
    return {"metadata": {"name": name}, "status": status}


@pytest.mark.parametrize(("count", "requests"), [(2, ["get nodes/n0", "get nodes/n1"]), (9, ["list nodes"])])
def test_the_nodes_of_pods_are_read(count: int, requests: list[str]) -> None:
    names = [f"n{number}" for number in range(count)]
    always = on("other", containers=[{"name": "app", "image": IMAGE, "imagePullPolicy": "Always"}])
    found = store("a", pods=[*map(on, names), always], nodes=[node(name) for name in [*names, "other"]])
    entries, warnings = inspect(found, pod="web-*")
    assert [[one["code"] for one in each["findings"]] for each in entries["a"]["pull"]] == [
        *[["on_node_verified"]] * count,
        [],
    ]
    assert (warnings, sorted(each for each in found.sent if "nodes" in each)) == ([], requests)


@pytest.mark.parametrize("odd", [{"metadata": {"name": "n0"}, "status": "x"}, None])
def test_nodes_that_cannot_be_read_are_left_out(odd: dict[str, Any] | None) -> None:
    found = store("a", pods=[on("n0")], nodes=[odd] if odd else [node("n0")])
    found.denied = set() if odd else {"get nodes/n0"}
    entries, warnings = inspect(found, pod="web-*")
    assert (outcomes(entries["a"]), warnings) == ([("web-n0", "authenticated")], [])
    assert entries["a"]["pull"][0]["findings"] == []


def test_orphans_and_namespaces_that_do_not_exist_are_not_replayed() -> None:
    names = [f"n{number}" for number in range(10)]
    found = store(*names, "former")
    entries, _warnings = inspect(found, *names, "gone", pod="web")
    assert (entries["former"]["status"], entries["former"]["pull"]) == ("orphaned", [])
    assert (entries["gone"]["status"], entries["gone"]["pull"]) == ("missing", [])


BROKEN = {
    "a pod without spec": ("pods", {"metadata": {"namespace": "a", "name": "web"}}),
    "a list that is no list": ("pods", a_pod("a", "web", imagePullSecrets="x")),
    "containers without names": ("pods", a_pod("a", "web", containers=[{"image": IMAGE}])),
}


@pytest.mark.parametrize("case", BROKEN)
def test_odd_content_costs_its_own_namespace_only(case: str) -> None:
    plural, odd = BROKEN[case]
    found = store("a", "b")
    found.objects[plural] = [one for one in found.objects[plural] if one["metadata"]["namespace"] != "a"] + [odd]
    entries, _warnings = inspect(found, pod="web")
    assert entries["a"]["pull"] is None
    assert "Report this as a bug" in entries["a"]["pull_msg"]
    assert entries["a"]["status"] == entries["b"]["status"] == "fresh"
    assert outcomes(entries["b"]) == [("web", "authenticated")]


def test_a_replay_that_fails_costs_its_own_namespace_only(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken(pull_reader.Replay):
        def pull(self, pod: Pod, *rest: Any) -> Any:
            if pod.name == "odd":
                raise ValueError("never-shown")
            return super().pull(pod, *rest)

    monkeypatch.setattr(pull_reader, "Replay", Broken)
    found = store("a", "b", pods=[a_pod("a", "odd"), a_pod("b", "web", NAME)])
    entries, _warnings = inspect(found, pod="*")
    assert entries["a"]["pull"] is None
    assert "unexpected ValueError" in entries["a"]["pull_msg"]
    assert "never-shown" not in entries["a"]["pull_msg"]
    assert outcomes(entries["b"]) == [("web", "authenticated")]
