# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the refresher's script and its program in Python do alike, without a pod: same files, same rights."""

from __future__ import annotations

import secrets

from support.aws import FakeAws
from support.cluster.audit import AuditLog
from support.refresher import DUE, EMPTY, NAME, PREFIX, Refresher, entry


def test_one_token_for_all_in_place_and_then_nothing_to_do(refresher: Refresher, aws: FakeAws, audit: AuditLog) -> None:
    due = refresher.add(**DUE, labels={"theirs": "kept"}, auths={"public.ecr.aws": "old", "other.example": "theirs"},
                        registries=["public.ecr.aws"])  # fmt: skip
    empty = refresher.add(**EMPTY)
    before = refresher.secret(due)

    results = refresher.run()

    assert results[due]["action"] == results[empty]["action"] == "renewed"
    assert (results[due]["reason"], results[empty]["reason"]) == ("expired", "empty")
    assert aws.calls == {"GetAuthorizationToken": 1}
    [password] = aws.tokens
    after = refresher.secret(due)
    assert after.metadata.uid == before.metadata.uid
    assert after.metadata.labels == before.metadata.labels
    assert after.metadata.annotations[PREFIX + "renewed-by"] == "cronjob"
    assert after.metadata.annotations[PREFIX + "expires-at"] == results[due]["expires_at"] > "2026"
    assert {field.manager for field in after.metadata.managed_fields} >= {"freshpull"}
    assert refresher.auths(due)["other.example"] == entry("theirs")
    assert refresher.auths(due)["public.ecr.aws"] == entry(password)
    assert refresher.auths(empty) == {"public.ecr.aws": entry(password)}
    assert "2 renewed" in refresher.last_words

    mark = audit.mark()
    results = refresher.run()
    assert {(result["action"], result["reason"]) for result in results.values()} == {("unchanged", "fresh")}
    assert aws.calls == {"GetAuthorizationToken": 1}
    assert audit.writes(since=mark, resource="secrets") == []


def test_registries_follow_the_settings_without_aws(refresher: Refresher, aws: FakeAws) -> None:
    namespace = refresher.add(expires_at="2099-01-01T00:00:00Z", renewed_at="2026-01-01T00:00:00Z")
    refresher.policy["registries"] = ["ecr-public.aws.com"]
    assert refresher.run()[namespace]["action"] == "updated"
    assert refresher.auths(namespace) == {"ecr-public.aws.com": entry("old")}
    assert refresher.run()[namespace]["action"] == "unchanged"
    assert aws.calls == {}


def test_forced(refresher: Refresher, aws: FakeAws) -> None:
    namespace = refresher.add(**EMPTY)
    refresher.run()
    aws.behave(life=43260)
    assert refresher.run(FORCE_RENEW="1")[namespace]["reason"] == "forced"
    assert aws.calls == {"GetAuthorizationToken": 2}


def test_a_token_that_ends_no_later_is_not_written(refresher: Refresher, aws: FakeAws, audit: AuditLog) -> None:
    namespace = refresher.add(**EMPTY)
    refresher.run()
    aws.behave(life=600)
    mark = audit.mark()
    result = refresher.run(FORCE_RENEW="1")[namespace]
    assert (result["action"], result["reason"]) == ("unchanged", "not_later")
    assert audit.writes(since=mark, resource="secrets") == []


def test_a_conflict_is_read_and_decided_again(refresher: Refresher, aws: FakeAws) -> None:
    """Somebody changes the secret between the read and the write."""
    changed, other = refresher.add(**DUE), refresher.add(**DUE)
    refresher.meanwhile(changed, f"$KUBECTL annotate secret {NAME} theirs=new")
    results = refresher.run()
    assert {results[namespace]["action"] for namespace in (changed, other)} == {"renewed"}
    assert refresher.secret(changed).metadata.annotations["theirs"] == "new"
    assert aws.calls == {"GetAuthorizationToken": 1}


def test_many(refresher: Refresher, aws: FakeAws, audit: AuditLog) -> None:
    """One write a namespace, one AWS call a run."""
    namespaces = [refresher.add(secrets.choice(("a", "b")), **EMPTY) for _number in range(40)]
    mark = audit.mark()
    results = refresher.run()
    assert {results[namespace]["action"] for namespace in namespaces} == {"renewed"}
    assert len(audit.writes(since=mark, resource="secrets")) == len(namespaces)
    assert aws.calls == {"GetAuthorizationToken": 1}
