# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import datetime as dt

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils._login.clients import Login
from ansible_collections.freshpull.ecr_public.plugins.module_utils._login.decision import (
    HELPER_LOGIN,
    ExpiryRecord,
    LoginPlan,
    Step,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._login.record_file import RecordFile

REGISTRY = "public.ecr.aws"
EXPIRY = dt.datetime(2026, 1, 1, 18, tzinfo=dt.timezone.utc)
LOGIN = Login("AWS", "new")
RECORD = ExpiryRecord(EXPIRY, EXPIRY - dt.timedelta(hours=12), LOGIN.fingerprint)


def plan(action: str, registry: str = REGISTRY) -> LoginPlan:
    removed = action == "removed"
    return LoginPlan((Step(registry, action, "", "", None if removed else LOGIN, None if removed else RECORD),))


def test_expiry_records_are_read_as_they_were_written() -> None:
    one = RecordFile().changed(plan("created"), created=True)
    assert RecordFile.parse(one.dump()) == one == RecordFile(True, {REGISTRY: RECORD})
    both = one.changed(plan("created", "b.example"), created=False)
    assert both.created
    assert both.changed(plan("removed"), created=False).records == {"b.example": RECORD}
    assert both.changed(plan("unchanged"), created=False) == both
    assert b"new" not in one.dump().replace(b"renewed_at", b"")


def test_a_helper_that_makes_its_own_logins_is_recorded_until_it_stores_one() -> None:
    own = LoginPlan((Step(REGISTRY, "unchanged", HELPER_LOGIN, "wrapper"),))
    marked = RecordFile(records={REGISTRY: RECORD}).changed(own, created=False)
    assert RecordFile.parse(marked.dump()) == marked == RecordFile(own_logins={REGISTRY: "wrapper"})
    assert not marked.empty
    assert marked.changed(plan("created"), created=False).own_logins == {}
    assert marked.changed(plan("removed"), created=False).empty


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"[]",
        b"{}",
        b'{"created": true, "logins": []}',
        b'{"created": true, "logins": {}, "own_logins": []}',
        b'{"created": true, "logins": {"a": {"expires_at": "soon"}}}',
        b'{"created": true, "logins": {"a": {"expires_at": "0001-01-01T00:00:00+01:00", "renewed_at": ""}}}',
        b'{"created": true, "logins": ' + b"[" * 100_000,
        b"\xff",
    ],
)
def test_a_record_file_that_cannot_be_read_counts_as_empty(text: bytes) -> None:
    assert RecordFile.parse(text) == RecordFile()
