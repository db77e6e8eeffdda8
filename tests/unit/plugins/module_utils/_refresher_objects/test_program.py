# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program in its pod. _refresher/test_main.py proves that its list of files is complete."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects import program
from support.refresher_settings import FILES


def test_each_file_has_its_own_valid_key_of_a_config_map() -> None:
    data = program.data(FILES)
    assert [key for key in data if not re.fullmatch(r"[-._a-zA-Z0-9]{1,253}", key)] == []
    assert len(data) == len(program.FILES)
    assert list(data.values()) == [FILES[name] for name in program.FILES]


def test_each_key_is_mounted_where_python_finds_it() -> None:
    mounted = {item["key"]: item["path"] for item in program.items()}
    assert mounted.keys() == program.data(FILES).keys()
    package = "ansible_collections/freshpull/ecr_public/plugins/module_utils/"
    assert [path.removeprefix(package) for path in mounted.values()] == list(program.FILES)


def test_the_digest_changes_with_any_file() -> None:
    digests = {program.digest({**FILES, name: FILES[name] + "#"}) for name in program.FILES}
    assert len({program.digest(FILES), *digests}) == len(program.FILES) + 1
    assert program.digest(dict(reversed(FILES.items()))) == program.digest(FILES)
    assert re.fullmatch(r"[0-9a-f]{16}", program.digest(FILES))


@pytest.mark.parametrize("missing", ["python3", "aws"])
def test_a_program_that_the_image_lacks_is_named(tmp_path: Path, missing: str) -> None:
    for name in {"python3", "aws"} - {missing}:
        (tmp_path / name).write_text("#!/bin/sh\necho started\n")
        (tmp_path / name).chmod(0o755)
    shell, *arguments = program.COMMAND
    done = subprocess.run(
        [f"/bin/{shell}", *arguments], env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert f"no {missing}:" in done.stderr
