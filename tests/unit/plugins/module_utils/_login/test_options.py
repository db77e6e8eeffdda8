# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils._errors import OptionError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._login import options as login_options
from ansible_collections.freshpull.ecr_public.plugins.module_utils._login.paths import User
from ansible_collections.freshpull.ecr_public.plugins.module_utils._token import TokenError

BAD: dict[str, tuple[dict[str, Any], str]] = {
    "no registry": ({"registries": []}, "registries is empty"),
    "a registry with a scheme": ({"registries": ["https://public.ecr.aws"]}, "registries"),
    "a bad duration": ({"renew_before": "8"}, "duration"),
    "a mode for everybody": ({"mode": "0644"}, "no secret"),
    "a mode that the owner cannot write": ({"mode": "0400"}, "mode must be"),
    "a mode that runs": ({"mode": "0700"}, "mode must be"),
    "a mode that YAML took for decimal": ({"mode": 600}, "quoted"),
    "a mode in letters": ({"mode": "u=rw"}, "mode must be"),
    "a path that depends": ({"path": "config.json"}, "path is 'config.json'"),
    "a token that is a password": ({"token": {"password": "hunter2", "expires_at": "soon"}}, "not a time"),
}


def read(environ: dict[str, str] | None = None, **options: Any) -> login_options.LoginOptions:
    defaults = {name: spec.get("default") for name, spec in login_options.LOGIN.items()}
    user = User(1001, environ or {}, {1001: "/home/builder"}.__getitem__, dict[str, int]().get)
    return login_options.read({**defaults, **options}, user)


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_named(case: str) -> None:
    options, words = BAD[case]
    with pytest.raises((OptionError, TokenError), match=words) as caught:
        read(**options)
    assert "hunter2" not in str(caught.value)


def test_the_environment_is_named_where_its_path_depends() -> None:
    with pytest.raises(OptionError, match="the environment gives"):
        read({"DOCKER_CONFIG": ".docker"})


def test_defaults() -> None:
    task = read()
    assert task.path == "/home/builder/.docker/config.json"
    assert (task.policy.mode, task.policy.renew_before) == (0o600, dt.timedelta(hours=8))
    assert task.policy.registries == ("public.ecr.aws",)


@pytest.mark.parametrize("mode", ["0640", "640", 0o640])
def test_a_mode_as_ansible_takes_it(mode: str | int) -> None:
    assert read(mode=mode).policy.mode == 0o640


def test_where_podman_and_skopeo_read_different_files_one_is_told() -> None:
    elsewhere = {"DOCKER_CONFIG": "/job"}
    assert "Set REGISTRY_AUTH_FILE" in read(elsewhere, client="podman").warning
    assert read({**elsewhere, "REGISTRY_AUTH_FILE": "/job/auth.json"}, client="podman").warning == ""
    assert read(elsewhere, client="podman", path="/job/auth.json").warning == ""
    assert read(elsewhere).warning == read(client="podman").warning == ""


def test_a_path_wins_over_the_client_s_own() -> None:
    assert read({"DOCKER_CONFIG": "/x"}, path="/job/config.json").path == "/job/config.json"
