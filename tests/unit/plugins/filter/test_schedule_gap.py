# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter, loaded by Ansible's plugin loader."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible.plugins.loader import filter_loader


def schedule_gap(*args: Any, **kwargs: Any) -> Any:
    return filter_loader.get("freshpull.ecr_public.schedule_gap").j2_function(*args, **kwargs)


def test_schedule_gap() -> None:
    assert schedule_gap("17 */2 * * *") == 7200
    assert schedule_gap("17 */2 * * *", "Europe/Berlin") == 10800
    assert schedule_gap("17 */2 * * *", time_zone="Europe/Berlin") == 10800


@pytest.mark.parametrize("args", [("* * *",), ("@hourly", "Nowhere"), (5,), ("@hourly", None)])
def test_no_schedule(args: tuple[Any, ...]) -> None:
    with pytest.raises(AnsibleFilterError, match=r"^schedule_gap: "):
        schedule_gap(*args)
