# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The refresher's script against a real API server and a fake AWS, without a pod: same files, same rights."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from kubernetes import client

from support.aws import FakeAws
from support.cluster.audit import AuditLog
from support.refresher import DUE, EMPTY, NAME, Refresher, entry, life

TOOLS = ("aws", "cat", "cp", "curl", "date", "jq", "mkdir", "mktemp", "mv", "rm", "sha256sum", "sort", "split", "tee")


@pytest.fixture
def refresher(core: client.CoreV1Api, aws: FakeAws, tmp_path: Path) -> Refresher:
    return Refresher(core, aws, tmp_path)


@pytest.fixture
def audit() -> AuditLog:
    return AuditLog(os.environ["FRESHPULL_TEST_AUDIT_LOG"])


def test_what_cannot_be_renewed_does_not_stop_the_others(refresher: Refresher) -> None:
    missing = refresher.add()
    foreign = refresher.add(ours=False)
    opaque = refresher.add(type="Opaque", **DUE)
    forbidden = refresher.add(allowed=False, **DUE)
    immutable = refresher.add(immutable=True, **DUE)
    malformed = refresher.add(raw='{"auths":[]}', **DUE)
    good = refresher.add(**DUE)
    before = {namespace: refresher.secret(namespace).to_dict() for namespace in (foreign, opaque, forbidden, immutable)}

    results = refresher.run(status=1)

    assert results.pop(good)["action"] == "renewed"
    assert {namespace: result["reason"] for namespace, result in results.items()} == {
        missing: "missing",
        foreign: "foreign",
        opaque: "wrong_type",
        forbidden: "forbidden",
        immutable: "immutable",
        malformed: "malformed",
    }
    assert {result["action"] for result in results.values()} == {"failed"}
    assert all("un the role" in result["msg"] for result in results.values())
    assert before == {namespace: refresher.secret(namespace).to_dict() for namespace in before}
    assert "6 failed, 1 renewed" in refresher.last_words
    assert f"{missing}: missing: " in refresher.last_words


def test_a_secret_made_anew_meanwhile_is_not_taken_for_the_old_one(refresher: Refresher) -> None:
    namespace = refresher.add(**DUE)
    create = (
        f"create secret docker-registry {NAME} --docker-server=other.example --docker-username=u --docker-password=p"
    )
    refresher.meanwhile(namespace, f"$KUBECTL delete secret {NAME} && $KUBECTL {create}")
    assert refresher.run(status=1)[namespace]["reason"] == "foreign"
    assert list(refresher.auths(namespace)) == ["other.example"]


BOTH_ACTIONS = ("ecr-public:GetAuthorizationToken", "sts:GetServiceBearerToken")
AWS_FAILURES: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "one action denied": ({"deny": "ecr-public:GetAuthorizationToken"}, BOTH_ACTIONS),
    "the other denied": ({"deny": "sts:GetServiceBearerToken"}, BOTH_ACTIONS),
    "partition": ({"partition": True}, ("China or GovCloud",)),
    "throttled": ({"throttle": 100}, ("throttles",)),
    "a list": ({"malformed": "list"}, ("AWS",)),
    "no expiry": ({"malformed": "no_expiry"}, ("without a usable",)),
    "not base64": ({"malformed": "not_base64"}, ("without a usable",)),
    "expired": ({"life": -60}, ("already expired",)),
}


@pytest.mark.parametrize(("behaviour", "words"), AWS_FAILURES.values(), ids=AWS_FAILURES)
def test_aws_fails(
    behaviour: dict[str, Any], words: tuple[str, ...], refresher: Refresher, aws: FakeAws, audit: AuditLog
) -> None:
    """What is good is kept, what dies is taken out, and either way the reason is told."""
    fresh = refresher.add(expires_at="2099-01-01T00:00:00Z", renewed_at="2026-01-01T00:00:00Z")
    kept = refresher.add(**life(5))
    dying = refresher.add(**life(2))
    aws.behave(**behaviour)
    mark = audit.mark()
    results = refresher.run(status=1)
    assert results[fresh]["action"] == "unchanged"
    assert (results[kept]["action"], results[kept]["reason"]) == ("failed", "kept")
    assert (results[dying]["action"], results[dying]["reason"]) == ("failed_open", "due")
    for namespace in (kept, dying):
        assert all(word in results[namespace]["msg"] and word in refresher.last_words for word in words)
    assert [event["objectRef"]["namespace"] for event in audit.writes(since=mark, resource="secrets")] == [dying]


def test_aws_cannot_be_reached(refresher: Refresher) -> None:
    due = refresher.add(**DUE)
    refresher.policy["aws_endpoint_url"] = "http://127.0.0.1:9"
    assert "cannot be reached" in refresher.run(status=1)[due]["msg"]


def test_no_credentials(refresher: Refresher) -> None:
    due = refresher.add(**DUE)
    (refresher.folder / "aws/credentials").write_text("")
    assert "has no AWS credentials" in refresher.run(status=1)[due]["msg"]


def test_wrong_secret_key(refresher: Refresher, aws: FakeAws) -> None:
    due = refresher.add(**DUE)
    refresher.credentials(aws.access_key, "x" * 40)
    assert "refuses the signature" in refresher.run(status=1)[due]["msg"]
    assert "x" * 40 not in refresher.output


def test_the_api_server_cannot_be_reached(refresher: Refresher) -> None:
    namespace = refresher.add(**DUE)
    refresher.server = urlsplit("https://127.0.0.1:9")
    refresher.wrap("sleep", "exit 0")
    result = refresher.run(status=1)[namespace]
    assert result["reason"] == "unfinished"
    assert "no answer from the API server https://127.0.0.1:9" in result["msg"]


def test_another_server_s_certificate_is_not_trusted(refresher: Refresher, tmp_path: Path) -> None:
    refresher.add(**DUE)
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", os.devnull]
    subprocess.run(["openssl", "req", "-x509", *key, "-subj", "/CN=x", "-out", tmp_path / "api/ca.crt"], check=True)
    refresher.wrap("sleep", "exit 0")
    refresher.run(status=1)
    assert refresher.aws.calls == {}


def test_no_secret_in_arguments_environment_or_output(refresher: Refresher, aws: FakeAws) -> None:
    record = refresher.folder / "record"
    for tool in TOOLS:
        refresher.wrap(tool, f'{{ printf "%s\\n" "$@"; /usr/bin/env; }} >>{record}\nexec "$REAL" "$@"')
    refresher.add(**DUE)
    refresher.add(**EMPTY)
    refresher.run()
    seen = record.read_text() + refresher.output + refresher.last_words
    [password] = aws.tokens
    texts = (password, entry(password)["auth"], entry("old")["auth"], refresher.token, aws.secret_key)
    assert "get-authorization-token" in seen
    assert not [text for text in texts if text in seen]


@pytest.mark.parametrize("tool", ["jq", "aws", "curl", "sha256sum", "split"])
def test_a_missing_tool_is_named(tool: str, refresher: Refresher, tmp_path: Path) -> None:
    folder = tmp_path / "tools"
    folder.mkdir()
    for name in (*TOOLS, "bash"):
        if name != tool:
            (folder / name).symlink_to(str(shutil.which(name)))
    refresher.path = str(folder)
    refresher.run(status=1)
    assert refresher.last_words.startswith(f"The image has no {tool}.")
