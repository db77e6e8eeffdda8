# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the cluster and the command in the namespaces of isolation.py."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from .cache import cache_root
from .command import run_command
from .controlplane import start_control_plane
from .environment import command_environment, directory_values
from .isolation import set_up_isolation
from .node import Node, Parts
from .nodeconfig import ADDRESS
from .processes import Supervisor
from .progress import report

_PORT = 443  # where pods connect to the API server


def isolated_arguments(command: Sequence[str], *, name: str, scratch: Path, parts: Parts) -> list[str]:
    """Return the arguments of `python -m support.cluster isolated`, for `add_isolated_parser`."""
    options = {"name": name, "scratch": scratch, "binaries": parts.binaries, "image": parts.image, "pause": parts.pause}
    if parts.python39_image:
        options["python39-image"] = parts.python39_image
    return ["isolated", *(f"--{option}={value}" for option, value in options.items()), "--", *command]


def add_isolated_parser(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `isolated_arguments` to a parser."""
    parser.add_argument("--name", required=True)
    for option in ("--scratch", "--binaries", "--image", "--pause"):
        parser.add_argument(option, type=Path, required=True)
    parser.add_argument("--python39-image", type=Path)
    parser.add_argument("command", nargs="+")


def run_isolated(options: argparse.Namespace, caller: Mapping[str, str]) -> int:
    """Set up the namespaces, start the cluster, run the command and return its exit status."""
    started = time.monotonic()
    scratch: Path = options.scratch
    set_up_isolation(
        scratch, keep=[Path.cwd(), Path.home(), cache_root(), Path(sys.prefix), Path(tempfile.gettempdir())]
    )
    parts = Parts(options.binaries, options.image, options.pause, options.python39_image)
    with Supervisor(scratch / "logs") as supervisor:
        (scratch / "node").mkdir()
        node = Node(supervisor, parts, scratch / "node", name=options.name, cgroup=scratch.name)
        node.start_containerd()
        plane = start_control_plane(supervisor, parts.binaries, scratch, port=_PORT)
        node.start_kubelet(plane)
        node.wait_for_images()
        report(f"a cluster with a node is ready after {time.monotonic() - started:.0f} s")
        values = directory_values(scratch, address=ADDRESS, audit_log=plane.audit_log) | node.values()
        environment = command_environment(caller, plane.kubeconfig, values)
        return run_command(options.command, env=environment, watch=supervisor.watch)
