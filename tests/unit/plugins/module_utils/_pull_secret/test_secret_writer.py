# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets that are planned and written one by one, with one token request. test_task.py has whole tasks."""

from __future__ import annotations

import concurrent.futures
import threading
import time
from typing import cast

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils._aws_errors import AwsError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.api import Cluster, ConflictError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.decision import Policy
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.report import Outcome
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.secret_writer import (
    SecretWriter,
    Tokens,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._token import Token
from unit.plugins.module_utils._pull_secret.memory import NAME, TOKEN, MemoryCluster

NAMES = [f"team-{number}" for number in range(20)]


class Aws:
    """A fake that counts its calls. Each takes a moment, so all threads that need a token call meanwhile."""

    def __init__(self, failure: str = "") -> None:
        self.failure = failure
        self.calls = 0

    def fetch(self) -> Token:
        self.calls += 1
        time.sleep(0.05)
        if self.failure:
            raise AwsError(self.failure)
        return TOKEN


def keep(cluster: MemoryCluster, tokens: Tokens, names: list[str]) -> list[Outcome]:
    """Plan and write each secret by the same worker."""
    writer = SecretWriter(cast(Cluster, cluster), Policy(name=NAME), tokens)
    with concurrent.futures.ThreadPoolExecutor(max_workers=len(names)) as pool:
        return list(pool.map(lambda name: writer.act(writer.read_and_decide(name)), names))


def test_one_token_serves_all() -> None:
    cluster, aws = MemoryCluster(NAMES), Aws()
    found = keep(cluster, Tokens(fetch=aws.fetch), NAMES)
    assert {outcome.plan.action for outcome in found} == {"created"}
    assert {outcome.plan.expires_at for outcome in found} == {TOKEN.expires_at}
    assert aws.calls == 1
    assert cluster.calls == {"get secret": len(NAMES), "create secret": len(NAMES)}


def test_no_token_is_requested_if_none_is_needed() -> None:
    cluster, aws = MemoryCluster(NAMES), Aws()
    keep(cluster, Tokens(token=TOKEN), NAMES)
    found = keep(cluster, Tokens(fetch=aws.fetch), NAMES)
    assert ({outcome.plan.action for outcome in found}, aws.calls) == ({"unchanged"}, 0)


def test_one_failure_serves_all() -> None:
    cluster, aws = MemoryCluster(NAMES), Aws("AWS is down")
    tokens = Tokens(fetch=aws.fetch)
    found = keep(cluster, tokens, NAMES)
    assert {(outcome.plan.action, outcome.plan.reason) for outcome in found} == {("failed", "token_unavailable")}
    assert (tokens.outage, aws.calls, cluster.stored) == ("AWS is down", 1, {})


def test_a_token_is_requested_after_a_conflict_too() -> None:
    """The token was valid at the read and is expired at the write."""
    cluster, aws = MemoryCluster(["team-a"]), Aws()
    keep(cluster, Tokens(token=TOKEN), ["team-a"])
    metadata = cluster.stored["team-a"]["metadata"]
    metadata["labels"]["ecr-public.freshpull/managed"] = "true"
    # An update without a token, while another client writes.
    writer = SecretWriter(cast(Cluster, cluster), Policy(name=NAME, labels={"team": "a"}), Tokens(fetch=aws.fetch))
    decided = writer.read_and_decide("team-a")
    assert (decided.plan.action, aws.calls) == ("updated", 0)
    metadata["annotations"]["ecr-public.freshpull/expires-at"] = "2026-01-01T00:00:00Z"
    cluster.reject["patch secret"] = [ConflictError("conflict", "changed")]
    done = writer.act(decided)
    assert (done.plan.action, done.plan.reason, aws.calls) == ("renewed", "expired", 1)


@pytest.mark.parametrize("tokens", [Tokens(), Tokens(outage="AWS is down")])
def test_a_plan_requests_none(tokens: Tokens) -> None:
    assert tokens.request() is False
    assert tokens.token is None


def test_a_thread_that_waits_for_a_failure_does_not_request_again() -> None:
    aws = Aws("AWS is down")
    tokens = Tokens(fetch=aws.fetch)
    threads = [threading.Thread(target=tokens.request) for _number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert aws.calls == 1
