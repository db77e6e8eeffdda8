# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each store of logins: the second login and the second logout change nothing, and AWS is asked at most once."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from support.client_oracle import STORING
from support.logins import Clients, Site
from support.playbook import Ansible

pytestmark = pytest.mark.node

# As ecr-login with AWS_ECR_IGNORE_CREDS_STORAGE=true.
OWN = """#!/bin/sh
echo "$1" >>"$0.calls"
case $1 in get) echo '{"Username":"AWS","Secret":"its own"}';; *) cat >/dev/null;; esac
"""
CHANGES = [("created", "missing"), ("unchanged", "fresh"), ("removed", "managed"), ("unchanged", "missing")]
OWN_LOGIN = [("unchanged", "helper_login")] * 4
# The file, the helpers on PATH, action and reason of two logins and two logouts, and requests to AWS.
STORES: dict[str, tuple[str, dict[str, str], list[tuple[str, str]], int]] = {
    "the file": ("", {}, CHANGES, 1),
    "a helper": ('{"credsStore":"keep"}', {"keep": STORING}, CHANGES, 1),
    "a helper for one registry": ('{"credHelpers":{"REGISTRY":"keep"}}', {"keep": STORING}, CHANGES, 1),
    "a helper that stores nothing": ('{"credsStore":"own"}', {"own": OWN}, OWN_LOGIN, 1),
    "ecr-login": ('{"credHelpers":{"REGISTRY":"ecr-login"}}', {"ecr-login": OWN}, OWN_LOGIN, 0),
    "the default helper": ("{}", {"secretservice": STORING}, CHANGES, 1),
}


@pytest.mark.parametrize("store", STORES)
def test_the_second_run_changes_nothing(ci: Ansible, clients: Clients, site: Site, tmp_path: Path, store: str) -> None:
    text, helpers, expected, requests = STORES[store]
    for name, script in helpers.items():
        program = tmp_path / f"docker-credential-{name}"
        program.write_text(script)
        program.chmod(0o755)
    path = clients.docker_file
    path.parent.mkdir()
    if text:
        path.write_text(text.replace("REGISTRY", site.registry))
        path.chmod(0o600)
    env = {**clients.env, "PATH": f"{tmp_path}{os.pathsep}{ci.environment()['PATH']}"}
    options: dict[str, Any] = {"path": str(path), "registries": [site.registry], "aws": site.options}
    results = [ci.login(env=env, state=state, **options) for state in ("present", "present", "absent", "absent")]
    assert [(result["action"], result["reason"]) for result in results] == expected
    assert [result["changed"] for result in results] == [action != "unchanged" for action, _reason in expected]
    calls = site.aws.calls.get("GetAuthorizationToken", 0)
    print(f"{store}: {', '.join(f'{action}/{reason}' for action, reason in expected)}; {calls} requests to AWS")
    assert calls == requests
    if store == "ecr-login":
        assert not (tmp_path / "docker-credential-ecr-login.calls").exists()
