# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The namespaces in which a whole cluster runs: its own network, mounts and processes.

`enter` runs outside. It starts our module once more, inside; what that starts dies with it. The other functions
run inside and set_up_isolation the place.
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

# Kubernetes, containerd and the network plugins have paths of their own that no option moves.
_PRIVATE_FOLDERS = (Path("/run"), Path("/var/lib"), Path("/var/log"))
_BRIDGE_HARDWARE_ADDRESS = "02:00:00:00:00:01"
# What the kubelet sets at its start, for the whole machine: here it gets copies to set.
_SYSCTLS = (
    "vm/overcommit_memory",
    "vm/panic_on_oom",
    "kernel/panic",
    "kernel/panic_on_oops",
    "kernel/keys/root_maxkeys",
    "kernel/keys/root_maxbytes",
)


def start_isolated(arguments: Sequence[str]) -> int:
    """Run `python -m support.cluster` with these arguments inside new namespaces, and return its status.

    :raises Stopped: a signal came; it was passed on, and all inside has ended.
    """
    argv = [*UNSHARE, sys.executable, "-m", "support.cluster", *arguments]
    process = subprocess.Popen(argv, preexec_fn=die_with_parent)

    def tell(number: int) -> None:
        # unshare itself ignores signals.
        inside = children_of(process.pid)
        for pid in inside:
            os.kill(pid, number)
        if not inside:
            process.kill()

    try:
        status = process.wait()
    except Stopped as stopped:
        end_process(process, tell, stopped.number)
        raise
    return status if status >= 0 else 128 + signal.SIGKILL


def set_up_isolation(scratch: Path, keep: Iterable[Path]) -> None:
    """Make the mounts and the network of the namespaces that we are in.

    :param scratch: becomes a file system in memory.
    :param keep: folders that stay the machine's own, even inside of those that become private.
    """
    _run("mount", "-t", "tmpfs", "-o", "mode=0700", "freshpull", scratch)
    for name in _SYSCTLS:
        _shadow_sysctl(Path("/proc/sys") / name, scratch / "sysctl" / name)
    kept = [path.resolve() for path in keep]
    for folder in _PRIVATE_FOLDERS:
        _make_private(folder, scratch / "private" / folder.name, [path for path in kept if folder in path.parents])
    os.chdir(Path.cwd())  # into the mounts made just now
    _run("ip", "link", "set", "lo", "up")
    # Pods know the API server by the address of its service. It is enough that this address is ours.
    _run("ip", "address", "add", f"{KUBERNETES_SERVICE}/32", "dev", "lo")
    # The network plugin would make the bridge with the first pod: too late for who wants to know its address before.
    # A bridge without a hardware address of its own takes the lowest of its ports', and for the pods that have looked
    # it up before it is gone for a minute with each new pod that changes it.
    _run("ip", "link", "add", BRIDGE, "address", _BRIDGE_HARDWARE_ADDRESS, "type", "bridge")
    _run("ip", "address", "add", f"{ADDRESS}/{POD_NETWORK.partition('/')[2]}", "dev", BRIDGE)
    _run("ip", "link", "set", BRIDGE, "up")


def _shadow_sysctl(setting: Path, copy: Path) -> None:
    if setting.exists():
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(setting.read_text(encoding="ascii"), encoding="ascii")
        _run("mount", "--bind", copy, setting)


def _make_private(folder: Path, layers: Path, kept: Sequence[Path]) -> None:
    """Let what is written into the folder go to memory, but for the kept folders in it."""
    aside = []
    for number, path in enumerate(kept):
        place = layers / f"kept-{number}"
        place.mkdir(parents=True)
        _run("mount", "--rbind", path, place)
        aside.append((place, path))
    upper, work = layers / "upper", layers / "work"
    upper.mkdir(parents=True)
    upper.chmod(0o755)
    work.mkdir()
    _run("mount", "-t", "overlay", "-o", f"lowerdir={folder},upperdir={upper},workdir={work}", "freshpull", folder)
    for place, path in aside:
        _run("mount", "--rbind", place, path)


def _run(*argv: str | Path) -> None:
    done = subprocess.run([str(arg) for arg in argv], capture_output=True, text=True, check=False)
    if done.returncode:
        raise ClusterError(f"{' '.join(map(str, argv))} failed: {done.stderr.strip()}")
