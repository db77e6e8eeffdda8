# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Linux namespaces for a cluster with a node: its own network, mounts and processes.

`start_isolated` runs outside. It starts this module again in new namespaces, where all processes end with it.
`set_up_isolation` runs inside.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from .command import Stopped, end_process
from .controlplane import KUBERNETES_SERVICE
from .descendants import children_of, die_with_parent
from .errors import ClusterError
from .nodeconfig import ADDRESS, BRIDGE, POD_NETWORK

UNSHARE = ("unshare", "--net", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child")

# Kubernetes, containerd and the network plugins use paths that no option changes.
_PRIVATE_DIRECTORIES = (Path("/run"), Path("/var/lib"), Path("/var/log"))
_BRIDGE_HARDWARE_ADDRESS = "02:00:00:00:00:01"
# The kubelet sets these for the whole machine at its start. Here it sets copies.
_SYSCTLS = (
    "vm/overcommit_memory",
    "vm/panic_on_oom",
    "kernel/panic",
    "kernel/panic_on_oops",
    "kernel/keys/root_maxkeys",
    "kernel/keys/root_maxbytes",
)


def start_isolated(arguments: Sequence[str]) -> int:
    """Run `python -m support.cluster` with these arguments in new namespaces, and return its exit status.

    :raises Stopped: a signal was received and passed on, and all processes inside have ended.
    """
    argv = [*UNSHARE, sys.executable, "-m", "support.cluster", *arguments]
    process = subprocess.Popen(argv, preexec_fn=die_with_parent)

    def send(number: int) -> None:
        # unshare ignores signals.
        inside = children_of(process.pid)
        for pid in inside:
            os.kill(pid, number)
        if not inside:
            process.kill()

    try:
        status = process.wait()
    except Stopped as stopped:
        end_process(process, send, stopped.number)
        raise
    return status if status >= 0 else 128 + signal.SIGKILL


def set_up_isolation(scratch: Path, keep: Iterable[Path]) -> None:
    """Set up the mounts and the network of the current namespaces.

    :param scratch: where a file system in memory is mounted.
    :param keep: directories of the machine that stay visible inside of private directories.
    """
    _run("mount", "-t", "tmpfs", "-o", "mode=0700", "freshpull", scratch)
    for name in _SYSCTLS:
        _shadow_sysctl(Path("/proc/sys") / name, scratch / "sysctl" / name)
    kept = [path.resolve() for path in keep]
    for directory in _PRIVATE_DIRECTORIES:
        _make_private(
            directory, scratch / "private" / directory.name, [path for path in kept if directory in path.parents]
        )
    os.chdir(Path.cwd())  # into the new mounts
    _run("ip", "link", "set", "lo", "up")
    # Pods use the address of the API server's service, which therefore is an address of this host.
    _run("ip", "address", "add", f"{KUBERNETES_SERVICE}/32", "dev", "lo")
    # The network plugin would create the bridge with the first pod, but its address is needed before. Without a
    # hardware address of its own a bridge uses the lowest one of its ports: when a new pod changes it, other pods that
    # have cached it cannot reach the bridge for a minute.
    _run("ip", "link", "add", BRIDGE, "address", _BRIDGE_HARDWARE_ADDRESS, "type", "bridge")
    _run("ip", "address", "add", f"{ADDRESS}/{POD_NETWORK.partition('/')[2]}", "dev", BRIDGE)
    _run("ip", "link", "set", BRIDGE, "up")


def _shadow_sysctl(setting: Path, copy: Path) -> None:
    if setting.exists():
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(setting.read_text(encoding="ascii"), encoding="ascii")
        _run("mount", "--bind", copy, setting)


def _make_private(directory: Path, layers: Path, kept: Sequence[Path]) -> None:
    """Let writes into the directory go to memory, except into the kept directories in it."""
    aside = []
    for number, path in enumerate(kept):
        copy = layers / f"kept-{number}"
        copy.mkdir(parents=True)
        _run("mount", "--rbind", path, copy)
        aside.append((copy, path))
    upper, work = layers / "upper", layers / "work"
    upper.mkdir(parents=True)
    upper.chmod(0o755)
    work.mkdir()
    _run(
        "mount", "-t", "overlay", "-o", f"lowerdir={directory},upperdir={upper},workdir={work}", "freshpull", directory
    )
    for copy, path in aside:
        _run("mount", "--rbind", copy, path)


def _run(*argv: str | Path) -> None:
    done = subprocess.run([str(arg) for arg in argv], capture_output=True, text=True, check=False)
    if done.returncode:
        raise ClusterError(f"{' '.join(map(str, argv))} failed: {done.stderr.strip()}")
