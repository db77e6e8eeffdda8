# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Parse and change a client's file of logins. Private to this collection.

Pure functions. What this collection does not manage keeps every byte.
"""

from __future__ import annotations

import codecs
import contextlib
import json
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _docker_config, _go_json
from ansible_collections.freshpull.ecr_public.plugins.module_utils._docker_config import DockerConfigError, Entry
from ansible_collections.freshpull.ecr_public.plugins.module_utils._go_json import Members
from ansible_collections.freshpull.ecr_public.plugins.module_utils._login.clients import CLIENTS, Client, Login
from ansible_collections.freshpull.ecr_public.plugins.module_utils._login.decision import IN_FILE, LoginPlan

_AUTHS, _STORE, _HELPERS = "auths", "credsStore", "credHelpers"
_UNREADABLE: Entry = {"": ""}
"""An entry that the client cannot read, although it can read the file."""


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
        self.members = Members()
        if self._text:
            _docker_config.load(self._text)
            loaded = json.loads(self._text, object_pairs_hook=Members)
            self.members = Members() if loaded is None else loaded
        self.auths: dict[str, Entry] = self._object(_AUTHS, self._read_entry)
        self._helpers: dict[str, str] = self._object(_HELPERS, _helper)
        self._store = self._read_store()

    @property
    def empty(self) -> bool:
        """Whether the file holds no logins and no other settings."""
        return not self.auths and all(self.is_field(name, _AUTHS) for name, _value in self.members)

    @property
    def selects_default_store(self) -> bool:
        """Whether the client uses a default credential helper while `auths` is empty."""
        return self.client.credentials_store and not self._helpers and not self._store

    def store(self, registry: str) -> str:
        """Return where the client stores the login: IN_FILE, or the name of a helper. Raises DockerConfigError."""
        helper = self._helpers.get(registry)
        if helper == "" and self.client.name == "podman":
            raise DockerConfigError(f"its `{_HELPERS}` has no name for {_quoted(registry)}")
        # An empty name switches credsStore off for docker.
        return self._store if helper is None or (helper == "" and not self.client.any_case) else helper

    def used(self, repository: str) -> list[str]:
        """Return the key of the entry that the client uses for a repository or registry; see Client.used."""
        return self.client.used(repository, self.auths)

    def keys(self, registry: str) -> list[str]:
        """Return the keys of all entries that the client uses for images of this registry."""
        return self.client.keys(registry, self.auths)

    def preferred(self, registry: str) -> list[str]:
        """Return the keys of other entries that the client uses rather than the registry's, for some images."""
        return [key for key in self.auths if self.client.prefers(registry, key)]

    def login(self, key: str) -> Login | None:
        """Return the login in this entry; None if there is none that the client can use."""
        with contextlib.suppress(DockerConfigError):
            return self.read_login(key)
        return None

    def read_login(self, key: str) -> Login | None:
        """Return the login in this entry, or None. Raises DockerConfigError if the client cannot read the entry."""
        if self.auths[key] is _UNREADABLE:
            raise DockerConfigError(f"its entry for {_quoted(key)} cannot be read")
        try:
            return self.client.login(self.auths[key])
        except DockerConfigError as exc:
            raise DockerConfigError(f"its entry for {_quoted(key)} cannot be read: {exc}") from exc

    def check(self, registries: t.Collection[str]) -> None:
        """Raise DockerConfigError if an entry that no login of these registries replaces makes the file invalid."""
        if not self.client.reads_all:
            return
        replaced = {key for registry in registries for key in [registry, *self.client.replaced(registry, self.auths)]}
        for key in self.auths.keys() - replaced:
            self.read_login(key)

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
        edited = _docker_config.edit(self._text, changes, lambda name: self.is_field(name, _AUTHS))
        return edited.encode(errors="surrogateescape")

    def is_field(self, name: str, field: str) -> bool:
        if self.client.any_case:
            return _go_json.field(name) == field.lower()
        return name == field

    def _values(self, field: str) -> list[t.Any]:
        """Return the values that the client reads. A map, as helm uses it, keeps only the last one."""
        values = [value for name, value in self.members if self.is_field(name, field)]
        return values if self.client.any_case else values[-1:]

    def _read_store(self) -> str:
        store = ""
        for value in self._values(_STORE) if self.client.credentials_store else ():
            if not isinstance(value, (str, type(None))):
                raise DockerConfigError(f"its `{_STORE}` is not a string")
            store = store if value is None else value
        return store

    def _object(self, field: str, read: t.Callable[[str, t.Any], t.Any]) -> dict[str, t.Any]:
        """Return a field that is an object. Go keeps the members of all objects with its name; null empties it."""
        found: dict[str, t.Any] = {}
        values = self._values(field)
        for value in values:
            if not isinstance(value, (Members, type(None))):
                raise DockerConfigError(f"its `{field}` is not an object")
            # Each member is read, since one that the next one replaces can make the file invalid.
            members = [(key, read(key, member)) for key, member in value or ()]
            found = {} if value is None else {**found, **dict(members)}
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
        if not isinstance(members, (Members, type(None))):
            raise DockerConfigError(f"its entry for {_quoted(key)} is not an object")
        entry: Entry = {}
        for name, value in members or ():
            field = _go_json.field(name)
            if field not in self.client.fields or value is None:
                continue
            if not isinstance(value, str):
                raise DockerConfigError(f"its entry for {_quoted(key)} has `{field}`, which is not a string")
            entry[field] = _go_json.string(value)
        return entry


def environment_login(text: str, registry: str) -> Login | None:
    """Return the login that docker reads from the variable DOCKER_AUTH_CONFIG; None if it has none for the registry.

    Raises DockerConfigError if docker ignores the variable, with a message.
    Source: parseEnvConfig in github.com/docker/cli/cli/config/configfile.
    """
    config = ClientConfig(text.encode(errors="surrogateescape"), CLIENTS["docker"])
    others = {name for name, _value in config.members if not config.is_field(name, _AUTHS)}
    if others or any(set(entry) != {"auth"} or not entry["auth"] for entry in config.auths.values()):
        raise DockerConfigError("it may have only `auths`, and each entry only `auth`")
    config.check(())
    return config.read_login(registry) if registry in config.auths else None


def _helper(_key: str, name: t.Any) -> str:
    if not isinstance(name, (str, type(None))):
        raise DockerConfigError(f"its `{_HELPERS}` is not an object of strings")
    return name or ""


def _quoted(key: str) -> str:
    return json.dumps(key[: _docker_config.LONGEST_KEY])
