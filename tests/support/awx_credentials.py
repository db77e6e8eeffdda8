# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Custom credential types of AWX: they are accepted or rejected, and injected, by its rules.

Sources: https://github.com/ansible/awx/blob/devel/awx/main/models/credential.py (inject_credential) and
https://github.com/ansible/awx/blob/devel/awx/main/fields.py (what AWX accepts).
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import yaml
from jinja2 import StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

_FIELD = {"id", "label", "type", "secret", "multiline", "help_text", "default", "choices", "format"}
_FILE = re.compile(r"template(\.[a-zA-Z_]\w*)?")


class CredentialType:
    """A custom type. inputs, injectors: the two texts in YAML that an administrator enters in AWX."""

    def __init__(self, inputs: str, injectors: str) -> None:
        self.inputs: dict[str, Any] = yaml.safe_load(inputs)
        self.injectors: dict[str, Any] = yaml.safe_load(injectors)
        self._check()

    def _check(self) -> None:
        """Fail where AWX would reject the type."""
        assert self.inputs.keys() <= {"fields", "required"}
        names = [field["id"] for field in self.inputs["fields"]]
        assert all({"id", "label"} <= field.keys() <= _FIELD for field in self.inputs["fields"])
        assert set(self.inputs["required"]) <= set(names)
        assert self.injectors.keys() <= {"file", "env", "extra_vars"}
        files = self.injectors.get("file", {})
        assert all(_FILE.fullmatch(name) for name in files)
        assert "template" not in files or len(files) == 1
        env = self.injectors.get("env", {})
        assert not [name for name in env if name.startswith("ANSIBLE_")]
        assert all(text.isascii() for text in env.values())
        # Only defined fields can be used.
        strict = ImmutableSandboxedEnvironment(undefined=StrictUndefined)
        known: dict[str, Any] = {**dict.fromkeys(names, "EXAMPLE"), "tower": _tower(dict.fromkeys(files, "FILE"))}
        for text in (*files.values(), *env.values()):
            strict.from_string(text).render(**known)

    def inject(self, values: Mapping[str, str], directory: Path) -> dict[str, str]:
        """Write the files of a credential below a job's directory. Return its environment variables."""
        assert set(self.inputs["required"]) <= values.keys()
        jinja = ImmutableSandboxedEnvironment()
        paths = {}
        for name, text in self.injectors.get("file", {}).items():
            # Only the owner can read it.
            handle = tempfile.NamedTemporaryFile(mode="w", dir=directory / "env", delete=False)  # noqa: SIM115
            with handle as file:
                file.write(jinja.from_string(text).render(**values))
            paths[name] = file.name
        known = {**values, "tower": _tower(paths)}
        return {name: jinja.from_string(text).render(**known) for name, text in self.injectors.get("env", {}).items()}


def _tower(paths: Mapping[str, str]) -> SimpleNamespace:
    """Return the object `tower` of the templates. paths: of the files, by the names in the injectors."""
    if "template" in paths:
        return SimpleNamespace(filename=paths["template"])
    return SimpleNamespace(filename=SimpleNamespace(**{name.partition(".")[2]: path for name, path in paths.items()}))
