# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ecr_public_login_info names the login with which a real client pulls, and says what the registry says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils._docker_config import encode_auth
from support import leaks
from support.client_oracle import REGISTRY, read_by_clients
from support.logins import Clients, Site
from support.playbook import Ansible

pytestmark = pytest.mark.node

INFO = "freshpull.ecr_public.ecr_public_login_info"


def entry(password: str) -> dict[str, str]:
    return {"auth": encode_auth("AWS", password)}


def text_for(registry: str, password: str) -> bytes:
    return json.dumps({"auths": {registry: entry(password)}}).encode()


def write(path: Path, registry: str, password: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text_for(registry, password))
    path.chmod(0o600)


def info(ci: Ansible, clients: Clients, client: str, **options: Any) -> Any:
    """Run the module in the environment of the clients and return the result for the registry."""
    options = {"client": client, "registries": [clients.site.registry], "verify_pull": True, **options}
    env = {"HOME": str(clients.directory), **clients.env}
    task = {"name": "The task", INFO: options, "register": "result", "environment": env}
    (result,) = ci.tasks([task], "-vvv").ok().results["result"]["registries"]
    return result


@pytest.mark.parametrize(("client", "tool"), [("docker", "docker"), ("podman", "skopeo")])
def test_the_status_is_how_the_client_pulls(ci: Ansible, clients: Clients, site: Site, client: str, tool: str) -> None:
    assert (info(ci, clients, client)["status"], clients.pull(tool).how) == ("missing", "anonymous")

    ci.login(env=clients.env, client=client, registries=[site.registry], aws=site.options)
    found = info(ci, clients, client)
    assert (found["status"], found["source"], clients.pull(tool).how) == (
        "valid",
        str(clients.files[client]),
        "logged in",
    )

    (password,) = site.aws.tokens
    site.aws.expire(password)
    found = info(ci, clients, client)
    assert (found["status"], clients.pull(tool).how) == ("expired", "refused")
    assert "rejected the token (HTTP 403)" in found["msg"]
    assert leaks.find_in_files(ci.directory, leaks.forms(password)) == []


def test_podman_also_reads_docker_s_file(ci: Ansible, clients: Clients, site: Site) -> None:
    """A login of somebody else there is used, since podman's own file has none."""
    del clients.env["REGISTRY_AUTH_FILE"], clients.env["DOCKER_CONFIG"]
    clients.env["XDG_RUNTIME_DIR"] = str(clients.directory)
    docker = clients.directory / ".docker" / "config.json"
    dead = site.aws.issue()["password"]
    site.aws.expire(dead)
    write(docker, site.registry, dead)
    found = info(ci, clients, "podman")
    assert (found["status"], found["source"], clients.pull("podman").how) == ("expired", str(docker), "refused")
    docker.unlink()
    assert (info(ci, clients, "podman")["status"], clients.pull("podman").how) == ("missing", "anonymous")


def test_docker_prefers_its_variable(ci: Ansible, clients: Clients, site: Site) -> None:
    dead = site.aws.issue()["password"]
    site.aws.expire(dead)
    write(clients.docker_file, site.registry, site.aws.issue()["password"])
    clients.env["DOCKER_AUTH_CONFIG"] = text_for(site.registry, dead).decode()
    found = info(ci, clients, "docker")
    assert (found["status"], found["source"]) == ("expired", "DOCKER_AUTH_CONFIG")
    assert [(one["source"], one["used"]) for one in found["sources"]] == [
        ("DOCKER_AUTH_CONFIG", True),
        (str(clients.docker_file), False),
    ]
    # docker 28.3 and newer read the variable. The library does, and the docker of this machine can be older.
    (read,) = read_by_clients(
        [text_for(REGISTRY, "new")], environ={"DOCKER_AUTH_CONFIG": text_for(REGISTRY, "dead").decode()}
    )
    assert bytes.fromhex(read["docker"]) == b"AWS:dead"
    assert bytes.fromhex(read["helm"]) == b"AWS:new"
