# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import dataclasses

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.pods import Pod, Use
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.pull_findings import finding
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.pull_verifier import Attempt
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.pulls import (
    MOST_LINKS,
    Link,
    LinkState,
    Pull,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._time import parse_time

REGISTRY = "public.ecr.aws"
IMAGE = f"{REGISTRY}/team/app:1.0"
PAST, LATER = "2026-01-01T05:00:00Z", "2026-01-01T12:00:00Z"
EXPIRED = Link("a", "expired", REGISTRY, "AWS", parse_time(PAST), Attempt("rejected", "never-shown"))
VALID = Link("b", "valid", f"https://{REGISTRY}", "AWS", parse_time(LATER))
MISSING = Link("c", "missing")


def pull(*chain: Link) -> Pull:
    found = finding("no_entries", "secret", "a", secret="a")
    return Pull(Pod("web", "ci", ("a", "b", "c")), Use(IMAGE, ("app",)), "authenticated", chain, (found,))


def test_the_result_of_a_pull() -> None:
    valid = {
        "secret": "b",
        "state": "valid",
        "key": f"https://{REGISTRY}",
        "username": "AWS",
        "expires_at": LATER,
        "registry": None,
    }
    found = pull(EXPIRED, VALID, MISSING)
    assert found.to_result() == {
        "pod": "web",
        "service_account": "ci",
        "image": IMAGE,
        "containers": ["app"],
        "outcome": "authenticated",
        "credential": valid,
        "chain": [
            {
                "secret": "a",
                "state": "expired",
                "key": REGISTRY,
                "username": "AWS",
                "expires_at": PAST,
                "registry": "rejected",
            },
            valid,
            {
                "secret": "c",
                "state": "missing",
                "key": None,
                "username": None,
                "expires_at": None,
                "registry": None,
            },
        ],
        "findings": [found.findings[0].to_result()],
    }


@pytest.mark.parametrize(
    ("state", "used"), [("valid", True), ("unknown_expiry", True), ("expired", False), ("rejected", False)]
)
def test_the_credential_is_the_first_one_that_is_not_known_to_be_rejected(state: LinkState, used: bool) -> None:
    link = dataclasses.replace(VALID, state=state)
    assert pull(EXPIRED, link).credential == (link if used else None)
    assert dataclasses.replace(pull(link), outcome="blocked").credential is None


def test_a_result_is_bounded() -> None:
    result = pull(*[dataclasses.replace(VALID, key="x" * 5_000)] * 300).to_result()
    assert len(result["chain"]) == MOST_LINKS
    assert len(result["chain"][0]["key"]) < 200
