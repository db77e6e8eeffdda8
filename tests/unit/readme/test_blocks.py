# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The steps of a README."""

from __future__ import annotations

from pathlib import Path

import pytest

from readme.blocks import Step, quick_start

ROOT = Path(__file__).resolve().parents[3]
FENCE = "```"


def written(directory: Path, section: str) -> Path:
    readme = directory / "README.md"
    readme.write_text(
        f"# A\n\n## Before\n\n{FENCE}shell\nno\n{FENCE}\n\n## Quick start\n\n{section}\n## After\n\n`b.yml`\n"
    )
    return readme


def test_steps_in_their_order(tmp_path: Path) -> None:
    section = (
        f"Save this as\n`a.yml`.\n\n{FENCE}yaml\n- b\n\n- c\n{FENCE}\n\n### Verify\n\n{FENCE}shell\none\n"
        f"two\n{FENCE}\n\n"
        f"Output:\n\n{FENCE}text\n1\n{FENCE}\nAgain:\n{FENCE}text\n2\n{FENCE}\n"
    )
    assert quick_start(written(tmp_path, section)) == [
        Step("Quick start", "- b\n\n- c\n", file="a.yml"),
        Step("Verify", "one\ntwo\n", outputs=["1", "2"]),
    ]


def test_a_file_without_a_name_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="No file name"):
        quick_start(
            written(
                tmp_path, f"`a.yml` is before another block.\n\n{FENCE}shell\nx\n{FENCE}\n{FENCE}yaml\n- b\n{FENCE}\n"
            )
        )


def test_the_readme_installs_saves_runs_verifies_and_uninstalls() -> None:
    steps = quick_start(ROOT / "README.md")
    assert [(step.heading, step.file) for step in steps] == [
        ("Quick start", ""),
        ("Quick start", "pull_secret.yml"),
        ("Quick start", ""),
        ("Verify", ""),
        ("Verify", ""),
        ("Uninstall", ""),
    ]
    # The first run installs, the second changes nothing.
    assert ["changed=0" in output for output in steps[2].outputs] == [False, True]
