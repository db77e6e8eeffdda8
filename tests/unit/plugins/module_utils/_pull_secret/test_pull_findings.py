# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from typing import get_args

from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.pull_findings import (
    TEXTS,
    Code,
    finding,
)


def test_each_code_has_one_text_that_ends_with_the_next_step() -> None:
    assert list(TEXTS) == list(get_args(Code))
    assert all(text.endswith(".") and text.count(". ") >= 1 for text in TEXTS.values())


def test_words_from_the_cluster_are_not_formatted() -> None:
    found = finding("no_entries", "secret", "x" * 300, secret="{secret} {0}")
    assert found.to_result() == {"code": "no_entries", "object": found.object, "msg": found.msg}
    assert found.msg.startswith("Secret {secret} {0} has no entries")
    assert len(found.object) < 300
