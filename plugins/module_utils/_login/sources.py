# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find every place in which a client looks for a login, in the client's order. Private to this collection."""

from __future__ import annotations

import dataclasses
import os

from ansible_collections.freshpull.ecr_public.plugins.module_utils._errors import OptionError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._login.paths import User, default_path

ENVIRONMENT = "DOCKER_AUTH_CONFIG"
"""The variable with a config that docker 28.3 and newer read before the file, as jobs of GitLab set it."""


@dataclasses.dataclass(frozen=True)
class Source:
    """One place.

    name: the path of a file, or ENVIRONMENT. client: the client whose rules apply to the content. legacy: whether the
    file is the value of `auths`.
    """

    name: str
    client: str
    legacy: bool = False


def sources(client: str, path: str | None, user: User) -> list[Source]:
    """Return the places in the order in which the client reads them. path: of the option, None for the default.

    docker: GetCredentialsStore in github.com/docker/cli/cli/config/configfile.
    podman: getAuthFilePaths in github.com/containers/image/pkg/docker/config.
    helm: NewClient in helm.sh/helm/v3/pkg/registry.
    """
    file = Source(path or default_path(client, user), client)
    if client == "docker":
        return [*([Source(ENVIRONMENT, client)] if user.environ.get(ENVIRONMENT) else []), file]
    if client == "podman" and (path or user.environ.get("REGISTRY_AUTH_FILE")):
        return [file]
    try:
        return [file, *(_after_helm(user) if client == "helm" else _after_podman(user))]
    except OptionError:
        # Without a home directory the client itself reads no other file.
        return [file]


def _after_helm(user: User) -> list[Source]:
    return [Source(default_path("docker", user), "helm")]


def _after_podman(user: User) -> list[Source]:
    config = user.environ.get("XDG_CONFIG_HOME") or os.path.join(user.home, ".config")
    return [
        Source(os.path.join(config, "containers", "auth.json"), "podman"),
        Source(default_path("docker", user), "podman"),
        Source(os.path.join(user.home, ".dockercfg"), "podman", legacy=True),
    ]
