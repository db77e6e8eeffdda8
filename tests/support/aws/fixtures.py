# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""pytest fixtures of the fake, for import in a conftest.py."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from .fake import FakeAws


@pytest.fixture(scope="session")
def running_fake() -> Iterator[FakeAws]:
    """One fake for all tests of a process, since moto needs a second to start."""
    with FakeAws() as fake:
        yield fake


@pytest.fixture
def fake(running_fake: FakeAws, clean_environment: None) -> FakeAws:
    """The fake after a reset, in an environment without the caller's AWS settings."""
    running_fake.reset()
    return running_fake


@pytest.fixture
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    hide_settings(monkeypatch, tmp_path)


def hide_settings(patch: pytest.MonkeyPatch, home: Path) -> None:
    """Hide AWS variables, files and metadata services of the machine from the code under test."""
    for name in [name for name in os.environ if name.startswith(("AWS_", "EC2_", "BOTO_"))]:
        patch.delenv(name)
    patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    patch.setenv("AWS_CONFIG_FILE", str(home / "aws-config"))
    patch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(home / "aws-credentials"))
    patch.setenv("HOME", str(home))
    patch.setenv("NO_PROXY", "127.0.0.1,localhost")
