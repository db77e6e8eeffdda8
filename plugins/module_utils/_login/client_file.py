# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Parse and change a client's file of logins, and the expiry records beside it. Private to this collection.

Pure functions. Entries and settings that this collection does not manage keep their order and their format.
"""

from __future__ import annotations

import dataclasses
import json
import re
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _docker_config
from ansible_collections.freshpull.ecr_public.plugins.module_utils._login.decision import (
    IN_FILE,
    ExpiryRecord,
    LoginPlan,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._time import TimeError, format_time, parse_time

_KEY = "(https?://)?{registry}(/|/v[12]/?)?"
_INDENT = re.compile(r"\{\r?\n([ \t]+)\"")


class ClientConfig:
    """The content of the file. No content counts as an empty object. Raises DockerConfigError if it is not valid."""

    def __init__(self, text: bytes = b"") -> None:
        self.text = text
        self._text = text.decode() if text.strip() else ""
        self._config: dict[str, t.Any] = _docker_config.parse(self._text) if self._text else {}
        self.auths: dict[str, _docker_config.Entry] = self._config.get("auths", {})
        if not isinstance(self._config.get("credsStore", ""), str):
            raise _docker_config.DockerConfigError("its `credsStore` is not a string")
        helpers = self._config.get("credHelpers", {})
        if not isinstance(helpers, dict) or not all(isinstance(name, str) for name in helpers.values()):
            raise _docker_config.DockerConfigError("its `credHelpers` is not an object of strings")

    @property
    def empty(self) -> bool:
        """Whether the file holds no logins and no other settings."""
        return not self.auths and set(self._config) <= {"auths"}

    def store(self, registry: str, client: str) -> str:
        """Return where the client stores the login: IN_FILE, or the name of a helper. podman ignores credsStore."""
        default = self._config.get("credsStore") if client != "podman" else ""
        return self._config.get("credHelpers", {}).get(registry, default) or IN_FILE

    def keys(self, registry: str) -> list[str]:
        """Return the keys of `auths` that clients read as this registry, for example with a scheme before it."""
        key = re.compile(_KEY.format(registry=re.escape(registry)))
        return [name for name in self.auths if key.fullmatch(name)]

    def changed(self, plan: LoginPlan, client: str) -> bytes:
        """Return the text after a plan, with entries as `docker login` writes them: empty if a helper is used."""
        auths = dict(self.auths)
        for step in plan.steps:
            if step.action == "removed":
                for key in self.keys(step.registry):
                    del auths[key]
            elif step.writes and step.login and step.store == IN_FILE:
                auths[step.registry] = {"auth": step.login.auth}
            elif step.writes and client == "docker":
                auths[step.registry] = {}
            elif step.writes:
                auths.pop(step.registry, None)
        if auths == self.auths:
            return self.text
        return self._dump({**self._config, "auths": auths}).encode()

    def _dump(self, config: t.Mapping[str, t.Any]) -> str:
        """Write the config in the format of the existing text; a new file in the clients' own format."""
        if not self._text:
            return json.dumps(config, indent="\t", ensure_ascii=False) + "\n"
        end = self._text[len(self._text.rstrip()) :]
        indent = _INDENT.match(self._text.lstrip())
        if indent:
            return json.dumps(config, indent=indent.group(1), ensure_ascii=False) + end
        spaced = '": ' in self._text
        return json.dumps(config, separators=(", ", ": ") if spaced else (",", ":"), ensure_ascii=False) + end


@dataclasses.dataclass(frozen=True)
class RecordFile:
    """The expiry records of a client's file, by registry. created: whether this collection created that file."""

    created: bool = False
    records: t.Mapping[str, ExpiryRecord] = dataclasses.field(default_factory=dict)

    @classmethod
    def parse(cls, text: bytes) -> RecordFile:
        """Read the text of the file. A text that cannot be read counts as no record: the logins are renewed once."""
        try:
            content = json.loads(text)
            records = {registry: _record(fields) for registry, fields in content["logins"].items()}
            return cls(bool(content["created"]), records)
        except (AttributeError, KeyError, RecursionError, TimeError, TypeError, ValueError):
            return cls()

    def changed(self, plan: LoginPlan, created: bool) -> RecordFile:
        """Return the records after a plan. created: whether the plan creates the client's file."""
        records = dict(self.records)
        for step in plan.steps:
            if step.action == "removed":
                records.pop(step.registry, None)
            elif step.writes and step.record:
                records[step.registry] = step.record
        return RecordFile(self.created or created, records)

    def dump(self) -> bytes:
        logins = {
            registry: {
                "expires_at": format_time(record.expires_at),
                "renewed_at": format_time(record.renewed_at),
                "fingerprint": record.fingerprint,
            }
            for registry, record in self.records.items()
        }
        return (json.dumps({"created": self.created, "logins": logins}, indent=2) + "\n").encode()


def _record(fields: t.Mapping[str, t.Any]) -> ExpiryRecord:
    return ExpiryRecord(parse_time(fields["expires_at"]), parse_time(fields["renewed_at"]), fields["fingerprint"])
