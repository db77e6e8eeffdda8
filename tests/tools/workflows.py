# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check the workflows with actionlint, which is built from its Go module once."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from support.go_program import go_program

TESTS = Path(__file__).resolve().parents[1]
PACKAGE = "github.com/rhysd/actionlint/cmd/actionlint"


def main() -> int:
    """Check all workflows of the checkout, with shellcheck for their commands, and return the exit status."""
    program = go_program(TESTS / "support/actionlint", PACKAGE, "actionlint")
    return subprocess.run([str(program), "-no-color"], cwd=TESTS.parent, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
