# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a stored secret states about itself, whatever is in it."""

from __future__ import annotations

import base64
import datetime as dt
from typing import Any

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.stored import Stored
from ansible_collections.freshpull.ecr_public.plugins.module_utils._time import format_time
from unit.cases.decide import secret

HOUR = dt.timedelta(hours=1)
REGISTRY = "public.ecr.aws"
LEGACY = base64.b64encode(b'{"public.ecr.aws": {"auth": "eDp5"}}').decode()

# An object as the API server may return it.
BARE: dict[str, Any] = {"metadata": {"name": "a", "namespace": "b"}}
ODD: dict[str, dict[str, Any]] = {
    "nothing in it": BARE,
    "nulls": {"metadata": {"labels": None, "annotations": None}, "data": None, "type": None, "immutable": None},
    "no JSON": secret(raw="{"),
    "no object": secret(raw="[]"),
    "auths of another type": secret(raw='{"auths": []}'),
    "an entry of another type": secret(raw='{"auths": {"public.ecr.aws": "x"}}'),
    "no base64": {**secret(), "data": {".dockerconfigjson": "!"}},
    "no UTF-8": {**secret(), "data": {".dockerconfigjson": base64.b64encode(b"\xff").decode()}},
    "deep": secret(raw="[" * 100_000),
}


@pytest.mark.parametrize("case", ODD)
def test_reading_an_odd_secret_never_raises(case: str) -> None:
    found = Stored(ODD[case])
    assert found.malformed
    assert (found.entries, found.expires_at, found.auths) == ({}, None, {})


def test_the_managed_entries_are_those_of_the_annotation() -> None:
    found = Stored(secret(auths={REGISTRY: "a", "other.example": "b"}, registries=[REGISTRY, "gone.example"]))
    assert found.entries.keys() == {REGISTRY}
    assert found.auths.keys() == {REGISTRY, "other.example"}
    assert not found.alone


def test_an_expiry_is_trusted_only_with_the_fingerprint_of_the_data() -> None:
    assert Stored(secret(expires_at="2026-01-01T12:00:00Z")).expires_at is not None
    assert Stored(secret(fingerprint="sha256:0")).expires_at is None
    assert Stored(secret(expires_at="soon")).expires_at is None
    assert Stored(secret(expires_at=None)).expires_at is None
    assert Stored(secret(auths={})).expires_at is None


def test_the_legacy_format_holds_the_entries_alone() -> None:
    found = Stored({**secret(type="kubernetes.io/dockercfg"), "data": {".dockercfg": LEGACY}})
    assert (found.malformed, found.auths) == ("", {REGISTRY: {"auth": "eDp5"}})


# The lifetime of the token in hours -> a wanted duration, and what it counts as before a renewal and a fail open.
LIFETIMES: dict[float, tuple[dt.timedelta, dt.timedelta, dt.timedelta]] = {
    12: (8 * HOUR, 8 * HOUR, 4 * HOUR),
    24: (8 * HOUR, 8 * HOUR, 8 * HOUR),
    3: (8 * HOUR, 2 * HOUR, HOUR),
    0: (8 * HOUR, 8 * HOUR, 8 * HOUR),
    -1: (8 * HOUR, 8 * HOUR, 8 * HOUR),
}


@pytest.mark.parametrize("hours", LIFETIMES)
def test_durations_are_at_most_a_part_of_the_lifetime(hours: float) -> None:
    wanted, renew_before, fail_open_before = LIFETIMES[hours]
    renewed = dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)
    found = Stored(secret(renewed_at=format_time(renewed), expires_at=format_time(renewed + hours * HOUR)))
    assert (found.renew_before(wanted), found.fail_open_before(wanted)) == (renew_before, fail_open_before)


def test_whether_more_than_managed_entries_is_in_it() -> None:
    assert Stored(secret()).alone
    assert not Stored(secret(raw='{"auths": {}, "credsStore": "x"}')).alone
    more = secret()
    more["data"]["x"] = "eA=="
    assert not Stored(more).alone
