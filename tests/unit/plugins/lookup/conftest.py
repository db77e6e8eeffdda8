# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible.plugins.loader import lookup_loader
from ansible.utils.display import Display

from support.aws import FakeAws
from support.aws.fixtures import clean_environment, fake, running_fake
from unit.cases.aws_sides import place, running_place

__all__ = ["clean_environment", "fake", "place", "running_fake", "running_place"]

Lookup = Callable[..., dict[str, str]]


@pytest.fixture
def lookup_anything(fake: FakeAws) -> Lookup:
    """The lookup with only the given options, as in a play."""

    def run(*terms: str, **options: Any) -> dict[str, str]:
        plugin = lookup_loader.get("freshpull.ecr_public.ecr_public_token")
        (token,) = plugin.run(list(terms), {}, **options)
        return dict(token)

    return run


@pytest.fixture
def lookup(fake: FakeAws, lookup_anything: Lookup) -> Lookup:
    """The lookup with valid AWS access keys and the fake's address. Given options replace them."""

    def run(*terms: str, **options: Any) -> dict[str, str]:
        valid = {"access_key": fake.access_key, "secret_key": fake.secret_key, "endpoint_url": fake.endpoint_url}
        return lookup_anything(*terms, **{**valid, **options})

    return run


@pytest.fixture
def warnings(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    seen: list[str] = []
    monkeypatch.setattr(Display, "warning", lambda _self, msg, *_args, **_options: seen.append(msg))
    return seen
