# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A client's file of logins, and our record beside it, as text and as values. Private to this collection.

Both are changed as pure functions: what somebody else has put into the file stays, in its order and in its form.
"""

from __future__ import annotations

import dataclasses
import json
import re
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _docker_config
from ansible_collections.freshpull.ecr_public.plugins.module_utils._login.decision import IN_FILE, LoginPlan, Mark
from ansible_collections.freshpull.ecr_public.plugins.module_utils._time import TimeError, format_time, parse_time

_KEY = "(https?://)?{registry}(/|/v[12]/?)?"
_INDENT = re.compile(r"\{\r?\n([ \t]+)\"")


class ClientConfig:
    """The file's content; none at all counts as an empty object. Raises DockerConfigError for what cannot be kept."""

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
        """Whether nothing is in it that anybody could miss."""
        return not self.auths and set(self._config) <= {"auths"}

    def store(self, registry: str, client: str) -> str:
        """Where the client keeps the login of a registry: IN_FILE, or a helper's name. podman knows no credsStore."""
        default = self._config.get("credsStore") if client != "podman" else ""
        return self._config.get("credHelpers", {}).get(registry, default) or IN_FILE

    def keys(self, registry: str) -> list[str]:
        """The keys of `auths` that stand for a registry: clients take it for the same with a scheme before it."""
        key = re.compile(_KEY.format(registry=re.escape(registry)))
        return [name for name in self.auths if key.fullmatch(name)]

    def changed(self, plan: LoginPlan, client: str) -> bytes:
        """The text after a plan. An entry has what `docker login` writes, and no password if a helper keeps it."""
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
        """In the form that the text has; a new one in the clients' own."""
        if not self._text:
            return json.dumps(config, indent="\t", ensure_ascii=False) + "\n"
        end = self._text[len(self._text.rstrip()) :]
        indent = _INDENT.match(self._text.lstrip())
        if indent:
            return json.dumps(config, indent=indent.group(1), ensure_ascii=False) + end
        spaced = '": ' in self._text
        return json.dumps(config, separators=(", ", ": ") if spaced else (",", ":"), ensure_ascii=False) + end


@dataclasses.dataclass(frozen=True)
class Record:
    """What we know of a file's logins. made: whether we made the file."""

    made: bool = False
    marks: t.Mapping[str, Mark] = dataclasses.field(default_factory=dict)

    @classmethod
    def parse(cls, text: bytes) -> Record:
        """Never raises: a record that cannot be read is not believed, which costs one renewal."""
        try:
            record = json.loads(text)
            marks = {registry: _mark(mark) for registry, mark in record["logins"].items()}
            return cls(bool(record["made"]), marks)
        except (AttributeError, KeyError, TimeError, TypeError, ValueError):
            return cls()

    def changed(self, plan: LoginPlan, made: bool) -> Record:
        marks = dict(self.marks)
        for step in plan.steps:
            if step.action == "removed":
                marks.pop(step.registry, None)
            elif step.writes and step.mark:
                marks[step.registry] = step.mark
        return Record(self.made or made, marks)

    def dump(self) -> bytes:
        logins = {
            registry: {
                "expires_at": format_time(mark.expires_at),
                "renewed_at": format_time(mark.renewed_at),
                "fingerprint": mark.fingerprint,
            }
            for registry, mark in self.marks.items()
        }
        return (json.dumps({"made": self.made, "logins": logins}, indent=2) + "\n").encode()


def _mark(mark: t.Mapping[str, t.Any]) -> Mark:
    return Mark(parse_time(mark["expires_at"]), parse_time(mark["renewed_at"]), mark["fingerprint"])
