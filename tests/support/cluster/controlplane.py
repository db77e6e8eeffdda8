# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""etcd, the API server and the controller manager, on loopback, without root."""

from __future__ import annotations

import random
import socket
from dataclasses import dataclass
from pathlib import Path

import yaml

from .apiserver import ApiServer
from .errors import AddressInUseError, ClusterError
from .pki import Authority, new_key, write_kubeconfig, write_private
from .processes import Supervisor

ADMIN = "freshpull-admin"
SERVICES = "10.96.0.0/16"
KUBERNETES_SERVICE = "10.96.0.1"

_ISSUER = "https://kubernetes.default.svc"
_ATTEMPTS = 5
_SECONDS_TO_START = 90
# Below the range from which the kernel takes the ports of outgoing connections.
_PORTS = range(10000, 32000)

AUDIT_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "rules": [{"level": "Metadata"}],
}


@dataclass(frozen=True)
class ControlPlane:
    """A running control plane."""

    port: int
    authority: Authority
    kubeconfig: Path
    audit_log: Path
    api: ApiServer
    certificates: Path

    @property
    def server(self) -> str:
        """The URL of the API server on loopback."""
        return f"https://127.0.0.1:{self.port}"


def start_control_plane(
    supervisor: Supervisor, binaries: Path, directory: Path, *, port: int | None = None
) -> ControlPlane:
    """Start a control plane and wait until pods can be created.

    :param directory: for its data, certificates and kubeconfig files.
    :param port: of the API server on all addresses; None for a free port on loopback.
    :raises ClusterError: it did not start.
    """
    for attempt in range(_ATTEMPTS):
        try:
            return _start(supervisor, binaries, directory / f"control-plane-{attempt}", port)
        except AddressInUseError:
            supervisor.stop()
    raise ClusterError(f"The API server found no free port in {_ATTEMPTS} attempts. Run the command again.")


def api_server_arguments(*, port: int, bind_address: str, etcd: str, certificates: Path, audit_log: Path) -> list[str]:
    """Return the command line of the API server."""
    return [
        # It must not be loopback, and without a default route there is no default. It is not used.
        f"--advertise-address={KUBERNETES_SERVICE}",
        f"--etcd-servers={etcd}",
        f"--bind-address={bind_address}",
        f"--secure-port={port}",
        # The API server must not write it to the endpoints of the kubernetes service.
        "--endpoint-reconciler-type=none",
        f"--service-cluster-ip-range={SERVICES}",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        "--allow-privileged=true",
        f"--client-ca-file={certificates}/ca.crt",
        f"--tls-cert-file={certificates}/api-server.crt",
        f"--tls-private-key-file={certificates}/api-server.key",
        # There is no DNS for node names.
        "--kubelet-preferred-address-types=InternalIP",
        f"--kubelet-client-certificate={certificates}/admin.crt",
        f"--kubelet-client-key={certificates}/admin.key",
        f"--service-account-issuer={_ISSUER}",
        f"--service-account-key-file={certificates}/service-accounts.key",
        f"--service-account-signing-key-file={certificates}/service-accounts.key",
        f"--audit-policy-file={certificates.parent}/audit-policy.yaml",
        f"--audit-log-path={audit_log}",
        "--audit-log-maxsize=0",
        # High enough to throttle no test.
        "--max-requests-inflight=3000",
        "--max-mutating-requests-inflight=2000",
    ]


def _start(supervisor: Supervisor, binaries: Path, directory: Path, fixed_port: int | None) -> ControlPlane:
    port = fixed_port or _free_port()
    certificates = directory / "pki"
    certificates.mkdir(parents=True)
    authority = _write_certificates(certificates)
    server = f"https://127.0.0.1:{port}"
    admin = authority.issue(ADMIN, ["system:masters"])
    certificate, key = admin.write(certificates, "admin")
    kubeconfig = write_kubeconfig(
        directory / "admin.kubeconfig", server=server, authority=authority.certificate, identity=admin
    )
    write_kubeconfig(
        directory / "controller-manager.kubeconfig",
        server=server,
        authority=authority.certificate,
        identity=authority.issue("system:kube-controller-manager"),
    )
    write_private(directory / "audit-policy.yaml", yaml.safe_dump(AUDIT_POLICY).encode())
    audit_log = write_private(directory / "audit.log", b"")

    # A socket file instead of a port that another process can use.
    etcd = f"unix://{directory}/etcd.sock"
    supervisor.start("etcd", [binaries / "etcd", *_etcd_arguments(directory, etcd)])
    supervisor.start(
        "kube-apiserver",
        [
            binaries / "kube-apiserver",
            *api_server_arguments(
                port=port,
                bind_address="0.0.0.0" if fixed_port else "127.0.0.1",
                etcd=etcd,
                certificates=certificates,
                audit_log=audit_log,
            ),
        ],
    )
    api = ApiServer(port, authority=certificates / "ca.crt", certificate=certificate, key=key)
    supervisor.wait_until(lambda: api.exists("/readyz"), what="the API server", seconds=_SECONDS_TO_START)
    supervisor.start(
        "kube-controller-manager",
        [
            binaries / "kube-controller-manager",
            f"--kubeconfig={directory}/controller-manager.kubeconfig",
            "--use-service-account-credentials",
            f"--service-account-private-key-file={certificates}/service-accounts.key",
            f"--root-ca-file={certificates}/ca.crt",
            "--leader-elect=false",
            "--secure-port=0",
            # It requests a token for each controller: 5 s at the default rate of 20 requests a second.
            "--kube-api-qps=1000",
            "--kube-api-burst=1000",
        ],
    )
    supervisor.wait_until(
        lambda: api.exists("/api/v1/namespaces/default/serviceaccounts/default"),
        what="the default service account, which the controller manager creates",
        seconds=_SECONDS_TO_START,
    )
    return ControlPlane(port, authority, kubeconfig, audit_log, api, certificates)


def _write_certificates(directory: Path) -> Authority:
    authority = Authority()
    write_private(directory / "ca.crt", authority.certificate)
    names = ["127.0.0.1", KUBERNETES_SERVICE, "localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc"]
    authority.issue("kube-apiserver", addresses=names).write(directory, "api-server")
    write_private(directory / "service-accounts.key", new_key())
    return authority


def _etcd_arguments(directory: Path, listen: str) -> list[str]:
    peers = f"unix://{directory}/etcd-peers.sock"
    return [
        "--name=test",
        f"--data-dir={directory}/etcd",
        "--unsafe-no-fsync",
        f"--listen-client-urls={listen}",
        f"--advertise-client-urls={listen}",
        f"--listen-peer-urls={peers}",
        f"--initial-advertise-peer-urls={peers}",
        f"--initial-cluster=test={peers}",
        f"--quota-backend-bytes={4 * 1024**3}",
    ]


def _free_port() -> int:
    for port in random.sample(_PORTS, 100):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise ClusterError(f"No port between {_PORTS.start} and {_PORTS.stop} is free on loopback. Stop other servers.")
