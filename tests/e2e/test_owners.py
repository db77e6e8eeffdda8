# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Two installations in one cluster, with one secret name: the module in push mode, and the program of a refresher.

Each has permissions for all secrets of the name, so only the owner keeps them apart. test_role_owner.py has the role.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client

from support import module
from support.aws import FakeAws
from support.cluster.audit import AuditLog
from support.refresher import PREFIX, Refresher, life
from unit.cases import decide as cases

NAME = "secret-of-two-owners"
KINDS = PUSH, REFRESHER = "push", "refresher"
SELECTOR = "test-of-owners"
ROUNDS = 10
WITHOUT_AWS = (1, 6)
"""Rounds after which no token is available, one with listed and one with selected namespaces."""


@pytest.fixture
def refresher(core: client.CoreV1Api, aws: FakeAws, tmp_path: Path) -> Iterator[Refresher]:
    """A refresher with an owner, and with the permissions of a selector."""
    refresher = Refresher(core, aws, tmp_path, NAME)
    owner = f"{REFRESHER}-{refresher.home}"
    refresher.policy |= {"owner": owner, "labels": {PREFIX + "managed": "true", PREFIX + "owner": owner}}
    refresher.allow_everywhere()
    yield refresher
    client.RbacAuthorizationV1Api(core.api_client).delete_cluster_role_binding(refresher.home)


class Installations:
    """Four namespaces, two of each installation; each of the two also selects namespaces of the other."""

    def __init__(self, core: client.CoreV1Api, audit: AuditLog, kubeconfig: str, refresher: Refresher) -> None:
        self._core, self._audit, self._kubeconfig, self._refresher = core, audit, kubeconfig, refresher
        self.places = {kind: [refresher.add(kind, allowed=False) for _number in range(2)] for kind in KINDS}
        # Unique, since the module prunes in the whole cluster.
        self.owners = {kind: f"{kind}-{refresher.home}" for kind in KINDS}

    def secrets(self, kind: str) -> dict[str, Any]:
        """Return the secrets in the namespaces of this installation, as stored."""
        found = self._core.list_secret_for_all_namespaces(field_selector=f"metadata.name={NAME}").items
        return {
            secret.metadata.namespace: self._core.api_client.sanitize_for_serialization(secret)
            for secret in found
            if secret.metadata.namespace in self.places[kind]
        }

    def replace(self, kind: str, number: int, left: float) -> None:
        """Put a secret with this many hours of remaining lifetime into one of the installation's namespaces."""
        namespace = self.places[kind][number]
        body = cases.secret(name=NAME, namespace=namespace, owner=self.owners[kind], **life(left))
        for key in ("uid", "resourceVersion"):
            del body["metadata"][key]
        if namespace in self.secrets(kind):
            self._core.delete_namespaced_secret(NAME, namespace)
        self._core.create_namespaced_secret(namespace, body)

    def alone(self, kind: str, work: Callable[[], Any]) -> Any:
        """Do the work of one installation. Fails if it writes a secret of the other."""
        other = PUSH if kind == REFRESHER else REFRESHER
        before, mark = self.secrets(other), self._audit.mark()
        result = work()
        written = {event["objectRef"]["namespace"] for event in self._audit.writes(mark, resource="secrets")}
        assert written <= set(self.places[kind])
        assert self.secrets(other) == before
        return result

    def push(self, namespaces: list[str], **options: Any) -> dict[str, tuple[str, str]]:
        """Run the module. Return action and reason of each namespace."""
        given = {"name": NAME, "owner": self.owners[PUSH], "namespaces": namespaces, **options}
        return self.alone(PUSH, lambda: module.run(self._kubeconfig, **given).actions)

    def refresh(self, namespaces: list[str], *, selector: bool, **options: Any) -> dict[str, tuple[str, str]]:
        """Run the program for these namespaces, listed or selected. Return action and reason of each."""
        refresher = self._refresher
        refresher.namespaces = namespaces
        refresher.policy["selector"] = f"{SELECTOR}={refresher.home}" if selector else ""
        for each in (*self.places[PUSH], *self.places[REFRESHER]):
            value = refresher.home if each in namespaces else None
            self._core.patch_namespace(each, {"metadata": {"labels": {SELECTOR: value}}})
        found = self.alone(REFRESHER, lambda: refresher.run(**options))
        return {name: (each["action"], each["reason"]) for name, each in found.items()}


@pytest.fixture
def both(core: client.CoreV1Api, audit: AuditLog, kubeconfig: str, refresher: Refresher) -> Installations:
    return Installations(core, audit, kubeconfig, refresher)


def test_ten_alternating_rounds_touch_no_secret_of_the_other(both: Installations, aws: FakeAws) -> None:
    pushed, refreshed = both.places[PUSH], both.places[REFRESHER]
    other = ("failed", "other_owner")
    for number in range(ROUNDS):
        # The namespaces change in each round, so that each round has an orphan of each installation.
        mine, left, selector = number % 2, 1 - number % 2, number % 4 > 1
        for kind in KINDS:
            both.replace(kind, 0, -1)
            both.replace(kind, 1, -1)
        aws.behave(life=43200 + 60 * number)

        found = both.push([pushed[mine], *refreshed], prune=True, token=aws.issue())
        assert found == {
            pushed[mine]: ("renewed", "expired"),
            pushed[left]: ("removed", "orphaned"),
            **dict.fromkeys(refreshed, other),
        }
        skipped = {pushed[mine]: ("skipped", "other_owner")}
        found = both.refresh([refreshed[mine], pushed[mine]], selector=selector)
        assert {**skipped, refreshed[mine]: ("renewed", "expired")}.items() <= found.items()
        assert (refreshed[left] in found) is selector
        if number not in WITHOUT_AWS:
            continue

        # AWS is down: each removes the entries of its own expired token.
        both.replace(PUSH, mine, -1)
        both.replace(REFRESHER, mine, -1)
        aws.behave(deny="ecr-public:GetAuthorizationToken")
        found = both.push([pushed[mine], *refreshed], prune=True, token_unavailable="AWS is down.")
        assert found == {pushed[mine]: ("failed_open", "expired"), **dict.fromkeys(refreshed, other)}
        found = both.refresh([refreshed[mine], pushed[mine]], selector=selector, status=1)
        assert {**skipped, refreshed[mine]: ("failed_open", "expired")}.items() <= found.items()
        aws.behave(deny=None)

    # Everything of the one is removed, whatever is selected, and nothing of the other.
    both.replace(PUSH, 0, 5)
    found = both.push(["*"], state="absent", prune=True)
    assert {name: found[name][1] for name in refreshed} == dict.fromkeys(refreshed, "other_owner")
    assert (set(both.secrets(PUSH)), set(both.secrets(REFRESHER))) == (set(), set(refreshed))


def _read(kubeconfig: str, options: dict[str, Any]) -> module.Result:
    """Run ecr_public_pull_secret_info."""
    return module.start_info(kubeconfig, **options).wait().ok()


def test_info_shows_the_owner_and_plans_nothing_for_secrets_of_another(both: Installations, kubeconfig: str) -> None:
    for kind in KINDS:
        both.replace(kind, 0, 5)
    places = [both.places[kind][0] for kind in KINDS]
    given: dict[str, Any] = {"name": NAME, "owner": both.owners[PUSH], "namespaces": places}
    for options, planned in (({}, "failed"), ({"state": "absent", "prune": True}, "unchanged")):
        result = both.alone(PUSH, partial(_read, kubeconfig, {**given, **options}))
        theirs = {each["namespace"]: each for each in result.values["namespaces"]}[places[1]]
        assert (theirs["owner"], theirs["status"]) == (both.owners[REFRESHER], "other_owner")
        assert (theirs["planned_action"], theirs["reason"]) == (planned, "other_owner")
