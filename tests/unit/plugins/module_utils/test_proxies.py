# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The password of a proxy is found in any address, and hidden in any text."""

from __future__ import annotations

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _proxies
from ansible_collections.freshpull.ecr_public.plugins.module_utils._masking import masked

ADDRESSES = {
    "http://proxy.example:3128": [],
    "proxy.example:3128": [],
    "http://builder@proxy.example:3128": ["builder"],
    "http://builder:Winter2026@proxy.example": ["builder:Winter2026", "Winter2026"],
    "socks5://builder:Winter2026@127.0.0.1:9": ["Winter2026"],
    "http://builder:Win#ter2026@proxy.example": ["Win#ter2026"],
    "http://builder:Win/ter2026@proxy.example": ["Win/ter2026"],
    "http://builder:Win?ter2026@proxy.example": ["Win?ter2026"],
    "http://builder:Win@ter2026@proxy.example": ["Win@ter2026"],
    "http://builder:Winter%232026@proxy.example": ["Winter%232026", "Winter#2026"],
    "http://builder:Winter2026@[::1]:3128": ["Winter2026"],
    # Libraries add the scheme, or fail with the whole address.
    "builder:Winter2026@proxy.example:3128": ["builder:Winter2026", "Winter2026"],
    "http:/builder:Winter2026@proxy.example": ["builder:Winter2026", "Winter2026"],
    "http:builder:Winter2026@proxy.example": ["builder:Winter2026"],
    "//builder:Winter2026@proxy.example": ["builder:Winter2026", "Winter2026"],
}


@pytest.mark.parametrize("address", ADDRESSES)
def test_no_part_of_the_user_info_is_left(address: str) -> None:
    secrets = _proxies.secrets_in(address)
    assert set(ADDRESSES[address]) <= set(secrets)
    for text in (_proxies.without_user_info(address), masked(f"Cannot connect to {address}.", secrets)):
        assert "ter2026" not in text
        assert "2026" not in text
        assert address.rpartition("@")[2] in text


def test_the_environment_names_proxies() -> None:
    environment = {"HTTPS_PROXY": "a", "http_proxy": "b", "NO_PROXY": "c", "HTTP_PROXY": "", "K8S_AUTH_PROXY": "d"}
    assert sorted(_proxies.of_environment(environment)) == ["a", "b", "d"]
