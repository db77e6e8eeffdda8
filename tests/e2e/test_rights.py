# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guide's permissions, row by row: an account with exactly the permissions of a row runs the module.

With one verb less, the module fails and names that verb, or works without it as the guide states.
"""

from __future__ import annotations

import json
import secrets
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from support import module, permissions_guide
from support.aws import FakeAws
from support.bulk_client import BulkClient
from support.cluster.audit import AuditLog
from support.playbook import Ansible
from support.role import Role, changed
from support.workloads import wait_for
from unit.cases import decide as cases

NAME = "ecr-public-secret"
DUE: dict[str, Any] = {"expires_at": "2020-01-01T00:00:00Z"}
UNMANAGED: dict[str, Any] = {"managed": False}
SHARED: dict[str, Any] = {"auths": {"public.ecr.aws": "a", "x.example": "b"}, "registries": ["public.ecr.aws"]}
OPAQUE: dict[str, Any] = {"type": "Opaque", **DUE}
SEVEN: dict[str, Any] = {f"due{number}": DUE for number in range(7)}


@dataclass(frozen=True)
class Way:
    """secrets: the secret in each namespace, None for none. expected: the actions there.

    spared: the permissions that can be missing. asked: every request to the API server, by verb and resource.
    dropped: the namespace that is no longer selected. info: run the info module.
    """

    secrets: dict[str, dict[str, Any] | None]
    expected: dict[str, str]
    asked: dict[str, int]
    options: dict[str, Any] = field(default_factory=dict)
    by_glob: bool = False
    spared: frozenset[tuple[str, str]] = frozenset()
    dropped: str = ""
    info: bool = False


FEW: dict[str, Any] = {"secrets": {"missing": None, "due": DUE}, "expected": {"missing": "created", "due": "renewed"}}
MANY: dict[str, Any] = {
    "secrets": {**FEW["secrets"], **SEVEN},
    "expected": {**FEW["expected"], **dict.fromkeys(SEVEN, "renewed")},
}
LIST_NAMESPACES, LIST_SECRETS = ("list", "namespaces"), ("list", "secrets")

# The first cell of each row of the guide's table.
WAYS = {
    "Named namespaces": Way(
        **FEW, asked={"get namespaces": 2, "get secrets": 2, "create secrets": 1, "patch secrets": 1}
    ),
    "More than 8 named namespaces, with one list": Way(
        **MANY,
        asked={"list namespaces": 1, "list secrets": 1, "create secrets": 1, "patch secrets": 8},
        spared=frozenset({LIST_NAMESPACES, LIST_SECRETS, ("get", "secrets")}),
    ),
    "Globs or ``namespace_selector``": Way(
        **FEW,
        by_glob=True,
        asked={"list namespaces": 1, "get secrets": 2, "create secrets": 1, "patch secrets": 1},
    ),
    "Globs or ``namespace_selector``, with one list": Way(
        **MANY,
        by_glob=True,
        asked={"list namespaces": 1, "list secrets": 1, "create secrets": 1, "patch secrets": 8},
        spared=frozenset({LIST_SECRETS, ("get", "secrets")}),
    ),
    "Existing secrets only, none is created": Way(
        secrets={"due": DUE},
        expected={"due": "renewed"},
        asked={"get namespaces": 1, "get secrets": 1, "patch secrets": 1},
    ),
    "``adopt``": Way(
        secrets={"missing": None, "unmanaged": UNMANAGED},
        expected={"missing": "created", "unmanaged": "adopted"},
        options={"adopt": True},
        asked={"get namespaces": 2, "get secrets": 2, "create secrets": 1, "patch secrets": 1},
    ),
    "``recreate``": Way(
        secrets={"missing": None, "due": DUE, "opaque": OPAQUE},
        expected={"missing": "created", "due": "renewed", "opaque": "recreated"},
        options={"recreate": True},
        asked={
            "get namespaces": 3,
            "get secrets": 3,
            "patch secrets": 1,
            "delete secrets": 1,
            # One is a dry run, before the old secret is deleted.
            "create secrets": 3,
        },
    ),
    "``placeholder``": Way(
        secrets={"missing": None},
        expected={"missing": "reserved"},
        options={"placeholder": True},
        asked={"get namespaces": 1, "get secrets": 1, "create secrets": 1},
    ),
    "``state: absent``": Way(
        secrets={"managed": DUE, "shared": SHARED},
        expected={"managed": "removed", "shared": "removed"},
        options={"state": "absent"},
        asked={
            "get namespaces": 2,
            "get secrets": 2,
            "delete secrets": 1,
            "patch secrets": 1,
            # Denied, which is a warning: the accounts that name the removed secret are unknown.
            "list serviceaccounts": 1,
        },
    ),
    "``prune``": Way(
        secrets={"due": DUE, "missing": None, "old": DUE},
        expected={"due": "renewed", "missing": "created", "old": "removed"},
        options={"prune": True, "owner": "freshpull-test"},
        by_glob=True,
        dropped="old",
        spared=frozenset({("get", "secrets")}),
        asked={
            "list namespaces": 1,
            "list secrets": 1,
            "create secrets": 1,
            "patch secrets": 1,
            "delete secrets": 1,
            "list serviceaccounts": 1,
        },
    ),
    "``state: absent`` with ``prune``: all secrets of an ``owner``": Way(
        secrets={"managed": DUE, "old": DUE, "shared": SHARED},
        expected={"managed": "removed", "old": "removed", "shared": "removed"},
        options={"state": "absent", "prune": True, "owner": "freshpull-test"},
        by_glob=True,
        dropped="old",
        spared=frozenset({("get", "secrets")}),
        asked={
            "list namespaces": 1,
            "list secrets": 1,
            "delete secrets": 2,
            "patch secrets": 1,
            "list serviceaccounts": 2,
        },
    ),
    "Named ``service_accounts``": Way(
        **FEW,
        options={"service_accounts": ["default"]},
        spared=frozenset({("list", "serviceaccounts")}),
        asked={
            "get namespaces": 2,
            "get secrets": 2,
            "create secrets": 1,
            "patch secrets": 1,
            "get serviceaccounts": 2,
            "patch serviceaccounts": 2,
        },
    ),
    "``service_accounts`` with globs": Way(
        **FEW,
        options={"service_accounts": ["d*"]},
        spared=frozenset({("get", "serviceaccounts")}),
        asked={
            "get namespaces": 2,
            "get secrets": 2,
            "create secrets": 1,
            "patch secrets": 1,
            "list serviceaccounts": 2,
            "patch serviceaccounts": 2,
        },
    ),
    "``ecr_public_pull_secret_info``": Way(
        **FEW, info=True, asked={"get namespaces": 2, "get secrets": 2, "list serviceaccounts": 2}
    ),
    "Check mode of any of these": Way(
        **FEW, options={"check_mode": True}, asked={"get namespaces": 2, "get secrets": 2}
    ),
}


class Scene:
    """The namespaces of one run, and the account that runs it."""

    def __init__(self, bulk: BulkClient, way: Way) -> None:
        self._bulk = bulk
        self._way = way
        self.prefix = "r" + secrets.token_hex(4)
        # Its own name, because one way lists the secrets of this name in all namespaces.
        self.secret = f"{self.prefix}-secret"
        self.names = {kind: f"{self.prefix}-{kind}" for kind in way.secrets}
        bulk.make_namespaces(self.names.values())
        if "service_accounts" in way.options:
            wait_for(self._has_accounts, "the service accounts")
        names = {kind: self.names[kind] for kind, given in way.secrets.items() if given is not None}
        owner = way.options.get("owner", "")
        bodies = {
            name: cases.secret(namespace=name, **{"owner": owner, **(way.secrets[kind] or {})})
            for kind, name in names.items()
        }
        for body in bodies.values():
            for key in ("uid", "resourceVersion"):
                del body["metadata"][key]
            body["metadata"]["name"] = self.secret
        bulk.send_all([("POST", f"/api/v1/namespaces/{name}/secrets", body) for name, body in bodies.items()])

    def _has_accounts(self) -> bool:
        path = "/api/v1/serviceaccounts?fieldSelector=metadata.name%3Ddefault"
        return {item["metadata"]["namespace"] for item in self._bulk.send("GET", path)["items"]} >= {
            *self.names.values()
        }

    def _named(self, rules: permissions_guide.Rules) -> permissions_guide.Rules:
        """Replace the guide's secret name by this scene's, as the guide tells its readers."""
        return list(json.loads(json.dumps(rules).replace(f'"{NAME}"', f'"{self.secret}"')))

    def start(
        self,
        directory: Path,
        token: dict[str, str],
        rules: permissions_guide.Rules,
        everywhere: permissions_guide.Rules,
    ) -> module.ModuleProcess:
        namespaces = list(self.names.values())
        kubeconfig = self._bulk.account(
            directory, "default", rules=self._named(rules), namespaces=namespaces, everywhere=self._named(everywhere)
        )
        options = {"name": self.secret, **self._way.options}
        options["namespaces"] = [f"{self.prefix}-*"] if self._way.by_glob else namespaces
        if self._way.dropped:
            options["exclude_namespaces"] = [self.names[self._way.dropped]]
        if self._way.info:
            return module.start_info(kubeconfig, **options)
        if options.get("state") != "absent" and "placeholder" not in options:
            options["token"] = token
        return module.start(kubeconfig, **options)

    def actions(self, result: module.Result) -> dict[str, str]:
        """Return the action, or the planned action, in each namespace that has an entry in the result."""
        key = "planned_action" if self._way.info else "action"
        found = {entry["namespace"]: entry[key] for entry in result.values["namespaces"]}
        return {kind: found[name] for kind, name in self.names.items() if name in found}

    def remove(self) -> None:
        self._bulk.send_all([("DELETE", f"/api/v1/namespaces/{name}", None) for name in self.names.values()])


@pytest.fixture(scope="module")
def bulk(kubeconfig: str) -> BulkClient:
    return BulkClient(kubeconfig)


@pytest.fixture
def scenes(bulk: BulkClient, request: pytest.FixtureRequest) -> Iterator[Any]:
    made: list[Scene] = []

    def make(way: Way) -> Scene:
        made.append(Scene(bulk, way))
        return made[-1]

    yield make
    for scene in made:
        scene.remove()


def test_every_row_of_the_guide_is_run() -> None:
    assert list(permissions_guide.ways()) == list(WAYS)


@pytest.mark.core
@pytest.mark.parametrize("title", WAYS)
def test_the_permissions_of_the_row_are_enough(
    scenes: Any, aws: FakeAws, audit: AuditLog, tmp_path: Path, title: str
) -> None:
    way = WAYS[title]
    rules, everywhere = permissions_guide.rules(title)
    scene = scenes(way)
    mark = audit.mark()
    result = scene.start(tmp_path, aws.issue(), rules, everywhere).wait().ok()
    assert scene.actions(result) == way.expected
    events = [event for event in audit.requests(since=mark) if "default:limited-" in event["user"]["username"]]
    asked = Counter(f"{event['verb']} {event['objectRef']['resource']}" for event in events)
    expected = Counter(way.asked)
    # After a denial for the first namespace, requests that have not begun are not sent.
    asked_one_by_one, most = asked.pop("get namespaces", 0), expected.pop("get namespaces", 0)
    assert min(1, most) <= asked_one_by_one <= most
    assert asked == expected
    # Only requests that the module can do without were denied.
    denied = {(event["verb"], event["objectRef"]["resource"]) for event in events if not _granted(event)}
    assert denied <= {("get", "namespaces"), ("list", "serviceaccounts")}


def _granted(event: dict[str, Any]) -> bool:
    return bool(event["responseStatus"]["code"] != 403)


@pytest.mark.parametrize("title", WAYS)
def test_with_one_verb_less_it_is_named(scenes: Any, aws: FakeAws, tmp_path: Path, title: str) -> None:
    way = WAYS[title]
    both = permissions_guide.rules(title)
    lacking = {
        (verb, resource): [_without(rules, verb, resource) for rules in both]
        for rules in both
        for rule in rules
        for verb in rule["verbs"]
        for resource in rule["resources"]
    }
    runs = []
    for lack, (rules, everywhere) in lacking.items():
        scene = scenes(way)
        runs.append((lack, scene, scene.start(tmp_path, aws.issue(), rules, everywhere)))
    for (verb, resource), scene, running in runs:
        result = running.wait()
        assert result.errors == ""
        if (verb, resource) in way.spared:
            assert scene.actions(result.ok()) == way.expected
            continue
        # The info module reports it for each namespace, and does not fail.
        assert bool(result.values.get("failed")) != way.info
        messages = " ".join(entry["msg"] for entry in result.values["namespaces"]) if way.info else result.msg
        assert f'cannot {verb} resource "{resource}"' in messages
        if "namespaces" in result.values:
            # Namespaces that did not need the verb are done.
            found = scene.actions(result)
            assert {kind for kind in found if found[kind] != "failed"} < set(way.secrets)
            wrong = {found.get(kind, "not looked at") for kind in way.expected if found.get(kind) != way.expected[kind]}
            assert wrong == {"not looked at" if (verb, resource) == LIST_SECRETS else "failed"}


def _without(rules: permissions_guide.Rules, verb: str, resource: str) -> permissions_guide.Rules:
    """Remove a verb on a resource from the rules. The resources of one rule serve the same purpose."""
    kept = [
        {**rule, "verbs": [other for other in rule["verbs"] if other != verb or resource not in rule["resources"]]}
        for rule in rules
    ]
    return [rule for rule in kept if rule["verbs"]]


@pytest.mark.role
def test_the_permissions_for_the_role_are_enough(
    bulk: BulkClient, aws: FakeAws, tmp_path: Path, kubeconfig: str
) -> None:
    names = [f"r{secrets.token_hex(4)}-{suffix}" for suffix in ("a", "b")]
    bulk.make_namespaces(names)
    shown = permissions_guide.roles()
    installer = shown["ecr-public-pull-secret-installer"]
    limited = bulk.account(tmp_path, "default", everywhere=installer)
    remover = bulk.account(tmp_path, "default", everywhere=[*installer, *shown["ecr-public-pull-secret-remover"]])
    with Role(Ansible(tmp_path, kubeconfig), aws, names, refresher=f"{names[0]}-refresher") as role:
        role.variables["pull_secret_cluster"] = {"kubeconfig": limited}
        assert changed(role.run(test_run="never").ok()) > 0
        assert set(names) <= set(bulk.secrets(NAME))
        # Everything is removed except the namespace, which can contain objects that the account cannot list.
        assert "These could not be listed: " in role.run(state="absent").ok().output
        assert not set(names) & set(bulk.secrets(NAME))
        assert role.refresher in _namespaces(bulk)
        role.variables["pull_secret_cluster"] = {"kubeconfig": remover}
        assert changed(role.run(state="absent").ok()) > 0
        wait_for(lambda: role.refresher not in _namespaces(bulk), "the end of the namespace")


def _namespaces(bulk: BulkClient) -> set[str]:
    return {item["metadata"]["name"] for item in bulk.send("GET", "/api/v1/namespaces")["items"]}
