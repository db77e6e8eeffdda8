# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The refresher's program: its files, the modules that it imports, and a local process that runs it as its pod does."""

from __future__ import annotations

import ast
import os
import shutil
import textwrap
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import SplitResult

from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects import program

COLLECTION = Path(__file__).parents[2]
MODULE_UTILS = COLLECTION / "plugins/module_utils"
_PACKAGE = "ansible_collections.freshpull.ecr_public."
MAIN = _PACKAGE + "plugins.module_utils._refresher.main"
FILES = {name: (MODULE_UTILS / name).read_text(encoding="utf-8") for name in program.FILES}
"""The text of each file of the program."""


def closure(module: str = MAIN) -> dict[str, Path]:
    """Return the modules of this collection that a module imports, itself included, by name."""
    found: dict[str, Path] = {}
    left = [module]
    while left:
        name = left.pop()
        path = COLLECTION / (name.removeprefix(_PACKAGE).replace(".", "/") + ".py")
        if name in found or not path.is_file():
            continue
        found[name] = path
        left += imports(path)
    return found


def imports(path: Path) -> list[str]:
    """Return the modules that a file imports. Of `from a import b` both a and a.b can be a module."""
    names = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
    return names


class ProgramProcess:
    """The directories, files and environment of a local process that runs the program as its pod does.

    settings, api: what the pod has mounted from the ConfigMap with the settings, and from its service account.
    """

    def __init__(self, directory: Path) -> None:
        """directory: an existing directory for all of it."""
        self.settings, self.api, self.temporary = directory / "settings", directory / "api", directory / "tmp"
        self.credentials, self.termination_log = directory / "credentials", directory / "last-words"
        self._program, self._tools = directory / "program", directory / "tools"
        for each in (self.settings, self.api, self.temporary, self._tools):
            each.mkdir()
        self.path = f"{self._tools}:{os.environ['PATH']}"

    def install(self) -> list[str]:
        """Write the program of this checkout. Return the command of the pod's container."""
        paths = {item["key"]: item["path"] for item in program.items()}
        self.mount(program.data(FILES), paths)
        return self.command(program.COMMAND)

    def mount(self, data: Mapping[str, str], paths: Mapping[str, str]) -> None:
        """Write the data of a program's ConfigMap as the pod has it. paths: the path of each key."""
        for key, path in paths.items():
            target = self._program / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(data[key], encoding="utf-8")

    def command(self, command: tuple[str, ...] | list[str]) -> list[str]:
        """Return the command of a container, with the local directory of the program."""
        return [part.replace(program.DIRECTORY, str(self._program)) for part in command]

    def write_api_access(self, authority: str, token: str) -> None:
        """Write the pod's service account. authority: the path of the API server's CA certificate."""
        shutil.copy(authority, self.api / "ca.crt")
        (self.api / "token").write_text(token)

    def write_aws_keys(self, access_key: str, secret_key: str) -> None:
        text = f"[default]\naws_access_key_id = {access_key}\naws_secret_access_key = {secret_key}\n"
        self.credentials.write_text(text)

    def environment(self, server: SplitResult) -> dict[str, str]:
        """Return the environment of the process. server: the URL of the API server."""
        return {
            "PATH": self.path,
            "TMPDIR": str(self.temporary),
            "KUBERNETES_SERVICE_HOST": str(server.hostname),
            "KUBERNETES_SERVICE_PORT": str(server.port),
            "FRESHPULL_CONFIG": str(self.settings),
            "FRESHPULL_API_ACCESS": str(self.api),
            "FRESHPULL_TERMINATION_LOG": str(self.termination_log),
            "AWS_SHARED_CREDENTIALS_FILE": str(self.credentials),
            "AWS_CONFIG_FILE": os.devnull,
        }

    def use_python(self, program: str) -> None:
        """Let the process find this Python first. program: its path; of a virtual environment, the Python behind it."""
        (self._tools / "python3").symlink_to(Path(program).resolve())

    def wrap(self, tool: str, script: str) -> Path:
        """Let the process find a script in place of a tool; the script finds the tool in $REAL. Return its path."""
        real = shutil.which(tool)
        assert real
        path = self._tools / tool
        path.write_text(f"#!/bin/bash\nREAL={real}\n{textwrap.dedent(script)}")
        path.chmod(0o755)
        return path
