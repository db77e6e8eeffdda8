# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Find the file in which each client stores its logins, by the client's own rules. Private to this collection.

docker: https://docs.docker.com/reference/cli/docker/#environment-variables
podman: https://github.com/containers/image/blob/main/docs/containers-auth.json.5.md
helm: https://helm.sh/docs/helm/helm/
"""

from __future__ import annotations

import dataclasses
import os
import pwd
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils._errors import OptionError

_DOCKER_FILE = "config.json"


@dataclasses.dataclass(frozen=True)
class User:
    """The user that runs the task, and what the clients' rules depend on."""

    uid: int
    environ: t.Mapping[str, str]
    home_of: t.Callable[[int], str]
    owner_of: t.Callable[[str], int | None]
    """Returns the uid of the owner of a path, None if the path does not exist."""
    is_directory: t.Callable[[str], bool | None]
    """Returns whether a path is a directory, None if the path does not exist."""
    groups: frozenset[int]

    @classmethod
    def current(cls) -> User:
        groups = frozenset([os.getegid(), *os.getgroups()])
        return cls(os.geteuid(), os.environ, lambda uid: pwd.getpwuid(uid).pw_dir, _owner_of, _is_directory, groups)

    @property
    def home(self) -> str:
        """The home directory: HOME, as the clients use it, unless sudo kept the HOME of the user who called it.

        Raises OptionError if there is none.
        """
        home = self.environ.get("HOME", "")
        caller = self.environ.get("SUDO_UID", "")
        if home and not (caller != str(self.uid) and str(self.owner_of(home)) == caller):
            return home
        try:
            return self.home_of(self.uid)
        except KeyError:
            raise OptionError(
                f"path: the client's default is not known, because user {self.uid} has no entry in the user database "
                "and HOME is not that user's. Set HOME in the environment of the task, or path."
            ) from None


def _owner_of(path: str) -> int | None:
    try:
        return os.stat(path).st_uid
    except OSError:
        return None


def _is_directory(path: str) -> bool | None:
    return os.path.isdir(path) if os.path.exists(path) else None


def default_path(client: str, user: User) -> str:
    """Return the file that the client reads and writes by default. Raises OptionError if it is not known."""
    return {"docker": _docker, "podman": _podman, "helm": _helm}[client](user)


def path_warning(client: str, user: User) -> str:
    """Return a warning if a tool can read another file than default_path returns, else "".

    Observed with podman 4.3, buildah 1.28 and skopeo 1.9.
    """
    if client != "podman" or user.environ.get("REGISTRY_AUTH_FILE"):
        return ""
    directory = user.environ.get("DOCKER_CONFIG")
    if directory:
        return (
            f"DOCKER_CONFIG is set ({directory}). podman and buildah then read config.json in that directory; skopeo "
            "does not. Set REGISTRY_AUTH_FILE, or path, to a file that all three tools read."
        )
    if user.uid == 0 or _session(user):
        return ""
    return (
        f"User {user.uid} has no session. podman then reads /tmp/podman-run-{user.uid}/containers/auth.json, skopeo "
        f"/run/containers/{user.uid}/auth.json, and buildah another file. Set REGISTRY_AUTH_FILE, or path, to a file "
        "that all three tools read."
    )


def _docker(user: User) -> str:
    directory = user.environ.get("DOCKER_CONFIG")
    if not directory:
        return os.path.join(user.home, ".docker", _DOCKER_FILE)
    directory = directory.rstrip(os.sep) or os.sep
    is_directory = user.is_directory(directory)
    if is_directory is False or (is_directory is None and os.path.basename(directory) == _DOCKER_FILE):
        raise OptionError(
            f"DOCKER_CONFIG: {user.environ['DOCKER_CONFIG']!r} is the path of a file, and this variable names a "
            f"directory, in which docker reads {_DOCKER_FILE}. Use {os.path.dirname(directory)}."
        )
    return os.path.join(directory, _DOCKER_FILE)


def _podman(user: User) -> str:
    file = user.environ.get("REGISTRY_AUTH_FILE")
    if file:
        return file
    directory = _session(user)
    return os.path.join(directory, "containers", "auth.json") if directory else f"/run/containers/{user.uid}/auth.json"


def _session(user: User) -> str:
    """Return the runtime directory of the user's session, or ""."""
    # If XDG_RUNTIME_DIR is not set, rootless podman uses /run/user/UID.
    directory = user.environ.get("XDG_RUNTIME_DIR") or ("" if user.uid == 0 else f"/run/user/{user.uid}")
    return directory if user.owner_of(directory) == user.uid else ""


def _helm(user: User) -> str:
    file = user.environ.get("HELM_REGISTRY_CONFIG")
    if file:
        return file
    config = user.environ.get("XDG_CONFIG_HOME") or os.path.join(user.home, ".config")
    directory = user.environ.get("HELM_CONFIG_HOME") or os.path.join(config, "helm")
    return os.path.join(directory, "registry", "config.json")
