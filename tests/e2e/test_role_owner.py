# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Several installations of the role in one cluster, with one secret name: none touches the secrets of another."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client

from support import module
from support.aws import FakeAws
from support.cluster.audit import AuditLog
from support.installed_program import InstalledProgram
from support.playbook import Ansible
from support.role import Role, changed

pytestmark = pytest.mark.role
NAME = "owned-secret"
OWNER = "ecr-public.freshpull/owner"
ROUNDS = 10
PUSH: dict[str, Any] = {"refresher": "none", "fail_open_before": "3h"}


@pytest.fixture
def roles(ansible: Ansible, aws: FakeAws, make_namespaces: Callable[..., list[str]]) -> Iterator[tuple[Role, Role]]:
    """Two installations with two namespaces each. The refresher of the second one exists only if a test installs it."""
    names = make_namespaces("a", "b", "c", "d")
    prefix = names[0].removesuffix("a")
    with ExitStack() as stack:
        found = []
        for number, own in enumerate((names[:2], names[2:])):
            role = stack.enter_context(Role(ansible, aws, own, refresher=f"{prefix}refresher-{number}"))
            role.variables |= {"pull_secret_name": NAME, "pull_secret_test_run": "never"}
            found.append(role)
        yield found[0], found[1]


def owners(core: client.CoreV1Api, *roles: Role) -> dict[str, str | None]:
    """Return the owner of the secret in each namespace that has one, by the namespace's last letter."""
    found = {}
    for name in (name for role in roles for name in role.namespaces):
        for secret in core.list_namespaced_secret(name, field_selector=f"metadata.name={NAME}").items:
            found[name[-1]] = secret.metadata.labels.get(OWNER)
    return found


def stored(core: client.CoreV1Api, role: Role) -> list[Any]:
    """Return the secrets of the name in the namespaces of a role, as the API server stores them."""
    found = [
        secret
        for name in role.namespaces
        for secret in core.list_namespaced_secret(name, field_selector=f"metadata.name={NAME}").items
    ]
    return [core.api_client.sanitize_for_serialization(secret) for secret in found]


def written(audit: AuditLog, mark: int) -> set[str]:
    """Return the last letters of the namespaces whose secret was written."""
    events = audit.writes(since=mark, resource="secrets")
    return {event["objectRef"]["namespace"][-1] for event in events if event["objectRef"].get("name") == NAME}


def test_a_refresher_and_push_mode_run_alternately(
    roles: tuple[Role, Role], core: client.CoreV1Api, aws: FakeAws, audit: AuditLog, kubeconfig: str, tmp_path: Path
) -> None:
    """The namespaces change in each round, so that each of the two prunes. Every second round runs only the module."""
    first, second = roles
    push = {**PUSH, "owner": "push"}
    for number in range(ROUNDS):
        for role, other, owner, options in ((first, second, first.refresher, {}), (second, first, "push", push)):
            selected = (role.namespaces, role.namespaces[:1], role.namespaces[1:])[number % 3]
            before, mark = stored(core, other), audit.mark()
            if number % 2:
                given: dict[str, Any] = {"name": NAME, "owner": owner, "prune": True, "force_renew": True}
                module.run(kubeconfig, namespaces=selected, token=aws.issue(), **given).ok()
            else:
                role.run(namespaces=selected, force_renew=True, **options).ok()
            assert written(audit, mark) <= {name[-1] for name in role.namespaces}
            assert stored(core, other) == before
            assert owners(core, role) == {name[-1]: owner for name in selected}

    # The refresher renews its own secret only, also where it has permissions.
    first.run(namespaces=[*first.namespaces, *second.namespaces], adopt=False)
    results = InstalledProgram(core, aws, first.refresher, tmp_path).run()
    assert results[second.namespaces[0]] == ("skipped", "other_owner")

    # Everything of the one is removed, whatever is selected, and nothing of the other.
    before = stored(core, first)
    second.run(namespaces=["zzz*"], state="absent", **push).ok()
    assert owners(core, first, second) == dict.fromkeys(("a", "b"), first.refresher)
    assert stored(core, first) == before
    first.run(namespaces=["*"], state="absent").ok()
    assert owners(core, first, second) == {}


def test_to_push_mode_to_absent_leaves_nothing(roles: tuple[Role, Role], core: client.CoreV1Api) -> None:
    role, _other = roles
    role.run().ok()
    assert owners(core, role) == dict.fromkeys(("a", "b"), role.refresher)
    role.run(**PUSH).ok()
    assert owners(core, role) == dict.fromkeys(("a", "b"))
    assert changed(role.run(**PUSH).ok()) == 0
    role.run(state="absent", **PUSH).ok()
    assert owners(core, role) == {}


def test_a_move_to_another_namespace_is_two_runs(roles: tuple[Role, Role], core: client.CoreV1Api) -> None:
    former, latter = roles
    former.run().ok()
    former.run(**PUSH).ok()
    moved: dict[str, Any] = {"namespaces": former.namespaces}
    failed = latter.run(**moved)
    assert failed.returncode
    assert "A managed secret of this name exists, which has no owner" in failed.output
    latter.run(adopt=True, **moved).ok()
    assert owners(core, former) == dict.fromkeys(("a", "b"), latter.refresher)
    assert changed(latter.run(**moved).ok()) == 0


def test_another_owner_is_rejected_unless_adopted(roles: tuple[Role, Role], core: client.CoreV1Api) -> None:
    role, _other = roles
    role.run().ok()
    failed = role.run(owner="platform")
    assert failed.returncode
    assert f"owner: 'platform' is not the owner of the refresher in namespace {role.refresher}" in failed.output
    role.run(owner="platform", adopt=True).ok()
    assert owners(core, role) == dict.fromkeys(("a", "b"), "platform")
    # Without the variable the recorded one is used.
    assert changed(role.run().ok()) == 0
    role.run(state="absent").ok()
    assert owners(core, role) == {}
