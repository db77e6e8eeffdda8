# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real clients pull with a login, are rejected with an expired one, and are anonymous without."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils._login.decision import LoginPolicy
from ansible_collections.freshpull.ecr_public.plugins.module_utils._login.task import LoginTask
from ansible_collections.freshpull.ecr_public.plugins.module_utils._token import Token
from support.logins import READERS, Clients, Site
from support.playbook import Ansible

# These tests need programs that are installed for root only.
pytestmark = pytest.mark.node

TOOLS = [(client, tool) for client in READERS for tool in READERS[client]]


@pytest.mark.core
@pytest.mark.parametrize("client", READERS)
def test_login_expiry_and_logout(ci: Ansible, clients: Clients, site: Site, client: str) -> None:
    options: dict[str, Any] = {"client": client, "registries": [site.registry], "aws": site.options}
    tools = READERS[client]
    result = ci.login(env=clients.env, **options)
    assert (result["action"], result["path"]) == ("created", str(clients.files[client]))
    assert {tool: clients.pull(tool).how for tool in tools} == dict.fromkeys(tools, "logged in")

    (password,) = site.aws.tokens
    site.aws.expire(password)
    assert {tool: clients.pull(tool).how for tool in tools} == dict.fromkeys(tools, "refused")

    result = ci.login(env=clients.env, state="absent", **options)
    assert result["action"] == "removed"
    assert clients.files[client].exists() is (client == "podman")
    assert {tool: clients.pull(tool).how for tool in tools} == dict.fromkeys(tools, "anonymous")
    assert site.aws.calls == {"GetAuthorizationToken": 1}


@pytest.mark.parametrize(("client", "tool"), TOOLS)
def test_the_client_also_writes_the_file(clients: Clients, site: Site, client: str, tool: str) -> None:
    """Its changes to other logins do not affect the managed login. Its changes to the managed login are detected."""
    path = clients.files[client]
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({"auths": {"a.example": {"auth": "dTpw"}}}))
    runner = LoginTask(str(path), client, lambda _program: None)

    def run(state: str = "present") -> tuple[str, str]:
        token = Token.from_mapping(site.aws.issue())
        plan = runner.run(LoginPolicy(state=state, registries=(site.registry,)), token, dry_run=False).plan
        return plan.action, plan.reason

    assert run() == ("created", "missing")
    clients.log_in(tool, site.other, site.aws.issue()["password"])
    assert run() == ("unchanged", "fresh")
    assert set(clients.config(client)["auths"]) == {"a.example", site.registry, site.other}

    clients.log_in(tool, site.registry, site.aws.issue()["password"])
    assert run() == ("renewed", "modified")
    assert clients.pull(tool).how == "logged in"

    clients.log_out(tool, site.registry)
    assert run() == ("created", "missing")
    assert run("absent") == ("removed", "managed")
    assert set(clients.config(client)["auths"]) == {"a.example", site.other}
    assert clients.pull(tool).how == "anonymous"


def test_a_client_reports_a_login_that_has_expired(clients: Clients, site: Site) -> None:
    """The reason for the module's own requests with verify: podman does not try a stored login."""
    expired = site.aws.issue()["password"]
    clients.auth_file.write_text(json.dumps({"auths": {site.registry: {"auth": "QVdTOng="}}}))
    site.aws.expire(expired)
    reported = clients.run(["podman", "login", "--get-login", site.registry])
    assert (reported.returncode, reported.stdout.strip()) == (0, "AWS")
    assert clients.pull("podman").how == "refused"


def verified(ci: Ansible, clients: Clients, site: Site, **options: Any) -> Any:
    options = {
        "path": str(clients.docker_file),
        "registries": [site.registry],
        "aws": site.options,
        **options,
    }
    return ci.login(verify=True, **options)


def test_verify_withholds_a_token_that_the_registry_rejects(ci: Ansible, clients: Clients, site: Site) -> None:
    site.aws.behave(registry_refuses=True)
    result = verified(ci, clients, site)
    assert result["failed"]
    assert "Nothing was written. The new token was withheld. " in result["msg"]
    given = verified(ci, clients, site, token=site.aws.issue())
    assert given["failed"]
    assert not clients.docker_file.parent.exists()


def test_verify_tries_only_a_token_that_is_written(ci: Ansible, clients: Clients, site: Site) -> None:
    assert verified(ci, clients, site)["action"] == "created"
    requests = [(request["path"], request["status"]) for request in site.aws.registry_requests]
    assert requests == [("/v2/", 401), ("/token/", 200), ("/v2/", 200)]
    assert verified(ci, clients, site)["action"] == "unchanged"
    assert len(site.aws.registry_requests) == 3


def test_verify_without_a_response_is_a_warning(ci: Ansible, clients: Clients, site: Site) -> None:
    site.aws.behave(registry_status=503)
    result = verified(ci, clients, site)
    assert result["action"] == "created"
    assert "could not be verified and was written without verification" in " ".join(result["warnings"])
