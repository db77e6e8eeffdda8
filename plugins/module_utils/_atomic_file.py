# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read and replace small private files that other programs also write. Private to this collection.

A file is checked before it is read, and replaced in one step.
"""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import fcntl
import os
import pwd
import stat
import time
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils._errors import CollectionError

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


class FileError(CollectionError):
    """A file cannot be used. The message names the next step and holds none of the file's content."""


@dataclasses.dataclass(frozen=True)
class Content:
    """The content of a file and its permission bits. repr() shows no content."""

    data: bytes = dataclasses.field(repr=False)
    mode: int


def beside(path: str, suffix: str) -> str:
    """Return the path of a hidden file in the same directory."""
    directory, name = os.path.split(path)
    return os.path.join(directory, f".{name.lstrip('.')}.{suffix}")


def read(path: str) -> Content | None:
    """Read a file; None if it does not exist.

    Raises FileError for a symbolic link, a file of another user, and anything that is not a regular file.
    """
    try:
        _check(path, os.lstat(path))
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with open(descriptor, "rb") as file:
            info = os.fstat(descriptor)
            _check(path, info)
            return Content(file.read(), stat.S_IMODE(info.st_mode))
    except FileNotFoundError:
        return None
    except OSError as exc:
        raise FileError(
            f"{path} cannot be read: {exc.strerror}. Run as a user who has read permission, or use another path."
        ) from exc


def _check(path: str, info: os.stat_result) -> None:
    if stat.S_ISLNK(info.st_mode):
        raise FileError(
            f"{path} is a symbolic link. Writing would replace the link, not its target. Use the target as path: "
            f"{os.path.realpath(path)}"
        )
    if stat.S_ISDIR(info.st_mode):
        raise FileError(f"{path} is a directory. Use a file in it, such as {os.path.join(path, 'config.json')}.")
    if not stat.S_ISREG(info.st_mode):
        raise FileError(f"{path} is not a regular file. Use another path.")
    if info.st_uid != os.geteuid():
        owner, user = _user(info.st_uid), _user(os.geteuid())
        raise FileError(
            f"{path} belongs to {owner}, and the task runs as {user}. Run the task as {owner} (become_user), or use "
            "another path."
        )


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def write(path: str, data: bytes, mode: int = PRIVATE) -> None:
    """Create or replace the file in one step. A reader sees either the old content or the new.

    The caller must hold the lock: the temporary file has a fixed name, because the next run then removes the one of a
    run that was killed. Raises FileError; the old file is then unchanged.
    """
    temporary = beside(path, _TEMPORARY)
    try:
        _unlink(temporary)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, PRIVATE)
        try:
            with open(descriptor, "wb") as file:
                file.write(data)
                os.fchmod(descriptor, mode)
                file.flush()
                os.fsync(descriptor)
            os.replace(temporary, path)
        except BaseException:
            _unlink(temporary)
            raise
    except OSError as exc:
        raise _write_error(path, exc) from exc


def remove(path: str) -> None:
    """Delete the file if it exists. Raises FileError."""
    try:
        _unlink(path)
    except OSError as exc:
        raise _write_error(path, exc) from exc


def _unlink(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def _write_error(path: str, exc: OSError) -> FileError:
    other = f"{exc.strerror}. Run as a user who has write permission in its directory, or use another path"
    return FileError(f"{path} was not changed: {_WRITE_PROBLEMS.get(exc.errno or 0, other)}.")


@contextlib.contextmanager
def locked(path: str, timeout: float = LOCK_TIMEOUT) -> t.Iterator[None]:
    """Lock the file against other tasks of this collection, and create its directory. Raises FileError."""
    lock = beside(path, _LOCK)
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        descriptor = _acquire(path, lock, time.monotonic() + timeout)
    except OSError as exc:
        raise _write_error(path, exc) from exc
    try:
        # It is left from a run that was killed: only the holder of the lock writes it.
        _unlink(beside(path, _TEMPORARY))
        yield
    finally:
        # Delete the file before the lock is released: a waiting task then sees that its file is not the current one.
        os.unlink(lock)
        os.close(descriptor)


def _acquire(path: str, lock: str, deadline: float) -> int:
    while True:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, PRIVATE)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_current(lock, descriptor):
                return descriptor
        except BlockingIOError:
            if time.monotonic() > deadline:
                os.close(descriptor)
                raise FileError(
                    f"Another task has locked {path} for too long (lock file {lock}). Run again when that task has "
                    "ended."
                ) from None
            time.sleep(_LOCK_PAUSE)
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _is_current(lock: str, descriptor: int) -> bool:
    """Whether the path of the lock file still names the opened file."""
    try:
        return os.path.samestat(os.stat(lock), os.fstat(descriptor))
    except FileNotFoundError:
        return False
