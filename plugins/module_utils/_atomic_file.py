# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read and replace small private files that other programs also write. Private to this collection.

A file is checked before it is read, and replaced in one step. Each call opens the file's directory first, see
_directory. Where a function has the parameter owner, this is the owner of what it creates.
"""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import fcntl
import os
import stat
import time
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils._directory import Directory, opened
from ansible_collections.freshpull.ecr_public.plugins.module_utils._errors import FileError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._file_owner import (
    ROOT,
    Owner,
    describe_user,
    give,
    owner_of,
)

PRIVATE = 0o600
LOCK_TIMEOUT = 60.0  # seconds
_LOCK_PAUSE = 0.02  # seconds
_LOCK, _TEMPORARY = "freshpull-lock", "freshpull-new"

_WRITE_PROBLEMS = {
    errno.EBUSY: "it is a mount point and cannot be replaced. Mount its directory instead, or use another path",
    errno.ENOSPC: "the disk is full. Free some space and run again",
    errno.EDQUOT: "the quota is used up. Free some space and run again",
    errno.EFBIG: "the file size limit is reached. Raise the limit and run again",
    errno.EROFS: "the file system is read-only. Use a path that can be written",
}


@dataclasses.dataclass(frozen=True)
class Content:
    """The content of a file, its permission bits, its user and its group. repr() shows no content."""

    data: bytes = dataclasses.field(repr=False)
    mode: int
    owner: Owner


def beside(path: str, suffix: str) -> str:
    """Return the path of a hidden file in the same directory."""
    directory, name = os.path.split(path)
    return os.path.join(directory, f".{name.lstrip('.')}.{suffix}")


def read(path: str, *, any_owner: bool = False) -> Content | None:
    """Read a file; None if it does not exist.

    Raises FileError for a symbolic link, anything that is not a regular file, and a file of another user. root can read
    a file of another user, but if any user could have put it there, only with any_owner.
    """
    try:
        with opened(path) as (directory, name):
            if directory.missing:
                return None
            _check(path, os.stat(name, dir_fd=directory.descriptor, follow_symlinks=False), directory, any_owner)
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
            descriptor = os.open(name, flags, dir_fd=directory.descriptor)
            with open(descriptor, "rb") as file:
                info = os.fstat(descriptor)
                _check(path, info, directory, any_owner)
                return Content(file.read(), stat.S_IMODE(info.st_mode), Owner(info.st_uid, info.st_gid))
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise _read_error(path, exc) from exc


def _read_error(path: str, exc: OSError) -> FileError:
    return FileError(
        f"{path} cannot be read: {exc.strerror}. Run as a user who has read permission, or use another path."
    )


def target_of(path: str) -> str:
    """Return the path of the file that a symbolic link leads to, which may be missing. Other paths stay as they are.

    Raises FileError if a directory on the way is missing, or if root must not follow the link.
    """
    try:
        with opened(path) as (directory, name):
            while not directory.missing:
                try:
                    descriptor = os.open(name, os.O_PATH | os.O_NOFOLLOW, dir_fd=directory.descriptor)
                except FileNotFoundError:
                    break
                try:
                    if not stat.S_ISLNK(os.fstat(descriptor).st_mode):
                        break
                    name, path = directory.follow(name, descriptor)
                finally:
                    os.close(descriptor)
            return path
    except OSError as exc:
        raise _read_error(path, exc) from exc


def owner_of_new(path: str) -> Owner:
    """Return the owner that a new file and its new directories get. Raises FileError."""
    try:
        with opened(path) as (directory, _name):
            return directory.owner_of_new
    except OSError as exc:
        raise _write_error(path, exc) from exc


def _check(path: str, info: os.stat_result, directory: Directory, any_owner: bool) -> None:
    if stat.S_ISLNK(info.st_mode):
        raise FileError(
            f"{path} is a symbolic link. Set follow: true to keep the link and write its target, "
            f"{os.path.realpath(path)}, or use the target as path."
        )
    if stat.S_ISDIR(info.st_mode):
        raise FileError(f"{path} is a directory. Use a file in it, such as {os.path.join(path, 'config.json')}.")
    if not stat.S_ISREG(info.st_mode):
        raise FileError(f"{path} is not a regular file. Use another path.")
    owner, parent, user = info.st_uid, owner_of(directory.descriptor).uid, os.geteuid()
    if user == ROOT and info.st_nlink > 1 and (owner, parent) != (ROOT, ROOT):
        raise FileError(f"{path} has a second name (a hard link), so it can be another file. Remove it and run again.")
    if owner == user:
        return
    belongs = f"{path} belongs to {describe_user(owner)}, and the task runs as {describe_user(user)}"
    if user != ROOT:
        raise FileError(f"{belongs}. Run the task as {describe_user(owner)} (become_user), or use another path.")
    if not any_owner and owner != parent and directory.is_open_to_others:
        raise FileError(
            f"{belongs}, in a directory in which other users can create files. Set owner to the user who may read "
            "the login, or use another path."
        )


def write(path: str, data: bytes, mode: int, owner: Owner) -> None:
    """Create or replace the file in one step. A reader sees either the old content or the new.

    The caller must hold the lock: the temporary file has a fixed name, because the next run then removes the one of a
    run that was killed. Raises FileError; the old file is then unchanged.
    """
    try:
        with opened(path) as (directory, name):
            _replace(path, name, directory.descriptor, data, mode, owner)
    except OSError as exc:
        raise _write_error(path, exc) from exc


def _replace(path: str, name: str, directory: int, data: bytes, mode: int, owner: Owner) -> None:
    temporary = beside(name, _TEMPORARY)
    _unlink(temporary, directory)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, PRIVATE, dir_fd=directory)
    try:
        with open(descriptor, "wb") as file:
            file.write(data)
            give(path, descriptor, owner, shared=bool(mode & stat.S_IRWXG))
            os.fchmod(descriptor, mode)
            file.flush()
            os.fsync(descriptor)
        os.replace(temporary, name, src_dir_fd=directory, dst_dir_fd=directory)
    except BaseException:
        _unlink(temporary, directory)
        raise


def remove(path: str) -> None:
    """Delete the file if it exists. Raises FileError."""
    try:
        with opened(path) as (directory, name):
            if not directory.missing:
                _unlink(name, directory.descriptor)
    except OSError as exc:
        raise _write_error(path, exc) from exc


def _unlink(name: str, directory: int) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(name, dir_fd=directory)


def _write_error(path: str, exc: OSError) -> FileError:
    other = f"{exc.strerror}. Run as a user who has write permission in its directory, or use another path"
    return FileError(f"{path} was not changed: {_WRITE_PROBLEMS.get(exc.errno or 0, other)}.")


@contextlib.contextmanager
def locked(path: str, owner: Owner, timeout: float = LOCK_TIMEOUT) -> t.Iterator[None]:
    """Lock the file against other tasks of this collection, and create its directory. Raises FileError."""
    with contextlib.ExitStack() as stack:
        try:
            directory, name = stack.enter_context(opened(path))
            directory.create(owner)
            lock = beside(name, _LOCK)
            stack.callback(os.close, _acquire(path, lock, directory.descriptor, owner, time.monotonic() + timeout))
        except OSError as exc:
            raise _write_error(path, exc) from exc
        # Delete the file before the lock is released: a waiting task then sees that its file is not the current one.
        stack.callback(os.unlink, lock, dir_fd=directory.descriptor)
        # It is left from a run that was killed: only the holder of the lock writes it.
        _unlink(beside(name, _TEMPORARY), directory.descriptor)
        yield


def _acquire(path: str, lock: str, directory: int, owner: Owner, deadline: float) -> int:
    while True:
        with contextlib.ExitStack() as stack:
            try:
                descriptor = _open_lock(path, lock, directory, owner)
                stack.callback(os.close, descriptor)
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if _is_current(lock, directory, descriptor):
                    stack.pop_all()
                    return descriptor
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise FileError(
                        f"Another task has locked {path} for too long (lock file {beside(path, _LOCK)}). Run again "
                        "when that task has ended."
                    ) from None
                time.sleep(_LOCK_PAUSE)


def _open_lock(path: str, lock: str, directory: int, owner: Owner) -> int:
    """Create or open the lock file. Raises BlockingIOError if another task has not yet given it to its owner."""
    while True:
        try:
            descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, PRIVATE, dir_fd=directory)
            break
        except FileExistsError:
            try:
                return os.open(lock, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=directory)
            except FileNotFoundError:
                continue
            except PermissionError as exc:
                raise BlockingIOError from exc
    try:
        give(path, descriptor, owner, shared=False)
    except BaseException:
        _unlink(lock, directory)
        os.close(descriptor)
        raise
    return descriptor


def _is_current(lock: str, directory: int, descriptor: int) -> bool:
    """Whether the name of the lock file still names the opened file."""
    try:
        return os.path.samestat(os.stat(lock, dir_fd=directory, follow_symlinks=False), os.fstat(descriptor))
    except FileNotFoundError:
        return False
