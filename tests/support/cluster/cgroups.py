# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Create and remove the control group of a node's pods."""

from __future__ import annotations

import os
import time
from pathlib import Path

from .errors import ClusterError

_SECONDS_TO_EMPTY = 10
_CONTROLLERS = frozenset({"cpu", "cpuset", "hugetlb", "io", "memory", "pids"})
_MOUNTS = Path("/proc/self/mountinfo")


def make_cgroup(name: str) -> None:
    """Create a control group with this name at the top of every hierarchy.

    :raises ClusterError: it cannot be created; the message names the path.
    """
    for hierarchy in hierarchies(_MOUNTS.read_text(encoding="utf-8")):
        path = hierarchy / name
        try:
            path.mkdir()
            _prepare(hierarchy, path)
        except OSError as error:
            raise ClusterError(f"The control group {path} cannot be created: {error.strerror}.") from error


def remove_cgroup(name: str) -> None:
    """Remove the control group and all groups below it, in every hierarchy. Its processes must have been killed."""
    deadline = time.monotonic() + _SECONDS_TO_EMPTY
    for hierarchy in hierarchies(_MOUNTS.read_text(encoding="utf-8")):
        # Deepest first. The kernel removes the files in these directories with them.
        for directory, _directories, _files in os.walk(hierarchy / name, topdown=False):
            _remove(Path(directory), deadline)


def hierarchies(mountinfo: str) -> list[Path]:
    """Return the mount points of all control group hierarchies, versions 1 and 2. mountinfo: /proc/self/mountinfo."""
    found: dict[tuple[str, str], Path] = {}
    for line in mountinfo.splitlines():
        before, _dash, after = line.partition(" - ")
        kind, _source, options = after.split(" ", 2)
        if kind in ("cgroup", "cgroup2"):
            # The same hierarchy can be mounted twice.
            found.setdefault((kind, options), Path(before.split()[4]))
    return list(found.values())


def _prepare(hierarchy: Path, path: Path) -> None:
    available = hierarchy / "cgroup.controllers"
    if available.exists():  # version 2: a parent delegates controllers
        switches = hierarchy / "cgroup.subtree_control"
        missing = _CONTROLLERS.intersection(_words(available)) - set(_words(switches))
        if missing:
            switches.write_text(" ".join(f"+{name}" for name in sorted(missing)), encoding="ascii")
        return
    for name in ("cpuset.cpus", "cpuset.mems"):
        # Version 1: a new group has no processors and no memory nodes, and no process can run in it.
        if (path / name).exists():
            (path / name).write_text((hierarchy / name).read_text(encoding="ascii"), encoding="ascii")


def _words(path: Path) -> list[str]:
    return path.read_text(encoding="ascii").split()


def _remove(path: Path, deadline: float) -> None:
    while True:
        try:
            path.rmdir()
        except FileNotFoundError:
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return
