# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the secret is for: a kubelet that pulls images of public.ecr.aws with it."""

from __future__ import annotations

import dataclasses
import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.aws import FakeAws
from support.playbook import PULL_SECRET, Ansible
from support.workloads import Pull, Workloads

pytestmark = pytest.mark.node
NAME = "ecr-public-secret"
# To learn where to get a token, every client first asks without one (401) and tries another way to get it (405).
ASKING = {401, 405}


@dataclasses.dataclass(frozen=True)
class Pulls:
    """Namespaces whose pull secrets are in different states, and what a pull in each comes to."""

    fresh: str
    expired: str
    empty: str
    aws: FakeAws
    workloads: Workloads

    def pull(self, namespace: str) -> tuple[Pull, list[dict[str, Any]]]:
        """Pull an image that no node has seen; returns what the registry saw of it, too."""
        repository = f"test/{secrets.token_hex(4)}"
        pause = Path(os.environ["FRESHPULL_TEST_PAUSE_BINARY"])
        self.aws.add_image(repository, "1", {"/pause": pause}, ["/pause"])
        pull = self.workloads.pull(namespace, f"public.ecr.aws/{repository}:1", [NAME])
        requests = [request for request in self.aws.registry_requests if repository in str(request)]
        return pull, [request for request in requests if request["status"] not in ASKING]


@pytest.fixture(scope="module")
def pulls(
    running_aws: FakeAws,
    kubeconfig: str,
    make_lasting_namespaces: Callable[..., list[str]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Pulls:
    running_aws.reset()
    fresh, expired, empty = make_lasting_namespaces("fresh", "expired", "empty")
    # A token of its own for each; the last is made as for a refresher that is yet to come.
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


def test_pull_with_our_secret_is_authenticated(pulls: Pulls) -> None:
    pull, requests = pulls.pull(pulls.fresh)
    assert pull.pulled, pull
    assert {(request["authenticated"], request["status"]) for request in requests} == {(True, 200)}
    assert any("/blobs/" in request["path"] for request in requests)


def test_pull_with_an_expired_token_is_refused(pulls: Pulls) -> None:
    pull, requests = pulls.pull(pulls.expired)
    assert not pull.pulled
    assert pull.reason in ("ErrImagePull", "ImagePullBackOff")
    assert "403 Forbidden" in pull.message
    assert {(request["authenticated"], request["status"]) for request in requests} == {(False, 403)}


def test_pull_with_our_keys_taken_out_is_anonymous(pulls: Pulls) -> None:
    pull, requests = pulls.pull(pulls.empty)
    assert pull.pulled, pull
    assert {(request["authenticated"], request["status"]) for request in requests} == {(False, 200)}
