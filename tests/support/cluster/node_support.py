# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether this machine can run a node, and if not, why."""

from __future__ import annotations

import os
import subprocess
import sys

from .cgroups import make_cgroup, remove_cgroup
from .errors import ClusterError
from .isolation import UNSHARE
from .packages import can_install, missing_packages
from .scratch import PREFIX

# In namespaces of its own, which end with it: each line is a thing that a node needs.
_TRIAL = """
set -e
mount -t tmpfs trial /mnt
mkdir /mnt/lower /mnt/upper /mnt/work /mnt/merged
mount -t overlay -o lowerdir=/mnt/lower,upperdir=/mnt/upper,workdir=/mnt/work trial /mnt/merged
ip link add trial0 type bridge
ip link add trial1 type veth peer name trial2
"""


def reason_for_no_node() -> str | None:
    """One sentence that says why this machine cannot run a node; None if it can."""
    if not sys.platform.startswith("linux"):
        return "A node needs Linux."
    if os.geteuid() != 0:
        return "A node needs root, for its namespaces, mounts and control groups."
    missing = missing_packages()
    if missing and not can_install():
        return f"A node needs these packages, by Debian's names, and apt-get is not there: {', '.join(missing)}."
    if {"iproute2", "mount", "util-linux"} & set(missing):
        return None  # they come first, and the trial needs them
    trial = subprocess.run([*UNSHARE, "sh", "-c", _TRIAL], capture_output=True, text=True, check=False)
    if trial.returncode:
        return f"A node needs namespaces, overlay mounts and bridges, and here: {trial.stderr.strip()}."
    name = f"{PREFIX}trial-{os.getpid()}"
    try:
        make_cgroup(name)
    except ClusterError as error:
        return f"A node needs control groups. {error}"
    finally:
        remove_cgroup(name)
    return None
