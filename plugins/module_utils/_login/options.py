# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read the options of ecr_public_login. Private to this collection."""

from __future__ import annotations

import dataclasses
import os
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils._docker_config import DEFAULT_REGISTRY
from ansible_collections.freshpull.ecr_public.plugins.module_utils._errors import OptionError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._file_owner import (
    LARGEST_ID,
    ROOT,
    describe_user,
    group_id,
    user_id,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._login.decision import LoginPolicy
from ansible_collections.freshpull.ecr_public.plugins.module_utils._login.paths import User, default_path, path_warning
from ansible_collections.freshpull.ecr_public.plugins.module_utils._login.sources import Source, sources
from ansible_collections.freshpull.ecr_public.plugins.module_utils._options import TOKEN, read_duration, read_registries
from ansible_collections.freshpull.ecr_public.plugins.module_utils._token import Token

LOGIN: dict[str, t.Any] = {
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "client": {"type": "str", "choices": ["docker", "podman", "helm"], "default": "docker"},
    "path": {"type": "path"},
    "registries": {"type": "list", "elements": "str", "default": [DEFAULT_REGISTRY]},
    "token": TOKEN,
    "aws": {"type": "dict", "default": {}},
    "renew_before": {"type": "str", "default": "8h"},
    "verify": {"type": "bool", "default": False},
    "mode": {"type": "raw", "default": "0600"},
    "owner": {"type": "str"},
    "group": {"type": "str"},
    "follow": {"type": "bool", "default": False},
}

INFO: dict[str, t.Any] = {
    **{name: LOGIN[name] for name in ("client", "path", "registries")},
    "verify_pull": {"type": "bool", "default": False},
}


@dataclasses.dataclass(frozen=True)
class InfoOptions:
    """The options of ecr_public_login_info, read and checked. places: where the client looks for a login."""

    registries: tuple[str, ...]
    places: t.Sequence[Source]
    verify_pull: bool


def check_system(system: str) -> None:
    """Raise OptionError on another system than Linux. system: from platform.system()."""
    if system != "Linux":
        raise OptionError(
            f"This module runs on Linux, and this host runs {system}. Run the task on a Linux host, or use the "
            "client's own commands."
        )


def read_info(params: t.Mapping[str, t.Any], user: User) -> InfoOptions:
    """Read and check the options. Raises OptionError."""
    _path(params, user)
    places = sources(params["client"], params["path"], user)
    return InfoOptions(read_registries(params["registries"]), places, params["verify_pull"])


@dataclasses.dataclass(frozen=True)
class LoginOptions:
    """The options, read and checked. places: where the client looks for a login."""

    policy: LoginPolicy
    client: str
    path: str
    places: t.Sequence[Source]
    follow: bool
    token: Token | None
    warnings: tuple[str, ...]


def read(params: t.Mapping[str, t.Any], user: User) -> LoginOptions:
    """Read and check the options. Raises OptionError or TokenError."""
    policy = LoginPolicy(
        state=params["state"],
        registries=read_registries(params["registries"]),
        renew_before=read_duration("renew_before", params["renew_before"]),
        mode=_mode(params["mode"]),
        owner=_owner(params["owner"], user),
        group=_group(params["group"], user),
    )
    token = Token.from_mapping(params["token"]) if params["token"] else None
    warning = "" if params["path"] else path_warning(params["client"], user)
    warnings = (warning,) if warning else ()
    path, places = _path(params, user), sources(params["client"], params["path"], user)
    return LoginOptions(policy, params["client"], path, places, params["follow"], token, warnings)


def _mode(value: t.Any) -> int:
    """Read the mode as Ansible's own modules do: octal text, or the number that YAML reads from 0600."""
    try:
        mode = value if isinstance(value, int) else int(str(value), 8)
    except ValueError:
        mode = 0
    if mode & 0o600 != 0o600 or mode & ~0o660:
        raise OptionError(
            f"mode: {value!r} is not supported. Use '0600', '0640' or '0660', in quotes. The owner must have read and "
            "write permission, and other users must not be able to read the login."
        )
    return mode


def _owner(name: str | None, user: User) -> int | None:
    uid = _id("owner", name, "user", user_id)
    if uid is not None and user.uid not in (ROOT, uid):
        raise OptionError(
            f"owner: the task runs as {describe_user(user.uid)}, and only root can create a file for {name!r}. Use "
            f"become_user: {name}, or become: true."
        )
    return uid


def _group(name: str | None, user: User) -> int | None:
    gid = _id("group", name, "group", group_id)
    if gid is not None and user.uid != ROOT and gid not in user.groups:
        raise OptionError(
            f"group: the task runs as {describe_user(user.uid)}, who is not a member of {name!r}. Use a group of that "
            "user, or become: true."
        )
    return gid


def _id(option: str, name: str | None, kind: str, lookup: t.Callable[[str], int]) -> int | None:
    """Read a name or a numeric id, as ansible.builtin.file does."""
    if not name:
        return None
    try:
        number = int(name) if name.isdecimal() else lookup(name)
    except KeyError:
        number = -1
    if not 0 <= number <= LARGEST_ID:
        raise OptionError(
            f"{option}: {name!r} is not a {kind} of this host. Use the name or the numeric id of a {kind}."
        )
    return number


def _path(params: t.Mapping[str, t.Any], user: User) -> str:
    path = params["path"] or default_path(params["client"], user)
    if not os.path.isabs(path):
        source = "path" if params["path"] else "path from the environment"
        raise OptionError(f"{source}: {path!r} is not an absolute path. Use an absolute path.")
    return path
