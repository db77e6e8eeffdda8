# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter, loaded by Ansible's plugin loader. test_report.py in plugin_utils has the report."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible.plugins.loader import filter_loader

from ansible_collections.freshpull.ecr_public.plugins.module_utils._time import parse_time


def report(results: Any) -> Any:
    return filter_loader.get("freshpull.ecr_public.report").j2_function(results)


def test_a_report() -> None:
    found = report({"a": {"msg": "Down."}})
    assert found["summary"]["unreachable"] == 1
    age = dt.datetime.now(dt.timezone.utc) - parse_time(found["generated_at"])
    assert age < dt.timedelta(minutes=1)


@pytest.mark.parametrize("value", ["text", ["a"], {"a": "text"}, None])
def test_other_types_are_rejected(value: Any) -> None:
    with pytest.raises(AnsibleFilterError, match=r"^report: the input must be a dict"):
        report(value)
