# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A new system in a directory: Debian's or Ubuntu's smallest root, and commands in it as on a machine of its own."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from support.cluster.descendants import die_with_parent

from .cells import NEWCOMER
from .machine import apt_options, client_variables, copy_client_files

PACKAGES = ("ca-certificates", "git", "make")
_CHECKOUT = "ecr_public"
_HOMES = {"root": "/root", NEWCOMER: f"/home/{NEWCOMER}"}
_PATHS = {
    "root": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    NEWCOMER: "/usr/local/bin:/usr/bin:/bin",
}

# Run in new namespaces for mounts and processes, which end with it. The directory becomes the root of the file system:
# containers cannot be started after chroot. The shell that stays is the first process, and collects orphans.
_ENTER = """
set -e
cd "$1"
shift
mount --bind . .
cd "$PWD"
mount -t proc proc proc
mount --rbind /sys sys
mount --rbind /dev dev
mount -t tmpfs -o mode=1777 newcomer dev/shm
pivot_root . mnt
exec chroot . sh -ec 'umount --lazy /mnt; status=0; "$@" || status=$?; exit $status' sh "$@"
"""


class NoRootError(Exception):
    """A system could not be created."""


class Root:
    """A system with a user, and with a checkout of this collection in the home directory of root or of the user."""

    def __init__(self, directory: Path, log: TextIO) -> None:
        self._directory = directory
        self._log = log

    def run(self, user: str, command: str) -> int:
        """Run a command in the user's shell, in the checkout, and return its exit status. Its output is in the log."""
        home = _HOMES[user]
        environment = {**client_variables(os.environ), "HOME": home, "USER": user, "PATH": _PATHS[user]}
        as_user = [] if user == "root" else ["setpriv", f"--reuid={user}", f"--regid={user}", "--init-groups"]
        shell = [*as_user, "bash", "-c", f'cd "$HOME/{_CHECKOUT}" && {{ {command}; }}']
        return self._enter(["env", "-i", *(f"{name}={value}" for name, value in environment.items()), *shell])

    def set_up(self, checkout: Path, user: str) -> None:
        """Create the user, trust what this machine trusts, and copy the last commit of the checkout."""
        copy_client_files(self._directory, _HOMES[user])
        target = self._directory / _HOMES[user].lstrip("/") / _CHECKOUT
        self._check(["useradd", "--create-home", NEWCOMER])
        subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", checkout, target], check=True)
        self._check(["chown", "--recursive", f"{user}:", _HOMES[user]])
        self._check(["update-ca-certificates"])

    def gigabytes(self) -> float:
        """Return the size of the system on the disk."""
        done = subprocess.run(
            ["du", "--one-file-system", "--summarize", "--bytes", self._directory],
            capture_output=True,
            text=True,
            check=True,
        )
        return int(done.stdout.split()[0]) / 1e9

    def _check(self, argv: list[str]) -> None:
        if status := self._enter(argv):
            raise RuntimeError(f"{argv[0]} failed with status {status} in the new system: see {self._log.name}")

    def _enter(self, argv: list[str]) -> int:
        self._log.flush()
        return subprocess.run(
            ["unshare", "--mount", "--pid", "--fork", "--kill-child", "sh", "-c", _ENTER, "sh", self._directory, *argv],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            preexec_fn=die_with_parent,
            check=False,
        ).returncode


@contextmanager
def new_root(suite: str, components: str, archive: str | None, parent: Path, log: TextIO) -> Iterator[Root]:
    """Create a system with PACKAGES in a directory below parent, and remove it at the end.

    archive: the address of its packages; None for the default of mmdebstrap.

    :raises NoRootError: mmdebstrap failed; the message is its last line.
    """
    with tempfile.TemporaryDirectory(dir=parent, prefix=f"{suite}-") as name, tempfile.NamedTemporaryFile("w") as apt:
        directory = Path(name)
        apt.write(apt_options())
        apt.flush()
        options = [f"--include={','.join(PACKAGES)}", f"--components={components}", f"--aptopt={apt.name}"]
        command = ["mmdebstrap", "--mode=root", "--variant=minbase", *options, suite, name]
        if archive:
            command.append(archive)
        if subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, check=False
        ).returncode:
            raise NoRootError(Path(log.name).read_text(encoding="utf-8", errors="replace").splitlines()[-1])
        yield Root(directory, log)
