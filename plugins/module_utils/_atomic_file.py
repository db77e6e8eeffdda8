# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Small private files that others write as well: read with suspicion, replaced whole or not at all. Private to this
collection.
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
    errno.EBUSY: "it is mounted by itself, so that nothing can replace it. Mount its folder, or give another path",
    errno.ENOSPC: "the disk is full. Free some space and run again",
    errno.EDQUOT: "the quota is used up. Free some space and run again",
    errno.EFBIG: "the limit on the size of files is reached. Raise it and run again",
    errno.EROFS: "the file system is read-only. Give a path that can be written",
}


class FileError(CollectionError):
    """A file that cannot be used, with the next step. The message never holds any of its content."""


@dataclasses.dataclass(frozen=True)
class Content:
    """What a file holds, and its permission bits. repr() shows no content."""

    data: bytes = dataclasses.field(repr=False)
    mode: int


def beside(path: str, suffix: str) -> str:
    """A hidden file of ours in the same folder."""
    folder, name = os.path.split(path)
    return os.path.join(folder, f".{name.lstrip('.')}.{suffix}")


def read(path: str) -> Content | None:
    """None if there is no such file. Raises FileError for a symbolic link, another user's file, and what is no file."""
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
        raise FileError(f"{path} cannot be read: {exc.strerror}. Run as a user who may, or give another path.") from exc


def _check(path: str, info: os.stat_result) -> None:
    if stat.S_ISLNK(info.st_mode):
        raise FileError(
            f"{path} is a symbolic link, which replacing it would cut. Give the file that it leads to "
            f"({os.path.realpath(path)}) as path."
        )
    if stat.S_ISDIR(info.st_mode):
        raise FileError(f"{path} is a folder. Give the file in it, such as {os.path.join(path, 'config.json')}.")
    if not stat.S_ISREG(info.st_mode):
        raise FileError(f"{path} is not a regular file. Give another path.")
    if info.st_uid != os.geteuid():
        owner, user = _user(info.st_uid), _user(os.geteuid())
        raise FileError(
            f"{path} belongs to {owner}, and the task runs as {user}. Run it as {owner} (become_user), or give another "
            "path."
        )


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"the user {uid}"


def write(path: str, data: bytes, mode: int = PRIVATE) -> None:
    """Replace the file, or make it, in one step; whoever reads it sees the old content or the new.

    To be called with the lock held: the temporary file has a fixed name, so that what a killed run leaves of it goes
    with the next one. Raises FileError, and the old file is then as it was.
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
    """Delete the file, if it is there. Raises FileError."""
    try:
        _unlink(path)
    except OSError as exc:
        raise _write_error(path, exc) from exc


def _unlink(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


def _write_error(path: str, exc: OSError) -> FileError:
    other = f"{exc.strerror}. Run as a user who may write to its folder, or give another path"
    return FileError(f"{path} was left as it is: {_WRITE_PROBLEMS.get(exc.errno or 0, other)}.")


@contextlib.contextmanager
def locked(path: str, timeout: float = LOCK_TIMEOUT) -> t.Iterator[None]:
    """Keeps other runs of ours away from the file. Makes its folder. Raises FileError."""
    lock = beside(path, _LOCK)
    try:
        os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
        descriptor = _acquire(path, lock, time.monotonic() + timeout)
    except OSError as exc:
        raise _write_error(path, exc) from exc
    try:
        # Whoever wrote it was killed: nobody else writes it now.
        _unlink(beside(path, _TEMPORARY))
        yield
    finally:
        # Before the lock is let go: whoever waits for it looks whether it is still the one with this name.
        os.unlink(lock)
        os.close(descriptor)


def _acquire(path: str, lock: str, deadline: float) -> int:
    while True:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, PRIVATE)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_still(lock, descriptor):
                return descriptor
        except BlockingIOError:
            if time.monotonic() > deadline:
                os.close(descriptor)
                raise FileError(
                    f"Another run has been writing {path} for a long time (it holds {lock}). Run again when it has "
                    "ended."
                ) from None
            time.sleep(_LOCK_PAUSE)
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _is_still(lock: str, descriptor: int) -> bool:
    try:
        return os.path.samestat(os.stat(lock), os.fstat(descriptor))
    except FileNotFoundError:
        return False
