# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find the login that a client would use, and all others that it could. Private to this collection."""

from __future__ import annotations

import dataclasses
import datetime as dt
import os
import stat
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _atomic_file
from ansible_collections.freshpull.ecr_public.plugins.module_utils._errors import CollectionError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._login.client_file import (
    ClientConfig,
    environment_login,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._login.clients import CLIENTS, LEGACY, Client, Login
from ansible_collections.freshpull.ecr_public.plugins.module_utils._login.credential_helper import (
    CredentialHelper,
    default_store,
    store_name,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._login.decision import IN_FILE, StoredLogin
from ansible_collections.freshpull.ecr_public.plugins.module_utils._login.record_file import RecordFile
from ansible_collections.freshpull.ecr_public.plugins.module_utils._login.sources import ENVIRONMENT, Source
from ansible_collections.freshpull.ecr_public.plugins.module_utils._login.task import RECORD
from ansible_collections.freshpull.ecr_public.plugins.module_utils._registry import (
    RejectedError,
    UnverifiedError,
    try_token,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._time import format_time

MAX_SIZE = 16 * 2**20
"""Bytes of a file. No client writes more than some KiB."""


class SourceError(CollectionError):
    """A place cannot be read. The message holds none of its content."""


@dataclasses.dataclass(frozen=True)
class Found:
    """What the client finds in one place for one registry.

    key: of the entry, "" if there is none. store: the credential helper that keeps the login, or IN_FILE. asked:
    whether that helper was asked. used: whether the client uses this login. error: why the client cannot read the
    place, or "".
    """

    source: str
    exists: bool = False
    key: str = ""
    store: str = IN_FILE
    login: Login | None = None
    expires_at: dt.datetime | None = None
    asked: bool = True
    used: bool = False
    error: str = ""

    def status(self, now: dt.datetime) -> str:
        if self.error:
            return "error"
        if self.asked and self.login is None:
            return "missing"
        if self.expires_at is None:
            return "unknown"
        return "valid" if self.expires_at > now else "expired"

    def to_result(self, now: dt.datetime) -> dict[str, t.Any]:
        """Build the return value. It holds no secret."""
        return {
            "source": self.source,
            "exists": self.exists,
            "key": self.key or None,
            "store": store_name(self.store),
            "status": self.status(now),
            "expires_at": format_time(self.expires_at) if self.expires_at else None,
            "fingerprint": self.login.fingerprint if self.login else None,
            "used": self.used,
            "msg": self.error,
        }


class LoginStatus:
    """Read the places of a client. find: returns the full path of a program, or None; it is None to run no program."""

    def __init__(
        self,
        places: t.Sequence[Source],
        environ: t.Mapping[str, str],
        find: t.Callable[[str], str | None] | None = None,
    ) -> None:
        self._places = places
        self._environ = environ
        self._find = find

    def read(self, registry: str) -> list[Found]:
        """Return what each place has, in the client's order. At most one is used."""
        found: list[Found] = []
        done = False
        for place in self._places:
            one = self._read(place, registry)
            # docker only warns if it cannot read the variable. A file that cannot be read ends the search.
            stops = one.login is not None or bool(one.error and place.name != ENVIRONMENT)
            found.append(dataclasses.replace(one, used=one.login is not None and not done))
            done = done or stops
        return found

    def _read(self, place: Source, registry: str) -> Found:
        try:
            if place.name == ENVIRONMENT:
                login = environment_login(self._environ[ENVIRONMENT], registry)
                return Found(place.name, True, registry if login else "", login=login)
            text = read_file(place.name)
            if text is None:
                return Found(place.name)
            return self._in_file(place, text, registry)
        except CollectionError as exc:
            return Found(place.name, True, error=str(exc))

    def _in_file(self, place: Source, text: bytes, registry: str) -> Found:
        client = self._rules(place)
        config = ClientConfig(b'{"auths":' + text + b"}" if place.legacy else text, client)
        config.check(())
        records = read_file(_atomic_file.beside(place.name, RECORD))
        record = RecordFile.parse(records or b"").records.get(registry)
        store, used = config.store(registry), config.used(registry)
        if not store and not config.auths and config.selects_default_store and self._find:
            store = default_store(self._find)
        key = used[0] if used else ""
        if store and not self._find:
            return Found(place.name, True, key, store, asked=False)
        if store and self._find:
            login = CredentialHelper(store, self._find).get(registry)
        else:
            login = config.read_login(key) if key else None
        expires_at = StoredLogin(registry, login=login, record=record).expires_at
        return Found(place.name, True, key, store, login, expires_at)

    def _rules(self, place: Source) -> Client:
        return LEGACY if place.legacy else CLIENTS[place.client]


@dataclasses.dataclass(frozen=True)
class OtherSource:
    """Another place than the file of the task. preferred: whether the client reads it before that file."""

    registry: str
    found: Found
    preferred: bool

    def to_result(self, now: dt.datetime) -> dict[str, t.Any]:
        """Build the return value. It holds no secret."""
        fields = self.found.to_result(now)
        shown = {name: fields[name] for name in ("source", "key", "store", "status", "expires_at", "msg")}
        return {"registry": self.registry, **shown, "preferred": self.preferred}

    def warning(self, client: str, path: str, state: str) -> str:
        """Return the warning for a task with this state, or ""."""
        source = self.found.source
        if self.found.error or not (self.preferred or state == "absent"):
            return ""
        if state == "present":
            return (
                f"{client} uses the login for {self.registry} in {source} rather than that in {path}. Unset {source} "
                "where the client runs, or put the token there."
            )
        cure = f"Unset {source}" if source == ENVIRONMENT else f"Log out with path: {source}"
        return f"{client} still uses the login for {self.registry} in {source}. {cure} for anonymous pulls."


def other_sources(
    places: t.Sequence[Source], path: str, environ: t.Mapping[str, str], registries: t.Sequence[str]
) -> list[OtherSource]:
    """Return what the other places of the client have for these registries. No credential helper is run."""
    names = [place.name for place in places]
    before = set(names[: names.index(path)] if path in names else [])
    others = LoginStatus([place for place in places if place.name != path], environ)
    return [
        OtherSource(registry, one, one.source in before)
        for registry in registries
        for one in others.read(registry)
        if one.key or one.store or one.error
    ]


def report(found: t.Sequence[Found], registry: str, now: dt.datetime, *, verify: bool) -> dict[str, t.Any]:
    """Build the return value for one registry. verify: try the login that the client uses on the registry."""
    used = next((one for one in found if one.used), None)
    errors = [one for one in found if one.error and one.source != ENVIRONMENT]
    status, msg = "missing", ""
    if used:
        status = used.status(now)
        if verify and used.login:
            status, msg = _verified(registry, used.login, status)
    elif errors:
        status, msg = "error", errors[0].error
    return {
        "registry": registry,
        "status": status,
        "source": used.source if used else None,
        "msg": msg,
        "sources": [one.to_result(now) for one in found],
    }


def _verified(registry: str, login: Login, status: str) -> tuple[str, str]:
    """Return the status that the registry says, or the known one, and its message."""
    try:
        try_token(registry, login)
    except RejectedError as exc:
        return "expired", str(exc)
    except UnverifiedError as exc:
        return status, str(exc)
    return "valid", ""


def read_file(path: str) -> bytes | None:
    """Read a file as a client does, which follows links; None if it does not exist. Raises SourceError."""
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
            info = os.fstat(file.fileno())
            if not stat.S_ISREG(info.st_mode):
                raise SourceError(f"{path} is not a regular file.")
            if info.st_size > MAX_SIZE:
                raise SourceError(f"{path} has more than {MAX_SIZE} bytes.")
            return file.read(MAX_SIZE)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as exc:
        raise SourceError(f"{path} cannot be read: {exc.strerror}.") from exc
