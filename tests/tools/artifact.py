# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Build the artifact for Galaxy from a copy of the checkout, in build/: artifact.py REPOSITORY [TAG]

REPOSITORY is the public address of the repository, such as https://github.com/freshpull/ecr_public. It fills the
metadata and makes the links of the READMEs absolute. TAG is for a release: it must be the version, and the changelog
must have been released. Without TAG, a missing release of the changelog is made in the copy.

The same commit gives the same MANIFEST.json everywhere, and the same file where Python compresses alike.
"""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import io
import json
import os
import re
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / "build"
MANIFEST = "MANIFEST.json"
FILES = "FILES.json"
_LINK = re.compile(r"(!?)\[((?:[^][]|\[[^]]*\])*)\]\((?!https?:|mailto:|#)([^)\s]+)\)")


class ArtifactError(Exception):
    """The artifact cannot be built. The message states the next step."""


@dataclasses.dataclass(frozen=True)
class Artifact:
    """A built artifact. digests: SHA-256 of MANIFEST.json and of FILES.json."""

    path: Path
    files: tuple[str, ...]
    digests: dict[str, str]

    def __str__(self) -> str:
        lines = [f"{self.path}: {len(self.files)} files, {self.path.stat().st_size:,} bytes"]
        return "\n".join([*lines, *(f"{name}: SHA-256 {digest}" for name, digest in self.digests.items())])


def build(repository: str, output: Path, tag: str = "") -> Artifact:
    """Build the artifact into a directory.

    :raises ArtifactError: the repository, the tag or the changelog is wrong.
    """
    check_repository(repository)
    with tempfile.TemporaryDirectory() as name:
        copy = Path(_output([str(ROOT / "tests/tools/copy.sh"), name], ROOT).strip())
        version = read_galaxy(copy)["version"]
        fill(copy, repository)
        if not is_released(copy, version):
            if tag:
                raise ArtifactError(f"The changelog has no release {version}. Run antsibull-changelog release first.")
            _output(["antsibull-changelog", "release", "--date", _date()], copy)
        if tag not in ("", version):
            raise ArtifactError(f"The tag is {tag}, but the version in galaxy.yml is {version}. Use the same.")
        built = Path(name, "built")
        _output(["ansible-galaxy", "collection", "build", "--output-path", str(built)], copy)
        (archive,) = built.iterdir()
        output.mkdir(exist_ok=True)
        return normalise(archive, output / archive.name)


def check_repository(repository: str) -> None:
    """:raises ArtifactError: it is not the address of a repository."""
    if not re.fullmatch(r"https://[\w.-]+/[\w.-]+(/[\w.-]+)*(?<!\.git)", repository):
        raise ArtifactError(
            f"REPOSITORY is {repository!r}. Give the public address of the repository, which Galaxy requires: "
            "make artifact REPOSITORY=https://github.com/<owner>/<name>"
        )


def read_galaxy(copy: Path) -> dict[str, Any]:
    """Return the content of galaxy.yml."""
    content: dict[str, Any] = yaml.safe_load((copy / "galaxy.yml").read_text(encoding="utf-8"))
    return content


def fill(copy: Path, repository: str) -> None:
    """Put the address of the repository into galaxy.yml, and into the links of the READMEs, which Galaxy shows."""
    galaxy = read_galaxy(copy)
    galaxy |= {
        "repository": repository,
        "documentation": f"{repository}/blob/{galaxy['version']}/README.md",
        "homepage": repository,
        "issues": f"{repository}/issues",
    }
    (copy / "galaxy.yml").write_text(yaml.safe_dump(galaxy, sort_keys=False), encoding="utf-8")
    for readme in (copy / "README.md", *copy.glob("roles/*/README.md")):
        base = readme.parent.relative_to(copy)
        text = absolute_links(readme.read_text(encoding="utf-8"), base, repository, galaxy["version"])
        readme.write_text(text, encoding="utf-8")


def absolute_links(text: str, directory: Path, repository: str, version: str) -> str:
    """Make the links of a Markdown text in a directory of the checkout absolute, with the form that GitHub has."""

    def replace(found: re.Match[str]) -> str:
        image, label, target = found.groups()
        path, hash_sign, anchor = target.partition("#")
        kind = "raw" if image else "blob"
        label = _LINK.sub(replace, label)
        relative = Path(os.path.normpath(directory / path)).as_posix()
        return f"{image}[{label}]({repository}/{kind}/{version}/{relative}{hash_sign}{anchor})"

    return _LINK.sub(replace, text)


def is_released(copy: Path, version: str) -> bool:
    """Return whether the changelog has a release of the version.

    :raises ArtifactError: it has one, and there are changes after it.
    """
    changelog = copy / "changelogs/changelog.yaml"
    if not changelog.exists() or version not in yaml.safe_load(changelog.read_text(encoding="utf-8"))["releases"]:
        return False
    later = sorted(path.name for path in copy.glob("changelogs/fragments/*.yml"))
    if later:
        raise ArtifactError(
            f"The changelog has a release {version}, and changelogs/fragments has later changes: {', '.join(later)}. "
            "Raise the version in galaxy.yml."
        )
    return True


def normalise(archive: Path, target: Path) -> Artifact:
    """Write an archive again with sorted files and no times. ansible-galaxy lists files as the file system does."""
    with tarfile.open(archive) as tar:
        members = {member.name: (member, _content(tar, member)) for member in tar}
    listed = json.loads(members[FILES][1])
    listed["files"].sort(key=lambda entry: entry["name"])
    files = json.dumps(listed, indent=True).encode()
    manifest = json.loads(members[MANIFEST][1])
    manifest["file_manifest_file"]["chksum_sha256"] = hashlib.sha256(files).hexdigest()
    contents = {MANIFEST: json.dumps(manifest, indent=True).encode(), FILES: files}
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:
        for name in (MANIFEST, FILES, *sorted(members.keys() - contents.keys())):
            member, content = members[name]
            content = contents.get(name, content)
            tar.addfile(_without_time(member, len(content)), io.BytesIO(content))
    target.write_bytes(gzip.compress(raw.getvalue(), mtime=0))
    names = tuple(sorted(name for name, (member, _content) in members.items() if not member.isdir()))
    return Artifact(target, names, {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()})


def _without_time(member: tarfile.TarInfo, size: int) -> tarfile.TarInfo:
    made = tarfile.TarInfo(member.name)
    made.type, made.mode, made.linkname, made.size = member.type, member.mode, member.linkname, size
    return made


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = tar.extractfile(member)
    return file.read() if file else b""


def contents(artifact: Path) -> Iterator[tuple[str, str]]:
    """Yield name and text of each file of an artifact."""
    with tarfile.open(artifact) as tar:
        for member in tar:
            if member.isfile():
                yield member.name, _content(tar, member).decode(errors="replace")


def _date() -> str:
    """Return the date of the commit: the same commit gives the same changelog on each day."""
    return _output(["git", "log", "-1", "--format=%cs"], ROOT).strip()


def _output(command: list[str], directory: Path) -> str:
    """Run a command and return its output. Programs of the virtual environment are found.

    :raises ArtifactError: the command failed.
    """
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        command, cwd=directory, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise ArtifactError(f"{command[0]} failed: {done.stdout}{done.stderr}")
    return done.stdout


def main(repository: str = "", tag: str = "") -> int:
    """Build the artifact, print what it is, and return the exit status."""
    try:
        print(build(repository, BUILD, tag))
    except ArtifactError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
