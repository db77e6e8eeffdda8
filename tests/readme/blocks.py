# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of README.md: its code blocks in their order."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

QUICK_START = "Quick start"


@dataclass
class Step:
    """Commands, or a file to save. outputs: what the commands print in their first run, their second run, …"""

    heading: str
    text: str
    file: str = ""
    outputs: list[str] = field(default_factory=list)


def quick_start(readme: Path) -> list[Step]:
    """Return the steps of the section, with its subsections. Raises ValueError for a block that is no step.

    A `shell` block is commands. A `text` block is output of the commands before it. Any other block is a file, which
    the text before it names: "as `FILE`".
    """
    section = re.split(r"^## ", readme.read_text(encoding="utf-8"), flags=re.MULTILINE)
    [text] = [each for each in section if each.startswith(QUICK_START + "\n")]
    steps: list[Step] = []
    before, heading = "", QUICK_START
    for part in re.finditer(
        r"^### (?P<title>.+)$|^```(?P<kind>\w+)\n(?P<block>(?:.*\n)*?)```$|^.+$", text, re.MULTILINE
    ):
        if part["title"]:
            heading = part["title"]
        elif part["kind"] == "shell":
            steps.append(Step(heading, part["block"]))
        elif part["kind"] == "text":
            steps[-1].outputs.append(part["block"].strip())
        elif part["kind"]:
            named = re.findall(r"\bas `([\w.]+)`", before)
            if not named:
                raise ValueError(f"No file name before this block:\n{part['block']}")
            steps.append(Step(heading, part["block"], file=named[-1]))
        before = part.group() if part["title"] or part["kind"] else f"{before} {part.group()}"
    return steps
