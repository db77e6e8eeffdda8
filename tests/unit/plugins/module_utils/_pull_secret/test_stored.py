# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The metadata and entries of a stored secret, whatever its content."""

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
    assert (found.managed_entries, found.expires_at, found.auths) == ({}, None, {})


def test_the_managed_entries_are_those_of_the_annotation() -> None:
    found = Stored(secret(auths={REGISTRY: "a", "other.example": "b"}, registries=[REGISTRY, "gone.example"]))
    assert found.managed_entries.keys() == {REGISTRY}
    assert found.auths.keys() == {REGISTRY, "other.example"}
    assert not found.only_managed


def test_an_expiry_is_trusted_only_with_the_fingerprint_of_the_data() -> None:
    assert Stored(secret(expires_at="2026-01-01T12:00:00Z")).expires_at is not None
    assert Stored(secret(fingerprint="sha256:0")).expires_at is None
    assert Stored(secret(expires_at="soon")).expires_at is None
    assert Stored(secret(expires_at=None)).expires_at is None
    assert Stored(secret(auths={})).expires_at is None


def test_the_legacy_format_holds_the_entries() -> None:
    found = Stored({**secret(type="kubernetes.io/dockercfg"), "data": {".dockercfg": LEGACY}})
    assert (found.malformed, found.auths) == ("", {REGISTRY: {"auth": "eDp5"}})


@pytest.mark.parametrize(("hours", "lifetime"), [(12, 12 * HOUR), (3, 3 * HOUR), (0, None), (-1, None)])
def test_the_lifetime_is_that_between_renewal_and_expiry(hours: int, lifetime: dt.timedelta | None) -> None:
    renewed = dt.datetime(2026, 1, 1, tzinfo=dt.timezone.utc)
    stored = secret(renewed_at=format_time(renewed), expires_at=format_time(renewed + hours * HOUR))
    assert Stored(stored).lifetime == lifetime


def test_secrets_with_only_managed_entries() -> None:
    assert Stored(secret()).only_managed
    assert not Stored(secret(raw='{"auths": {}, "credsStore": "x"}')).only_managed
    more = secret()
    more["data"]["x"] = "eA=="
    assert not Stored(more).only_managed
