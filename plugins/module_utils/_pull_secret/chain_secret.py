# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A pull secret that a pod names, with what this collection knows about it. Private to this collection."""

from __future__ import annotations

import dataclasses
import datetime as dt
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.keyring import (
    MISSING,
    Entry,
    PullSecret,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.stored import Secret, Stored

MOST_SECRETS = 100
"""Pull secrets that are read in a namespace. A service account can name any number."""
_REMOVED = "(not kept)"
"""Replaces a password: a replay needs to know only whether there is one."""

State = t.Literal["valid", "unknown_expiry", "expired", "empty"]
"""That of a credential. empty: without user name and password."""


@dataclasses.dataclass(frozen=True)
class ChainSecret:
    """It holds no password, unless the credentials are to be tried on the registry."""

    pull_secret: PullSecret
    type: str = ""
    expires_at: dt.datetime | None = None
    """When the credentials in the managed entries expire."""
    managed_keys: frozenset[str] = frozenset()
    immutable: bool = False
    failed_open: bool = False
    error: str = ""
    """Why it could not be read."""
    elsewhere: tuple[str, ...] = ()
    """The namespaces with a secret of this name, if it is missing in its own."""

    @classmethod
    def from_object(cls, secret: Secret, registries: t.Iterable[str], *, keep_passwords: bool = False) -> ChainSecret:
        """registries: those of the task, see Stored."""
        stored = Stored(secret, registries)
        read = PullSecret.read(secret["metadata"]["name"], stored.type, stored.data)
        return cls(
            read if keep_passwords else _without_passwords(read),
            stored.type,
            stored.expires_at,
            frozenset(stored.managed_entries),
            stored.immutable,
            stored.failed_open,
        )

    @classmethod
    def missing(cls, name: str, elsewhere: t.Iterable[str] = ()) -> ChainSecret:
        return cls(PullSecret.missing(name), elsewhere=tuple(elsewhere))

    @classmethod
    def unreadable(cls, name: str, error: str = "") -> ChainSecret:
        return cls(PullSecret.unreadable(name), error=error)

    @property
    def name(self) -> str:
        return self.pull_secret.name

    @property
    def missing_here(self) -> bool:
        """Whether its namespace has no secret of this name."""
        return self.pull_secret.state == MISSING

    def expiry_of(self, entry: Entry) -> dt.datetime | None:
        return self.expires_at if entry.key in self.managed_keys else None

    def state_of(self, entry: Entry, now: dt.datetime) -> State:
        if not (entry.username or entry.password):
            return "empty"
        expires_at = self.expiry_of(entry)
        if expires_at is None:
            return "unknown_expiry"
        return "valid" if expires_at > now else "expired"


def _without_passwords(secret: PullSecret) -> PullSecret:
    entries = (dataclasses.replace(entry, password=entry.password and _REMOVED) for entry in secret.entries)
    return dataclasses.replace(secret, entries=tuple(entries))
