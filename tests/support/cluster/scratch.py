# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A directory in memory for all files of a cluster."""

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
    """Create a directory, in /dev/shm if possible, and remove it at the end.

    First remove the directories of runs that were killed with SIGKILL: their locks are free.

    :param name: part of the name of the directory.
    :param clear: called with the name of each directory before it is removed, to remove control groups of that name.
    """
    parent = _parent()
    _clear_abandoned(parent, clear)
    new = Path(tempfile.mkdtemp(prefix=f".{PREFIX}{name}-", dir=parent))
    with (new / _LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        # Other runs look for abandoned directories by this name. It gets the name after its lock is held.
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
            continue  # removed meanwhile
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            clear(path.name)
            shutil.rmtree(path, ignore_errors=True)
