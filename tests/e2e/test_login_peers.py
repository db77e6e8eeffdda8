# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the module and two others side by side, and compare the results with the guide's table."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ansible_collections
import pytest

from support import leaks
from support.aws._http import HttpServer, Request, Response
from support.logins import Clients, Site
from support.playbook import LOGIN, Ansible

pytestmark = pytest.mark.node

GUIDE = Path(__file__).resolve().parents[2] / "docs/docsite/rst/guide_logins.rst"
OTHERS = {"auths": {"a.example": {"auth": "dTpw"}}, "HttpHeaders": {"X": "y"}}
# The content of the file before the task.
FILES = {
    "broken": "{",
    "others": json.dumps(OTHERS),
    "store": json.dumps({"auths": {}, "credsStore": "stub"}),
    "check": json.dumps(OTHERS),
    "wide": json.dumps(OTHERS),
}
OWN, DOCKER, PODMAN = LOGIN, "community.docker.docker_login", "containers.podman.podman_login"
MODULES = (OWN, DOCKER, PODMAN)


class Daemon:
    """A stub of a Docker daemon for docker_login, which accepts every login."""

    def __init__(self) -> None:
        self.logins: Counter[str] = Counter()

    def __call__(self, request: Request) -> Response:
        if request.path.endswith("/auth"):
            self.logins[json.loads(request.body)["password"]] += 1
            return self._json({"Status": "Login Succeeded", "IdentityToken": ""})
        return self._json({"ApiVersion": "1.44", "MinAPIVersion": "1.24", "Version": "28.0.0"})

    def _json(self, body: dict[str, str]) -> Response:
        return Response(200, json.dumps(body).encode(), {"Content-Type": "application/json"})


class Trial:
    """Run every module on every file, each with its own token, by which the test identifies it."""

    def __init__(self, ci: Ansible, clients: Clients, site: Site, daemon: Daemon, url: str) -> None:
        self.directory = clients.directory
        self.site = site
        self.daemon = daemon
        self.url = url
        self.tokens = {(module, case): site.aws.issue() for module in MODULES for case in FILES}
        for module, case in self.tokens:
            path = self.path(module, case)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(FILES[case])
            path.chmod(0o644 if case == "wide" else 0o600)
        self.inodes = {key: self.path(*key).stat().st_ino for key in self.tokens}
        stub = self.directory / "docker-credential-stub"
        stub.write_text(
            "#!/bin/sh\n[ $1 = store ] && exec tee $0.last >>$0.kept\n"
            "[ $1 = get ] && [ -e $0.last ] && cat $0.last && exec rm $0.last\n"
            "echo credentials not found in native keychain; exit 1\n"
        )
        stub.chmod(0o755)
        tasks = [self.task(*key) for key in self.tokens]
        env = {**clients.env, "PATH": f"{self.directory}{os.pathsep}{ci.environment()['PATH']}"}
        with leaks.watched_processes() as processes:
            self.results = ci.tasks(tasks, env=env).ok().results
        self.processes = "\n".join(processes)
        self.kept = (self.directory / "docker-credential-stub.kept").read_text()

    def path(self, module: str, case: str) -> Path:
        return self.directory / module.rpartition(".")[2] / case / "config.json"

    def name(self, module: str, case: str) -> str:
        return f"{module.rpartition('.')[2]}_{case}"

    def password(self, module: str, case: str) -> str:
        return self.tokens[module, case]["password"]

    def task(self, module: str, case: str) -> dict[str, Any]:
        path, registry = str(self.path(module, case)), self.site.registry
        by_hand = {"username": "AWS", "password": self.password(module, case)}
        options = {
            OWN: {"path": path, "registries": [registry], "token": self.tokens[module, case]},
            DOCKER: {"config_path": path, "registry_url": registry, "docker_host": self.url, **by_hand},
            PODMAN: {"authfile": path, "registry": registry, **by_hand},
        }
        return {
            "name": self.name(module, case),
            module: options[module],
            "register": self.name(module, case),
            "ignore_errors": True,
            "check_mode": case == "check",
        }

    def text(self, module: str, case: str) -> str:
        return self.path(module, case).read_text()

    def column(self, module: str) -> list[str]:
        """Return the results of a module, as the texts of the guide's rows."""
        results = {case: self.results[self.name(module, case)] for case in FILES}
        assert not any(result.get("failed") for case, result in results.items() if case != "broken"), results
        kept = self.text(module, "broken") == FILES["broken"]
        others = json.loads(self.text(module, "others"))
        argv = [case for case in FILES if self.password(module, case) in self.processes]
        stored = self.password(module, "store") in self.kept
        mode = self.path(module, "wide").stat().st_mode & 0o777
        same = self.path(module, "wide").stat().st_ino == self.inodes[module, "wide"]
        assert self.text(module, "check") == FILES["check"]
        check = "reports what would change"
        if results["check"].get("skipped"):
            check = "skips the task"
        elif self.daemon.logins[self.password(module, "check")]:
            check = "sends the password to the registry"
        return [
            "fails, keeps it" if kept and results["broken"].get("failed") else "replaces it",
            "keeps them" if others["auths"].get("a.example") else "removes them",
            "keeps them" if others.get("HttpHeaders") else "removes them",
            "the helper" if stored else "the file",
            check,
            "yes" if argv else "no",
            f"{mode:04o}",
            "in place" if same else "in one step",
        ]


@pytest.fixture
def trial(ci: Ansible, clients: Clients, site: Site) -> Iterator[Trial]:
    daemon = Daemon()
    with HttpServer(daemon, host="127.0.0.1") as server:
        yield Trial(ci, clients, site, daemon, server.url.replace("http", "tcp"))


def guide() -> dict[str, list[str]]:
    """Return the columns of the guide's table, without the first one."""
    for table in re.findall(r"^\.\. list-table::.*\n(?:(?: +.*)?\n)+", GUIDE.read_text(), re.MULTILINE):
        if "``docker_login``" in table:
            header, *rows = (re.findall(r"^     - (.*)$", row, re.MULTILINE) for row in table.split("   * - ")[1:])
            return {name.strip("`"): [row[number] for row in rows] for number, name in enumerate(header)}
    raise LookupError(GUIDE)


def test_the_guide_s_table_equals_the_results(trial: Trial) -> None:
    assert {module.rpartition(".")[2]: trial.column(module) for module in MODULES} == guide()


def test_the_guide_names_the_versions() -> None:
    for name in ("community.docker", "containers.podman"):
        manifest = Path(ansible_collections.__path__[0], *name.split("."), "MANIFEST.json")
        version = json.loads(manifest.read_text())["collection_info"]["version"]
        assert f"{name} {version}" in GUIDE.read_text()
