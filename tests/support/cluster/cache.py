# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The folder outside the checkout that keeps what takes minutes to build."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import ClusterError
from .progress import say

_UNFINISHED = "unfinished-"


def cache_root() -> Path:
    """The cache folder: $FRESHPULL_CACHE, else freshpull in $XDG_CACHE_HOME, else in ~/.cache."""
    chosen = os.environ.get("FRESHPULL_CACHE")
    if chosen:
        return Path(chosen).absolute()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache").absolute() / "freshpull"


def content_key(*parts: bytes | str) -> str:
    """A name for what is made from these parts; it differs as soon as one of them does."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()[:16]


@contextmanager
def locked(directory: Path, what: str) -> Iterator[None]:
    """Hold the folder's lock, made if missing, so that two builds beside each other do the work once.

    Whoever holds the lock may clear away what a killed build left.

    :raises ClusterError: the folder cannot be written to.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        opened = (directory / "lock").open("a")
    except OSError as error:
        raise ClusterError(
            f"The cache folder {directory} cannot be used: {error.strerror}. Name another in FRESHPULL_CACHE."
        ) from error
    with opened as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for another process that builds {what}")
            fcntl.flock(lock, fcntl.LOCK_EX)
        for left in directory.glob(_UNFINISHED + "*"):
            shutil.rmtree(left)
        yield


@contextmanager
def unfinished(directory: Path) -> Iterator[Path]:
    """A temporary folder on the same file system, so that a finished file can be renamed into its place."""
    path = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=directory))
    try:
        yield path
    finally:
        shutil.rmtree(path)
