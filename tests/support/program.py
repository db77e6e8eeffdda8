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


def install(folder: Path) -> list[str]:
    """The program in a folder, as its pod has it from the ConfigMap; the command of the pod's container."""
    held = program.data({name: (MODULE_UTILS / name).read_text(encoding="utf-8") for name in program.FILES})
    for item in program.items():
        target = folder / item["path"]
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(held[item["key"]], encoding="utf-8")
    return [part.replace(program.DIRECTORY, str(folder)) for part in program.COMMAND]
