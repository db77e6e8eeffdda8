# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The refresher in real pods of an image with Python 3.9, the oldest supported version, and an old AWS CLI."""

from __future__ import annotations

import os
import subprocess
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from support.aws import FakeAws
from support.cluster.audit import AuditLog
from support.cluster.images import PYTHON39_IMAGE
from support.faults import AFTER, BEFORE, Fault
from support.proxied_role import ProxiedRole

pytestmark = pytest.mark.node
COUNT = 6


@pytest.fixture(scope="module")
def place(make_proxied_role: Callable[..., ProxiedRole]) -> ProxiedRole:
    archive = os.environ.get("FRESHPULL_TEST_PYTHON39_ARCHIVE")
    if not archive:
        pytest.fail("The image with Python 3.9 could not be built: see what `python -m support.cluster` printed first.")
    containerd = ["ctr", f"--address={os.environ['FRESHPULL_TEST_CONTAINERD']}", "--namespace=k8s.io"]
    subprocess.run([*containerd, "images", "import", archive], check=True, capture_output=True)
    return make_proxied_role(COUNT, refresher_image=PYTHON39_IMAGE)


@pytest.fixture(autouse=True)
def healthy(place: ProxiedRole, aws: FakeAws) -> None:
    place.heal(aws)


def test_versions(place: ProxiedRole) -> None:
    """Check the versions in the image that the other tests use."""

    def print_versions(pod: dict[str, Any]) -> None:
        container = pod["containers"][0]
        container["command"] = ["sh", "-c", "python3 --version && aws --version"]

    python, aws_cli = place.run(print_versions).log.splitlines()
    print(python, aws_cli, sep="\n")
    assert python.startswith("Python 3.9.")
    assert aws_cli.startswith("aws-cli/1.19.")
    assert "Python/3.9." in aws_cli


def test_all_are_renewed_in_place(place: ProxiedRole, aws: FakeAws, audit: AuditLog) -> None:
    """The API server is overloaded for a moment, and one of its responses is lost."""
    place.age(5, *place.role.namespaces)
    place.proxy.inject(Fault("GET", times=2, strikes=BEFORE, status=429, headers={"Retry-After": "1"}))
    place.proxy.inject(Fault("PATCH", times=1, strikes=AFTER))
    uids, mark = place.uids(), audit.mark()
    ended, results = place.refresh()
    assert (ended.succeeded, ended.message.strip()) == (True, f"{COUNT} renewed"), ended
    assert Counter(results.values()) == {("renewed", "due"): COUNT}
    assert place.done(audit, mark) == dict.fromkeys(place.role.namespaces, 1)
    assert set(place.passwords().values()) == {aws.tokens[-1]}
    assert place.uids() == uids
    assert aws.calls == {"GetAuthorizationToken": 1}


OUTAGES: dict[str, tuple[dict[str, Any], str]] = {
    "throttled": ({"throttle": 1000}, "throttled ecr-public:GetAuthorizationToken"),
    "denied": ({"deny": "sts:GetServiceBearerToken"}, "lacks sts:GetServiceBearerToken"),
    "unreachable": ({"drop": 1000}, "No response from"),
}


@pytest.mark.parametrize(("behaviour", "words"), OUTAGES.values(), ids=OUTAGES)
def test_aws_fails_and_recovers(place: ProxiedRole, aws: FakeAws, behaviour: dict[str, Any], words: str) -> None:
    """The messages of the old AWS CLI are recognized."""
    due, expired = place.role.namespaces[:2]
    place.age(5, due)
    place.age(-1, expired)
    before = place.passwords()
    aws.behave(**behaviour)
    ended, results = place.refresh()
    assert (ended.succeeded, ended.exit_code) == (False, 1)
    assert words in ended.message
    assert (results[due], results[expired]) == (("failed", "kept"), ("failed_open", "expired"))
    assert place.passwords() == {**before, expired: None}
    aws.behave(throttle=0, deny=None, drop=0)
    ended, results = place.refresh()
    assert ended.succeeded, ended
    assert (results[due], results[expired]) == (("renewed", "due"), ("renewed", "restored"))
    assert place.passwords() == {**before, **dict.fromkeys((due, expired), aws.tokens[-1])}
