# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.freshpull.ecr_public.plugins.module_utils._masking import masked


def test_a_longer_secret_is_hidden_before_its_part() -> None:
    assert masked("x:user:pass x:pass", ["pass", "user:pass", ""]) == "x:******** x:********"
