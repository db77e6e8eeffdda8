# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Draw the output of the demo as a terminal: `make demo | python -m demo.picture docs/docsite/demo.svg`."""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

from .showing import WIDTH

# Quoted lines can be longer than the text.
COLUMNS = WIDTH + 24
STYLES = {"== ": "bold cyan", "    $ ": "bold green", "    | ": "grey70"}


def draw(output: str) -> str:
    """Return an SVG, without fonts from elsewhere."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
    for line in output.strip().splitlines():
        style = next((style for start, style in STYLES.items() if line.startswith(start)), "")
        console.print(Text(line, style=style), no_wrap=True, crop=True)
    picture = console.export_svg(title="make demo", theme=MONOKAI, unique_id="demo")
    return re.sub(r"@font-face \{.*?\}\n", "", picture, flags=re.DOTALL).replace("Fira Code", "ui-monospace")


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(draw(sys.stdin.read()), encoding="utf-8")
