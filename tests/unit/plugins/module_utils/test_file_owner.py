# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import grp
import os
import pwd
from pathlib import Path

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _file_owner
from ansible_collections.freshpull.ecr_public.plugins.module_utils._errors import FileError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._file_owner import Owner
from unit.plugins.module_utils.accounts import ALICE, BOB, ROOT, Accounts


def give(path: Path, owner: Owner, *, shared: bool = False) -> None:
    with path.open() as file:
        _file_owner.give(str(path), file.fileno(), owner, shared=shared)


@pytest.fixture
def accounts(monkeypatch: pytest.MonkeyPatch) -> Accounts:
    return Accounts(monkeypatch)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.touch()
    return path


def test_names_and_numbers() -> None:
    root = Owner(0, 0)
    assert (root.user, root.group) == (pwd.getpwuid(0).pw_name, grp.getgrgid(0).gr_name)
    assert (_file_owner.user_id(root.user), _file_owner.group_id(root.group)) == root
    assert (ALICE.user, ALICE.group) == ("61000", "62000")
    assert _file_owner.describe_user(ALICE.uid) == "user 61000"
    assert _file_owner.describe_user(0) == root.user


def test_a_file_is_given_to_a_user_and_a_group(path: Path, accounts: Accounts) -> None:
    give(path, ALICE)
    assert accounts.of(path) == ALICE


def test_a_file_that_has_the_owner_is_not_changed(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fchown", lambda *_: pytest.fail("changed"))
    info = path.stat()
    give(path, Owner(info.st_uid, info.st_gid))


# The user that runs the task, the owner of its file, the wanted owner, whether the group has permissions.
DENIED = {
    "root without the capability": (ROOT, ROOT, ALICE, False),
    "root without the capability, the group only": (ROOT, ROOT, Owner(0, 1), False),
    "another user": (ALICE, ALICE, BOB, False),
    "another group with permissions": (ALICE, ALICE, Owner(ALICE.uid, BOB.gid), True),
}


@pytest.mark.parametrize("case", DENIED)
def test_what_the_kernel_denies_is_an_error_with_a_next_step(path: Path, accounts: Accounts, case: str) -> None:
    accounts.user, owner, wanted, shared = DENIED[case]
    accounts.set(path, owner)
    accounts.unchangeable = True
    with pytest.raises(
        FileError, match=rf"{path} was not changed: .*not permitted.*set owner: {owner.user} and group: "
    ):
        give(path, wanted, shared=shared)


def test_another_group_without_permissions_is_no_error(path: Path, accounts: Accounts) -> None:
    accounts.user = ALICE
    accounts.set(path, ALICE)
    accounts.unchangeable = True
    give(path, Owner(ALICE.uid, BOB.gid))
    assert accounts.of(path) == ALICE


def test_other_errors_are_those_of_the_system(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_args: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fchown", full)
    with pytest.raises(OSError, match="No space"):
        give(path, ALICE)
