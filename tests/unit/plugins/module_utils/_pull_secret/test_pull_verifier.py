# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which pulls are tried, and what the errors mean. tests/unit/plugins/module_utils/test_registry.py has
the requests."""

from __future__ import annotations

import concurrent.futures
import threading
from typing import Any

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _registry
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.keyring import Entry
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.pull_verifier import (
    PARALLEL,
    Attempt,
    PullVerifier,
)

REGISTRY = "public.ecr.aws"
IMAGE = f"{REGISTRY}/team/app:1.0"


def entry(password: str, key: str = REGISTRY) -> Entry:
    return Entry(key, REGISTRY, "AWS", password)


class Site:
    """Records what is tried, and raises the error of a password, if it has one."""

    def __init__(self, **errors: Exception) -> None:
        self.tried: list[tuple[str, str, str, str | None]] = []
        self._errors = errors

    def __call__(self, registry: str, path: str, reference: str, credential: Any) -> None:
        password = credential and credential.password
        self.tried.append((registry, path, reference, password))
        if password in self._errors:
            raise self._errors[password]


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Site:
    found = Site(
        expired=_registry.RejectedError("Expired."),
        gone=_registry.MissingImageError("No image."),
        often=_registry.ThrottledError("HTTP 429."),
        silent=_registry.NoResponseError("Refused."),
        odd=_registry.UnverifiedError("HTTP 500."),
        broken=RuntimeError("never-shown"),
    )
    monkeypatch.setattr(_registry, "try_pull", found)
    return found


ATTEMPTS = {
    "good": Attempt("accepted"),
    "expired": Attempt("rejected", "Expired."),
    "gone": Attempt("no_such_image", "No image."),
    "often": Attempt("throttled", "HTTP 429."),
    "silent": Attempt("unverified", "Refused."),
    "odd": Attempt("unverified", "HTTP 500."),
}


@pytest.mark.parametrize("password", ATTEMPTS)
def test_an_attempt(password: str, site: Site) -> None:
    attempt = PullVerifier().try_pull(IMAGE, entry(password))
    assert attempt == ATTEMPTS[password]
    assert attempt.accepts == (password in ("good", "gone"))
    assert site.tried == [(REGISTRY, "team/app", "1.0", password)]


def test_a_pull_without_credentials(site: Site) -> None:
    assert PullVerifier().try_pull(f"{REGISTRY}/app", None) == Attempt("accepted")
    assert site.tried == [(REGISTRY, "app", "latest", None)]


def test_the_same_pull_is_tried_once(site: Site) -> None:
    verifier = PullVerifier()
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        # The key of an entry is not sent.
        attempts = pool.map(lambda key: verifier.try_pull(IMAGE, entry("good", key)), ["a", "b"] * 50)
        assert {attempt.verdict for attempt in attempts} == {"accepted"}
    assert len(site.tried) == 1
    verifier.try_pull(IMAGE, entry("other"))
    verifier.try_pull(f"{IMAGE}.1", entry("good"))
    assert len(site.tried) == 3


def test_a_silent_registry_is_tried_once(site: Site) -> None:
    verifier = PullVerifier()
    attempts = [verifier.try_pull(IMAGE, entry(password)) for password in ("odd", "silent", "good")]
    assert [attempt.msg for attempt in attempts] == ["HTTP 500.", "Refused.", "Refused."]
    assert verifier.try_pull("ecr-public.aws.com/app", entry("good")).verdict == "accepted"
    assert len(site.tried) == 3


def test_an_unexpected_error_reaches_each_pull(site: Site) -> None:
    verifier = PullVerifier()
    for _time in range(2):
        with pytest.raises(RuntimeError):
            verifier.try_pull(IMAGE, entry("broken"))
    assert len(site.tried) == 1


def test_few_pulls_are_tried_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    barrier = threading.Barrier(PARALLEL)
    running, most, lock = 0, 0, threading.Lock()

    def try_pull(*_pull: Any) -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        barrier.wait(timeout=10)
        with lock:
            running -= 1

    monkeypatch.setattr(_registry, "try_pull", try_pull)
    verifier = PullVerifier()
    with concurrent.futures.ThreadPoolExecutor(PARALLEL * 3) as pool:
        list(pool.map(lambda number: verifier.try_pull(IMAGE, entry(str(number))), range(PARALLEL * 3)))
    assert most == PARALLEL
