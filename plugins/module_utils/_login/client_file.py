# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Parse and change a client's file of logins. Private to this collection.

Pure functions. What this collection does not manage keeps every byte.
"""

from __future__ import annotations

import codecs
import json
import re
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _docker_config
from ansible_collections.freshpull.ecr_public.plugins.module_utils._docker_config import DockerConfigError, Entry
from ansible_collections.freshpull.ecr_public.plugins.module_utils._login.clients import Client, Login
from ansible_collections.freshpull.ecr_public.plugins.module_utils._login.decision import IN_FILE, LoginPlan

_AUTHS, _STORE, _HELPERS = "auths", "credsStore", "credHelpers"
_SURROGATE = re.compile("[\ud800-\udfff]")
# The two characters outside ASCII that are equal to an ASCII letter for Go.
_FOLDED = str.maketrans({"\u017f": "s", "\u212a": "k"})
_UNREADABLE: Entry = {"": ""}
"""An entry that the client cannot read, although it can read the file."""


class _Members(tuple[tuple[str, t.Any], ...]):
    """The members of a JSON object in their order. A name can be there more than once."""


class ClientConfig:
    """The content of the file as the client reads it. No content counts as an empty object.

    Raises DockerConfigError if the client cannot read it.
    """

    def __init__(self, text: bytes, client: Client) -> None:
        if text.startswith(codecs.BOM_UTF8):
            raise DockerConfigError("it begins with a BOM (U+FEFF), which clients reject. Save it without one")
        self.text = text
        self.client = client
        # Go accepts bytes that are not UTF-8. They are written back as they were.
        self._text = text.decode(errors="surrogateescape") if text.strip() else ""
        self._members = _Members()
        if self._text:
            _docker_config.load(self._text)
            loaded = json.loads(self._text, object_pairs_hook=_Members)
            self._members = _Members() if loaded is None else loaded
        self.auths = {key: self._read_entry(key, members) for key, members in self._object(_AUTHS).items()}
        self._helpers = {key: _helper(name) for key, name in self._object(_HELPERS).items()}
        self._store = ""
        for store in self._values(_STORE):
            if not isinstance(store, (str, type(None))):
                raise DockerConfigError(f"its `{_STORE}` is not a string")
            self._store = self._store if store is None and client.any_case else store or ""

    @property
    def empty(self) -> bool:
        """Whether the file holds no logins and no other settings."""
        return not self.auths and all(self._is(name, _AUTHS) for name, _value in self._members)

    @property
    def selects_default_store(self) -> bool:
        """Whether the client uses a default credential helper while `auths` is empty."""
        return self.client.credentials_store and not self._helpers and not self._store

    def store(self, registry: str) -> str:
        """Return where the client stores the login: IN_FILE, or the name of a helper."""
        default = self._store if self.client.credentials_store else IN_FILE
        if self.client.any_case:
            return self._helpers.get(registry, default)
        return self._helpers.get(registry) or default

    def keys(self, registry: str) -> list[str]:
        """Return the keys of the entries that the client uses for images of this registry, its own first."""
        return sorted(self.client.keys(registry, self.auths), key=lambda key: key != registry)

    def preferred(self, registry: str) -> list[str]:
        """Return the keys of other entries that the client uses rather than the registry's, for some images."""
        return [key for key in self.auths if self.client.prefers(registry, key)]

    def login(self, key: str) -> Login | None:
        """Return the login in this entry; None if there is none that the client can use."""
        try:
            return self.client.login(self.auths[key])
        except DockerConfigError:
            return None

    def check(self, registries: t.Collection[str]) -> None:
        """Raise DockerConfigError if an entry that no login of these registries replaces makes the file invalid."""
        if not self.client.reads_all:
            return
        replaced = {key for registry in registries for key in [registry, *self.client.replaced(registry, self.auths)]}
        for key, entry in self.auths.items():
            if key not in replaced:
                try:
                    self.client.login(entry)
                except DockerConfigError as exc:
                    raise DockerConfigError(f"its entry for {_quoted(key)} cannot be read: {exc}") from exc

    def changed(self, plan: LoginPlan) -> bytes:
        """Return the text after a plan, with entries as `docker login` writes them: empty if a helper is used."""
        changes: dict[str, Entry | None] = {}
        for step in plan.steps:
            if step.action == "removed":
                changes.update(dict.fromkeys(self.keys(step.registry)))
            elif step.writes:
                changes.update(dict.fromkeys(self.client.replaced(step.registry, self.auths)))
                if step.store == IN_FILE:
                    changes[step.registry] = {"auth": step.login.auth} if step.login else None
                else:
                    changes[step.registry] = {} if self.client.name == "docker" else None
        changes = {key: entry for key, entry in changes.items() if self.auths.get(key) != entry}
        if not changes:
            return self.text
        if not self._text:
            return (json.dumps({_AUTHS: changes}, indent="\t") + "\n").encode()
        edited = _docker_config.edit(self._text, changes, lambda name: self._is(name, _AUTHS))
        return edited.encode(errors="surrogateescape")

    def _is(self, name: str, field: str) -> bool:
        if self.client.any_case:
            return name.translate(_FOLDED).lower() == field.lower()
        return name == field

    def _values(self, field: str) -> list[t.Any]:
        return [value for name, value in self._members if self._is(name, field)]

    def _object(self, field: str) -> dict[str, t.Any]:
        """Return a field that is an object of a struct in Go, which keeps the members of all objects with its name.

        null empties it. A map, as helm uses it, keeps only the last one.
        """
        found: dict[str, t.Any] = {}
        values = self._values(field)
        for value in values:
            if not isinstance(value, (_Members, type(None))):
                raise DockerConfigError(f"its `{field}` is not an object")
            if value is None or not self.client.any_case:
                found = {}
            found.update(value or ())
        if values and values[-1] is None and any(values):
            raise DockerConfigError(f"it has `{field}` more than once, and the last one is null. Remove one of them")
        return found

    def _read_entry(self, key: str, members: t.Any) -> Entry:
        try:
            return self._entry(key, members)
        except DockerConfigError:
            if self.client.any_case:
                raise
            return _UNREADABLE

    def _entry(self, key: str, members: t.Any) -> Entry:
        """Return the fields of an entry that the client reads. The names are without regard to case for all clients."""
        if not isinstance(members, (_Members, type(None))):
            raise DockerConfigError(f"its entry for {_quoted(key)} is not an object")
        entry: Entry = {}
        for name, value in members or ():
            field = name.translate(_FOLDED).lower()
            if field not in self.client.fields or value is None:
                continue
            if not isinstance(value, str):
                raise DockerConfigError(f"its entry for {_quoted(key)} has `{field}`, which is not a string")
            entry[field] = _SURROGATE.sub("\ufffd", value)
        return entry


def _helper(name: t.Any) -> str:
    if not isinstance(name, (str, type(None))):
        raise DockerConfigError(f"its `{_HELPERS}` is not an object of strings")
    return name or ""


def _quoted(key: str) -> str:
    return json.dumps(key[: _docker_config.LONGEST_KEY])
