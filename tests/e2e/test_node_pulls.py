# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A kubelet that pulls images of public.ecr.aws with the secret."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from support.aws import FakeAws
from support.playbook import PULL_SECRET, Ansible
from support.pulls import pull_new_image
from support.workloads import Pull, Workloads

pytestmark = [pytest.mark.node, pytest.mark.core]
NAME = "ecr-public-secret"


@dataclasses.dataclass(frozen=True)
class Pulls:
    """Namespaces with pull secrets in different states, and the pulls in each."""

    fresh: str
    expired: str
    empty: str
    aws: FakeAws
    workloads: Workloads

    def pull(self, namespace: str) -> tuple[Pull, list[dict[str, Any]]]:
        return pull_new_image(self.aws, self.workloads, namespace, NAME)


@pytest.fixture(scope="module")
def pulls(
    running_aws: FakeAws,
    kubeconfig: str,
    make_lasting_namespaces: Callable[..., list[str]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Pulls:
    running_aws.reset()
    fresh, expired, empty = make_lasting_namespaces("fresh", "expired", "empty")
    # Each namespace has its own token; the last has a placeholder, as before a refresher's first run.
    aws = {
        "endpoint_url": running_aws.endpoint_url,
        "access_key": running_aws.access_key,
        "secret_key": running_aws.secret_key,
    }
    tasks = [
        {"name": namespace, PULL_SECRET: {"kubeconfig": kubeconfig, "namespaces": [namespace], **options}}
        for namespace, options in ((fresh, {"aws": aws}), (expired, {"aws": aws}), (empty, {"placeholder": True}))
    ]
    Ansible(tmp_path_factory.mktemp("play"), kubeconfig).tasks(tasks).ok()
    running_aws.expire(running_aws.tokens[1])
    return Pulls(fresh, expired, empty, running_aws, Workloads(kubeconfig))


def test_a_pull_with_a_managed_secret_is_authenticated(pulls: Pulls) -> None:
    pull, requests = pulls.pull(pulls.fresh)
    assert pull.pulled, pull
    assert {(request["authenticated"], request["status"]) for request in requests} == {(True, 200)}
    assert any("/blobs/" in request["path"] for request in requests)


def test_a_pull_with_an_expired_token_is_rejected(pulls: Pulls) -> None:
    pull, requests = pulls.pull(pulls.expired)
    assert not pull.pulled
    assert pull.reason in ("ErrImagePull", "ImagePullBackOff")
    assert "403 Forbidden" in pull.message
    assert {(request["authenticated"], request["status"]) for request in requests} == {(False, 403)}


def test_a_pull_without_managed_entries_is_anonymous(pulls: Pulls) -> None:
    pull, requests = pulls.pull(pulls.empty)
    assert pull.pulled, pull
    assert {(request["authenticated"], request["status"]) for request in requests} == {(False, 200)}
