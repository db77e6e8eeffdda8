# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The parts of the build of the artifact. tests/galaxy builds it."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from pathlib import Path

import pytest
import yaml

from tools.artifact import ArtifactError, absolute_links, check_repository, fill, is_released, main, normalise

REPOSITORY = "https://example.com/owner/name"


@pytest.mark.parametrize(
    "wrong",
    ["", "example.com/owner/name", "http://example.com/owner/name", f"{REPOSITORY}/", f"{REPOSITORY}.git", "https://x"],
)
def test_an_address_that_galaxy_or_the_links_cannot_use_is_rejected(wrong: str) -> None:
    with pytest.raises(ArtifactError, match="make artifact REPOSITORY=https://"):
        check_repository(wrong)


def test_without_an_address_the_next_step_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main("") == 1
    assert "make artifact REPOSITORY=https://" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("directory", "link", "expected"),
    [
        (".", "[a](SECURITY.md)", f"[a]({REPOSITORY}/blob/1.0.0/SECURITY.md)"),
        (".", "[a](docs/x.rst#part)", f"[a]({REPOSITORY}/blob/1.0.0/docs/x.rst#part)"),
        ("roles/r", "[a](../../README.md)", f"[a]({REPOSITORY}/blob/1.0.0/README.md)"),
        (".", "![a](docs/x.svg)", f"![a]({REPOSITORY}/raw/1.0.0/docs/x.svg)"),
        (".", "[![a](x.svg)](y.md)", f"[![a]({REPOSITORY}/raw/1.0.0/x.svg)]({REPOSITORY}/blob/1.0.0/y.md)"),
        (".", "[![a](x.svg)](https://b.example)", f"[![a]({REPOSITORY}/raw/1.0.0/x.svg)](https://b.example)"),
        (".", "[a](https://b.example/c)", "[a](https://b.example/c)"),
        (".", "[a](#part)", "[a](#part)"),
        (".", "[`a[]`](x.md), `f(x)`", f"[`a[]`]({REPOSITORY}/blob/1.0.0/x.md), `f(x)`"),
    ],
)
def test_links_become_absolute(directory: str, link: str, expected: str) -> None:
    assert absolute_links(link, Path(directory), REPOSITORY, "1.0.0") == expected


def test_only_the_addresses_are_added_to_the_metadata(tmp_path: Path) -> None:
    before = {"namespace": "freshpull", "version": "1.0.0"}
    (tmp_path / "galaxy.yml").write_text(yaml.safe_dump(before), encoding="utf-8")
    (tmp_path / "README.md").write_text("[a](b.md)", encoding="utf-8")
    fill(tmp_path, REPOSITORY)
    after = yaml.safe_load((tmp_path / "galaxy.yml").read_text(encoding="utf-8"))
    assert after.keys() - before.keys() == {"repository", "documentation", "homepage", "issues"}
    assert REPOSITORY in (tmp_path / "README.md").read_text(encoding="utf-8")


@pytest.fixture
def changelogs(tmp_path: Path) -> Path:
    """The changelog of a copy in which 1.0.0 is released."""
    path = tmp_path / "changelogs"
    (path / "fragments").mkdir(parents=True)
    (path / "changelog.yaml").write_text(yaml.safe_dump({"releases": {"1.0.0": {}}}), encoding="utf-8")
    return path


def test_a_released_version_is_found(changelogs: Path) -> None:
    assert is_released(changelogs.parent, "1.0.0")
    assert not is_released(changelogs.parent, "1.1.0")


def test_changes_after_the_release_need_another_version(changelogs: Path) -> None:
    (changelogs / "fragments/new.yml").write_text("bugfixes: [a]", encoding="utf-8")
    with pytest.raises(ArtifactError, match=r"new\.yml\. Raise the version"):
        is_released(changelogs.parent, "1.0.0")
    assert not is_released(changelogs.parent, "1.1.0")


def archive(path: Path, names: list[str], time: float) -> Path:
    """Write an archive as ansible-galaxy does, with files in this order."""
    files = json.dumps({"files": [{"name": name} for name in names]})
    manifest = json.dumps({"file_manifest_file": {"chksum_sha256": hashlib.sha256(files.encode()).hexdigest()}})
    with tarfile.open(path, mode="w:gz") as tar:
        for name, text in (("MANIFEST.json", manifest), ("FILES.json", files), *((name, name) for name in names)):
            member = tarfile.TarInfo(name)
            member.size, member.mtime = len(text), time
            tar.addfile(member, io.BytesIO(text.encode()))
    return path


def test_order_and_times_do_not_matter(tmp_path: Path) -> None:
    first = normalise(archive(tmp_path / "a", ["x", "y", "z"], 1.25), tmp_path / "1")
    second = normalise(archive(tmp_path / "b", ["z", "x", "y"], 2.5), tmp_path / "2")
    assert first.path.read_bytes() == second.path.read_bytes()
    assert first.digests == second.digests
    assert first.files == ("FILES.json", "MANIFEST.json", "x", "y", "z")


def test_the_manifest_names_the_digest_of_the_sorted_list(tmp_path: Path) -> None:
    result = normalise(archive(tmp_path / "a", ["b", "a"], 1), tmp_path / "1")
    with tarfile.open(result.path) as tar:
        contents = {member.name: tar.extractfile(member).read() for member in tar}  # type: ignore[union-attr]
    manifest = json.loads(contents["MANIFEST.json"])
    assert manifest["file_manifest_file"]["chksum_sha256"] == hashlib.sha256(contents["FILES.json"]).hexdigest()
    assert [entry["name"] for entry in json.loads(contents["FILES.json"])["files"]] == ["a", "b"]
