# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real registry clients, with their files in one directory, and a registry with TLS for them."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from .aws import FakeAws
from .aws.tls import server_context
from .playbook import Ansible

REPOSITORY, TAG = "team/app", "1"
# Client file to the tools that read it.
READERS = {"docker": ("docker",), "podman": ("skopeo", "podman", "buildah")}


@dataclasses.dataclass(frozen=True)
class Site:
    """Fake AWS and its registry, reachable by two names, and the file with the CA of its certificate."""

    aws: FakeAws
    authority: Path

    @property
    def registry(self) -> str:
        return self.aws.registry_url.removeprefix("https://")

    @property
    def other(self) -> str:
        return self.registry.replace("127.0.0.1", "localhost")

    @property
    def options(self) -> dict[str, Any]:
        """The option `aws` of the module."""
        return {
            "endpoint_url": self.aws.endpoint_url,
            "access_key": self.aws.access_key,
            "secret_key": self.aws.secret_key,
            "aws_ca_bundle": str(self.authority),
        }


@dataclasses.dataclass(frozen=True)
class Pull:
    """The result of a pull, and the requests that the registry received."""

    returncode: int
    output: str
    requests: list[dict[str, Any]]

    @property
    def how(self) -> str:
        """'logged in', 'anonymous' or 'refused'."""
        if self.returncode:
            assert any(request["status"] == 403 for request in self.requests), self.output
            return "refused"
        got = [request for request in self.requests if request["path"].startswith(f"/v2/{REPOSITORY}/")]
        served = [request["authenticated"] for request in got if request["status"] == 200]
        assert served, self.requests
        assert len(set(served)) == 1, self.requests
        return "logged in" if served[0] else "anonymous"


class Clients:
    """docker, skopeo, podman and buildah, without the logins of the machine."""

    def __init__(self, directory: Path, storage: Path, site: Site) -> None:
        """directory: for their files. storage: for the images of podman and buildah."""
        self.directory = directory
        self.site = site
        self.auth_file = directory / "auth.json"
        self.docker_file = directory / "docker" / "config.json"
        self.files = {"docker": self.docker_file, "podman": self.auth_file}
        self.env = {
            "DOCKER_CONFIG": str(self.docker_file.parent),
            "REGISTRY_AUTH_FILE": str(self.auth_file),
            "SSL_CERT_FILE": str(site.authority),
            # podman opens its storage for a login too. The one of the machine can be locked or unusable.
            "CONTAINERS_STORAGE_CONF": str(storage / "storage.conf"),
        }
        (storage / "storage.conf").write_text(
            f'[storage]\ndriver = "vfs"\ngraphroot = "{storage}/images"\nrunroot = "{storage}/run"\n'
        )

    def config(self, client: str) -> dict[str, Any]:
        config: dict[str, Any] = json.loads(self.files[client].read_text())
        return config

    def pull(self, tool: str) -> Pull:
        """Pull the image. docker and skopeo, which have no daemon here, only read its manifest."""
        image = f"{self.site.registry}/{REPOSITORY}:{TAG}"
        command = {
            "docker": ["docker", "manifest", "inspect", image],
            "skopeo": ["skopeo", "inspect", "--no-tags", f"docker://{image}"],
            "podman": ["podman", "pull", image],
            "buildah": ["buildah", "pull", "--policy=always", image],
        }[tool]
        before = len(self.site.aws.registry_requests)
        done = self.run(command)
        return Pull(done.returncode, done.stdout + done.stderr, self.site.aws.registry_requests[before:])

    def log_in(self, tool: str, registry: str, password: str) -> None:
        """Log in with the client's own command."""
        command = [tool, "login", "--username", "AWS", "--password-stdin", registry]
        self.run(command, given=password, check=True)

    def log_out(self, tool: str, registry: str) -> None:
        self.run([tool, "logout", registry], check=True)

    def run(
        self, command: Sequence[str], *, given: str = "", check: bool = False, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            command,
            env={"PATH": os.environ["PATH"], "HOME": str(self.directory), **self.env, **(env or {})},
            input=given,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return done


@pytest.fixture(scope="session")
def running_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One fake with TLS for all tests of a session. No cluster is needed."""
    context, authority = server_context(tmp_path_factory.mktemp("tls"), "127.0.0.1", "localhost")
    with FakeAws(registry_tls=context) as fake:
        fake.add_image(REPOSITORY, TAG, {"/app": Path("/bin/true")}, ["/app"])
        yield Site(fake, authority)


@pytest.fixture
def site(running_site: Site) -> Site:
    """The fake after a reset: healthy, all counters at zero."""
    running_site.aws.reset()
    return running_site


@pytest.fixture
def clients(site: Site) -> Iterator[Clients]:
    # podman rejects paths over 50 characters, gpg over 100.
    new = partial(tempfile.TemporaryDirectory, prefix="fp-", dir="/tmp")
    with new() as directory, new() as storage:
        yield Clients(Path(directory), Path(storage), site)


@pytest.fixture
def ci(tmp_path: Path) -> Ansible:
    """Plays without a cluster."""
    directory = tmp_path / "ansible"
    directory.mkdir(mode=0o700)
    return Ansible(directory, "")
