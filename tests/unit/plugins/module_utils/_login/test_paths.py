# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils._errors import OptionError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._login.paths import User, default_path, path_warning

BUILDER, ALICE = 1001, 1000
HOMES = {0: "/root", BUILDER: "/home/builder", ALICE: "/home/alice"}
OWNERS = {path: uid for uid, path in HOMES.items()} | {
    "/github/home": ALICE,
    "/run/user/1000": ALICE,
    "/run/user/1001": BUILDER,
    "/run/user/0": 0,
}

DIRECTORIES = {"/files/config.json": False, "/files/docker.conf": False, "/job/config.json": True}


def user(uid: int, environ: dict[str, str]) -> User:
    return User(uid, environ, HOMES.__getitem__, OWNERS.get, DIRECTORIES.get, frozenset())


# Client, user, environment, file.
PATHS: dict[str, tuple[str, int, dict[str, str], str]] = {
    "docker": ("docker", BUILDER, {"HOME": "/home/builder"}, "/home/builder/.docker/config.json"),
    "docker, its own directory": ("docker", BUILDER, {"DOCKER_CONFIG": "/job/x"}, "/job/x/config.json"),
    "docker, a directory with the name of its file": (
        *("docker", BUILDER, {"DOCKER_CONFIG": "/job/config.json"}),
        "/job/config.json/config.json",
    ),
    "docker, no HOME": ("docker", BUILDER, {}, "/home/builder/.docker/config.json"),
    "docker, HOME set by the job": ("docker", BUILDER, {"HOME": "/job"}, "/job/.docker/config.json"),
    "docker, root in a container with another user's HOME": (
        *("docker", 0, {"HOME": "/github/home"}),
        "/github/home/.docker/config.json",
    ),
    "docker, sudo": ("docker", 0, {"HOME": "/root", "SUDO_UID": "1000"}, "/root/.docker/config.json"),
    "docker, sudo keeps HOME": (
        "docker",
        0,
        {"HOME": "/home/alice", "SUDO_UID": "1000"},
        "/root/.docker/config.json",
    ),
    "docker, sudo to the same user": (
        *("docker", ALICE, {"HOME": "/home/alice", "SUDO_UID": "1000"}),
        "/home/alice/.docker/config.json",
    ),
    "docker, sudo and HOME set by the job": (
        *("docker", 0, {"HOME": "/job", "SUDO_UID": "1000"}),
        "/job/.docker/config.json",
    ),
    "podman, its own file": (
        *("podman", BUILDER, {"REGISTRY_AUTH_FILE": "/job/auth.json", "XDG_RUNTIME_DIR": "/run/user/1001"}),
        "/job/auth.json",
    ),
    "podman, with a session": (
        "podman",
        BUILDER,
        {"XDG_RUNTIME_DIR": "/run/user/1001"},
        "/run/user/1001/containers/auth.json",
    ),
    "podman, become without XDG_RUNTIME_DIR": ("podman", BUILDER, {}, "/run/user/1001/containers/auth.json"),
    "podman, another user's session": (
        "podman",
        0,
        {"XDG_RUNTIME_DIR": "/run/user/1000"},
        "/run/containers/0/auth.json",
    ),
    "podman, without a session": ("podman", 1002, {}, "/run/containers/1002/auth.json"),
    "podman, root without a session": ("podman", 0, {}, "/run/containers/0/auth.json"),
    "podman, root with a session": (
        "podman",
        0,
        {"XDG_RUNTIME_DIR": "/run/user/0"},
        "/run/user/0/containers/auth.json",
    ),
    "helm": ("helm", BUILDER, {"HOME": "/home/builder"}, "/home/builder/.config/helm/registry/config.json"),
    "helm, its own file": ("helm", BUILDER, {"HELM_REGISTRY_CONFIG": "/job/x.json"}, "/job/x.json"),
    "helm, its own directory": ("helm", BUILDER, {"HELM_CONFIG_HOME": "/job"}, "/job/registry/config.json"),
    "helm, another directory for settings": (
        "helm",
        BUILDER,
        {"XDG_CONFIG_HOME": "/c"},
        "/c/helm/registry/config.json",
    ),
}


@pytest.mark.parametrize("case", PATHS)
def test_the_default_file_of_a_client(case: str) -> None:
    client, uid, environ, expected = PATHS[case]
    assert default_path(client, user(uid, environ)) == expected


@pytest.mark.parametrize("client", ["docker", "helm"])
@pytest.mark.parametrize(
    "environ", [{}, {"HOME": "/home/alice", "SUDO_UID": "1000"}], ids=["no HOME", "sudo keeps HOME"]
)
def test_a_user_without_a_home_directory_is_named(client: str, environ: dict[str, str]) -> None:
    """As in a container that runs with --user 54321."""
    with pytest.raises(OptionError, match=r"path: .*user 54321 .*no entry in the user database.*Set HOME.* or path"):
        default_path(client, user(54321, environ))


@pytest.mark.parametrize("value", ["/files/config.json", "/files/docker.conf", "/new/config.json", "/new/config.json/"])
def test_docker_config_must_name_a_directory(value: str) -> None:
    """docker itself creates a directory config.json with a file config.json in it."""
    with pytest.raises(OptionError, match=rf"DOCKER_CONFIG: '{value}' .*names a directory.*Use {Path(value).parent}\b"):
        default_path("docker", user(BUILDER, {"DOCKER_CONFIG": value}))


def test_podman_needs_no_home_directory() -> None:
    assert default_path("podman", user(54321, {})) == "/run/containers/54321/auth.json"


def test_the_current_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/somewhere")
    assert User.current().uid == os.geteuid()
    assert User.current().home == "/somewhere"
    monkeypatch.delenv("HOME")
    assert os.path.isabs(User.current().home)


def test_podman_without_a_session_reads_another_file_than_skopeo() -> None:
    warning = path_warning("podman", user(54321, {}))
    assert "podman then reads /tmp/podman-run-54321/containers/auth.json" in warning
    assert "Set REGISTRY_AUTH_FILE, or path" in warning
    assert path_warning("podman", user(BUILDER, {})) == path_warning("podman", user(0, {})) == ""
    assert path_warning("podman", user(54321, {"REGISTRY_AUTH_FILE": "/job/x"})) == ""
    assert path_warning("docker", user(54321, {})) == ""
