# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of several users, without root: owners are remembered, and the file system is not asked for them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils._file_owner import Owner

ALICE, BOB = Owner(61000, 62000), Owner(61001, 62001)
ROOT = Owner(0, 0)


class Accounts:
    """All files belong to root until set() or os.fchown() gives them to another user."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.user = ROOT
        self.unchangeable = False
        """Whether the kernel lets nobody change an owner."""
        self._owners: dict[int, Owner] = {}
        self._stat, self._fstat, self._open = os.stat, os.fstat, os.open
        monkeypatch.setattr(os, "geteuid", lambda: self.user.uid)
        monkeypatch.setattr(os, "getegid", lambda: self.user.gid)
        monkeypatch.setattr(os, "stat", lambda *args, **kwargs: self._changed(self._stat(*args, **kwargs)))
        monkeypatch.setattr(os, "fstat", lambda descriptor: self._changed(self._fstat(descriptor)))
        monkeypatch.setattr(os, "fchown", self._fchown)

    def set(self, path: Path, owner: Owner) -> Path:
        """Change the owner of a file, a directory or a symbolic link."""
        self._owners[self._stat(path, follow_symlinks=False).st_ino] = owner
        return path

    def of(self, path: Path) -> Owner:
        info = os.stat(path, follow_symlinks=False)
        return Owner(info.st_uid, info.st_gid)

    def _fchown(self, descriptor: int, uid: int, gid: int) -> None:
        if self.unchangeable:
            raise PermissionError(1, "Operation not permitted")
        self._owners[self._fstat(descriptor).st_ino] = Owner(uid, gid)

    def _changed(self, info: os.stat_result) -> os.stat_result:
        reduced: Any = info.__reduce__()
        _kind, (values, extra) = reduced
        fields = list(values)
        fields[4:6] = self._owners.get(info.st_ino, ROOT)
        return os.stat_result(fields, extra)
