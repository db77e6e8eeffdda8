# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A second control plane, for tests that would disturb others: they kill it or create a thousand namespaces."""

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
    """A control plane with an API server that a test stops and starts."""

    def __init__(self, supervisor: Supervisor, plane: ControlPlane, server: Component) -> None:
        self.kubeconfig = str(plane.kubeconfig)
        self.audit = AuditLog(plane.audit_log)
        self._supervisor = supervisor
        self._plane = plane
        self._server = server

    def kill_api_server(self) -> None:
        """Kill the API server, as a crash does. Requests without a response are lost."""
        self._server.kill()

    def start_api_server(self) -> None:
        """Start the API server again with its data, and wait until it is ready."""
        self._server.start_again()
        self._supervisor.wait_until(
            lambda: self._plane.api.exists("/readyz"), what="the restarted API server", seconds=_SECONDS_TO_START
        )


@contextmanager
def second_cluster(directory: Path) -> Iterator[SecondCluster]:
    """Start a control plane on loopback, and stop it at the end.

    :raises ClusterError: it did not start.
    """
    with Supervisor(directory / "logs") as supervisor:
        plane = start_control_plane(supervisor, binaries(node=False), directory)
        yield SecondCluster(supervisor, plane, supervisor.component("kube-apiserver"))
