# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Spares ansible-test the download of a bootstrap script for pip.

For its environments ansible-test takes a get-pip script from a host of its own, which not every machine can reach,
unless its cache folder has one. Python's own ensurepip does the same without any network.
"""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

BOOTSTRAP = """\
# Written by freshpull.ecr_public's tests in place of a downloaded get-pip script.
import subprocess
import sys

# A process of its own, because inside this one it would switch pip's configuration off for the rest of it.
subprocess.run([sys.executable, "-m", "ensurepip"], check=True, stdout=subprocess.DEVNULL)
arguments = [argument for argument in sys.argv[1:] if argument not in ("--no-setuptools", "--no-wheel")]
sys.exit(subprocess.run([sys.executable, "-m", "pip", "install", *arguments]).returncode)
"""


def pip_version() -> str:
    """The version of pip that the installed ansible-test asks for."""
    spec = find_spec("ansible_test")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("ansible-test is not installed here: run `make .venv/.ready`.")
    source = Path(spec.submodule_search_locations[0], "_internal", "python_requirements.py").read_text(encoding="utf-8")
    found = re.search(r"\bpip='([0-9.]+)'", source)
    if not found:
        raise SystemExit("This ansible-test does not say where it used to which pip it wants: adapt this script.")
    return found[1]


def main() -> None:
    """Put the script where ansible-test looks first; one that is there already is kept."""
    path = Path.home() / ".ansible" / "test" / "cache" / f"get_pip_{pip_version().replace('.', '_')}.py"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(BOOTSTRAP, encoding="utf-8")


if __name__ == "__main__":
    main()
