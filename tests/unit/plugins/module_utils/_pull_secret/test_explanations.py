# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Explanations name what was found and the next step, and nothing that a secret holds."""

from __future__ import annotations

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret import explanations
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.stored import Stored
from unit.cases.decide import secret


@pytest.mark.parametrize(
    ("stored", "owner", "words"),
    [
        ("them", "us", "belongs to the owner 'them'; this task has the owner 'us'."),
        ("", "us", "has no owner; this task has the owner 'us'."),
        ("them", "", "belongs to the owner 'them'; this task has no owner."),
    ],
)
def test_both_owners_are_named(stored: str, owner: str, words: str) -> None:
    text = explanations.other_owner(Stored(secret(owner=stored)), owner)
    assert words in text
    assert "adopt: true" in text


def test_a_copy_names_its_source() -> None:
    assert "it was written for the namespace team-b." in explanations.copy(Stored(secret(written_for="team-b")))


@pytest.mark.parametrize(
    ("managed", "options"), [(True, "set recreate: true"), (False, "recreate: true and adopt: true")]
)
def test_a_wrong_type_names_the_options_that_are_needed(managed: bool, options: str) -> None:
    text = explanations.wrong_type(Stored(secret(type="kubernetes.io/dockercfg", managed=managed)))
    assert "kubernetes.io/dockercfg (the legacy format)" in text
    assert options in text


def test_a_malformed_config_is_not_quoted() -> None:
    text = explanations.malformed(Stored(secret(raw='{"auths": {"a.example": "never-shown"}}')))
    assert "never-shown" not in text
    assert "Repair or delete it" in text
