# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The configuration files of a node's components."""

from __future__ import annotations

import json
from pathlib import Path

import yaml

from .images import PAUSE_IMAGE

BRIDGE = "pods0"
POD_NETWORK = "10.244.0.0/16"
ADDRESS = "10.244.0.1"  # of the bridge, where pods reach servers outside of the cluster
REGISTRY = "public.ecr.aws"
REGISTRY_PORT = 5000


def containerd_config(*, root: Path, socket: Path, network_plugins: Path, network: Path, registries: Path) -> str:
    """Return the config.toml of containerd, with all its files below `root`."""
    return f"""\
version = 2
root = "{root}/root"
state = "{root}/state"
disabled_plugins = [
  # It would create a directory in /opt.
  "io.containerd.internal.v1.opt",
  "io.containerd.snapshotter.v1.aufs",
  "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.zfs",
]

[grpc]
  address = "{socket}"

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE_IMAGE}"
  # Needed to start a sandbox without CAP_SYS_RESOURCE, which many containers do not have.
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  # It would load a profile into the kernel, where it stays.
  disable_apparmor = true

  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{network_plugins}"
    conf_dir = "{network}"

  [plugins."io.containerd.grpc.v1.cri".containerd]
    default_runtime_name = "runc"

    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"

      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false

  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "{registries}"
"""


def registry_hosts() -> str:
    """Return the hosts.toml that sends all pulls of the public registry to a local server."""
    return f"""\
server = "http://{ADDRESS}:{REGISTRY_PORT}"
capabilities = ["pull", "resolve"]

# Without mirrors each request is sent once. containerd 1.6 rejects a file without this table.
[host]
"""


def network_config(*, leases: Path) -> str:
    """Return the configuration of the pods' network: a bridge without a way out, and consecutive addresses."""
    return json.dumps(
        {
            "cniVersion": "0.4.0",
            "name": "pods",
            "plugins": [
                {
                    "type": "bridge",
                    "bridge": BRIDGE,
                    "isGateway": True,
                    "ipMasq": False,
                    "ipam": {
                        "type": "host-local",
                        "ranges": [[{"subnet": POD_NETWORK}]],
                        "routes": [{"dst": "0.0.0.0/0"}],
                        "dataDir": str(leases),
                    },
                }
            ],
        },
        indent=2,
    )


def kubelet_config(*, root: Path, socket: Path, authority: Path, cgroup: str, resolv_conf: Path) -> str:
    """Return the configuration of the kubelet: its defaults, except for paths and what a small machine needs."""
    return yaml.safe_dump(
        {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "authentication": {
                "anonymous": {"enabled": False},
                "webhook": {"enabled": True},
                "x509": {"clientCAFile": str(authority)},
            },
            "authorization": {"mode": "Webhook"},
            "containerRuntimeEndpoint": f"unix://{socket}",
            "cgroupDriver": "cgroupfs",
            "cgroupRoot": f"/{cgroup}",
            "failCgroupV1": False,
            "enforceNodeAllocatable": [],
            "failSwapOn": False,
            "makeIPTablesUtilChains": False,
            "podLogsDir": f"{root}/pod-logs",
            "volumePluginDir": f"{root}/volume-plugins",
            "resolvConf": str(resolv_conf),
            # A full disk of the machine must not affect the tests.
            "evictionHard": {"memory.available": "0%", "nodefs.available": "0%", "imagefs.available": "0%"},
            "imageGCHighThresholdPercent": 100,
            "imageGCLowThresholdPercent": 99,
        }
    )
