# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import datetime as dt
import json
from typing import Any

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret import keyring
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.chain_secret import ChainSecret
from ansible_collections.freshpull.ecr_public.plugins.module_utils._time import parse_time
from unit.cases import decide as cases

NOW = parse_time(cases.DEFAULT_NOW)
EXPIRY = parse_time("2026-01-01T12:00:00Z")
REGISTRIES = ("public.ecr.aws",)


def read(**fields: Any) -> ChainSecret:
    return ChainSecret.from_object(cases.secret(**fields), REGISTRIES)


def test_it_holds_no_password() -> None:
    raw = json.dumps({"auths": {"public.ecr.aws": {"auth": "QVdTOm5ldmVyLXNob3du"}, "other.example": None}})
    found = read(raw=raw)
    assert found.name == "ecr-public-secret"
    assert [bool(entry.password) for entry in found.pull_secret.entries] == [True, False]
    assert not any("never-shown" in entry.password for entry in found.pull_secret.entries)
    assert "never-shown" not in repr(found)


def test_it_holds_the_passwords_that_are_to_be_tried_and_never_shows_them() -> None:
    found = ChainSecret.from_object(
        cases.secret(auths={"public.ecr.aws": "never-shown"}), REGISTRIES, keep_passwords=True
    )
    assert [entry.password for entry in found.pull_secret.entries] == ["never-shown"]
    assert "never-shown" not in repr(found)


STATES: dict[str, tuple[dict[str, Any], dt.datetime, str, dt.datetime | None]] = {
    "valid": ({}, NOW, "valid", EXPIRY),
    "at its expiry": ({}, EXPIRY, "expired", EXPIRY),
    "a copy": ({"written_for": "source"}, NOW, "valid", EXPIRY),
    "modified": ({"fingerprint": "sha256:0"}, NOW, "unknown_expiry", None),
    "unmanaged": ({"managed": False}, NOW, "unknown_expiry", None),
    "without login": ({"raw": '{"auths":{"public.ecr.aws":{}}}'}, NOW, "empty", None),
    "an identity token": ({"raw": '{"auths":{"public.ecr.aws":{"identitytoken":"x"}}}'}, NOW, "empty", None),
}


@pytest.mark.parametrize("case", STATES)
def test_the_state_of_a_credential(case: str) -> None:
    fields, now, state, expires_at = STATES[case]
    found = read(**fields)
    (entry,) = found.pull_secret.entries
    assert (found.state_of(entry, now), found.expiry_of(entry)) == (state, expires_at)


def test_the_expiry_is_that_of_managed_entries_only() -> None:
    found = read(auths={"public.ecr.aws": "a", "https://public.ecr.aws": "b"}, registries=["public.ecr.aws"])
    assert [found.state_of(entry, NOW) for entry in found.pull_secret.entries] == ["valid", "unknown_expiry"]


def test_secrets_without_content() -> None:
    assert ChainSecret.missing("a", ["b"]).elsewhere == ("b",)
    assert ChainSecret.missing("a").pull_secret.state == keyring.MISSING
    assert ChainSecret.unreadable("a", "denied").error == "denied"
    assert read(type="Opaque").pull_secret.state == keyring.IGNORED
    assert read(raw="[]").pull_secret.state == keyring.MALFORMED
    failed_open = read(auths={}, annotations={"ecr-public.freshpull/failed-open-at": "2026-01-01T00:00:00Z"})
    assert (failed_open.failed_open, failed_open.pull_secret.entries) == (True, ())
