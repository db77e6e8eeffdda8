# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Give ansible-test a bootstrap script for pip, so that it downloads none.

For its environments ansible-test downloads a get-pip script from its own host, which not every machine can reach,
unless its cache directory has one. ensurepip of Python does the same without a network.
"""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

BOOTSTRAP = """\
# Written by the tests of freshpull.ecr_public in place of a downloaded get-pip script.
import subprocess
import sys

# In a process of its own: ensurepip turns off pip's configuration in its process.
subprocess.run([sys.executable, "-m", "ensurepip"], check=True, stdout=subprocess.DEVNULL)
arguments = [argument for argument in sys.argv[1:] if argument not in ("--no-setuptools", "--no-wheel")]
sys.exit(subprocess.run([sys.executable, "-m", "pip", "install", *arguments]).returncode)
"""


def pip_version() -> str:
    """Return the version of pip that the installed ansible-test requires."""
    spec = find_spec("ansible_test")
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit("ansible-test is not installed here: run `make .venv/.ready`.")
    source = Path(spec.submodule_search_locations[0], "_internal", "python_requirements.py").read_text(encoding="utf-8")
    found = re.search(r"\bpip='([0-9.]+)'", source)
    if not found:
        raise SystemExit(
            "No version of pip was found in python_requirements.py of ansible-test: adapt this script to its new form."
        )
    return found[1]


def main() -> None:
    """Write the script into the cache directory of ansible-test, unless there is one."""
    path = Path.home() / ".ansible" / "test" / "cache" / f"get_pip_{pip_version().replace('.', '_')}.py"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(BOOTSTRAP, encoding="utf-8")


if __name__ == "__main__":
    main()
