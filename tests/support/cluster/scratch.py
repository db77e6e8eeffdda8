# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A folder in memory for everything that one cluster writes."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

PREFIX = "freshpull-"
_LOCK = "in-use"


def _parent() -> Path:
    memory = Path("/dev/shm")
    return memory if os.access(memory, os.W_OK | os.X_OK) else Path(tempfile.gettempdir())


@contextmanager
def scratch_directory(name: str, clear: Callable[[str], None]) -> Iterator[Path]:
    """A new folder, removed at the end. It is in /dev/shm where that can be used.

    What a run that was killed with SIGKILL has left is removed first: nobody holds the lock in its folder.

    :param name: part of the folder's name.
    :param clear: called with the name of a folder about to be removed, for what carries the same name elsewhere.
    """
    parent = _parent()
    _clear_abandoned(parent, clear)
    new = Path(tempfile.mkdtemp(prefix=f".{PREFIX}{name}-", dir=parent))
    with (new / _LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        # Only with its lock held does the folder get the name under which others look for abandoned ones.
        path = new.rename(new.with_name(new.name.removeprefix(".")))
        try:
            yield path
        finally:
            clear(path.name)
            shutil.rmtree(path)


def _clear_abandoned(parent: Path, clear: Callable[[str], None]) -> None:
    for path in parent.glob(PREFIX + "*"):
        try:
            if path.stat().st_uid != os.getuid():
                continue
            lock = (path / _LOCK).open("r+")
        except FileNotFoundError:
            continue  # gone meanwhile
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            clear(path.name)
            shutil.rmtree(path, ignore_errors=True)
