# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module as a whole, from its options to its result, on files of a client. It contacts no host."""

from __future__ import annotations

import json
import os
import platform
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _atomic_file
from ansible_collections.freshpull.ecr_public.plugins.module_utils._docker_config import auth_entry
from ansible_collections.freshpull.ecr_public.plugins.modules import ecr_public_login
from unit.plugins.modules.pull_secrets import NEW, OLD, OTHER, REGISTRY, SECRETS, TOKEN
from unit.plugins.modules.pull_secrets import hours as from_now
from unit.plugins.modules.scripted import Result, Runner

SHORT = {"password": OLD, "expires_at": from_now(1)}
"""A token that is due once its lifetime is known to be longer."""
UNMANAGED = json.dumps({"auths": {REGISTRY: auth_entry("AWS", OTHER), "other.example": auth_entry("me", OTHER)}})


class Login:
    """The module on the file of a client."""

    def __init__(self, run: Runner, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        run.secrets = [*SECRETS, auth_entry("me", OTHER)["auth"]]
        self.path = directory / "config.json"
        self._run = run
        self._monkeypatch = monkeypatch

    def __call__(self, options: dict[str, Any], **modes: bool) -> Result:
        """Run it. In check mode each call that writes fails the test."""
        with self._monkeypatch.context() as patch:
            for name in ("write", "remove", "locked") if modes.get("check_mode") else ():
                patch.setattr(_atomic_file, name, lambda *_arguments: pytest.fail("check mode writes"))
            return self._run(ecr_public_login, {"path": str(self.path), **options}, **modes)

    def age(self, hours: float) -> None:
        """Make the login look as if it was written so many hours ago."""
        record = self.path.with_name(".config.json.freshpull")
        content = json.loads(record.read_text())
        content["logins"][REGISTRY]["renewed_at"] = from_now(-hours)
        record.write_text(json.dumps(content))

    @property
    def auths(self) -> dict[str, Any]:
        return json.loads(self.path.read_text())["auths"]

    @property
    def names(self) -> list[str]:
        return sorted(os.listdir(self.path.parent))


@pytest.fixture
def login(run: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Login:
    return Login(run, tmp_path, monkeypatch)


def test_a_missing_file_is_created(login: Login) -> None:
    result = login({"token": TOKEN})
    assert login.auths[REGISTRY]["auth"] == auth_entry("AWS", NEW)["auth"]
    assert login.path.stat().st_mode & 0o777 == 0o600
    assert (result.returncode, result.values["changed"], result.values["path"]) == (0, True, str(login.path))
    assert (result.values["action"], result.values["reason"]) == ("created", "missing")
    assert result.values["expires_at"] == TOKEN["expires_at"]
    (shown,) = result.values["registries"]
    assert (shown["registry"], shown["store"]) == (REGISTRY, "file")
    assert shown["fingerprint"] == result.values["fingerprint"]


def test_a_login_that_expires_soon_is_renewed(login: Login) -> None:
    login({"token": SHORT})
    login.age(hours=11)
    result = login({"token": TOKEN})
    assert login.auths[REGISTRY]["auth"] == auth_entry("AWS", NEW)["auth"]
    assert (result.returncode, result.values["action"], result.values["reason"]) == (0, "renewed", "due")


def test_a_fresh_login_is_unchanged_and_needs_no_token(login: Login) -> None:
    login({"token": TOKEN})
    before = login.path.stat()
    result = login({})
    assert (result.returncode, result.values["changed"]) == (0, False)
    assert (result.values["action"], result.values["reason"]) == ("unchanged", "fresh")
    assert login.path.stat() == before


def test_a_login_of_another_tool_is_replaced(login: Login) -> None:
    login.path.write_text(UNMANAGED)
    result = login({"token": TOKEN})
    assert (result.values["action"], result.values["reason"]) == ("renewed", "unknown_expiry")
    assert login.auths["other.example"] == auth_entry("me", OTHER)


def test_a_logout_removes_the_login_and_the_file_that_the_module_made(login: Login) -> None:
    login({"token": TOKEN})
    result = login({"state": "absent"})
    assert (result.returncode, result.values["action"], result.values["reason"]) == (0, "removed", "managed")
    assert login.names == []
    result = login({"state": "absent"})
    assert (result.values["changed"], result.values["action"]) == (False, "unchanged")


def test_a_logout_keeps_the_logins_for_other_registries(login: Login) -> None:
    login.path.write_text(UNMANAGED)
    result = login({"state": "absent"})
    assert (result.values["action"], result.values["reason"]) == ("removed", "unmanaged")
    assert login.auths == {"other.example": auth_entry("me", OTHER)}


CHECKED: dict[str, tuple[str | None, dict[str, Any], tuple[str, str], str | None]] = {
    "created": (None, {}, ("created", "missing"), "unknown"),
    "created with a token": (None, {"token": TOKEN}, ("created", "missing"), TOKEN["expires_at"]),
    "renewed": (UNMANAGED, {}, ("renewed", "unknown_expiry"), "unknown"),
    "removed": (UNMANAGED, {"state": "absent"}, ("removed", "unmanaged"), None),
    "nothing to remove": (None, {"state": "absent"}, ("unchanged", "missing"), None),
}


@pytest.mark.parametrize("case", CHECKED)
def test_check_mode_reads_only(login: Login, case: str) -> None:
    content, options, expected, expires_at = CHECKED[case]
    if content:
        login.path.write_text(content)
    names = login.names
    result = login(options, check_mode=True)
    assert (result.values["action"], result.values["reason"]) == expected
    assert (result.returncode, result.values["changed"]) == (0, expected[0] != "unchanged")
    assert result.values["expires_at"] == expires_at
    assert login.names == names
    assert content is None or login.path.read_text() == content


@pytest.mark.parametrize("check_mode", [False, True])
@pytest.mark.parametrize("state", ["present", "absent"])
def test_a_diff_shows_only_expiry_and_fingerprints(login: Login, state: str, check_mode: bool) -> None:
    """The runner checks that the output has no secret."""
    login.path.write_text(UNMANAGED)
    shown = login({"state": state, "token": TOKEN}, check_mode=check_mode, diff=True).values["diff"]
    assert shown["before_header"] == str(login.path)
    assert shown["before"]["logins"][REGISTRY]["fingerprint"].startswith("sha256:")
    after = shown["after"]["logins"].get(REGISTRY)
    assert (after and after["expires_at"]) == (TOKEN["expires_at"] if state == "present" else None)
    assert "other.example" not in json.dumps(shown)


OPTIONS: dict[str, tuple[dict[str, Any], str]] = {
    "no duration": ({"renew_before": "8 hours"}, "renew_before"),
    "no registry": ({"registries": []}, "registries"),
    "a registry with a scheme": ({"registries": ["https://public.ecr.aws"]}, "registries"),
    "a mode for everyone": ({"mode": "0644"}, "mode"),
    "a relative path": ({"path": "config.json"}, "path"),
    "no client": ({"client": "crane"}, "client"),
    "a token without a password": ({"token": {"expires_at": from_now(1)}}, "password"),
    "a token without a time": ({"token": {"password": NEW, "expires_at": "soon"}}, "expires_at"),
}


@pytest.mark.parametrize("case", OPTIONS)
def test_a_bad_option_is_named_and_no_file_touched(login: Login, case: str) -> None:
    options, name = OPTIONS[case]
    result = login({"token": TOKEN, **options})
    assert result.returncode == 1
    assert name in result.values["msg"]
    assert "path" not in result.values
    assert login.names == []


def test_a_token_that_has_expired_is_rejected(login: Login) -> None:
    result = login({"token": {**TOKEN, "expires_at": from_now(-1)}})
    assert (result.returncode, result.values["path"]) == (1, str(login.path))
    assert from_now(-1) in result.values["msg"]
    assert login.names == []


def test_a_file_that_cannot_be_read_stays_as_it_is(login: Login) -> None:
    login.path.write_text(f'{{"auths": {OTHER}')
    result = login({"token": TOKEN})
    assert (result.returncode, result.values["path"]) == (1, str(login.path))
    assert str(login.path) in result.values["msg"]
    assert login.path.read_text() == f'{{"auths": {OTHER}'


def test_a_login_that_needs_a_token_fails_without_one(login: Login) -> None:
    result = login({})
    assert (result.returncode, result.values["path"]) == (1, str(login.path))
    assert "token" in result.values["msg"]
    assert login.names == []


def test_owner_and_group_are_set_and_shown(login: Login) -> None:
    names = {"owner": str(os.geteuid()), "group": str(os.getegid())}
    shown = login({"token": TOKEN, **names}, diff=True).values["diff"]
    assert shown["before"]["owner"] is shown["before"]["group"] is None
    assert shown["after"]["owner"] == login.path.owner()
    assert shown["after"]["group"] == login.path.group()
    assert login(names).values["changed"] is False


def test_a_link_is_followed_only_with_the_option(login: Login) -> None:
    login.path.symlink_to("target.json")
    result = login({"token": TOKEN})
    assert (result.returncode, login.names) == (1, ["config.json"])
    assert "Set follow: true" in result.values["msg"]
    result = login({"token": TOKEN, "follow": True})
    assert (result.values["action"], result.values["path"]) == ("created", str(login.path))
    assert login.names == [".target.json.freshpull", "config.json", "target.json"]
    assert login.path.is_symlink()
    assert login({"state": "absent", "follow": True}).values["action"] == "removed"
    assert login.names == ["config.json"]


@pytest.mark.parametrize("system", ["Darwin", "FreeBSD"])
def test_other_systems_than_linux_are_rejected(login: Login, system: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "system", lambda: system)
    result = login({"token": TOKEN})
    assert result.returncode == 1
    assert f"runs on Linux, and this host runs {system}" in result.values["msg"]
    assert login.names == []


def test_a_default_path_that_clients_disagree_on_is_a_warning(
    run: Runner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REGISTRY_AUTH_FILE", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setenv("DOCKER_CONFIG", "/docker")
    result = run(ecr_public_login, {"client": "podman"}, check_mode=True)
    assert result.values["path"] == str(tmp_path / "containers/auth.json")
    assert ["/docker" in warning for warning in result.warnings] == [True]


def test_an_option_that_does_not_exist_shows_no_value(login: Login) -> None:
    result = login({"tokn": {"password": NEW}, "client": "docker"})
    assert result.returncode == 1
    assert "tokn" in result.values["msg"]
    shown = result.values["invocation"]["module_args"]
    assert (shown["tokn"], shown["client"]) == ("********", "docker")
