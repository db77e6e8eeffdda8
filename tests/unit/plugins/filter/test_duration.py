# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter, loaded by Ansible's plugin loader."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible.plugins.loader import filter_loader


def duration(text: Any) -> Any:
    return filter_loader.get("freshpull.ecr_public.duration").j2_function(text)


DURATIONS = {
    "8h": 28800,
    "1h30m": 5400,
    "90s": 90,
    "1.5h": 5400,
    ".5m": 30,
    "1500ms": 1.5,
    "30m1h": 5400,
}


@pytest.mark.parametrize("text", DURATIONS)
def test_duration(text: str) -> None:
    seconds = duration(text)
    assert seconds == DURATIONS[text]
    assert isinstance(seconds, type(DURATIONS[text]))


@pytest.mark.parametrize("text", ["", "8", "h", "8 h", "8h ", "-1h", "0s", "9000h", "1d"])
def test_invalid_duration(text: str) -> None:
    with pytest.raises(AnsibleFilterError, match=r"^duration: "):
        duration(text)


@pytest.mark.parametrize("value", [8, None, 1.5, ["8h"]])
def test_duration_of_another_type(value: Any) -> None:
    with pytest.raises(AnsibleFilterError, match="must be a text"):
        duration(value)
