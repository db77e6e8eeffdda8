# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logins in a credential helper: a real helper, and helpers that are missing, fail or hang."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support import leaks
from support.go_program import add_ecr_login
from support.logins import Clients, Site
from support.playbook import Ansible

pytestmark = pytest.mark.node

INFO = "freshpull.ecr_public.ecr_public_login_info"
REGISTRY = "public.ecr.aws"


@pytest.fixture
def password_store(clients: Clients) -> Iterator[dict[str, str]]:
    """Create what docker-credential-pass needs: a key without a passphrase, and a store that is encrypted with it."""
    directory = clients.directory / "gpg"
    directory.mkdir(mode=0o700)
    env = {"GNUPGHOME": str(directory), "PASSWORD_STORE_DIR": str(clients.directory / "store")}
    quick = ["gpg", "--batch", "--passphrase", "", "--quick-generate-key", "freshpull-tests", "default", "default", "0"]
    try:
        clients.run(quick, env=env, check=True)
        clients.run(["pass", "init", "freshpull-tests"], env=env, check=True)
        clients.env |= env
        yield env
    finally:
        clients.run(["gpgconf", "--kill", "all"], env=env)


def configure(clients: Clients, client: str, config: dict[str, object]) -> Path:
    path = clients.files[client]
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(config))
    path.chmod(0o600)
    return path


@pytest.mark.parametrize(("client", "tool"), [("docker", "docker"), ("podman", "skopeo")])
def test_a_real_helper(
    ci: Ansible, clients: Clients, site: Site, password_store: dict[str, str], client: str, tool: str
) -> None:
    config: dict[str, object] = {"credHelpers": {site.registry: "pass"}}
    if client == "docker":
        config = {"credsStore": "pass"}
    path = configure(clients, client, config)
    options: dict[str, Any] = {"client": client, "path": str(path), "registries": [site.registry], "aws": site.options}
    with leaks.watched_processes() as processes:
        result = ci.login("-vvv", env=password_store, **options)
    assert (result["action"], result["registries"][0]["store"]) == ("created", "docker-credential-pass")
    (password,) = site.aws.tokens
    needles = leaks.forms(password)
    assert leaks.find("\n".join(processes), needles) == []
    assert leaks.find_in_files(clients.directory, needles) == leaks.find_in_files(ci.directory, needles) == []
    assert clients.pull(tool).how == "logged in"

    assert ci.login(env=password_store, **options)["action"] == "unchanged"
    site.aws.expire(password)
    assert clients.pull(tool).how == "refused"

    assert ci.login(env=password_store, state="absent", **options)["action"] == "removed"
    assert json.loads(clients.run(["docker-credential-pass", "list"], check=True).stdout or "{}") == {}
    assert clients.pull(tool).how == "anonymous"
    assert {key: value for key, value in clients.config(client).items() if key != "auths"} == config
    assert site.aws.calls == {"GetAuthorizationToken": 1}


def test_docker_and_the_module_share_the_logins_in_a_helper(
    ci: Ansible, clients: Clients, site: Site, password_store: dict[str, str]
) -> None:
    path = configure(clients, "docker", {"credsStore": "pass"})
    options: dict[str, Any] = {"path": str(path), "registries": [site.registry], "token": site.aws.issue()}
    clients.log_in("docker", site.registry, site.aws.issue()["password"])
    result = ci.login(env=password_store, **options)
    assert (result["action"], result["reason"]) == ("renewed", "unknown_expiry")
    clients.log_out("docker", site.registry)
    result = ci.login("--check", env=password_store, **options)
    assert (result["action"], result["reason"]) == ("created", "missing")


# A helper, and a part of the error message.
HELPERS = {
    "missing": ("", "docker-credential-stub, which is not on PATH. Install it, or remove it"),
    "failing": ("echo not implemented; exit 1", "such as ecr-login, needs no login"),
    "hanging": ("sleep 600", "did not respond within 20 seconds and was stopped"),
    "wrong output": ("echo hello", "get did not return a login"),
}


@pytest.mark.parametrize("case", HELPERS)
def test_a_helper_that_fails_is_one_clear_error(
    ci: Ansible, clients: Clients, site: Site, tmp_path: Path, case: str
) -> None:
    script, message = HELPERS[case]
    if script:
        program = tmp_path / "docker-credential-stub"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
    path = configure(clients, "docker", {"credsStore": "stub"})
    before = path.read_bytes()
    started = time.monotonic()
    env = {"PATH": f"{tmp_path}{os.pathsep}{ci.environment()['PATH']}"}
    result = ci.login(env=env, path=str(path), registries=[site.registry], aws=site.options)
    assert result["failed"]
    assert message in result["msg"]
    assert time.monotonic() - started < 300
    assert site.aws.calls == {}
    assert path.read_bytes() == before
    assert os.listdir(path.parent) == [path.name]


def test_the_amazon_ecr_credential_helper_makes_its_own_logins(
    ci: Ansible, clients: Clients, site: Site, tmp_path: Path
) -> None:
    """It ignores what it should store, so the module requests no token, and a logout does not fail."""
    add_ecr_login(tmp_path)
    path = configure(clients, "docker", {"credHelpers": {REGISTRY: "ecr-login"}})
    env = {
        **clients.env,
        "PATH": f"{tmp_path}{os.pathsep}{ci.environment()['PATH']}",
        "HOME": str(clients.directory),
        "AWS_ECR_IGNORE_CREDS_STORAGE": "true",
        "AWS_ACCESS_KEY_ID": site.aws.access_key,
        "AWS_SECRET_ACCESS_KEY": site.aws.secret_key,
        "AWS_ENDPOINT_URL_ECR_PUBLIC": site.aws.endpoint_url,
        "AWS_EC2_METADATA_DISABLED": "true",
    }

    def helper(verb: str, given: str) -> str:
        return clients.run(["docker-credential-ecr-login", verb], given=given, env=env, check=True).stdout

    helper("store", json.dumps({"ServerURL": REGISTRY, "Username": "AWS", "Secret": "stored"}))
    assert json.loads(helper("get", REGISTRY))["Secret"] in site.aws.tokens
    site.aws.reset()

    for state in ("present", "present", "absent"):
        result = ci.login(env=env, path=str(path), state=state, aws=site.options)
        assert (result["action"], result["reason"], result["changed"]) == ("unchanged", "helper_login", False)
    assert "docker still logs in to public.ecr.aws" in " ".join(result["warnings"])
    assert site.aws.calls == {}

    task = {"name": "The task", INFO: {"path": str(path)}, "register": "result", "environment": env}
    (found,) = ci.tasks([task]).ok().results["result"]["registries"]
    (source,) = found["sources"]
    assert (found["status"], source["store"], source["used"]) == ("unknown", "docker-credential-ecr-login", True)
    # The helper asked AWS, or found its login in its own cache.
    assert site.aws.calls in ({}, {"GetAuthorizationToken": 1})
