# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Go that builds the test cluster, and what the cache key of a build depends on."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import NoReturn

import pytest

from support.cluster import golang
from support.cluster.errors import ClusterError

SUPPORT = Path(golang.__file__).parents[1]
MODULES = sorted(path.parent for path in SUPPORT.rglob("go.mod"))


def run_go(directory: Path, *arguments: str) -> str:
    """Run the pinned Go, as a build does."""
    environment = {**os.environ, "GOTOOLCHAIN": "local"}
    command = [str(Path(sys.executable).with_name("go")), *arguments]
    return subprocess.run(
        command, cwd=directory, env=environment, capture_output=True, text=True, check=True
    ).stdout.strip()


def test_the_key_has_the_version_of_the_go_that_builds(tmp_path: Path) -> None:
    assert run_go(tmp_path, "env", "GOVERSION") == golang.go_version()


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.name)
def test_the_pinned_go_is_new_enough(module: Path) -> None:
    assert run_go(module, "list", "-m").startswith("freshpull.invalid/")


def test_the_key_changes_with_everything_that_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "go.mod").write_text("module x\n", encoding="utf-8")
    (tmp_path / "go.sum").write_text("sum", encoding="utf-8")
    keys = [golang.module_key(tmp_path)]
    assert golang.module_key(tmp_path) in keys
    monkeypatch.setattr(golang, "version", lambda _name: "1.0")
    keys.append(golang.module_key(tmp_path))
    (tmp_path / "go.sum").write_text("another sum", encoding="utf-8")
    keys.append(golang.module_key(tmp_path))
    (tmp_path / "go.mod").write_text("module y\n", encoding="utf-8")
    keys.append(golang.module_key(tmp_path))
    assert len(set(keys)) == 4


def test_without_go_the_message_names_the_next_step(monkeypatch: pytest.MonkeyPatch) -> None:
    def version(name: str) -> NoReturn:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(golang, "version", version)
    with pytest.raises(ClusterError, match=r"has no Go\. Use \.venv, which make creates"):
        golang.go_version()
