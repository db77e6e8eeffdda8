# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A role whose variables change: each change writes only its own objects, and writes them once.

The tests are the steps of one installation, in the order of the table.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from kubernetes import client

from support.aws import FakeAws
from support.bulk_client import BulkClient
from support.cluster.audit import AuditLog
from support.playbook import Ansible
from support.refresher_settings import settings
from support.role import Role
from support.stored import Stored, quiet_schedule
from support.workloads import CONFIG, CRONJOB

pytestmark = pytest.mark.role
# Its own names, because the role prunes in the whole cluster.
NAME, RENAMED = "upgraded-secret", "upgraded-and-renamed-secret"
ARN = "arn:aws:iam::123456789012:role/ecr-public-pull"

JOB = f"cronjobs refresher/{CRONJOB}"
SETTINGS = f"configmaps refresher/{CONFIG}"
ACCOUNT = f"serviceaccounts refresher/{CRONJOB}"
KEYS = f"secrets refresher/{CRONJOB}-aws"
CODE = f"configmaps refresher/{settings().program}"
PERMISSIONS = f"clusterroles {CRONJOB}:refresher"
READER_ROLE, READER_BINDING = (
    f"clusterroles {CRONJOB}-namespaces:refresher",
    f"clusterrolebindings {CRONJOB}-namespaces:refresher",
)
POLICY = f"validatingadmissionpolicies {CRONJOB}-service-accounts.refresher"
IN_FORCE = f"validatingadmissionpolicybindings {CRONJOB}-service-accounts.refresher"


def secrets(*places: str, name: str = NAME) -> set[str]:
    return {f"secrets {place}/{name}" for place in places}


def users(*places: str) -> set[str]:
    return {f"serviceaccounts {place}/default" for place in places}


def bound(place: str) -> set[str]:
    return {f"rolebindings {place}/{CRONJOB}:refresher"}


@dataclasses.dataclass(frozen=True)
class Change:
    """variables: without their prefix, and namespaces without the test's prefix. calls: the calls of AWS.

    again: check that a second run writes nothing. The last step checks this for everything that is still in effect, so
    only steps that a later step reverts set it.
    """

    variables: dict[str, Any]
    written: set[str]
    calls: int = 0
    again: bool = False


CHANGES = {
    "its pod and when it runs": Change(
        {
            "refresher_schedule": quiet_schedule(later=5),
            "refresher_image": "mirror.example.com/aws-cli:2.36.7",
            "refresher_resources": {"limits": {"memory": "1Gi"}},
            "refresher_history": 1,
        },
        {JOB},
    ),
    "labels and annotations": Change({"labels": {"team": "a"}, "annotations": {"note": "b"}}, secrets("a", "b")),
    "when it renews, and a service account, though no secret is due": Change(
        {"renew_before": "7h", "fail_open_before": "3h", "workers": 8, "service_accounts": ["default"]},
        {SETTINGS, PERMISSIONS, POLICY, IN_FORCE, *users("a", "b")},
    ),
    "keys in an existing secret, and a role to assume": Change(
        {
            "refresher_aws_auth": "existing_secret",
            "refresher_aws_existing_secret": "their-keys",
            "refresher_role_arn": ARN,
            "refresher_external_id": "partner",
        },
        {KEYS, JOB, SETTINGS},
        again=True,
    ),
    "the node's own access, and no role": Change(
        {"refresher_aws_auth": "ambient", "refresher_role_arn": "", "refresher_external_id": ""},
        {JOB, SETTINGS},
        again=True,
    ),
    "a namespace more": Change(
        {"namespaces": ["a", "b", "c"]}, {SETTINGS, READER_ROLE, *secrets("c"), *users("c"), *bound("c")}, calls=1
    ),
    "keys in a secret of the role again, and a namespace less": Change(
        {"refresher_aws_auth": "secret", "namespaces": ["a", "b"]},
        {KEYS, JOB, SETTINGS, READER_ROLE, *secrets("c"), *users("c"), *bound("c")},
    ),
    "suspended": Change(
        {"refresher_suspend": True, "fail_open_before": ""}, {JOB, SETTINGS, *secrets("a", "b"), *users("a", "b")}
    ),
    "resumed": Change({"refresher_suspend": False}, {JOB, *secrets("a", "b"), *users("a", "b")}, calls=1),
    "another name": Change(
        {"name": RENAMED},
        {PERMISSIONS, POLICY, SETTINGS, *secrets("a", "b"), *secrets("a", "b", name=RENAMED), *users("a", "b")},
        calls=1,
        again=True,
    ),
}


@dataclasses.dataclass(frozen=True)
class Place:
    role: Role
    aws: FakeAws
    stored: Stored
    prefix: str

    def run(self) -> tuple[set[str], int]:
        """Run the role; return what it wrote and how often it called AWS."""
        before = self.aws.calls.get("GetAuthorizationToken", 0)
        with self.stored.written() as written:
            self.role.run().ok()
        return written, self.aws.calls.get("GetAuthorizationToken", 0) - before


@pytest.fixture(scope="module")
def place(
    running_aws: FakeAws,
    kubeconfig: str,
    core: client.CoreV1Api,
    audit: AuditLog,
    make_lasting_namespaces: Callable[..., list[str]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Place]:
    running_aws.reset()
    first, second, _third = make_lasting_namespaces("a", "b", "c")
    prefix = first.removesuffix("a")
    theirs = {"metadata": {"name": "their-keys"}, "stringData": {"credentials": "[default]\n"}}
    ansible = Ansible(tmp_path_factory.mktemp("play"), kubeconfig)
    with Role(ansible, running_aws, [first, second], refresher=f"{prefix}refresher") as role:
        role.variables["pull_secret_name"] = NAME
        role.variables["pull_secret_test_run"] = "never"
        role.variables["pull_secret_refresher_schedule"] = quiet_schedule()
        role.run().ok()
        core.create_namespaced_secret(role.refresher, theirs)
        yield Place(role, running_aws, Stored(BulkClient(kubeconfig), audit, prefix), prefix)


@pytest.mark.parametrize("title", CHANGES)
def test_a_change_writes_only_its_objects_and_once(place: Place, title: str) -> None:
    change = CHANGES[title]
    for name, value in change.variables.items():
        given = [place.prefix + suffix for suffix in value] if name == "namespaces" else value
        place.role.variables[f"pull_secret_{name}"] = given
    assert place.run() == (change.written, change.calls)
    if change.again:
        assert place.run() == (set(), 0)


def test_no_object_of_an_earlier_step_is_left(place: Place) -> None:
    settled = {PERMISSIONS, READER_ROLE, READER_BINDING, POLICY, IN_FORCE, SETTINGS, CODE, JOB, ACCOUNT, KEYS}
    renewed = {*secrets("a", "b", name=RENAMED), *bound("a"), *bound("b")}
    assert place.stored.left() == {*settled, *renewed, "secrets refresher/their-keys"}
    user = place.stored.objects()["serviceaccounts a/default"]
    assert user["imagePullSecrets"] == [{"name": RENAMED}]
