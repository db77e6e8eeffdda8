# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The programs that a node needs, as packages of the distribution. With root and apt-get they are installed."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from .errors import ClusterError
from .processes import COMPONENT_ENVIRONMENT
from .progress import run_with_progress

# Each package with the programs or files that show that it, or another package with them, is installed.
_PACKAGES: Mapping[str, tuple[str, ...]] = {
    "ca-certificates": ("/etc/ssl/certs/ca-certificates.crt",),
    "containerd": ("containerd", "ctr"),
    "containernetworking-plugins": ("bridge", "host-local", "loopback"),
    "debian-archive-keyring": ("/usr/share/keyrings/debian-archive-keyring.gpg",),
    "gcc": ("gcc",),
    "iproute2": ("ip",),
    "libc6-dev": ("/usr/include/unistd.h",),
    "mmdebstrap": ("mmdebstrap",),
    "mount": ("mount",),
    "runc": ("runc",),
    "util-linux": ("unshare",),
}
_NETWORK_PLUGINS = (Path("/usr/lib/cni"), Path("/opt/cni/bin"), Path("/usr/libexec/cni"))
_POLICY = Path("/usr/sbin/policy-rc.d")
_LOCK = Path("/var/lock/freshpull-packages")  # Two runs of apt-get fail. tests/tools/need.sh uses the same lock.


def install_packages() -> None:
    """Install missing packages.

    :raises ClusterError: a package is missing and cannot be installed; the message names it.
    """
    missing = missing_packages()
    if not missing:
        return
    if not can_install():
        raise ClusterError(
            f"Missing packages (Debian names): {', '.join(missing)}. Install them, or run the command as root with "
            "apt-get."
        )
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    with ExitStack() as stack:
        fcntl.flock(stack.enter_context(_LOCK.open("w")), fcntl.LOCK_EX)
        if not _POLICY.exists():
            # Debian packages start their services. The tests do not need the containerd service of the machine.
            _POLICY.write_text("#!/bin/sh\nexit 101\n", encoding="utf-8")
            stack.callback(_POLICY.unlink)
            _POLICY.chmod(0o755)
        run_with_progress(["apt-get", "update"], what="updating the package lists", env=environment)
        run_with_progress(
            ["apt-get", "install", "--yes", "--no-install-recommends", *missing],
            what=f"installing {', '.join(missing)}",
            env=environment,
        )
    if still := missing_packages():
        raise ClusterError(f"These packages are installed, but their programs are not found: {', '.join(still)}.")


def missing_packages() -> list[str]:
    """Return the packages of which a program or file is missing."""
    return [package for package, parts in _PACKAGES.items() if not all(map(_is_there, parts))]


def can_install() -> bool:
    """Return whether packages can be installed."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def network_plugins() -> Path:
    """Return the directory of the CNI plugins."""
    return next(path for path in _NETWORK_PLUGINS if (path / "bridge").exists())


def _is_there(part: str) -> bool:
    if part.startswith("/"):
        return Path(part).exists()
    directories = [COMPONENT_ENVIRONMENT["PATH"], *map(str, _NETWORK_PLUGINS)]
    return shutil.which(part, path=os.pathsep.join(directories)) is not None
