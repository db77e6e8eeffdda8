# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module as a whole, from its options to its result, on files of clients. It contacts no host."""

from __future__ import annotations

import json
import platform
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils._docker_config import auth_entry
from ansible_collections.freshpull.ecr_public.plugins.module_utils._login import status
from ansible_collections.freshpull.ecr_public.plugins.modules import ecr_public_login, ecr_public_login_info
from unit.plugins.modules.pull_secrets import OTHER, REGISTRY, SECRETS, TOKEN
from unit.plugins.modules.scripted import Result, Runner

UNMANAGED = json.dumps({"auths": {REGISTRY: auth_entry("AWS", OTHER)}})


@pytest.fixture
def path(run: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    run.secrets = [*SECRETS, auth_entry("AWS", OTHER)["auth"]]
    monkeypatch.delenv("DOCKER_AUTH_CONFIG", raising=False)
    return tmp_path / "config.json"


def info(run: Runner, path: Path, check_mode: bool = False, **options: Any) -> Result:
    return run(ecr_public_login_info, {"path": str(path), **options}, check_mode=check_mode)


def test_a_managed_login_is_valid(run: Runner, path: Path) -> None:
    run(ecr_public_login, {"path": str(path), "token": TOKEN})
    before = path.read_bytes()
    result = info(run, path)
    assert (result.returncode, result.values["changed"]) == (0, False)
    (registry,) = result.values["registries"]
    assert (registry["registry"], registry["status"], registry["source"]) == (REGISTRY, "valid", str(path))
    assert path.read_bytes() == before


def test_each_registry_has_a_result(run: Runner, path: Path) -> None:
    path.write_text(UNMANAGED)
    result = info(run, path, registries=[REGISTRY, "ecr-public.aws.com"], client="helm")
    found = {one["registry"]: one["status"] for one in result.values["registries"]}
    assert found == {REGISTRY: "unknown", "ecr-public.aws.com": "missing"}


@pytest.mark.parametrize("check_mode", [False, True])
def test_the_registry_is_asked_only_with_the_option_and_never_in_check_mode(
    run: Runner, path: Path, check_mode: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(status, "try_token", lambda registry, _login: asked.append(registry))
    path.write_text(UNMANAGED)
    info(run, path, check_mode)
    assert asked == []
    info(run, path, check_mode, verify_pull=True)
    assert asked == [] if check_mode else [REGISTRY]


def test_a_file_that_cannot_be_read_is_a_result(run: Runner, path: Path) -> None:
    path.write_text("{")
    (registry,) = info(run, path).values["registries"]
    assert (registry["status"], registry["msg"]) == ("error", "it is not JSON")


def test_bad_options_are_errors(run: Runner, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    result = info(run, Path("relative"))
    assert "path: 'relative' is not an absolute path" in result.values["msg"]
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    result = info(run, path)
    assert "runs on Linux, and this host runs Darwin" in result.values["msg"]


def test_the_login_module_names_the_other_places(run: Runner, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(
        "DOCKER_AUTH_CONFIG", json.dumps({"auths": {REGISTRY: {"auth": auth_entry("AWS", OTHER)["auth"]}}})
    )
    result = run(ecr_public_login, {"path": str(path), "token": TOKEN})
    (other,) = result.values["other_sources"]
    assert (other["source"], other["status"], other["preferred"]) == ("DOCKER_AUTH_CONFIG", "unknown", True)
    assert any("docker uses the login for public.ecr.aws in DOCKER_AUTH_CONFIG" in one for one in result.warnings)
    result = run(ecr_public_login, {"path": str(path), "state": "absent"})
    assert any("Unset DOCKER_AUTH_CONFIG for anonymous pulls" in one for one in result.warnings)
