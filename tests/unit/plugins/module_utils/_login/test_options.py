# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import datetime as dt
import grp
from typing import Any

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils._errors import OptionError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._login import options as login_options
from ansible_collections.freshpull.ecr_public.plugins.module_utils._login.paths import User
from ansible_collections.freshpull.ecr_public.plugins.module_utils._token import TokenError

BAD: dict[str, tuple[dict[str, Any], str]] = {
    "no registry": ({"registries": []}, "registries is empty"),
    "a registry with a scheme": ({"registries": ["https://public.ecr.aws"]}, "registries"),
    "a bad duration": ({"renew_before": "8"}, "renew_before: '8' is not a duration such as 8h"),
    "a mode for all users": ({"mode": "0644"}, "other users must not"),
    "a mode that the owner cannot write": ({"mode": "0400"}, "mode: '0400' is not supported"),
    "an executable mode": ({"mode": "0700"}, "mode: '0700' is not supported"),
    "a mode that YAML reads as decimal": ({"mode": 600}, "in quotes"),
    "a mode in letters": ({"mode": "u=rw"}, "mode: 'u=rw' is not supported"),
    "a relative path": ({"path": "config.json"}, "path: 'config.json' is not an absolute path"),
    "a user that does not exist": ({"owner": "no-such-user"}, "owner: 'no-such-user' is not a user of this host"),
    "no number of a user": ({"owner": "-1"}, "owner: '-1' is not a user"),
    "a number above the last user": ({"owner": str(2**32 - 1)}, "owner: '4294967295' is not a user"),
    "a group that does not exist": ({"group": "no-such-group"}, "group: 'no-such-group' is not a group of this host"),
    "another user, and not root": ({"owner": "root"}, "owner: the task runs as user 1001, and only root"),
    "a group that the user is not in": (
        {"group": "2001"},
        "group: the task runs as user 1001, who is not a member of '2001'",
    ),
    "a token without a valid expiry": ({"token": {"password": "hunter2", "expires_at": "soon"}}, "not a time"),
}


def read(environ: dict[str, str] | None = None, uid: int = 1001, **options: Any) -> login_options.LoginOptions:
    defaults = {name: spec.get("default") for name, spec in login_options.LOGIN.items()}
    home = {1001: "/home/builder"}.__getitem__
    user = User(uid, environ or {}, home, dict[str, int]().get, dict[str, bool]().get, frozenset({2000}))
    return login_options.read({**defaults, **options}, user)


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_named(case: str) -> None:
    options, words = BAD[case]
    with pytest.raises((OptionError, TokenError), match=words) as caught:
        read(**options)
    assert "hunter2" not in str(caught.value)
    # Its name is the first word.
    assert str(caught.value).partition(" ")[0].rstrip(":") in options


def test_a_relative_path_from_the_environment_is_named_as_such() -> None:
    with pytest.raises(OptionError, match="path from the environment"):
        read({"DOCKER_CONFIG": ".docker"})


def test_defaults() -> None:
    task = read()
    assert task.path == "/home/builder/.docker/config.json"
    assert (task.policy.mode, task.policy.renew_before) == (0o600, dt.timedelta(hours=8))
    assert task.policy.registries == ("public.ecr.aws",)


@pytest.mark.parametrize("mode", ["0640", "640", 0o640])
def test_the_mode_is_read_as_ansible_s_own_modules_do(mode: str | int) -> None:
    assert read(mode=mode).policy.mode == 0o640


def test_owner_and_group_are_names_or_numbers() -> None:
    policy = read(path="/x", uid=0, owner="root", group=grp.getgrgid(0).gr_name).policy
    assert (policy.owner, policy.group) == (0, 0)
    policy = read(path="/x", uid=0, owner="54321", group="54322").policy
    assert (policy.owner, policy.group) == (54321, 54322)
    policy = read(owner="1001", group="2000").policy
    assert (policy.owner, policy.group) == (1001, 2000)
    policy = read(owner="", group="").policy
    assert (policy.owner, policy.group) == (None, None)


def test_a_warning_if_podman_and_skopeo_read_different_files() -> None:
    elsewhere = {"DOCKER_CONFIG": "/job"}
    for environ in (elsewhere, {}):
        (warning,) = read(environ, client="podman").warnings
        assert "Set REGISTRY_AUTH_FILE" in warning
    assert read({**elsewhere, "REGISTRY_AUTH_FILE": "/job/auth.json"}, client="podman").warnings == ()
    assert read(elsewhere, client="podman", path="/job/auth.json").warnings == ()
    assert read(elsewhere).warnings == read(uid=0, client="podman").warnings == ()


def test_a_path_wins_over_the_client_s_own() -> None:
    assert read({"DOCKER_CONFIG": "/x"}, path="/job/config.json").path == "/job/config.json"
