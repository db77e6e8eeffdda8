# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import os
import select
import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils._process import Process


def test_the_output_of_a_program_is_read() -> None:
    command = [sys.executable, "-c", "import sys; sys.stdout.write(sys.stdin.read()); sys.exit('error')"]
    with Process(command, stdin=subprocess.PIPE) as process:
        assert process.communicate(b"input") == (b"input", b"error\n")
    assert process.returncode == 1


def test_the_environment_is_the_one_that_is_given() -> None:
    with Process(["/bin/sh", "-c", "echo $A"], env={"A": "b"}) as process:
        assert process.communicate()[0] == b"b\n"


def test_nothing_that_was_started_outlives_the_block(tmp_path: Path) -> None:
    """The program and its child hold a pipe, which ends with the last of them."""
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    try:
        with Process(["/bin/sh", "-c", f"exec 3>{tmp_path}/pipe; sleep 60 & echo; exec sleep 60"]) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"\n"
            assert select.select([reader], [], [], 0)[0] == []
        assert process.returncode == -9
        assert select.select([reader], [], [], 10)[0] == [reader]
        assert os.read(reader, 1) == b""
    finally:
        os.close(reader)


def test_an_error_in_the_block_ends_the_program_too() -> None:
    with pytest.raises(RuntimeError, match="mistake"), Process(["sleep", "60"]) as process:
        raise RuntimeError("mistake")
    assert process.returncode == -9
