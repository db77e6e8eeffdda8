# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The login in plays: its requests to AWS, its files, and the host that it runs on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from support import leaks
from support.logins import Clients, Site
from support.playbook import LOGIN, Ansible

RECORD = ".config.json.freshpull"


def from_environment(site: Site) -> dict[str, str]:
    return {
        "AWS_ACCESS_KEY_ID": site.aws.access_key,
        "AWS_SECRET_ACCESS_KEY": site.aws.secret_key,
        "AWS_ENDPOINT_URL_ECR_PUBLIC": site.aws.endpoint_url,
    }


def steps(path: Path) -> list[dict[str, Any]]:
    """Build a task for each action of the module, in an order in which each action is needed."""
    both = ["public.ecr.aws", "ecr-public.aws.com"]
    options: list[dict[str, Any]] = [
        {},
        {},
        {"registries": both},
        {"mode": "0640"},
        {"path": str(path.with_name("broken.json"))},
        {"state": "absent", "registries": both},
        {"state": "absent"},
        {},
    ]
    return [
        {
            "name": f"Step {number}",
            LOGIN: {"path": str(path), **step},
            "register": f"step{number}",
            "ignore_errors": True,
        }
        for number, step in enumerate(options)
    ]


EXPECTED = ["created", "unchanged", "created", "updated", None, "removed", "unchanged", "created"]


@pytest.mark.core
@pytest.mark.parametrize("args", [["-vvv", "--diff"], ["-vvv", "--diff", "--check"]], ids=["real", "check"])
def test_no_token_is_shown_or_stored_elsewhere(ci: Ansible, clients: Clients, site: Site, args: list[str]) -> None:
    path = clients.docker_file
    path.parent.mkdir()
    path.with_name("broken.json").write_text("{")
    env = {
        **from_environment(site),
        "ANSIBLE_LOG_PATH": str(ci.directory / "ansible.log"),
        "ANSIBLE_INJECT_INVOCATION": "true",
        "ANSIBLE_CACHE_PLUGIN": "jsonfile",
        "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(ci.directory / "facts"),
    }
    with leaks.watched_processes() as processes:
        run = ci.tasks(steps(path), *args, env=env).ok()
    results = [run.results[f"step{number}"] for number in range(len(EXPECTED))]
    if "--check" in args:
        assert (site.aws.calls, site.aws.registry_requests) == ({}, [])
        assert [entry.name for entry in path.parent.iterdir()] == ["broken.json"]
        assert results[0]["expires_at"] == "unknown"
        return
    assert [result.get("action") for result in results] == EXPECTED
    assert site.aws.calls == {"GetAuthorizationToken": 2}

    needles = {site.aws.secret_key, *(form for password in site.aws.tokens for form in leaks.forms(password))}
    assert leaks.find(run.output, needles) == []
    assert leaks.find(json.dumps(run.results), needles) == []
    assert leaks.find("\n".join(processes), needles) == []
    assert leaks.find_in_files(ci.directory, needles) == []
    # The token in the file must be found: otherwise the search itself does not work.
    assert leaks.find_in_files(clients.directory, needles) == [str(path)]

    # Masking must not hide other values.
    assert results[-1]["expires_at"].endswith("Z")
    assert results[-1]["invocation"]["module_args"]["token"]["username"] == "AWS"
    assert "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER" in json.dumps(results[-1])
    assert "public.ecr.aws" in run.stdout
    assert "sha256:" in run.stdout


def test_without_a_token_the_old_login_stays_and_its_expiry_is_reported(
    ci: Ansible, clients: Clients, site: Site
) -> None:
    path = clients.docker_file
    options: dict[str, Any] = {"path": str(path), "aws": site.options}
    assert ci.login(**options)["action"] == "created"
    before = path.read_bytes()
    record = path.with_name(RECORD)
    content = json.loads(record.read_text())
    content["logins"]["public.ecr.aws"]["expires_at"] = "2026-01-01T00:00:00Z"
    record.write_text(json.dumps(content))
    site.aws.behave(deny="sts:GetServiceBearerToken")
    result = ci.login(**options)
    assert result["failed"]
    assert "Nothing was written" in result["msg"]
    assert "lacks sts:GetServiceBearerToken" in result["msg"]
    assert "has expired, and the registry rejects pulls with it. Log out (state: absent) until a token" in result["msg"]
    assert path.read_bytes() == before


def test_delegated_from_defaults_and_never_asynchronous(ci: Ansible, clients: Clients, site: Site) -> None:
    path = str(clients.docker_file)
    group = {"group/freshpull.ecr_public.aws": {"aws": site.options}}
    tasks: list[dict[str, Any]] = [
        {
            "name": "Elsewhere",
            LOGIN: {"path": path},
            "delegate_to": "worker",
            "module_defaults": group,
            "register": "there",
        },
        {"name": "Later", LOGIN: {"path": path}, "async": 10, "register": "later", "ignore_errors": True},
    ]
    run = ci.tasks(tasks, "-i", "worker,", "-e", "ansible_connection=local", "-v").ok()
    assert run.results["there"]["action"] == "created"
    assert "[localhost -> worker]" in run.stdout
    # The token is requested on the control node.
    assert run.results["there"].get("invocation", {"module_args": {"aws": {}}})["module_args"]["aws"] == {}
    assert run.results["later"]["failed"]
    assert "async" in run.results["later"]["msg"]


@pytest.mark.core
def test_the_playbook_logs_in_and_out(ci: Ansible, clients: Clients, site: Site) -> None:
    variables = {"login_client": "podman", "login_path": str(clients.auth_file), "login_registries": [site.registry]}
    # Without an inventory.
    command = ["freshpull.ecr_public.login", "--connection", "local", "-e", json.dumps(variables)]
    ci.play(*command, env=from_environment(site)).ok()
    assert list(clients.config("podman")["auths"]) == [site.registry]
    again = ci.play(*command, env=from_environment(site)).ok()
    assert "changed=0" in again.stdout
    ci.play(*command, "-e", "login_state=absent").ok()
    assert clients.config("podman") == {"auths": {}}
    assert list(clients.directory.iterdir()) == [clients.auth_file]
    assert site.aws.calls == {"GetAuthorizationToken": 1}
