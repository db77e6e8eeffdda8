# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""User and group of a file: their names, and how a new file gets them. Private to this collection."""

from __future__ import annotations

import errno
import grp
import os
import pwd
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils._errors import FileError

ROOT = 0
LARGEST_ID = 2**32 - 2
"""The number above it means that chown changes nothing."""


class Owner(t.NamedTuple):
    """The ids of a user and of a group."""

    uid: int
    gid: int

    @property
    def user(self) -> str:
        """The name, or the id if there is no name."""
        return user_name(self.uid)

    @property
    def group(self) -> str:
        """The name, or the id if there is no name."""
        try:
            return grp.getgrgid(self.gid).gr_name
        except KeyError:
            return str(self.gid)


def user_name(uid: int) -> str:
    """Return the name, or the id if there is no name."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def user_id(name: str) -> int:
    """Return the id of a user. Raises KeyError if there is none."""
    return pwd.getpwnam(name).pw_uid


def group_id(name: str) -> int:
    """Return the id of a group. Raises KeyError if there is none."""
    return grp.getgrnam(name).gr_gid


def describe_user(uid: int) -> str:
    """Return the name for a sentence, which also shows that an id is one."""
    name = user_name(uid)
    return f"user {name}" if name == str(uid) else name


def owner_of(descriptor: int) -> Owner:
    info = os.fstat(descriptor)
    return Owner(info.st_uid, info.st_gid)


def give(path: str, descriptor: int, owner: Owner, *, shared: bool) -> None:
    """Give an open file to a user and a group. Raises FileError.

    path: for the message. shared: whether the group has permissions. If it has none, another user than root keeps the
    group only where the kernel allows it, as docker does.
    """
    current = owner_of(descriptor)
    if current == owner:
        return
    try:
        os.fchown(descriptor, owner.uid, owner.gid)
    except OSError as exc:
        if exc.errno not in (errno.EPERM, errno.EINVAL):
            raise
        if os.geteuid() != ROOT and current.uid == owner.uid and not shared:
            return
        raise FileError(
            f"{path} was not changed: it cannot belong to {describe_user(owner.uid)} and group {owner.group}: "
            f"{exc.strerror}. Run the task as {describe_user(owner.uid)} (become_user), or set owner: "
            f"{current.user} and group: {current.group}."
        ) from exc
