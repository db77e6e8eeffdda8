# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run ansible-test integration in a copy of the collection. Started by `python -m support.cluster run`.

ansible-test passes no environment to its targets. They get the cluster, and the fake AWS that this program starts, as
variables in tests/integration/integration_config.yml of the copy.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from support.aws import FakeAws


def variables(fake: FakeAws) -> dict[str, str]:
    """Return the variables of the targets: the cluster's environment variables in lower case, and those of the fake.

    They win over the inventory of ansible-test, which has another ansible_python_interpreter.
    """
    python = os.environ.get("TARGET_PYTHON")
    interpreter = {"ansible_python_interpreter": python} if python else {}
    cluster = {name.lower(): value for name, value in os.environ.items() if name.startswith("FRESHPULL_TEST_")}
    names = ("endpoint_url", "sts_url", "registry_url", "access_key", "secret_key")
    return {**cluster, **interpreter, **{f"freshpull_test_aws_{name}": getattr(fake, name) for name in names}}


def write_private(path: Path, content: str) -> None:
    """Write a file that only its owner can read."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as config:
        config.write(content)


def write_times(collection: Path, times: Path) -> None:
    """Append the seconds of each target to a file for tests/tools/stages.py, from the results of ansible-test."""
    with times.open("a", encoding="utf-8") as file:
        for results in sorted((collection / "tests" / "output" / "data").glob("integration-*.json")):
            for target, result in json.loads(results.read_text(encoding="utf-8"))["targets"].items():
                file.write(f"{result['run_time_seconds']:.3f}\t{target}\n")


def main(venv: Path, collection: Path, arguments: list[str]) -> int:
    """Run the targets. Return the exit status of ansible-test."""
    python, ansible_test = (str(venv / "bin" / name) for name in ("python", "ansible-test"))
    version = subprocess.check_output([python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"], text=True)
    command = [ansible_test, "integration", "--local", "--python", version.strip(), "--color", "no", *arguments]
    with FakeAws() as fake:
        # JSON is YAML.
        write_private(collection / "tests" / "integration" / "integration_config.yml", json.dumps(variables(fake)))
        environment = {**os.environ, "PATH": f"{venv / 'bin'}{os.pathsep}{os.environ['PATH']}"}
        environment.pop("PYTHONPATH", None)
        done = subprocess.run(command, cwd=collection, env=environment, check=False)
    if times := os.environ.get("FRESHPULL_TEST_TIMES"):
        write_times(collection, Path(times))
    return done.returncode


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:]))
