# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The keys and settings that the AWS SDK reads first are read as it reads them."""

from __future__ import annotations

from pathlib import Path

import botocore.session
import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _aws_profile

KEYS = "aws_access_key_id = {0}\naws_secret_access_key = secret-{0}\n"
CREDENTIALS = f"[default]\n{KEYS.format('D')}[both]\n{KEYS.format('C')}aws_session_token = T\n"
CONFIG = (
    f"[profile both]\n{KEYS.format('X')}[profile only]\n{KEYS.format('O')}use_fips_endpoint = True\n"
    "[profile role]\nrole_arn = arn:aws:iam::1:role/r\nsource_profile = second\n"
    "[profile second]\nrole_arn = arn:aws:iam::1:role/s\nsource_profile = both\n"
    "[profile loop]\nsource_profile = pool\n[profile pool]\nsource_profile = loop\n"
    "[profile lost]\nsource_profile = none\n"
)
VARIABLES = {"AWS_ACCESS_KEY_ID": "E", "AWS_SECRET_ACCESS_KEY": "secret-E"}
# Variables -> the access key and its section.
CASES: dict[str, tuple[dict[str, str], str, str]] = {
    "no profile": ({}, "D", "[default] in {}/credentials"),
    "a profile in both files": ({"AWS_PROFILE": "both"}, "C", "[both] in {}/credentials"),
    "a profile in the configuration": ({"AWS_PROFILE": "only"}, "O", "[only] in {}/config"),
    "variables": ({"AWS_PROFILE": "both", **VARIABLES}, "E", ""),
    "a chain of roles": ({"AWS_PROFILE": "role"}, "C", "[both] in {}/credentials"),
    "a loop": ({"AWS_PROFILE": "loop"}, "", ""),
    "no source": ({"AWS_PROFILE": "lost"}, "", ""),
    "no profile of this name": ({"AWS_PROFILE": "none"}, "", ""),
}


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "credentials").write_text(CREDENTIALS)
    (tmp_path / "config").write_text(CONFIG)
    return {
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"),
        "AWS_CONFIG_FILE": str(tmp_path / "config"),
    }


@pytest.mark.parametrize("case", CASES)
def test_the_keys_of_the_first_request(case: str, files: dict[str, str], tmp_path: Path) -> None:
    variables, access_key, origin = CASES[case]
    keys = _aws_profile.keys({**files, **variables})
    assert (keys.values.get("access_key", ""), keys.origin) == (access_key, origin.format(tmp_path))
    assert keys.values.get("session_token", "") == ("T" if access_key == "C" else "")


@pytest.mark.parametrize(
    "case", ["no profile", "a profile in both files", "a profile in the configuration", "variables"]
)
def test_the_sdk_reads_the_same_keys(case: str, files: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    variables, access_key, _origin = CASES[case]
    for name, value in {"AWS_PROFILE": "default", **files, **variables}.items():
        monkeypatch.setenv(name, value)
    found = botocore.session.Session().get_credentials()
    assert found is not None
    assert found.access_key == access_key


def test_the_default_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws/credentials").write_text(CREDENTIALS)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert _aws_profile.keys({}).origin == f"[default] in {tmp_path}/.aws/credentials"


def test_files_that_cannot_be_parsed_are_left_to_the_sdk(files: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "credentials").write_text("[default\n")
    (tmp_path / "config").write_bytes(b"\xff\x00")
    assert _aws_profile.keys(files) == _aws_profile.Keys({})
    assert _aws_profile.fips_setting(files) == ""


FIPS = {
    "the variable": ({"AWS_USE_FIPS_ENDPOINT": "TRUE"}, "The environment variable AWS_USE_FIPS_ENDPOINT"),
    "the profile": ({"AWS_PROFILE": "only"}, "use_fips_endpoint of the AWS profile only"),
    "the variable before the profile": ({"AWS_PROFILE": "only", "AWS_USE_FIPS_ENDPOINT": "false"}, ""),
    "none": ({}, ""),
}


@pytest.mark.parametrize(("variables", "setting"), FIPS.values(), ids=FIPS)
def test_the_setting_for_fips_endpoints(variables: dict[str, str], setting: str, files: dict[str, str]) -> None:
    assert _aws_profile.fips_setting({**files, **variables}) == setting
