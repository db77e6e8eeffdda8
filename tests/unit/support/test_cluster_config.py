# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The configuration of the cluster's components, and the environment of the command."""

from __future__ import annotations

import json
import tarfile
import tomllib
from pathlib import Path

import pytest
import yaml

from support.cluster.apiserver import is_ready
from support.cluster.cgroups import hierarchies
from support.cluster.controlplane import api_server_arguments
from support.cluster.debian import find_mirror, find_mirror_in_lines
from support.cluster.environment import command_environment, directory_values
from support.cluster.images import AWS_CLI_IMAGE, write_image
from support.cluster.nodeconfig import (
    ADDRESS,
    REGISTRY_PORT,
    containerd_config,
    kubelet_config,
    network_config,
    registry_hosts,
)

ROOT = Path(__file__).parents[3]
CRI = "io.containerd.grpc.v1.cri"

DEB822 = """\
# A comment: with a colon
Types: deb
URIs: http://mirror.test/security
Suites: bookworm-security
Components: main

Types: deb deb-src
# Another: comment
URIs: http://mirror.test/debian http://other.test/debian
Suites: bookworm bookworm-updates
Components: main
"""
ONE_LINE = """\
# deb http://no.test/debian bookworm main
deb-src http://no.test/debian bookworm main
deb [signed-by=/usr/share/keyrings/x.gpg arch=amd64] http://mirror.test/debian bookworm main contrib
deb http://mirror.test/security bookworm-security main
"""
CGROUP_V1 = """\
25 1 0:22 / /proc rw,relatime - proc proc rw
30 29 0:26 / /sys/fs/cgroup/cpu rw,relatime shared:10 - cgroup cgroup rw,cpu
31 29 0:27 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup rw
32 29 0:26 / /mnt/cpu rw,relatime - cgroup cgroup rw,cpu
"""
CGROUP_V2 = "30 29 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot\n"


def test_containerd_stays_in_its_own_directories() -> None:
    config = tomllib.loads(
        containerd_config(
            root=Path("/s/containerd"),
            socket=Path("/s/containerd.sock"),
            network_plugins=Path("/usr/lib/cni"),
            network=Path("/s/network"),
            registries=Path("/s/registries"),
        )
    )
    assert (config["root"], config["state"]) == ("/s/containerd/root", "/s/containerd/state")
    assert config["grpc"]["address"] == "/s/containerd.sock"
    cri = config["plugins"][CRI]
    assert cri["cni"] == {"bin_dir": "/usr/lib/cni", "conf_dir": "/s/network"}
    assert cri["registry"] == {"config_path": "/s/registries"}
    assert cri["restrict_oom_score_adj"]
    assert cri["disable_apparmor"]


def test_pulls_go_to_the_test_registry_and_nowhere_else() -> None:
    hosts = tomllib.loads(registry_hosts())
    assert hosts == {
        "server": f"http://{ADDRESS}:{REGISTRY_PORT}",
        "capabilities": ["pull", "resolve"],
        "host": {},
    }


def test_the_pods_network_has_no_way_out() -> None:
    (bridge,) = json.loads(network_config(leases=Path("/s/addresses")))["plugins"]
    assert bridge["isGateway"]
    assert not bridge["ipMasq"]
    assert bridge["ipam"]["dataDir"] == "/s/addresses"


def test_the_kubelet_stays_in_its_own_directories() -> None:
    config = yaml.safe_load(
        kubelet_config(
            root=Path("/s/kubelet"),
            socket=Path("/s/containerd.sock"),
            authority=Path("/s/ca.crt"),
            cgroup="freshpull-test-x",
            resolv_conf=Path("/s/resolv.conf"),
        )
    )
    assert config["cgroupRoot"] == "/freshpull-test-x"
    assert config["containerRuntimeEndpoint"] == "unix:///s/containerd.sock"
    assert config["podLogsDir"].startswith("/s/kubelet/")
    assert config["volumePluginDir"].startswith("/s/kubelet/")
    assert config["resolvConf"] == "/s/resolv.conf"
    assert config["authentication"]["anonymous"] == {"enabled": False}


def test_the_api_server_listens_on_the_given_address() -> None:
    arguments = api_server_arguments(
        port=12345,
        bind_address="127.0.0.1",
        etcd="unix:///s/etcd.sock",
        certificates=Path("/s/pki"),
        audit_log=Path("/s/audit.log"),
    )
    assert {"--secure-port=12345", "--bind-address=127.0.0.1", "--authorization-mode=Node,RBAC"} <= set(arguments)
    assert "--audit-policy-file=/s/audit-policy.yaml" in arguments


@pytest.mark.parametrize(
    "name",
    [
        "KUBECONFIG",
        "K8S_AUTH_API_KEY",
        "KUBERNETES_SERVICE_HOST",
        "AWS_ACCESS_KEY_ID",
        "AWS_PROFILE",
        "AWS_ENDPOINT_URL",
        "ANSIBLE_VAULT_PASSWORD_FILE",
        "ANSIBLE_BECOME_PASSWORD_FILE",
        "ANSIBLE_GALAXY_SERVER_X_TOKEN",
        "ANSIBLE_PRIVATE_KEY_FILE",
        "https_proxy",
        "FRESHPULL_TEST_NODE",
    ],
)
def test_the_callers_own_clusters_and_accounts_are_not_there(name: str) -> None:
    assert "callers" not in command_environment({name: "callers"}, Path("/s/kubeconfig"), {}).values()


def test_the_rest_of_the_callers_environment_is_there() -> None:
    caller = {
        "PATH": "/bin",
        "HOME": "/home/x",
        "ANSIBLE_COLLECTIONS_PATH": "/c",
        "FRESHPULL_CACHE": "/k",
        "FRESHPULL_TEST_TIMES": "/t",
    }
    environment = command_environment(caller, Path("/s/kubeconfig"), {"FRESHPULL_TEST_NODE": "1"})
    assert caller.items() <= environment.items()
    assert environment["FRESHPULL_TEST_NODE"] == "1"
    assert environment["FRESHPULL_TEST_KUBECONFIG"] == environment["KUBECONFIG"] == "/s/kubeconfig"


def test_clients_cannot_fall_back_to_the_callers_files() -> None:
    environment = command_environment({"HOME": "/home/x"}, Path("/s/kubeconfig"), {})
    assert environment["AWS_CONFIG_FILE"] == environment["AWS_SHARED_CREDENTIALS_FILE"] == "/dev/null"
    assert environment["AWS_EC2_METADATA_DISABLED"] == "true"


def test_the_directories_of_a_run_are_created(tmp_path: Path) -> None:
    values = directory_values(tmp_path, address="127.0.0.1", audit_log=tmp_path / "audit.log")
    assert values["FRESHPULL_TEST_AUDIT_LOG"] == str(tmp_path / "audit.log")
    assert Path(values["FRESHPULL_TEST_SCRATCH"]).is_dir()
    assert Path(values["FRESHPULL_TEST_LOGS"]).is_dir()
    assert "FRESHPULL_TEST_AUDIT_LOG" not in directory_values(tmp_path, address="127.0.0.1")


def test_the_machines_debian_mirror_is_found() -> None:
    assert find_mirror(DEB822, "bookworm") == "http://mirror.test/debian"
    assert find_mirror(DEB822, "trixie") is None
    assert find_mirror_in_lines(ONE_LINE.splitlines(), "bookworm") == "http://mirror.test/debian"
    assert find_mirror_in_lines(ONE_LINE.splitlines(), "trixie") is None


def test_control_group_hierarchies_are_found_once() -> None:
    assert hierarchies(CGROUP_V1) == [Path("/sys/fs/cgroup/cpu"), Path("/sys/fs/cgroup/unified")]
    assert hierarchies(CGROUP_V2) == [Path("/sys/fs/cgroup")]


def test_a_node_is_ready_when_pods_can_run_there() -> None:
    ready = {
        "status": {"conditions": [{"type": "MemoryPressure", "status": "False"}, {"type": "Ready", "status": "True"}]}
    }
    assert is_ready(ready)
    assert not is_ready(ready | {"spec": {"taints": [{"key": "node.kubernetes.io/not-ready"}]}})
    assert not is_ready({"status": {"conditions": [{"type": "Ready", "status": "Unknown"}]}})
    assert not is_ready({})


def test_the_replacement_has_the_name_of_the_roles_default_image() -> None:
    defaults = yaml.safe_load((ROOT / "roles/pull_secret/defaults/main.yml").read_text(encoding="utf-8"))
    assert defaults["pull_secret_refresher_image"] == AWS_CLI_IMAGE


def test_an_image_is_written_as_docker_save_does(tmp_path: Path) -> None:
    layer = tmp_path / "layer"
    layer.write_bytes(b"abc")
    write_image(tmp_path / "image.tar", layer, name="a.test/b:1", config={"Entrypoint": ["/x"]})
    with tarfile.open(tmp_path / "image.tar") as archive:
        files = ((member.name, archive.extractfile(member)) for member in archive)
        contents = {name: file.read() for name, file in files if file}
    (manifest,) = json.loads(contents["manifest.json"])
    assert manifest == {"Config": "config.json", "RepoTags": ["a.test/b:1"], "Layers": ["layer.tar"]}
    digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # of "abc"
    assert json.loads(contents["config.json"])["rootfs"]["diff_ids"] == [f"sha256:{digest}"]
    assert contents["layer.tar"] == b"abc"
