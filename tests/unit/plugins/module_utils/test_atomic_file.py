# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import errno
import os
import stat
import threading
from pathlib import Path

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _atomic_file
from ansible_collections.freshpull.ecr_public.plugins.module_utils._errors import FileError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._file_owner import Owner
from unit.plugins.module_utils.accounts import ALICE, BOB, ROOT, Accounts

ME = Owner(os.geteuid(), os.getegid())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "directory" / "config.json"


def write(path: Path, data: bytes, mode: int = 0o600) -> None:
    with _atomic_file.locked(str(path), ME):
        _atomic_file.write(str(path), data, mode, ME)


def names(path: Path) -> list[str]:
    return sorted(entry.name for entry in path.parent.iterdir())


def test_a_new_file_is_private_and_the_only_one(path: Path) -> None:
    write(path, b"one")
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert _atomic_file.read(str(path)) == _atomic_file.Content(b"one", 0o600, ME)
    write(path, b"two", 0o640)
    assert _atomic_file.read(str(path)) == _atomic_file.Content(b"two", 0o640, ME)
    assert names(path) == ["config.json"]


def test_the_file_is_never_readable_for_other_users(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The mode is set before the rename. The wider mode of the old file is not used."""
    path.parent.mkdir()
    path.write_bytes(b"old")
    path.chmod(0o644)
    modes = []
    replace = os.replace

    def look(old: str, new: str, **directories: int) -> None:
        modes.append(stat.S_IMODE(os.stat(path.with_name(old)).st_mode))
        replace(old, new, **directories)

    monkeypatch.setattr(os, "replace", look)
    write(path, b"new")
    assert modes == [0o600]


def test_a_missing_file_is_none(path: Path) -> None:
    assert _atomic_file.read(str(path)) is None


def test_repr_shows_no_content() -> None:
    assert "secret" not in repr(_atomic_file.Content(b"secret", 0o600, ME))


def test_a_link_is_rejected_with_its_target(path: Path) -> None:
    write(path, b"one")
    link = path.with_name("link.json")
    link.symlink_to(path.name)
    with pytest.raises(FileError, match=rf"symbolic link.*{path}"):
        _atomic_file.read(str(link))


def test_only_a_regular_file_is_read(path: Path) -> None:
    path.mkdir(parents=True)
    with pytest.raises(FileError, match=r"is a directory.*config\.json/config\.json"):
        _atomic_file.read(str(path))
    os.mkfifo(path / "fifo")
    with pytest.raises(FileError, match="not a regular file"):
        _atomic_file.read(str(path / "fifo"))
    with pytest.raises(FileError, match=r"cannot be read: Not a directory"):
        _atomic_file.read(str(path / "fifo" / "config.json"))


def test_a_file_of_another_user_is_rejected(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(path, b"one")
    monkeypatch.setattr(os, "geteuid", lambda: 54321)
    with pytest.raises(FileError, match=r"the task runs as user 54321.*become_user"):
        _atomic_file.read(str(path))


# The error number of the system, and a part of the message.
PROBLEMS = {
    errno.EBUSY: "Mount its directory",
    errno.ENOSPC: "Free some space",
    errno.EDQUOT: "Free some space",
    errno.EROFS: "read-only",
    errno.EACCES: "Permission denied. Run as a user who has write permission",
}


@pytest.mark.parametrize("number", PROBLEMS)
@pytest.mark.parametrize("call", ["replace", "fsync"])
def test_a_failure_keeps_the_old_file(path: Path, monkeypatch: pytest.MonkeyPatch, call: str, number: int) -> None:
    write(path, b"old")

    def fail(*args: object, **kwargs: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, call, fail)
    with pytest.raises(FileError, match=PROBLEMS[number]):
        write(path, b"new")
    assert path.read_bytes() == b"old"
    assert names(path) == ["config.json"]


def test_the_next_run_removes_the_file_of_a_killed_run(path: Path) -> None:
    write(path, b"old")
    leftover = Path(_atomic_file.beside(str(path), "freshpull-new"))
    leftover.write_bytes(b"half a tok")
    write(path, b"new")
    assert names(path) == ["config.json"]
    leftover.write_bytes(b"half a tok")
    with _atomic_file.locked(str(path), ME):
        pass
    assert names(path) == ["config.json"]


def test_removing_a_missing_file_is_no_error(path: Path) -> None:
    _atomic_file.remove(str(path))


def test_a_directory_that_cannot_be_created_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(FileError, match=r"file/x/config\.json was not changed"):
        write(tmp_path / "file" / "x" / "config.json", b"new")


def test_the_error_after_a_long_wait_names_the_lock_file(path: Path) -> None:
    with (
        _atomic_file.locked(str(path), ME),
        pytest.raises(FileError, match="freshpull-lock"),
        _atomic_file.locked(str(path), ME, timeout=0),
    ):
        pytest.fail("two at once")
    with _atomic_file.locked(str(path), ME, timeout=0):
        pass


def test_one_task_at_a_time(path: Path) -> None:
    """Each holder of the lock removes its file while others wait for it."""
    path.parent.mkdir()
    path.write_bytes(b"0")

    def count() -> None:
        for _turn in range(20):
            with _atomic_file.locked(str(path), ME):
                content = _atomic_file.read(str(path))
                assert content
                _atomic_file.write(str(path), str(int(content.data) + 1).encode(), 0o600, ME)

    threads = [threading.Thread(target=count) for _thread in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert path.read_bytes() == b"160"
    assert names(path) == ["config.json"]


@pytest.fixture
def accounts(monkeypatch: pytest.MonkeyPatch) -> Accounts:
    return Accounts(monkeypatch)


def test_root_writes_the_file_of_another_user(path: Path, accounts: Accounts) -> None:
    with _atomic_file.locked(str(path), ALICE):
        assert accounts.of(path.with_name(".config.json.freshpull-lock")) == ALICE
        _atomic_file.write(str(path), b"one", 0o600, ALICE)
    assert _atomic_file.read(str(path)) == _atomic_file.Content(b"one", 0o600, ALICE)
    assert accounts.of(path) == accounts.of(path.parent) == ALICE


def test_the_owner_is_set_before_the_group_gets_permissions(
    path: Path, accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.parent.mkdir()
    seen = []
    fchmod = os.fchmod

    def look(descriptor: int, mode: int) -> None:
        seen.append(os.fstat(descriptor).st_gid)
        fchmod(descriptor, mode)

    monkeypatch.setattr(os, "fchmod", look)
    _atomic_file.write(str(path), b"one", 0o640, ALICE)
    assert seen == [ALICE.gid]


def test_a_file_that_any_user_could_have_created_needs_an_owner(path: Path, accounts: Accounts) -> None:
    path.parent.mkdir()
    path.write_bytes(b"one")
    accounts.set(path, ALICE)
    path.parent.chmod(0o1777)
    with pytest.raises(FileError, match=r"belongs to user 61000.*other users can create files\. Set owner"):
        _atomic_file.read(str(path))
    assert _atomic_file.read(str(path), any_owner=True)
    accounts.set(path.parent, ALICE)
    assert _atomic_file.read(str(path))


def test_a_hard_link_of_another_file_is_rejected(path: Path, accounts: Accounts) -> None:
    """A user could link root's file into a directory of their own."""
    path.parent.mkdir()
    secret = path.parent.parent / "secret"
    secret.write_bytes(b"secret")
    os.link(secret, path)
    assert _atomic_file.read(str(path))
    accounts.set(path.parent, ALICE)
    with pytest.raises(FileError, match="second name"):
        _atomic_file.read(str(path), any_owner=True)


def test_a_lock_file_that_is_not_yet_the_owner_s_is_waited_for(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """root creates the lock file of another user's file, and then gives it to that user."""
    path.parent.mkdir()
    lock = path.with_name(".config.json.freshpull-lock")
    lock.touch()
    create = os.open

    def denied(name: str, flags: int, *args: int, **directory: int) -> int:
        if name == lock.name and not flags & os.O_CREAT:
            lock.unlink()
            raise PermissionError(13, "Permission denied")
        return create(name, flags, *args, **directory)

    monkeypatch.setattr(os, "open", denied)
    with _atomic_file.locked(str(path), ME):
        pass
    assert names(path) == []


def test_a_path_without_a_file_name_is_rejected(path: Path) -> None:
    for end in ("/", "/.", "/.."):
        with pytest.raises(FileError, match=r"is a directory\. Use a file in it"):
            _atomic_file.read(f"{path}{end}")


LINKS = {"relative": "../files/target.json", "absolute": "{root}/files/target.json", "twice": "link.json"}


@pytest.mark.parametrize("exists", [True, False])
@pytest.mark.parametrize("link", LINKS)
def test_the_target_of_a_link(path: Path, link: str, exists: bool) -> None:
    path.parent.mkdir()
    target = path.parent.parent / "files" / "target.json"
    target.parent.mkdir()
    if exists:
        target.touch()
    path.with_name("link.json").symlink_to(target)
    path.symlink_to(LINKS[link].format(root=target.parent.parent))
    assert _atomic_file.target_of(str(path)) == str(target)


def test_a_path_that_is_no_link_is_its_own_target(path: Path) -> None:
    assert _atomic_file.target_of(str(path)) == str(path)
    path.parent.mkdir()
    assert _atomic_file.target_of(str(path)) == str(path)
    path.touch()
    assert _atomic_file.target_of(str(path)) == str(path)


def test_links_that_lead_to_no_file(path: Path) -> None:
    path.parent.mkdir()
    path.symlink_to("gone/target.json")
    with pytest.raises(FileError, match=rf"its target is in {path.parent}/gone, which does not exist"):
        _atomic_file.target_of(str(path))
    path.unlink()
    path.symlink_to(path.name)
    with pytest.raises(FileError, match="Too many levels"):
        _atomic_file.target_of(str(path))
    path.unlink()
    path.symlink_to("../directory/")
    with pytest.raises(FileError, match="is a directory"):
        _atomic_file.read(_atomic_file.target_of(str(path)))


@pytest.mark.parametrize("target", [ALICE, BOB, ROOT])
def test_root_follows_the_link_of_a_user_only_to_that_user_s_directory(
    path: Path, accounts: Accounts, target: Owner
) -> None:
    path.parent.mkdir()
    files = path.parent.parent / "files"
    files.mkdir()
    path.symlink_to("../files/config.json")
    for file, owner in ((path.parent, ALICE), (path, ALICE), (files, target)):
        accounts.set(file, owner)
    if target == ALICE:
        assert _atomic_file.target_of(str(path)) == str(files / "config.json")
    else:
        with pytest.raises(FileError, match="root does not follow it"):
            _atomic_file.target_of(str(path))
