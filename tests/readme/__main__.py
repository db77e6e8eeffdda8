# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Follow the quick start of README.md: `python -m readme install|use DIRECTORY README`.

The commands and files are those of README.md. Replaced are Galaxy, by a server with the built artifact; the cluster, by
the test cluster; and AWS, by the fake one, whose address the variables of localhost give to the refresher. The packages
are installed where there is a network, and used where there is none.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from galaxy.clean import REPOSITORY
from support.aws import FakeAws
from support.galaxy_server import installable
from support.pulls import DISCOVERY
from tools.artifact import build

from .blocks import QUICK_START, Step, quick_start

ENVIRONMENT = "freshpull"
"""The virtual environment that the first step creates."""
# The node has no image with a shell: this one waits, whatever its arguments are.
IMAGE, TAG, WAIT = "docker/library/busybox", "stable", "/pause"


def run(step: Step, directory: Path, environment: Mapping[str, str]) -> str:
    """Run the commands of a step as in the terminal of the first one. Returns their output. Raises on failure."""
    activate = f"{ENVIRONMENT}/bin/activate"
    script = f"{f'. {activate}' if (directory / activate).exists() else ':'}\n{step.text}"
    print(f"\n--- {step.heading}\n{step.text.rstrip()}", flush=True)
    started = time.monotonic()
    done = subprocess.run(
        ["bash", "-e", "-c", script],
        cwd=directory,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    print(f"{done.stdout.rstrip()}\n({time.monotonic() - started:.0f} s)", flush=True)
    if done.returncode:
        raise SystemExit(f"README.md, {step.heading}: the commands failed with status {done.returncode}.")
    return done.stdout


def expect(step: Step, expected: str, output: str) -> None:
    """Compare lines with the output, in which Ansible aligns columns with spaces."""
    printed = {" ".join(line.split()) for line in output.splitlines()}
    missing = [line for line in expected.splitlines() if " ".join(line.split()) not in printed]
    if missing:
        raise SystemExit(f"README.md, {step.heading}: the output has no line {missing[0]!r}.")


def install(directory: Path, readme: Path) -> None:
    """Run the first step. The collections that this one depends on are linked: Galaxy cannot be reached."""
    first = quick_start(readme)[0]
    assert (first.heading, first.file) == (QUICK_START, "")
    artifact = build(REPOSITORY, directory / "galaxy")
    print(artifact)
    with installable(artifact.path, directory) as galaxy:
        run(first, directory, {**clean(directory), **galaxy})


def clean(directory: Path) -> dict[str, str]:
    """Return the environment without settings of Ansible, AWS, Python and the cluster, and without .venv in PATH."""
    own = re.compile(r"ANSIBLE_|AWS_|K8S_|PYTHON|VIRTUAL_ENV|KUBECONFIG|FRESHPULL_")
    kept = {name: value for name, value in os.environ.items() if not own.match(name)}
    venv = str(Path(sys.prefix) / "bin")
    path = os.pathsep.join(each for each in kept["PATH"].split(os.pathsep) if each != venv)
    return {**kept, "PATH": path, "ANSIBLE_COLLECTIONS_PATH": str(directory / "collections")}


def use(directory: Path, readme: Path) -> None:
    """Run all other steps in the test cluster."""
    port = int(os.environ["FRESHPULL_TEST_REGISTRY_PORT"])
    with FakeAws(host=os.environ["FRESHPULL_TEST_ADDRESS"], registry_port=port) as aws:
        aws.add_image(IMAGE, TAG, {WAIT: Path(os.environ["FRESHPULL_TEST_PAUSE_BINARY"])}, [WAIT])
        variables = directory / "host_vars" / "localhost.yml"
        variables.parent.mkdir()
        variables.write_text(f"pull_secret_refresher_aws_endpoint_url: {aws.endpoint_url}\n")
        environment = {
            **clean(directory),
            "KUBECONFIG": os.environ["FRESHPULL_TEST_KUBECONFIG"],
            "AWS_ACCESS_KEY_ID": aws.access_key,
            "AWS_SECRET_ACCESS_KEY": aws.secret_key,
            "AWS_ENDPOINT_URL_ECR_PUBLIC": aws.endpoint_url,
        }
        for step in quick_start(readme)[1:]:
            if step.file:
                (directory / step.file).write_text(step.text, encoding="utf-8")
                continue
            for expected in step.outputs or [""]:
                expect(step, expected, run(step, directory, environment))
        pulled = [each for each in aws.registry_requests if IMAGE in str(each) and each["status"] not in DISCOVERY]
    if not pulled or not all(each["authenticated"] for each in pulled):
        raise SystemExit(f"The pod of README.md did not pull its image with the token: {pulled}.")
    print("\nREADME.md: all steps of the quick start passed, and the pod pulled its image with the token.")


if __name__ == "__main__":
    {"install": install, "use": use}[sys.argv[1]](*map(Path, sys.argv[2:]))
