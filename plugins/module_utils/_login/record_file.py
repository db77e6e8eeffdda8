# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Parse and change the file beside a client's file, which records what the client's file cannot hold.

Pure functions. Private to this collection.
"""

from __future__ import annotations

import dataclasses
import json
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils._login.decision import (
    HELPER_LOGIN,
    ExpiryRecord,
    LoginPlan,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._time import TimeError, format_time, parse_time


@dataclasses.dataclass(frozen=True)
class RecordFile:
    """The records of a client's file.

    created: whether this collection created the client's file. records: the expiry records, by registry.
    own_logins: the credential helpers that ignored a login and return one of their own, by registry.
    """

    created: bool = False
    records: t.Mapping[str, ExpiryRecord] = dataclasses.field(default_factory=dict)
    own_logins: t.Mapping[str, str] = dataclasses.field(default_factory=dict)

    @classmethod
    def parse(cls, text: bytes) -> RecordFile:
        """Read the text of the file. A text that cannot be read counts as no record: the logins are renewed once."""
        try:
            content = json.loads(text)
            records = {registry: _record(fields) for registry, fields in content["logins"].items()}
            own_logins = {str(registry): str(helper) for registry, helper in content.get("own_logins", {}).items()}
            return cls(bool(content["created"]), records, own_logins)
        except (AttributeError, KeyError, RecursionError, TimeError, TypeError, ValueError):
            return cls()

    @property
    def empty(self) -> bool:
        return not self.records and not self.own_logins

    def changed(self, plan: LoginPlan, created: bool) -> RecordFile:
        """Return the records after a plan. created: whether the plan creates the client's file."""
        records, own_logins = dict(self.records), dict(self.own_logins)
        for step in plan.steps:
            if step.reason == HELPER_LOGIN:
                own_logins[step.registry] = step.store
                records.pop(step.registry, None)
            elif step.action == "removed":
                records.pop(step.registry, None)
                own_logins.pop(step.registry, None)
            elif step.writes and step.record:
                records[step.registry] = step.record
                own_logins.pop(step.registry, None)
        return RecordFile(self.created or created, records, own_logins)

    def dump(self) -> bytes:
        logins = {
            registry: {
                "expires_at": format_time(record.expires_at),
                "renewed_at": format_time(record.renewed_at),
                "fingerprint": record.fingerprint,
            }
            for registry, record in self.records.items()
        }
        content = {"created": self.created, "logins": logins, "own_logins": dict(self.own_logins)}
        return (json.dumps(content, indent=2) + "\n").encode()


def _record(fields: t.Mapping[str, t.Any]) -> ExpiryRecord:
    return ExpiryRecord(parse_time(fields["expires_at"]), parse_time(fields["renewed_at"]), fields["fingerprint"])
