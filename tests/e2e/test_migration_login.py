# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guide to migration, step by step: docker login on a CI host, with the real client."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from support.guide import Shell
from support.logins import REPOSITORY, TAG, Clients, Site
from support.migration import GUIDE, check_row
from support.playbook import Ansible
from support.valid_secret import WatchedLogin

# docker is installed for root only.
pytestmark = pytest.mark.node
SOURCE = "docker login"


@pytest.fixture
def shell(ci: Ansible, clients: Clients, site: Site) -> Shell:
    """The shell of a user whose registry has the address of the fake one. Its home directory is that of the clients."""
    names = {"public.ecr.aws": site.registry, "docker/library/busybox:stable": f"{REPOSITORY}:{TAG}"}
    env = {
        "HOME": str(clients.directory),
        "SSL_CERT_FILE": str(site.authority),
        "AWS_ACCESS_KEY_ID": site.aws.access_key,
        "AWS_SECRET_ACCESS_KEY": site.aws.secret_key,
        "AWS_ENDPOINT_URL_ECR_PUBLIC": site.aws.endpoint_url,
    }
    return Shell(ci, names, env, {"login_registries": [site.registry]})


def stored(path: Path) -> dict[str, Any]:
    auths: dict[str, Any] = json.loads(path.read_text())["auths"]
    return auths


def test_from_docker_login(shell: Shell, clients: Clients, site: Site) -> None:
    directory = clients.directory / ".docker"
    path = directory / "config.json"
    directory.mkdir()
    path.write_text('{"auths": {"other.example": {"auth": "dTpw"}}}')
    old = GUIDE.commands(SOURCE, "Roll back").splitlines()[0]
    manifest = GUIDE.commands(SOURCE, "Verify").splitlines()[1]

    def how() -> str:
        before = len(site.aws.registry_requests)
        shell.run(manifest)
        got = site.aws.registry_requests[before:]
        served = [each["authenticated"] for each in got if each["path"].startswith(f"/v2/{REPOSITORY}/manifests/")]
        return "logged in" if served[-1] else "anonymous"

    shell.run(old)
    assert how() == "logged in"
    with WatchedLogin(path, site) as watched:
        assert "changed=1 " in shell.run(GUIDE.commands(SOURCE, "Adopt"))
        assert set(stored(path)) == {"other.example", site.registry}
        assert "changed=0 " in shell.run(GUIDE.commands(SOURCE, "Verify"))
        # While both run.
        shell.run(old)
        assert how() == "logged in"
        assert "changed=1 " in shell.run(GUIDE.commands(SOURCE, "Adopt"))
    assert how() == "logged in"
    shell.run(GUIDE.commands(SOURCE, "Delete"))
    assert how() == "anonymous"
    assert stored(path) == {"other.example": {"auth": "dTpw"}}
    left = [str(each.name) for each in directory.iterdir() if each != path]

    shell.run(GUIDE.commands(SOURCE, "Adopt"))
    with WatchedLogin(path, site) as rolled_back:
        shell.run(GUIDE.commands(SOURCE, "Roll back"))
    assert rolled_back.seconds_without == 0
    assert how() == "logged in"
    assert [each.name for each in directory.iterdir()] == ["config.json"]
    check_row(SOURCE, watched, left)
