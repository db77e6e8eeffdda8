# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The refresher's program without its pod: a real API server, a fake AWS, the pod's files and permissions."""

from __future__ import annotations

import secrets
import shutil
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from support.aws import FakeAws
from support.cluster.audit import AuditLog
from support.cluster.pki import Authority
from support.refresher import DUE, EMPTY, NAME, PREFIX, Refresher, entry, life


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
    assert "2 renewed" in refresher.termination_message

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


def test_a_token_that_does_not_expire_later_is_not_written(refresher: Refresher, aws: FakeAws, audit: AuditLog) -> None:
    namespace = refresher.add(**EMPTY)
    refresher.run()
    aws.behave(life=600)
    mark = audit.mark()
    result = refresher.run(FORCE_RENEW="1")[namespace]
    assert (result["action"], result["reason"]) == ("unchanged", "not_later")
    assert audit.writes(since=mark, resource="secrets") == []


def test_a_secret_with_a_conflict_is_read_again(refresher: Refresher, aws: FakeAws) -> None:
    """Another client changes the secret between the read and the write."""
    changed, other = refresher.add(**DUE), refresher.add(**DUE)
    refresher.meanwhile(changed, f"$KUBECTL annotate secret {NAME} theirs=new")
    results = refresher.run()
    assert {results[namespace]["action"] for namespace in (changed, other)} == {"renewed"}
    assert refresher.secret(changed).metadata.annotations["theirs"] == "new"
    assert aws.calls == {"GetAuthorizationToken": 1}


def test_many(refresher: Refresher, aws: FakeAws, audit: AuditLog) -> None:
    """Each namespace takes one write, and each run one AWS call."""
    namespaces = [refresher.add(secrets.choice(("a", "b")), **EMPTY) for _number in range(40)]
    mark = audit.mark()
    results = refresher.run()
    assert {results[namespace]["action"] for namespace in namespaces} == {"renewed"}
    assert len(audit.writes(since=mark, resource="secrets")) == len(namespaces)
    assert aws.calls == {"GetAuthorizationToken": 1}


def test_a_secret_that_cannot_be_renewed_stops_no_other(refresher: Refresher) -> None:
    missing = refresher.add()
    unmanaged = refresher.add(managed=False)
    opaque = refresher.add(type="Opaque", **DUE)
    forbidden = refresher.add(allowed=False, **DUE)
    immutable = refresher.add(immutable=True, **DUE)
    malformed = refresher.add(raw='{"auths":[]}', **DUE)
    good = refresher.add(**DUE)
    before = {
        namespace: refresher.secret(namespace).to_dict() for namespace in (unmanaged, opaque, forbidden, immutable)
    }

    results = refresher.run(status=1)

    assert {namespace: (result["action"], result["reason"]) for namespace, result in results.items()} == {
        missing: ("failed", "missing"),
        unmanaged: ("skipped", "unmanaged"),
        opaque: ("failed", "wrong_type"),
        forbidden: ("failed", "forbidden"),
        immutable: ("failed", "immutable"),
        malformed: ("failed", "malformed"),
        good: ("renewed", "expired"),
    }
    assert all(bool(result["msg"]) == (result["action"] == "failed") for result in results.values())
    assert before == {namespace: refresher.secret(namespace).to_dict() for namespace in before}
    assert refresher.termination_message.startswith("5 failed, 1 renewed, 1 skipped\n")
    assert f"{missing}: missing: " in refresher.termination_message


def test_a_secret_that_was_created_again_in_the_meantime_is_read_again(refresher: Refresher) -> None:
    namespace = refresher.add(**DUE)
    create = (
        f"create secret docker-registry {NAME} --docker-server=other.example --docker-username=u --docker-password=p"
    )
    refresher.meanwhile(namespace, f"$KUBECTL delete secret {NAME} && $KUBECTL {create}")
    result = refresher.run()[namespace]
    assert (result["action"], result["reason"]) == ("skipped", "unmanaged")
    assert list(refresher.auths(namespace)) == ["other.example"]


AWS_FAILURES: dict[str, tuple[dict[str, Any], str]] = {
    "one action denied": (
        {"deny": "ecr-public:GetAuthorizationToken"},
        "The AWS principal lacks ecr-public:GetAuthorizationToken",
    ),
    "the other denied": ({"deny": "sts:GetServiceBearerToken"}, "The AWS principal lacks sts:GetServiceBearerToken"),
    "partition": ({"partition": True}, "AWS China or AWS GovCloud do not work"),
    "throttled": ({"throttle": 100}, "The next run tries again."),
    "a list": ({"malformed": "list"}, "is not an ECR Public response"),
    "no expiry": ({"malformed": "no_expiry"}, "authorizationData has no expiresAt"),
    "not base64": ({"malformed": "not_base64"}, "is not base64"),
    "expired": ({"life": -60}, "a token that expired at"),
}


@pytest.mark.parametrize(("behaviour", "words"), AWS_FAILURES.values(), ids=AWS_FAILURES)
def test_aws_fails(behaviour: dict[str, Any], words: str, refresher: Refresher, aws: FakeAws, audit: AuditLog) -> None:
    """Valid tokens stay, expiring tokens are removed, and the reason is reported for both."""
    fresh = refresher.add(expires_at="2099-01-01T00:00:00Z", renewed_at="2026-01-01T00:00:00Z")
    kept = refresher.add(**life(5))
    expiring = refresher.add(**life(2))
    aws.behave(**behaviour)
    mark = audit.mark()
    results = refresher.run(status=1)
    assert results[fresh]["action"] == "unchanged"
    assert (results[kept]["action"], results[kept]["reason"]) == ("failed", "kept")
    assert (results[expiring]["action"], results[expiring]["reason"]) == ("failed_open", "due")
    for namespace in (kept, expiring):
        assert words in results[namespace]["msg"]
        assert words in refresher.termination_message
    assert [event["objectRef"]["namespace"] for event in audit.writes(since=mark, resource="secrets")] == [expiring]


@pytest.mark.core
def test_it_fails_open_once_and_restores_in_place(refresher: Refresher, aws: FakeAws, audit: AuditLog) -> None:
    shared = refresher.add(**life(-1), auths={"public.ecr.aws": "old", "other.example": "theirs"},
                           registries=["public.ecr.aws"], labels={"theirs": "kept"})  # fmt: skip
    empty = refresher.add(**EMPTY)
    before = refresher.secret(shared)
    aws.behave(throttle=100)
    results = refresher.run(status=1)
    assert (results[shared]["action"], results[shared]["reason"]) == ("failed_open", "expired")
    assert (results[empty]["action"], results[empty]["reason"]) == ("failed", "token_unavailable")
    assert refresher.auths(shared) == {"other.example": entry("theirs")}

    mark = audit.mark()
    assert refresher.run(status=1)[shared]["reason"] == "token_unavailable"
    assert audit.writes(since=mark, resource="secrets") == []

    aws.behave(throttle=0)
    results = refresher.run()
    assert (results[shared]["action"], results[shared]["reason"]) == ("renewed", "restored")
    after = refresher.secret(shared)
    assert (after.metadata.uid, after.metadata.labels) == (before.metadata.uid, before.metadata.labels)
    assert PREFIX + "failed-open-at" not in after.metadata.annotations


def test_aws_cannot_be_reached(refresher: Refresher) -> None:
    due = refresher.add(**DUE)
    refresher.policy["aws_endpoint_url"] = "http://127.0.0.1:9"
    assert "No response from http://127.0.0.1:9" in refresher.run(status=1)[due]["msg"]


def test_wrong_secret_key(refresher: Refresher, aws: FakeAws) -> None:
    due = refresher.add(**DUE)
    refresher.credentials(aws.access_key, "x" * 40)
    assert "rejected the signature" in refresher.run(status=1)[due]["msg"]
    assert "x" * 40 not in refresher.output


def test_the_api_server_cannot_be_reached(refresher: Refresher) -> None:
    namespace = refresher.add(**DUE)
    refresher.server = urlsplit("https://127.0.0.1:9")
    result = refresher.run(status=1)[namespace]
    assert (result["action"], result["reason"]) == ("failed", "unreachable")
    assert "nothing listens at 127.0.0.1:9 (connection refused)" in result["msg"]


def test_another_server_s_certificate_is_not_trusted(refresher: Refresher, aws: FakeAws) -> None:
    namespace = refresher.add(**DUE)
    (refresher.directory / "api/ca.crt").write_bytes(Authority().certificate)
    began = time.monotonic()
    result = refresher.run(status=1)[namespace]
    assert "is rejected: " in result["msg"]
    assert time.monotonic() - began < 5, "another try cannot help"
    assert aws.calls == {}


def test_no_secret_in_arguments_environment_or_output(refresher: Refresher, aws: FakeAws) -> None:
    record = refresher.directory / "record"
    refresher.wrap("aws", f'{{ printf "%s\\n" "$@"; /usr/bin/env; }} >>{record}\nexec "$REAL" "$@"')
    refresher.add(**DUE)
    refresher.add(**EMPTY)
    refresher.run()
    seen = record.read_text() + refresher.output + refresher.termination_message
    [password] = aws.tokens
    texts = (password, entry(password)["auth"], entry("old")["auth"], refresher.token, aws.secret_key)
    assert "get-authorization-token" in seen
    assert not [text for text in texts if text in seen]


@pytest.mark.parametrize("missing", ["python3", "aws"])
def test_a_program_that_the_image_lacks_is_named(refresher: Refresher, tmp_path: Path, missing: str) -> None:
    tools = tmp_path / "image"
    tools.mkdir()
    for name in {"sh", "python3", "aws"} - {missing}:
        (tools / name).symlink_to(str(shutil.which(name)))
    refresher.path = str(tools)
    refresher.run(status=1)
    assert refresher.termination_message.startswith(
        f"The image has no {missing}: the refresher needs Python 3.9 or newer and "
    )


def test_no_credentials(refresher: Refresher) -> None:
    due = refresher.add(**DUE)
    (refresher.directory / "credentials").write_text("")
    assert "has no AWS credentials" in refresher.run(status=1)[due]["msg"]


def test_fail_open_can_be_disabled(refresher: Refresher, aws: FakeAws, audit: AuditLog) -> None:
    refresher.policy["fail_open"] = False
    namespace = refresher.add(**life(-1))
    aws.behave(throttle=100)
    mark = audit.mark()
    result = refresher.run(status=1)[namespace]
    assert (result["action"], result["reason"]) == ("failed", "fail_open_disabled")
    assert audit.writes(since=mark, resource="secrets") == []


def test_failing_open_meets_a_conflict(refresher: Refresher, aws: FakeAws) -> None:
    """Another client changes the secret between the read and the write: the program reads it and plans again."""
    namespace = refresher.add(**life(-1))
    aws.behave(throttle=100)
    refresher.meanwhile(namespace, f"$KUBECTL annotate secret {NAME} theirs=new")
    assert refresher.run(status=1)[namespace]["action"] == "failed_open"
    assert refresher.auths(namespace) == {}
    assert refresher.secret(namespace).metadata.annotations["theirs"] == "new"
