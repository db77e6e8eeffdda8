# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils._directory import Directory
from ansible_collections.freshpull.ecr_public.plugins.module_utils._errors import FileError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._file_owner import Owner
from unit.plugins.module_utils.accounts import ALICE, BOB, ROOT, Accounts


@pytest.fixture
def accounts(monkeypatch: pytest.MonkeyPatch) -> Accounts:
    return Accounts(monkeypatch)


@pytest.fixture
def home(tmp_path: Path, accounts: Accounts) -> Path:
    """The home directory of alice."""
    home = tmp_path / "home"
    home.mkdir()
    return accounts.set(home, ALICE)


def create(path: Path, owner: Owner) -> str:
    directory = Directory(str(path))
    try:
        directory.create(owner)
        return directory.path
    finally:
        directory.close()


def inherited(path: Path) -> Owner:
    directory = Directory(str(path))
    try:
        return directory.owner_of_new
    finally:
        directory.close()


def test_new_directories_are_private_and_an_existing_one_keeps_its_owner(home: Path, accounts: Accounts) -> None:
    assert create(home / "a" / "b", ALICE) == str(home / "a" / "b")
    for path in (home / "a", home / "a" / "b"):
        assert accounts.of(path) == ALICE
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
    create(home / "a" / "b" / "c", BOB)
    assert [accounts.of(home / name) for name in ("a", "a/b", "a/b/c")] == [ALICE, ALICE, BOB]


def test_what_root_creates_belongs_to_the_owner_of_the_nearest_parent(home: Path) -> None:
    assert inherited(home / "a" / "b") == inherited(home) == ALICE
    assert inherited(home.parent / "a") == ROOT


def test_what_another_user_creates_belongs_to_that_user(home: Path, accounts: Accounts) -> None:
    accounts.user = BOB
    assert inherited(home) == BOB
    home.chmod(0o2770)
    assert inherited(home) == Owner(BOB.uid, ALICE.gid)


@pytest.mark.parametrize(
    ("link_owner", "target_owner", "followed"),
    [
        (ALICE, ALICE, True),
        (ALICE, ROOT, False),
        (ALICE, BOB, False),
        # alice can rename each link in a directory of her own.
        (ROOT, ROOT, False),
        (ROOT, ALICE, True),
    ],
)
@pytest.mark.parametrize("relative", [True, False])
def test_root_follows_a_link_in_a_user_s_directory_only_to_that_user(
    home: Path, accounts: Accounts, link_owner: Owner, target_owner: Owner, followed: bool, relative: bool
) -> None:
    target = home.parent / "target"
    target.mkdir()
    accounts.set(target, target_owner)
    link = home / ".docker"
    link.symlink_to("../target" if relative else target)
    accounts.set(link, link_owner)
    if followed:
        assert create(link / "a", ALICE) == str(target / "a")
        return
    with pytest.raises(FileError, match=rf"{link} is a symbolic link that user 61000 controls.*{target}.*become_user"):
        create(link / "a", ALICE)
    assert os.listdir(target) == []
    accounts.user = ALICE
    assert create(link / "a", ALICE) == str(target / "a")


def test_a_link_of_root_is_followed(home: Path, accounts: Accounts) -> None:
    link = home.parent / "link"
    link.symlink_to(home)
    assert create(link / "a", ALICE) == str(home / "a")
    assert accounts.of(home / "a") == ALICE


def test_a_link_to_a_missing_directory_is_an_error(home: Path) -> None:
    """The directory can be on a file system that is not mounted."""
    link = home / ".docker"
    link.symlink_to("gone/x")
    with pytest.raises(
        FileError, match=rf"{link} is a symbolic link, and its target is in {home}/gone, which does not"
    ):
        create(link, ALICE)


def test_links_in_a_circle_are_an_error(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    with pytest.raises(OSError, match="Too many levels"):
        create(tmp_path / "a", ROOT)


@pytest.mark.parametrize("trap", ["link", "directory", "full"])
def test_a_new_directory_that_is_replaced_at_once_is_not_given_away(
    home: Path, accounts: Accounts, monkeypatch: pytest.MonkeyPatch, trap: str
) -> None:
    other = home.parent / "other"
    other.mkdir()
    if trap == "full":
        (other / "secret").touch()
    accounts.set(other, BOB if trap == "directory" else ROOT)
    mkdir = os.mkdir

    def trapped(name: str, mode: int, **directory: int) -> None:
        mkdir(name, mode, **directory)
        (home / name).rmdir()
        (home / name).symlink_to(other) if trap == "link" else other.rename(home / name)

    monkeypatch.setattr(os, "mkdir", trapped)
    if trap == "link":
        with pytest.raises(OSError, match="Not a directory"):
            create(home / "new", ALICE)
        assert accounts.of(other) == ROOT
    else:
        create(home / "new", ALICE)
        assert accounts.of(home / "new") == (BOB if trap == "directory" else ROOT)


def test_a_directory_that_cannot_be_given_away_is_not_left(home: Path, accounts: Accounts) -> None:
    accounts.unchangeable = True
    with pytest.raises(FileError, match=r"cannot belong to user 61000.*not permitted.*set owner: .* and group: "):
        create(home / "a", ALICE)
    assert os.listdir(home) == []
