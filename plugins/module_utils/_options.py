# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options that several modules have, and how they are read. Private to this collection."""

from __future__ import annotations

import datetime as dt
import re
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _docker_config
from ansible_collections.freshpull.ecr_public.plugins.module_utils._errors import OptionError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._time import TimeError, parse_duration

TOKEN: dict[str, t.Any] = {
    "type": "dict",
    # Only the secret parts: no_log on the whole would mask "AWS" and the expiry all over the result.
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

OUTAGE = "outage"
"""The one key that the module may find in `aws`: why AWS gave no token, in words. The action plugin takes the user's
`aws`, asks AWS itself, and hands this to the module. Where another host has asked for a whole fleet, the role hands it
to the action plugin, so that AWS is not asked again.
"""

_REGISTRY = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?(:[0-9]{1,5})?")


def read_registries(registries: t.Sequence[str]) -> tuple[str, ...]:
    """Each of them once. Raises OptionError."""
    for registry in registries:
        if not _REGISTRY.fullmatch(registry):
            raise OptionError(
                f"registries: {registry!r} is not a registry's host such as {_docker_config.DEFAULT_REGISTRY}: "
                "no scheme, path or upper case"
            )
    if not registries:
        raise OptionError(
            "registries is empty, so that there is nothing to serve: use state: absent to take away what there is"
        )
    return tuple(dict.fromkeys(registries))


def read_duration(option: str, text: str) -> dt.timedelta:
    """Raises OptionError."""
    try:
        return parse_duration(text)
    except TimeError as exc:
        raise OptionError(f"{option}: {exc}") from exc
