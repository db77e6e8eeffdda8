# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Prepare this machine for a node, and check whether it can run one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from .cgroups import make_cgroup, remove_cgroup
from .errors import ClusterError
from .isolation import UNSHARE
from .scratch import PREFIX

_NEED = Path(__file__).parents[2] / "tools" / "need.sh"

# Run in new namespaces, which end with it. Each line tries something that a node needs.
_TRIAL = """
set -e
mount -t tmpfs trial /mnt
mkdir /mnt/lower /mnt/upper /mnt/work /mnt/merged
mount -t overlay -o lowerdir=/mnt/lower,upperdir=/mnt/upper,workdir=/mnt/work trial /mnt/merged
ip link add trial0 type bridge
ip link add trial1 type veth peer name trial2
"""


def install_packages() -> None:
    """Install the packages of a node that are missing, as `make` does before it calls this program.

    :raises ClusterError: they cannot be installed.
    """
    if subprocess.run([_NEED, "cluster"], stdin=subprocess.DEVNULL, check=False).returncode:
        raise ClusterError("A node needs packages that are missing.")


def reason_for_no_node() -> str | None:
    """Return the reason why this machine cannot run a node, as a sentence; None if it can."""
    if not sys.platform.startswith("linux"):
        return "A node needs Linux."
    if os.geteuid() != 0:
        return "A node needs root for its namespaces, mounts and control groups. Run the command as root."
    trial = subprocess.run([*UNSHARE, "sh", "-c", _TRIAL], capture_output=True, text=True, check=False)
    if trial.returncode:
        return f"A node needs namespaces, overlay mounts and bridges. Creating them failed: {trial.stderr.strip()}."
    name = f"{PREFIX}trial-{os.getpid()}"
    try:
        make_cgroup(name)
    except ClusterError as error:
        return f"A node needs control groups. {error}"
    finally:
        remove_cgroup(name)
    return None
