# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A node with real pods: containerd, the kubelet and the scheduler, in the namespaces of isolation.py."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from .controlplane import ControlPlane
from .errors import ClusterError
from .images import AWS_CLI_IMAGE, write_pause_image
from .nodeconfig import (
    ADDRESS,
    REGISTRY,
    REGISTRY_PORT,
    containerd_config,
    kubelet_config,
    network_config,
    registry_hosts,
)
from .pki import write_kubeconfig
from .processes import COMPONENT_ENVIRONMENT, Supervisor

_SECONDS_TO_START = 120
# Where distributions put the network plugins.
_NETWORK_PLUGINS = (Path("/usr/lib/cni"), Path("/opt/cni/bin"), Path("/usr/libexec/cni"))


@dataclass(frozen=True)
class Parts:
    """The built parts of a node. python39_image: None if it could not be built."""

    binaries: Path
    image: Path
    pause: Path
    python39_image: Path | None


class Node:
    """A node. It starts in two steps, and imports its images while the control plane starts."""

    def __init__(self, supervisor: Supervisor, parts: Parts, directory: Path, *, name: str, cgroup: str) -> None:
        """:param name: of the node. :param cgroup: the name of its control group, at the top of the hierarchy."""
        self._supervisor = supervisor
        self._parts = parts
        self._directory = directory
        self._name = name
        self._cgroup = cgroup
        self._socket = directory / "containerd.sock"
        self._imports: list[tuple[Path, subprocess.Popen[str]]] = []

    def start_containerd(self) -> None:
        """Start containerd and begin to import the images."""
        registry = self._directory / "registries" / REGISTRY
        network = self._directory / "network"
        for directory in (registry, network):
            directory.mkdir(parents=True)
        (registry / "hosts.toml").write_text(registry_hosts(), encoding="utf-8")
        (network / "pods.conflist").write_text(network_config(leases=self._directory / "addresses"), encoding="utf-8")
        config = self._directory / "containerd.toml"
        config.write_text(
            containerd_config(
                root=self._directory / "containerd",
                socket=self._socket,
                network_plugins=next(path for path in _NETWORK_PLUGINS if (path / "bridge").exists()),
                network=network,
                registries=registry.parent,
            ),
            encoding="utf-8",
        )
        self._supervisor.start("containerd", ["containerd", "--config", config])
        self._supervisor.wait_until(self._containerd_is_ready, what="containerd", seconds=_SECONDS_TO_START)
        pause = self._directory / "pause.tar"
        write_pause_image(pause, self._parts.pause)
        self._import(pause)
        self._import(self._parts.image)

    def start_kubelet(self, plane: ControlPlane) -> None:
        """Start the scheduler and the kubelet, and wait until the node is ready for pods."""
        directory = self._directory
        resolv_conf = directory / "resolv.conf"
        resolv_conf.write_text(f"nameserver {ADDRESS}\n", encoding="ascii")
        (directory / "kubelet.yaml").write_text(
            kubelet_config(
                root=directory / "kubelet",
                socket=self._socket,
                authority=plane.certificates / "ca.crt",
                cgroup=self._cgroup,
                resolv_conf=resolv_conf,
            ),
            encoding="utf-8",
        )
        scheduler = self._kubeconfig(plane, "system:kube-scheduler")
        kubelet = self._kubeconfig(plane, f"system:node:{self._name}", "system:nodes")
        self._supervisor.start(
            "kube-scheduler",
            [
                self._parts.binaries / "kube-scheduler",
                f"--kubeconfig={scheduler}",
                "--leader-elect=false",
                "--secure-port=0",
            ],
        )
        kubelet_process = self._supervisor.start(
            "kubelet",
            [
                self._parts.binaries / "kubelet",
                f"--config={directory}/kubelet.yaml",
                f"--kubeconfig={kubelet}",
                f"--root-dir={directory}/kubelet",
                f"--cert-dir={directory}/kubelet/pki",
                f"--hostname-override={self._name}",
                f"--node-ip={ADDRESS}",
            ],
        )

        def ready() -> bool:
            # A kubelet that looks for its filesystem a moment too early ends. A service manager would start it again.
            if kubelet_process.has_ended() and "failed to get rootfs info" in kubelet_process.tail():
                kubelet_process.start_again()
            return plane.api.node_is_ready(self._name)

        self._supervisor.wait_until(ready, what="the node", seconds=_SECONDS_TO_START)

    def wait_for_images(self) -> None:
        """Wait until the images are imported.

        :raises ClusterError: one could not be imported.
        """
        for archive, process in self._imports:
            output, _nothing = process.communicate()
            if process.returncode:
                raise ClusterError(f"{archive} cannot be imported: {output.strip()}")

    def values(self) -> dict[str, str]:
        """Return the variables of a cluster with a node, in addition to those of every cluster."""
        old = self._parts.python39_image
        return {
            "FRESHPULL_TEST_NODE": "1",
            "FRESHPULL_TEST_CONTAINERD": str(self._socket),
            **({"FRESHPULL_TEST_PYTHON39_ARCHIVE": str(old)} if old else {}),
            "FRESHPULL_TEST_REGISTRY_PORT": str(REGISTRY_PORT),
            "FRESHPULL_TEST_AWS_CLI_IMAGE": AWS_CLI_IMAGE,
            "FRESHPULL_TEST_PAUSE_BINARY": str(self._parts.pause),
        }

    def _ctr(self, *arguments: str) -> list[str]:
        return ["ctr", f"--address={self._socket}", "--namespace=k8s.io", *arguments]

    def _containerd_is_ready(self) -> bool:
        return (
            self._socket.exists()
            and not subprocess.run(
                self._ctr("version"), env=COMPONENT_ENVIRONMENT, capture_output=True, check=False
            ).returncode
        )

    def _import(self, archive: Path) -> None:
        process = subprocess.Popen(
            self._ctr("images", "import", str(archive)),
            env=COMPONENT_ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._imports.append((archive, process))

    def _kubeconfig(self, plane: ControlPlane, user: str, *groups: str) -> Path:
        path = self._directory / f"{user.replace(':', '-')}.kubeconfig"
        identity = plane.authority.issue(user, groups)
        return write_kubeconfig(path, server=plane.server, authority=plane.authority.certificate, identity=identity)
