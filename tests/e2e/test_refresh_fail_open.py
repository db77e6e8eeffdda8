# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The refresher while AWS is down: what dies is taken out once, and put back in place."""

from __future__ import annotations

from pathlib import Path

import pytest
from kubernetes import client

from support.aws import FakeAws
from support.cluster.audit import AuditLog
from support.refresher import EMPTY, NAME, PREFIX, Refresher, entry, life


@pytest.fixture
def refresher(core: client.CoreV1Api, aws: FakeAws, tmp_path: Path) -> Refresher:
    return Refresher(core, aws, tmp_path)


@pytest.mark.core
def test_it_fails_open_once_and_recovers_in_place(refresher: Refresher, aws: FakeAws, audit: AuditLog) -> None:
    shared = refresher.add(**life(-1), auths={"public.ecr.aws": "old", "other.example": "theirs"},
                           registries=["public.ecr.aws"], labels={"theirs": "kept"})  # fmt: skip
    empty = refresher.add(**EMPTY)
    before = refresher.secret(shared)
    aws.behave(throttle=100)
    began = life(12)["renewed_at"]
    results = refresher.run(status=1)
    assert (results[shared]["action"], results[shared]["reason"]) == ("failed_open", "expired")
    assert (results[empty]["action"], results[empty]["reason"]) == ("failed", "aws")
    opened = refresher.secret(shared)
    assert refresher.auths(shared) == {"other.example": entry("theirs")}
    assert (opened.metadata.uid, opened.metadata.labels) == (before.metadata.uid, before.metadata.labels)
    assert opened.metadata.annotations[PREFIX + "failed-open-at"] >= began
    assert f"{shared}: expired: The token had ended" in refresher.last_words

    mark = audit.mark()
    assert refresher.run(status=1)[shared]["reason"] == "aws"
    assert audit.writes(since=mark, resource="secrets") == []

    aws.behave(throttle=0)
    results = refresher.run()
    assert (results[shared]["action"], results[shared]["reason"]) == ("renewed", "recovered")
    assert refresher.secret(shared).metadata.uid == before.metadata.uid
    assert PREFIX + "failed-open-at" not in refresher.secret(shared).metadata.annotations
    assert refresher.auths(shared) == {"other.example": entry("theirs"), "public.ecr.aws": entry(aws.tokens[-1])}


def test_fail_open_can_be_off(refresher: Refresher, aws: FakeAws, audit: AuditLog) -> None:
    refresher.policy["fail_open"] = False
    namespace = refresher.add(**life(-1))
    aws.behave(throttle=100)
    mark = audit.mark()
    result = refresher.run(status=1)[namespace]
    assert (result["action"], result["reason"]) == ("failed", "dying")
    assert audit.writes(since=mark, resource="secrets") == []


def test_failing_open_meets_a_conflict(refresher: Refresher, aws: FakeAws) -> None:
    """Somebody changes the secret between the read and the write: it is read and decided about again."""
    namespace = refresher.add(**life(-1))
    aws.behave(throttle=100)
    refresher.meanwhile(namespace, f"$KUBECTL annotate secret {NAME} theirs=new")
    assert refresher.run(status=1)[namespace]["action"] == "failed_open"
    assert refresher.auths(namespace) == {}
    assert refresher.secret(namespace).metadata.annotations["theirs"] == "new"
