# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils._login.sources import sources
from unit.plugins.module_utils._login.test_paths import BUILDER, user

HOME = {"HOME": "/home/builder"}
OWN, DOCKER = "/run/user/1001/containers/auth.json", "/home/builder/.docker/config.json"
HELM = "/home/builder/.config/helm/registry/config.json"
# Client, path, environment, places.
CASES: dict[str, tuple[str, str | None, dict[str, str], list[str]]] = {
    "docker": ("docker", None, HOME, [DOCKER]),
    "docker, a variable": ("docker", None, {**HOME, "DOCKER_AUTH_CONFIG": "{}"}, ["DOCKER_AUTH_CONFIG", DOCKER]),
    "docker, an empty variable": ("docker", None, {**HOME, "DOCKER_AUTH_CONFIG": ""}, [DOCKER]),
    "docker, a path": ("docker", "/job/x", {"DOCKER_AUTH_CONFIG": "{}"}, ["DOCKER_AUTH_CONFIG", "/job/x"]),
    "helm": ("helm", None, {**HOME, "DOCKER_AUTH_CONFIG": "{}"}, [HELM, DOCKER]),
    "helm, a path": ("helm", "/job/x", {"DOCKER_CONFIG": "/d"}, ["/job/x", "/d/config.json"]),
    "podman": (
        *("podman", None, HOME),
        [OWN, "/home/builder/.config/containers/auth.json", DOCKER, "/home/builder/.dockercfg"],
    ),
    "podman, other directories": (
        *("podman", None, {**HOME, "XDG_CONFIG_HOME": "/c", "DOCKER_CONFIG": "/d"}),
        [OWN, "/c/containers/auth.json", "/d/config.json", "/home/builder/.dockercfg"],
    ),
    "podman, a path": ("podman", "/job/x", HOME, ["/job/x"]),
    "podman, a variable": ("podman", None, {**HOME, "REGISTRY_AUTH_FILE": "/job/x"}, ["/job/x"]),
}


@pytest.mark.parametrize("case", CASES)
def test_the_places_in_the_order_of_the_client(case: str) -> None:
    client, path, environ, expected = CASES[case]
    assert [place.name for place in sources(client, path, user(BUILDER, environ))] == expected


@pytest.mark.parametrize("client", ["podman", "helm"])
def test_without_a_home_directory_there_is_only_the_own_file(client: str) -> None:
    assert [place.name for place in sources(client, "/job/x", user(54321, {}))] == ["/job/x"]


def test_only_podman_s_last_file_is_in_the_legacy_format() -> None:
    assert [place.legacy for place in sources("podman", None, user(BUILDER, HOME))] == [False, False, False, True]
