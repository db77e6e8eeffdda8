# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where each client keeps its logins, by its own rules, for the user that the task runs as. Private to this collection.

docker: https://docs.docker.com/reference/cli/docker/#environment-variables
podman: https://github.com/containers/image/blob/main/docs/containers-auth.json.5.md
helm: https://helm.sh/docs/helm/helm/
"""

from __future__ import annotations

import dataclasses
import os
import pwd
import typing as t


@dataclasses.dataclass(frozen=True)
class User:
    """The user that the task runs as, and what the clients' rules look at."""

    uid: int
    environ: t.Mapping[str, str]
    home_of: t.Callable[[int], str]
    owner_of: t.Callable[[str], int | None]
    """None for what does not exist."""

    @classmethod
    def current(cls) -> User:
        return cls(os.geteuid(), os.environ, lambda uid: pwd.getpwuid(uid).pw_dir, _owner_of)

    @property
    def home(self) -> str:
        """HOME, as the clients take it; but not the one that sudo was told to leave to us and is the caller's."""
        home = self.environ.get("HOME", "")
        caller = self.environ.get("SUDO_UID", "")
        if home and not (caller != str(self.uid) and str(self.owner_of(home)) == caller):
            return home
        return self.home_of(self.uid)


def _owner_of(path: str) -> int | None:
    try:
        return os.stat(path).st_uid
    except OSError:
        return None


def default_path(client: str, user: User) -> str:
    """The file that the client reads and writes if nobody tells it another."""
    return {"docker": _docker, "podman": _podman, "helm": _helm}[client](user)


def doubt(client: str, user: User) -> str:
    """Why a client may read another file than default_path says, or nothing."""
    folder = user.environ.get("DOCKER_CONFIG")
    if client != "podman" or not folder or user.environ.get("REGISTRY_AUTH_FILE"):
        return ""
    return (
        f"DOCKER_CONFIG is set ({folder}). podman and buildah then read the config.json in that folder and skopeo does "
        "not. Set REGISTRY_AUTH_FILE, or give path, so that all three read the same file."
    )


def _docker(user: User) -> str:
    folder = user.environ.get("DOCKER_CONFIG") or os.path.join(user.home, ".docker")
    return os.path.join(folder, "config.json")


def _podman(user: User) -> str:
    file = user.environ.get("REGISTRY_AUTH_FILE")
    if file:
        return file
    # The folder of the user's session. Without a session in the environment podman finds it as well, if it is not root.
    folder = user.environ.get("XDG_RUNTIME_DIR") or ("" if user.uid == 0 else f"/run/user/{user.uid}")
    if user.owner_of(folder) == user.uid:
        return os.path.join(folder, "containers", "auth.json")
    return f"/run/containers/{user.uid}/auth.json"


def _helm(user: User) -> str:
    file = user.environ.get("HELM_REGISTRY_CONFIG")
    if file:
        return file
    config = user.environ.get("XDG_CONFIG_HOME") or os.path.join(user.home, ".config")
    folder = user.environ.get("HELM_CONFIG_HOME") or os.path.join(config, "helm")
    return os.path.join(folder, "registry", "config.json")
