# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An environment as clean as that of Galaxy or of a new user: ansible-core and no other collection."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tools.artifact import ROOT

REPOSITORY = "https://example.com/freshpull/ecr_public"
"""The tests need no real one."""
PROGRAMS = ROOT / ".cache/importer/bin"


class Clean:
    """Runs programs of the clean environment, with a new home directory."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def run(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a program in the home directory, whatever its exit status."""
        minimal = {"HOME": str(self.home), "LANG": "C.UTF-8", "PATH": f"{PROGRAMS}{os.pathsep}/usr/bin{os.pathsep}/bin"}
        # ansible-galaxy takes compiled files for changes of a collection.
        minimal["PYTHONDONTWRITEBYTECODE"] = "1"
        return subprocess.run(
            [str(PROGRAMS / command[0]), *command[1:]],
            cwd=self.home,
            env=minimal | environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def output(self, *command: str, **environment: str) -> str:
        """Run a program that must succeed, and return its output."""
        done = self.run(*command, **environment)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout
