# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Build the parts of a cluster, and run a command with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from .build import binaries
from .cgroups import make_cgroup, remove_cgroup
from .command import run_command
from .controlplane import start_control_plane
from .descendants import adopt_orphans, kill_descendants
from .environment import KUBECONFIG, command_environment, directory_values
from .errors import ClusterError
from .images import aws_cli_image, pause_binary, python39_image
from .isolated_cluster import isolated_arguments
from .isolation import start_isolated
from .node import Parts
from .node_support import install_packages, reason_for_no_node
from .processes import Supervisor
from .scratch import scratch_directory
from .user_cluster import user_cluster

_LOOPBACK = "127.0.0.1"


def build(*, node: bool) -> None:
    """Build missing parts into the cache.

    :raises ClusterError: they cannot be built, or with `node` this machine cannot run a node.
    """
    if node:
        _node_parts()
    else:
        binaries(node=False)


def run(command: Sequence[str], *, node: bool, name: str, caller: Mapping[str, str]) -> int:
    """Run the command with a cluster, remove the cluster, and return the exit status of the command.

    :param caller: the environment of the caller.
    :raises ClusterError: there is no cluster.
    """
    own = user_cluster()
    if own and node:
        raise ClusterError(f"--node creates a cluster and cannot use the one of {KUBECONFIG}. Unset {KUBECONFIG}.")
    if own:
        return _run_with_user_cluster(command, name, own, caller)
    if node:
        return _run_with_node(command, name)
    return _run_with_control_plane(command, name, caller)


def _run_with_user_cluster(command: Sequence[str], name: str, kubeconfig: Path, caller: Mapping[str, str]) -> int:
    with _clean_directory(name) as scratch:
        environment = command_environment(caller, kubeconfig, directory_values(scratch, address=_LOOPBACK))
        return run_command(command, env=environment, watch=lambda _pid: None)


def _run_with_control_plane(command: Sequence[str], name: str, caller: Mapping[str, str]) -> int:
    built = binaries(node=False)
    with _clean_directory(name) as scratch, Supervisor(scratch / "logs") as supervisor:
        plane = start_control_plane(supervisor, built, scratch)
        values = directory_values(scratch, address=_LOOPBACK, audit_log=plane.audit_log)
        return run_command(command, env=command_environment(caller, plane.kubeconfig, values), watch=supervisor.watch)


def _run_with_node(command: Sequence[str], name: str) -> int:
    parts = _node_parts()
    with _clean_directory(name) as scratch:
        make_cgroup(scratch.name)
        return start_isolated(isolated_arguments(command, name=name, scratch=scratch, parts=parts))


def _node_parts() -> Parts:
    install_packages()
    reason = reason_for_no_node()
    if reason:
        raise ClusterError(reason)
    return Parts(
        binaries=binaries(node=True), image=aws_cli_image(), pause=pause_binary(), python39_image=python39_image()
    )


@contextmanager
def _clean_directory(name: str) -> Iterator[Path]:
    """Create the directory of a run. At the end kill all processes of the run and remove the directory."""
    adopt_orphans()
    with scratch_directory(name, remove_cgroup) as scratch:
        try:
            yield scratch
        finally:
            kill_descendants()
