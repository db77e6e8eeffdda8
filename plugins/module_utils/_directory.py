# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Open the directory of a file without trust in other users who control a part of its path. Private to this collection.

Each step opens a name in the directory that is already open, so that no step can be redirected after it was checked.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils._errors import FileError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._file_owner import (
    ROOT,
    Owner,
    describe_user,
    give,
    owner_of,
)

_MAX_LINKS = 40
"""As in the kernel."""
_CREATED_MODE = 0o700


class Directory:
    """A directory, or its nearest existing parent, open.

    descriptor: good for the dir_fd of other calls. path: without links. missing: the names below it that do not exist.
    """

    def __init__(self, path: str) -> None:
        """Open it. Raises OSError, and FileError for a link that leads nowhere or that root must not follow."""
        self.descriptor = _root()
        self.path = os.sep
        self.missing: list[str] = []
        self._links: dict[int, str] = {}
        self._followed = 0
        try:
            self._enter(path)
        except BaseException:
            self.close()
            raise

    def follow(self, name: str, link: int) -> tuple[str, str]:
        """Go to the directory to which an open symbolic link to a file leads. Return the file's name and its path."""
        directory, target = os.path.split(self._read_link(name, link))
        self._enter(directory, os.path.join(self.path, name))
        return target, os.path.join(self.path, target)

    def _enter(self, path: str, link: str = "") -> None:
        """Go to another directory, from here if the path is relative. link: the symbolic link with that path."""
        todo = self._names(path, link)
        while todo and not self.missing:
            name, link = todo.pop()
            try:
                child = os.open(name, os.O_PATH | os.O_NOFOLLOW, dir_fd=self.descriptor)
            except FileNotFoundError:
                if link:
                    raise FileError(
                        f"{link} is a symbolic link, and its target is in {os.path.join(self.path, name)}, which does "
                        "not exist. Create that directory, or remove the link."
                    ) from None
                self.missing = [name, *(other for other, _link in reversed(todo))]
                break
            kind = stat.S_IFMT(os.fstat(child).st_mode)
            if kind == stat.S_IFDIR:
                self._move(child, os.path.dirname(self.path) if name == os.pardir else os.path.join(self.path, name))
                continue
            try:
                if kind != stat.S_IFLNK:
                    raise OSError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
                link = os.path.join(self.path, name)
                todo += self._names(self._read_link(name, child), link)
            finally:
                os.close(child)
        self._check_links()

    def _read_link(self, name: str, link: int) -> str:
        """Return the target of an open symbolic link in this directory, and note who controls the link."""
        self._followed += 1
        if self._followed > _MAX_LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        for owner in (owner_of(link), owner_of(self.descriptor)):
            self._links.setdefault(owner.uid, os.path.join(self.path, name))
        return os.readlink("", dir_fd=link)

    def create(self, owner: Owner) -> None:
        """Create what is missing, for its owner only. Raises OSError, or FileError if it cannot belong to the owner."""
        while self.missing:
            name = self.missing[0]
            if name == os.pardir:
                raise OSError(errno.ENOENT, os.strerror(errno.ENOENT))
            path = os.path.join(self.path, name)
            try:
                os.mkdir(name, _CREATED_MODE, dir_fd=self.descriptor)
                created = True
            except FileExistsError:
                created = False
            child = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=self.descriptor)
            try:
                # The owner of the parent can have put another directory there.
                if created and owner_of(child).uid == os.geteuid() and not os.listdir(child):
                    give(path, child, owner, shared=False)
            except BaseException:
                os.close(child)
                with contextlib.suppress(OSError):
                    os.rmdir(name, dir_fd=self.descriptor)
                raise
            self._move(child, path)
            del self.missing[0]

    @property
    def owner_of_new(self) -> Owner:
        """The owner of a new file. If root creates it, this is the owner of the directory, else the kernel decides."""
        owner = owner_of(self.descriptor)
        if os.geteuid() == ROOT:
            return owner
        inherits = os.fstat(self.descriptor).st_mode & stat.S_ISGID
        return Owner(os.geteuid(), owner.gid if inherits else os.getegid())

    @property
    def is_open_to_others(self) -> bool:
        """Whether other users than its owner can create files in it."""
        return bool(os.fstat(self.descriptor).st_mode & (stat.S_IWGRP | stat.S_IWOTH))

    def close(self) -> None:
        os.close(self.descriptor)

    def _names(self, path: str, link: str) -> list[tuple[str, str]]:
        """Return the parts of a path, the last one first, each with the link that it is from."""
        if os.path.isabs(path):
            self._move(_root(), os.sep)
        return [(name, link) for name in reversed(path.split(os.sep)) if name not in ("", os.curdir)]

    def _move(self, descriptor: int, path: str) -> None:
        os.close(self.descriptor)
        self.descriptor, self.path = descriptor, path

    def _check_links(self) -> None:
        """Raise FileError if the owner of a link could make root change another user's file."""
        owner = owner_of(self.descriptor)
        for uid, link in self._links.items() if os.geteuid() == ROOT else ():
            if uid not in (ROOT, owner.uid):
                user = describe_user(uid)
                raise FileError(
                    f"{link} is a symbolic link that {user} controls, and it leads to {self.path}, which belongs to "
                    f"{describe_user(owner.uid)}. root does not follow it. Run the task as {user} (become_user), or "
                    "use the target as path."
                )


def _root() -> int:
    return os.open(os.sep, os.O_PATH | os.O_DIRECTORY)


@contextlib.contextmanager
def opened(path: str) -> t.Iterator[tuple[Directory, str]]:
    """Return the directory of a file, and the file's name. Raises as Directory, and FileError if there is no name."""
    where, name = os.path.split(path)
    if name in ("", os.curdir, os.pardir):
        raise FileError(f"{path} is a directory. Use a file in it, such as {os.path.join(path, 'config.json')}.")
    directory = Directory(where)
    try:
        yield directory, name
    finally:
        directory.close()
