# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The filter in a template."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.freshpull.ecr_public.plugins.filter.typed import FilterModule, typed


def test_it_converts() -> None:
    assert FilterModule().filters() == {"typed": typed}
    assert typed("a, b", "list", "names") == ["a", "b"]
    assert typed("", "list", "names", ["c"]) == ["c"]


def test_it_names_the_variable() -> None:
    with pytest.raises(AnsibleFilterError, match="workers: must be a whole number, not 'many'"):
        typed("many", "int", "workers")


def test_it_names_the_types() -> None:
    with pytest.raises(AnsibleFilterError, match="one of bool, int, list, dicts, selector, dict, not 'str'"):
        typed("a", "str", "names")
