# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file with many concurrent tasks, on a full disk, as a mount, and in another user's home."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from support.logins import Clients, Site
from support.playbook import LOGIN, Ansible

pytestmark = pytest.mark.node
# Debian's own Python: another user cannot run a Python in root's home.
SYSTEM_PYTHON = "/usr/bin/python3"
BUILDER = 54321


@contextmanager
def mounted(where: Path, *options: str) -> Iterator[Path]:
    subprocess.run(["mount", *options, str(where)], check=True)
    try:
        yield where
    finally:
        subprocess.run(["umount", "--lazy", str(where)], check=True)


def password_in(config: dict[str, Any], registry: str) -> str:
    return base64.b64decode(config["auths"][registry]["auth"]).decode().partition(":")[2]


def test_twenty_logins_and_logouts_at_once(ci: Ansible, clients: Clients, site: Site) -> None:
    """Ten logins and ten logouts of different registries in one file: no change is lost."""
    path = clients.docker_file
    path.parent.mkdir()
    logouts = [f"out{number}.example" for number in range(10)]
    logins = [f"in{number}.example" for number in range(10)]
    entries = {name: {"auth": "dTpw"} for name in [*logouts, "stays.example"]}
    path.write_text(json.dumps({"auths": entries, "HttpHeaders": {"X": "y"}}))
    path.chmod(0o600)
    tokens = {name: site.aws.issue() for name in logins}
    play = {
        "hosts": "all:!localhost",
        "connection": "local",
        "gather_facts": False,
        "tasks": [
            {
                "name": "All at once",
                LOGIN: {
                    "path": str(path),
                    "registries": ["{{ inventory_hostname }}"],
                    "state": "{{ 'present' if inventory_hostname in tokens else 'absent' }}",
                    "token": "{{ tokens[inventory_hostname] | default(omit) }}",
                },
            }
        ],
        "vars": {"tokens": tokens},
    }
    ci.play([play], "-i", ",".join([*logouts, *logins]), "--forks", "20").ok()
    config = clients.config("docker")
    assert set(config["auths"]) == {*logins, "stays.example"}
    assert config["HttpHeaders"] == {"X": "y"}
    assert {name: password_in(config, name) for name in logins} == {
        name: token["password"] for name, token in tokens.items()
    }
    record = json.loads((path.parent / ".config.json.freshpull").read_text())
    assert set(record["logins"]) == set(logins)
    assert sorted(os.listdir(path.parent)) == [".config.json.freshpull", "config.json"]


def test_a_full_disk_loses_nothing(ci: Ansible, clients: Clients, site: Site) -> None:
    disk = clients.directory / "disk"
    disk.mkdir()
    with mounted(disk, "-t", "tmpfs", "-o", "size=64k,mode=700", "tmpfs"):
        path = disk / "config.json"
        path.write_text(json.dumps({"auths": {"a.example": {"auth": "dTpw" * 5_000}}}))
        path.chmod(0o600)
        before = path.read_bytes()
        filler = disk / "filler"
        with pytest.raises(OSError, match="No space left"):
            filler.write_bytes(b"0" * 65536)
        options: dict[str, Any] = {"path": str(path), "registries": [site.registry], "token": site.aws.issue()}
        result = ci.login(**options)
        assert result["failed"]
        assert "the disk is full. Free some space" in result["msg"]
        assert path.read_bytes() == before
        assert sorted(os.listdir(disk)) == ["config.json", "filler"]
        filler.unlink()
        assert ci.login(**options)["action"] == "created"
        assert set(json.loads(path.read_text())["auths"]) == {"a.example", site.registry}


def test_the_error_names_a_file_that_is_a_mount(ci: Ansible, clients: Clients, site: Site) -> None:
    """`docker run -v ~/.docker/config.json:/root/.docker/config.json` mounts it in a container."""
    source, path = clients.directory / "outside.json", clients.directory / "config.json"
    source.write_text("{}")
    path.touch()
    with mounted(path, "--bind", str(source)):
        result = ci.login(path=str(path), registries=[site.registry], token=site.aws.issue())
        assert result["failed"]
        assert "Mount its directory" in result["msg"]
        assert source.read_text() == path.read_text() == "{}"
    assert not (clients.directory / ".config.json.freshpull-new").exists()


@pytest.fixture
def builder() -> Iterator[tuple[Path, list[str]]]:
    """Return the home directory of a user who exists only for commands with the returned prefix."""
    with tempfile.TemporaryDirectory(prefix="fp-", dir="/tmp") as directory:
        root = Path(directory)
        root.chmod(0o755)
        home = root / "home"
        home.mkdir(0o700)
        os.chown(home, BUILDER, BUILDER)
        users = root / "passwd"
        users.write_text(Path("/etc/passwd").read_text() + f"builder:*:{BUILDER}:{BUILDER}::{home}:/bin/sh\n")
        script = f'mount --bind {users} /etc/passwd && exec "$@"'
        yield home, ["unshare", "--mount", "sh", "-c", script, "sh"]


def test_root_writes_the_file_of_another_user(
    ci: Ansible, clients: Clients, site: Site, builder: tuple[Path, list[str]]
) -> None:
    """The user's own tasks continue, and a link of the user does not lead root to another user's file."""
    home, prefix = builder
    file = home / ".docker" / "config.json"
    trap, secret = home / "trap", clients.directory / "secret"
    for directory in (file.parent, secret):
        directory.mkdir()
    os.chown(file.parent, BUILDER, BUILDER)
    trap.symlink_to(secret)
    (home / "link.json").symlink_to(secret / "config.json")
    for link in (trap, home / "link.json"):
        os.chown(link, BUILDER, BUILDER, follow_symlinks=False)
    options: dict[str, Any] = {"registries": [site.registry], "path": str(file)}
    become = {"become": True, "become_user": "builder", "become_method": "ansible.builtin.su"}
    tasks: list[dict[str, Any]] = [
        {"name": "Left by root", LOGIN: {**options, "aws": site.options, "owner": "root"}, "register": "left"},
        {"name": "Denied", LOGIN: options, "register": "denied", **become},
        {"name": "Given", LOGIN: {**options, "owner": "builder", "group": str(BUILDER)}, "register": "given"},
        {"name": "Its own", LOGIN: options, "register": "own"},
        {"name": "By the user", "ansible.builtin.command": {"cmd": f"cat {file}"}, "register": "read", **become},
        {"name": "Kept", LOGIN: {**options, "mode": "0640"}, "register": "kept"},
        {"name": "Out", LOGIN: {**options, "state": "absent"}, "register": "out"},
        {"name": "New", LOGIN: {**options, "aws": site.options}, "register": "new"},
        {"name": "Trap", LOGIN: {**options, "aws": site.options, "path": f"{trap}/config.json"}, "register": "trap"},
        {
            "name": "Link",
            LOGIN: {**options, "aws": site.options, "path": f"{home}/link.json", "follow": True},
            "register": "link",
        },
    ]
    for task in tasks:
        task["ignore_errors"] = True
    run = ci.tasks(tasks, "-e", f"ansible_python_interpreter={SYSTEM_PYTHON}", prefix=prefix).ok()
    actions = {name: run.results[name].get("action") for name in ("left", "given", "own", "kept", "out", "new")}
    assert actions == {
        "left": "created",
        "given": "updated",
        "own": "unchanged",
        "kept": "updated",
        "out": "removed",
        "new": "created",
    }
    assert run.results["given"]["reason"] == "owner"
    assert run.results["denied"]["failed"]
    assert site.registry in run.results["read"]["stdout"]
    for path in (file, file.with_name(".config.json.freshpull")):
        assert (path.stat().st_uid, path.stat().st_gid, path.stat().st_mode & 0o777) == (BUILDER, BUILDER, 0o600)
    for name in ("trap", "link"):
        assert run.results[name]["failed"]
        assert "root does not follow it" in run.results[name]["msg"]
    assert os.listdir(secret) == []


def test_become_writes_to_the_home_of_the_become_user(
    ci: Ansible, clients: Clients, site: Site, builder: tuple[Path, list[str]]
) -> None:
    home, prefix = builder
    file = home / ".docker" / "config.json"
    options = {"registries": [site.registry], "aws": site.options}
    become = {"become": True, "become_user": "builder", "become_method": "ansible.builtin.su"}
    tasks: list[dict[str, Any]] = [
        {"name": "Its own", LOGIN: options, "register": "own", **become},
        {"name": "Root's", LOGIN: {**options, "path": str(clients.docker_file)}, "register": "root", **become},
        {"name": "As root", LOGIN: {**options, "path": str(file)}, "register": "builder"},
        {"name": "Another home", LOGIN: {**options, "path": str(home / "new/x.json")}, "register": "new"},
    ]
    for task in tasks:
        task["ignore_errors"] = True
    run = ci.tasks(tasks, "-e", f"ansible_python_interpreter={SYSTEM_PYTHON}", prefix=prefix).ok()
    assert run.results["own"]["path"] == str(file)
    for path, mode in ((file, 0o600), (file.parent, 0o700)):
        assert (path.stat().st_uid, path.stat().st_mode & 0o777) == (BUILDER, mode)
    assert run.results["root"]["failed"]
    assert not clients.docker_file.exists()
    assert run.results["builder"]["action"] == "unchanged"
    for path in (home / "new/x.json", home / "new/.x.json.freshpull", home / "new"):
        assert (path.stat().st_uid, path.stat().st_gid) == (BUILDER, BUILDER)
