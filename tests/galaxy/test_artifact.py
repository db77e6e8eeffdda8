# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The artifact itself: reproducible, with what users need and nothing else, and installable."""

from __future__ import annotations

import dataclasses
import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from galaxy.clean import REPOSITORY, Clean
from support.galaxy_server import link_dependencies
from tools.artifact import FILES, MANIFEST, ROOT, Artifact, build, contents

NAME = "freshpull.ecr_public"
ROOT_FILES = {"CHANGELOG.md", "COPYING", "README.md", "REUSE.toml", "SECURITY.md", "requirements.txt", MANIFEST, FILES}
DIRECTORIES = {"LICENSES", "changelogs", "docs", "extensions", "meta", "playbooks", "plugins", "roles", "tests"}
USED_BY_TOOLS = {
    "changelogs/changelog.yaml",
    "changelogs/config.yaml",
    "extensions/prometheus/ecr_public_refresher.rules.yml",
    "tests/config.yml",
}
"""Beside documentation and code."""


@pytest.fixture(scope="module")
def texts(artifact: Artifact) -> dict[str, str]:
    return dict(contents(artifact.path))


# --- Content


def test_two_builds_are_the_same(artifact: Artifact, tmp_path: Path) -> None:
    again = build(REPOSITORY, tmp_path)
    assert again.digests == artifact.digests
    assert again.path.read_bytes() == artifact.path.read_bytes()


def test_it_contains_what_users_need(texts: dict[str, str]) -> None:
    assert {name for name in texts if "/" not in name} == ROOT_FILES
    assert {name.partition("/")[0] for name in texts if "/" in name} == DIRECTORIES
    partly = ("changelogs/", "extensions/", "tests/")
    assert {name for name in texts if name.startswith(partly)} == USED_BY_TOOLS


@pytest.mark.parametrize("directory", ["docs", "meta", "playbooks", "plugins", "roles"])
def test_directories_are_complete(texts: dict[str, str], directory: str) -> None:
    listed = subprocess.check_output(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", directory], cwd=ROOT, text=True
    )
    there = {name for name in listed.split("\0") if name and (ROOT / name).is_file()}
    assert {name for name in texts if name.startswith(f"{directory}/")} == there


def test_galaxy_gets_the_addresses(texts: dict[str, str]) -> None:
    metadata = json.loads(texts[MANIFEST])["collection_info"]
    version = metadata["version"]
    assert {key: metadata[key] for key in ("repository", "homepage", "issues", "documentation")} == {
        "repository": REPOSITORY,
        "homepage": REPOSITORY,
        "issues": f"{REPOSITORY}/issues",
        "documentation": f"{REPOSITORY}/blob/{version}/README.md",
    }


@pytest.mark.parametrize("name", ["README.md", "roles/pull_secret/README.md"])
def test_links_of_the_readmes_are_absolute_and_lead_to_files(texts: dict[str, str], name: str) -> None:
    targets = re.findall(r"\]\(([^)\s]+)\)", texts[name])
    assert [target for target in targets if not target.startswith(("https://", "#"))] == []
    own = [target for target in targets if target.startswith(REPOSITORY)]
    assert own
    paths = [re.sub(rf"^{REPOSITORY}/(?:blob|raw)/[^/]+/|#.*$", "", target) for target in own]
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_the_changelog_has_the_version(texts: dict[str, str]) -> None:
    version = json.loads(texts[MANIFEST])["collection_info"]["version"]
    assert version in yaml.safe_load(texts["changelogs/changelog.yaml"])["releases"]
    assert f'<a id="v{version.replace(".", "-")}"></a>' in texts["CHANGELOG.md"]


# --- Installation


@pytest.fixture(scope="module")
def installed(artifact: Artifact, clean: Clean) -> Path:
    """The directory of collections with the installed artifact, and its dependencies linked into it."""
    path = clean.home / ".ansible/collections"
    clean.output("ansible-galaxy", "collection", "install", "--offline", "--no-deps", str(artifact.path))
    link_dependencies(path)
    return path / "ansible_collections"


def described(clean: Clean, kind: str) -> dict[str, Any]:
    """Return what ansible-doc shows of all plugins or roles of one kind."""
    listed = json.loads(clean.output("ansible-doc", "--list", "--json", "--type", kind, NAME))
    shown: dict[str, Any] = json.loads(clean.output("ansible-doc", "--json", "--type", kind, *listed))
    return shown


@pytest.mark.parametrize(("kind", "directory"), [("module", "modules"), ("lookup", "lookup"), ("filter", "filter")])
def test_ansible_doc_shows_every_plugin(installed: Path, clean: Clean, kind: str, directory: str) -> None:
    shown = described(clean, kind)
    assert shown.keys() == {f"{NAME}.{path.stem}" for path in (ROOT / "plugins" / directory).glob("[!_]*.py")}
    for plugin in shown.values():
        assert plugin["doc"]["filename"].startswith(str(installed))
        assert plugin["examples"]


def test_ansible_doc_shows_every_role(installed: Path, clean: Clean) -> None:
    shown = described(clean, "role")
    assert shown.keys() == {f"{NAME}.{path.name}" for path in (ROOT / "roles").iterdir()}
    assert all(role["path"].startswith(str(installed)) and role["entry_points"] for role in shown.values())


@pytest.mark.parametrize("playbook", [path.stem for path in (ROOT / "playbooks").glob("*.yml")])
def test_playbooks_are_found(installed: Path, clean: Clean, playbook: str) -> None:
    shown = clean.output("ansible-playbook", "--syntax-check", f"{NAME}.{playbook}")
    assert f"playbook: {installed / 'freshpull/ecr_public/playbooks' / playbook}.yml" in shown


# --- Signatures


@dataclasses.dataclass(frozen=True)
class Signed:
    """signature: of MANIFEST.json, detached. keyring: with the public key."""

    signature: Path
    keyring: Path


@pytest.fixture(scope="module")
def signed(texts: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Signed]:
    """The artifact's manifest, signed as CONTRIBUTING.md describes, with a key of the tests."""
    directory = tmp_path_factory.mktemp("signed")
    (directory / MANIFEST).write_text(texts[MANIFEST], encoding="utf-8")
    result = Signed(directory / "signature.asc", directory / "keyring.kbx")
    # The name of gpg's socket must be short.
    with tempfile.TemporaryDirectory(prefix="gpg") as home:

        def gpg(*arguments: str) -> None:
            subprocess.run(["gpg", "--homedir", home, "--batch", "--quiet", *arguments], check=True, cwd=directory)

        gpg("--passphrase", "", "--quick-generate-key", "Test <test@example.com>", "default", "default", "never")
        gpg("--armor", "--output", str(result.signature), "--detach-sign", MANIFEST)
        gpg("--output", "public.gpg", "--export")
        gpg("--no-default-keyring", "--keyring", str(result.keyring), "--import", "public.gpg")
        subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], check=True)
        yield result


def verify(clean: Clean, signed: Signed, collections: Path) -> subprocess.CompletedProcess[str]:
    return clean.run(
        *("ansible-galaxy", "collection", "verify", "--offline", NAME, "--keyring", str(signed.keyring)),
        *("--signature", f"file://{signed.signature}"),
        ANSIBLE_COLLECTIONS_PATH=str(collections),
        ANSIBLE_GALAXY_REQUIRED_VALID_SIGNATURE_COUNT="+all",
    )


def test_a_signature_is_accepted(installed: Path, clean: Clean, signed: Signed) -> None:
    done = verify(clean, signed, installed)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_changed_manifest_is_rejected(installed: Path, clean: Clean, signed: Signed, tmp_path: Path) -> None:
    target = tmp_path / "ansible_collections/freshpull"
    shutil.copytree(installed / "freshpull", target)
    manifest = target / "ecr_public" / MANIFEST
    manifest.write_text(manifest.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    done = verify(clean, signed, tmp_path)
    assert done.returncode == 1
    assert "Signature verification failed" in done.stdout + done.stderr
