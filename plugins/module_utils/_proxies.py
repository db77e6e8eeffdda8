# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The user info of proxy addresses, which no message may show. Private to this collection."""

from __future__ import annotations

import typing as t
import urllib.parse

from ansible_collections.freshpull.ecr_public.plugins.module_utils._masking import MASK

_VARIABLES = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "https_proxy", "http_proxy", "all_proxy", "K8S_AUTH_PROXY")


def of_environment(environment: t.Mapping[str, str]) -> list[str]:
    """Return the proxies that libraries find in the environment."""
    return [environment[name] for name in _VARIABLES if environment.get(name)]


def secrets_in(url: t.Any) -> list[str]:
    """Return user info and password of an address, as they are and decoded; [] if it has none.

    An unquoted password may contain any character, so the address need not be a valid URL.
    """
    user_info = str(url or "").partition("://")[2].rpartition("@")[0]
    password = user_info.partition(":")[2]
    return [secret for secret in (user_info, password, urllib.parse.unquote(password)) if secret]


def without_user_info(url: str) -> str:
    """Return an address with the user info hidden."""
    scheme, separator, rest = url.partition("://")
    user_info, at, host = rest.rpartition("@")
    return f"{scheme}{separator}{MASK}{at}{host}" if user_info else url
