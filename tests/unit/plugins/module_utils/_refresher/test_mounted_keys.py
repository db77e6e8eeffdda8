# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The layouts of a Secret with AWS keys, as they are mounted."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils._aws_errors import AwsError, CredentialsError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher.mounted_keys import credentials_file

KEYS = {"AWS_ACCESS_KEY_ID": "AKIA" + "A" * 16, "AWS_SECRET_ACCESS_KEY": "never-said/never-said"}
WRITTEN = f"[default]\naws_access_key_id = {KEYS['AWS_ACCESS_KEY_ID']}\naws_secret_access_key = never-said/never-said\n"


def mounted(directory: Path, data: dict[str, str]) -> str:
    """Write the files of a mounted Secret. Return the path of the key "credentials"."""
    (directory / "home").mkdir()
    (directory / "aws").mkdir()
    for key, value in data.items():
        (directory / "aws" / key).write_text(value)
    return str(directory / "aws/credentials")


def found(directory: Path, data: dict[str, str]) -> Path:
    return Path(credentials_file(mounted(directory, data), str(directory / "home")))


@pytest.mark.parametrize("others", [{}, KEYS], ids=["alone", "beside the others"])
def test_the_credentials_file_is_used_as_it_is(tmp_path: Path, others: dict[str, str]) -> None:
    assert found(tmp_path, {"credentials": "[default]\n", **others}) == tmp_path / "aws/credentials"
    assert list((tmp_path / "home").iterdir()) == []


@pytest.mark.parametrize("end", ["", "\n", "\r\n"], ids=repr)
def test_single_values_are_written_into_a_file_that_only_its_owner_reads(tmp_path: Path, end: str) -> None:
    file = found(tmp_path, {key: value + end for key, value in KEYS.items()})
    assert file == tmp_path / "home/credentials"
    assert file.read_text() == WRITTEN
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_session_token_is_optional(tmp_path: Path) -> None:
    file = found(tmp_path, {**KEYS, "AWS_SESSION_TOKEN": "never+said=="})
    assert file.read_text() == f"{WRITTEN}aws_session_token = never+said==\n"


@pytest.mark.parametrize("missing", KEYS)
def test_a_missing_value_is_named(tmp_path: Path, missing: str) -> None:
    data = {key: value for key, value in KEYS.items() if key != missing}
    with pytest.raises(CredentialsError, match=f"It has no credentials and no {missing}, or it was deleted") as caught:
        found(tmp_path, data)
    assert "never-said" not in str(caught.value)


@pytest.mark.parametrize("value", ["", "\n", "never said", "never-said\n[profile x]", "näver-said"], ids=repr)
@pytest.mark.parametrize("key", [*KEYS, "AWS_SESSION_TOKEN"])
def test_a_value_that_would_break_the_file_is_rejected(tmp_path: Path, key: str, value: str) -> None:
    with pytest.raises(CredentialsError, match=f"The key {key} in the Secret of aws_existing_secret is empty or") as e:
        found(tmp_path, {**KEYS, key: value})
    assert "said" not in str(e.value)
    assert list((tmp_path / "home").iterdir()) == []


def test_a_full_directory_is_named(tmp_path: Path) -> None:
    file = mounted(tmp_path, KEYS)
    with pytest.raises(AwsError, match="/missing/credentials cannot be written: No such file or directory"):
        credentials_file(file, str(tmp_path / "missing"))
