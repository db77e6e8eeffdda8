# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The cache directory outside the checkout, for parts that take minutes to build."""

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
from .progress import report

_UNFINISHED = "unfinished-"


def cache_root() -> Path:
    """Return the cache directory: $FRESHPULL_CACHE, else freshpull in $XDG_CACHE_HOME or ~/.cache."""
    configured = os.environ.get("FRESHPULL_CACHE")
    if configured:
        return Path(configured).absolute()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache").absolute() / "freshpull"


def content_key(*parts: bytes | str) -> str:
    """Return a name for the result of these parts. It changes with each of them."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "big") + data)
    return digest.hexdigest()[:16]


@contextmanager
def locked(directory: Path, what: str) -> Iterator[None]:
    """Lock the directory, so that of two parallel builds only one does the work. Create the directory if needed.

    With the lock, remove the files that a killed build left.

    :raises ClusterError: the directory is not writable.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        opened = (directory / "lock").open("a")
    except OSError as error:
        raise ClusterError(
            f"The cache directory {directory} cannot be used: {error.strerror}. Set FRESHPULL_CACHE to another one."
        ) from error
    with opened as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            report(f"waiting for another process to build {what}")
            fcntl.flock(lock, fcntl.LOCK_EX)
        for left in directory.glob(_UNFINISHED + "*"):
            shutil.rmtree(left)
        yield


@contextmanager
def unfinished(directory: Path) -> Iterator[Path]:
    """Create a temporary directory on the same file system: finished files are renamed into `directory`."""
    path = Path(tempfile.mkdtemp(prefix=_UNFINISHED, dir=directory))
    try:
        yield path
    finally:
        shutil.rmtree(path)
