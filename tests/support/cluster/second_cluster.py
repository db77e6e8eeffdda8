# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A second control plane for tests that would disturb others: it can be killed, and holds a thousand namespaces."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .audit import AuditLog
from .build import binaries
from .controlplane import ControlPlane, start_control_plane
from .processes import Component, Supervisor

_SECONDS_TO_START = 90


class SecondCluster:
    """An administrator's kubeconfig, an audit log, and an API server that comes and goes."""

    def __init__(self, supervisor: Supervisor, plane: ControlPlane, server: Component) -> None:
        self.kubeconfig = str(plane.kubeconfig)
        self.audit = AuditLog(plane.audit_log)
        self._supervisor = supervisor
        self._plane = plane
        self._server = server

    def kill_api_server(self) -> None:
        """End it at once, as a crash does: what it was asked and had not answered is lost."""
        self._server.kill()

    def start_api_server(self) -> None:
        """Start it again with the same data, and wait until it is ready."""
        self._server.start_again()
        self._supervisor.wait_until(
            lambda: self._plane.api.exists("/readyz"), what="the API server's return", seconds=_SECONDS_TO_START
        )


@contextmanager
def second_cluster(directory: Path) -> Iterator[SecondCluster]:
    """Start a control plane on loopback; all of it is gone at the end.

    :raises ClusterError: it did not start.
    """
    with Supervisor(directory / "logs") as supervisor:
        plane = start_control_plane(supervisor, binaries(node=False), directory)
        yield SecondCluster(supervisor, plane, supervisor.component("kube-apiserver"))
