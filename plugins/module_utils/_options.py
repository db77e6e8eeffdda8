# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Define and read the options that several modules share. Private to this collection."""

from __future__ import annotations

import datetime as dt
import re
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _docker_config
from ansible_collections.freshpull.ecr_public.plugins.module_utils._errors import OptionError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._time import TimeError, parse_duration

TOKEN: dict[str, t.Any] = {
    "type": "dict",
    # no_log is set on the secret parts only: on the whole dict it would mask "AWS" and the expiry in the whole result.
    "no_log": False,
    "options": {
        "registry": {"type": "str"},
        "username": {"type": "str", "default": "AWS"},
        "password": {"type": "str", "required": True, "no_log": True},
        "authorization_token": {"type": "str", "no_log": True},
        "expires_at": {"type": "str", "required": True},
        "dockerconfigjson": {"type": "str", "no_log": True},
    },
}

_REGISTRY = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?(:[0-9]{1,5})?")


def read_registries(registries: t.Sequence[str]) -> tuple[str, ...]:
    """Check the registries and return each of them once. Raises OptionError."""
    for registry in registries:
        if not _REGISTRY.fullmatch(registry):
            raise OptionError(
                f"registries: {registry!r} is not the host of a registry. Use a host such as "
                f"{_docker_config.DEFAULT_REGISTRY}, without scheme, path and upper case."
            )
    if not registries:
        raise OptionError(
            "registries is empty. Name at least one registry. To remove managed entries, use state: absent."
        )
    return tuple(dict.fromkeys(registries))


def read_duration(option: str, text: str) -> dt.timedelta:
    """Read a Go duration. Raises OptionError."""
    try:
        return parse_duration(text)
    except TimeError as exc:
        raise OptionError(f"{option}: {exc}") from exc
