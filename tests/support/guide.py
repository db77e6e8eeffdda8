# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the steps, variables and tables of a guide, and run its commands as a user types them."""

from __future__ import annotations

import json
import re
import subprocess
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from support.playbook import Ansible

DIRECTORY = Path(__file__).parents[2] / "docs/docsite/rst"


class Guide:
    """A guide whose sections have numbered steps, such as "1. **Suspend** the CronJob" with a block of commands."""

    def __init__(self, name: str) -> None:
        self._text = (DIRECTORY / f"{name}.rst").read_text(encoding="utf-8")

    def section(self, title: str) -> str:
        """Return the text of a section."""
        return _only(rf"^{re.escape(title)}\n([-=])\1*\n(?P<found>.*?)(?=^\S[^\n]*\n[-=]+\n|\Z)", self._text)

    def blocks(self, title: str, language: str) -> list[str]:
        """Return all blocks of a language in a section."""
        return _blocks(language, self.section(title))

    def variables(self, title: str) -> str:
        """Return the only block of YAML of a section."""
        return _only_block("yaml", self.section(title))

    def commands(self, title: str, step: str = "") -> str:
        """Return the only block of commands of a step, or of a section without steps."""
        text = self.section(title)
        if step:
            text = _only(rf"^\d+\. \*\*{step}\*\*(?P<found>.*?)(?=^\S|\Z)", text)
        return _only_block("shell", text)

    def files(self, title: str) -> dict[str, str]:
        """Return the files of a section: blocks after a paragraph that names the file and ends with a colon."""
        named = r"``(?P<name>[\w/]+\.(?:yml|py))``(?:(?!\n\n).)*:\n\n\.\. code-block:: \w+\n\n"
        found = re.finditer(rf"{named}(?P<block>(?: +\S[^\n]*\n|\n)+)", self.section(title) + "\n", re.DOTALL)
        return {each["name"]: textwrap.dedent(each["block"]).strip() + "\n" for each in found}

    def table(self, title: str) -> dict[str, list[str]]:
        """Return the rows of the only table of a section: the first cell, without markup, to the others."""
        _header, *rows = re.findall(r"^   \* - (.+)\n((?:     - .+\n)+)", self.section(title), re.MULTILINE)
        return {first.strip("`_"): re.findall(r"^ +- (.+)$", others, re.MULTILINE) for first, others in rows}


class Shell:
    """Runs commands of a guide in one directory, with the test's names in place of those of the guide."""

    def __init__(
        self, ansible: Ansible, names: Mapping[str, str], env: Mapping[str, str], variables: Mapping[str, Any]
    ) -> None:
        """names: in the guide to those of the test. variables: of each playbook, in addition to those of the guide."""
        self._directory = ansible.directory
        self._environment = {**ansible.environment(), "KUBECONFIG": ansible.kubeconfig, **env}
        self.names = dict(names)
        self._extra = ansible.directory / "extra.json"
        self._extra.write_text(json.dumps(variables))

    def write(self, name: str, text: str) -> None:
        """Write a file, as the reader of the guide does."""
        path = self._directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.named(text))

    def run(self, commands: str, *, given: str = "", status: int = 0) -> str:
        """Run commands until the first one that fails, and return their output. given: the standard input."""
        typed = f'ansible-playbook() {{ command ansible-playbook -e "@{self._extra}" "$@"; }}\n{self.named(commands)}'
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", typed],
            cwd=self._directory,
            env=self._environment,
            input=given,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        output = done.stdout + done.stderr
        assert done.returncode == status, f"{commands}\n{output[-8000:]}"
        return output

    def named(self, text: str) -> str:
        """Replace the names of the guide by those of the test."""
        for name, own in self.names.items():
            text = re.sub(rf"(?<![\w.-]){re.escape(name)}(?![\w-])", own, text)
        return text


def _only_block(language: str, text: str) -> str:
    (block,) = _blocks(language, text)
    return block


def _blocks(language: str, text: str) -> list[str]:
    lines = r"(?P<found>(?:(?P=indent) +\S[^\n]*\n|\n)+)"
    found = re.finditer(rf"^(?P<indent> *)\.\. code-block:: {language}\n\n{lines}", text + "\n", re.MULTILINE)
    return [textwrap.dedent(match["found"]).strip() + "\n" for match in found]


def _only(pattern: str, text: str) -> str:
    """Return the group `found` of the only match."""
    (match,) = re.finditer(pattern, text, re.MULTILINE | re.DOTALL)
    return match["found"]
