# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A user who runs plays without root's permissions, and becomes root with su and no password.

The user exists only in the mount namespace of a command, and so do the changes that let it start Python.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

USER = 54322
_NAME = "freshpull-operator"
_PAM = "auth sufficient pam_permit.so\naccount sufficient pam_permit.so\nsession sufficient pam_permit.so\n"
_CHECKOUT = Path(__file__).parents[2]


def command_prefix(directory: Path) -> list[str]:
    """Return what runs a command as the user. Root must run it.

    directory: all below it then belongs to the user.
    """
    files = directory.parent / f"{directory.name}-namespace"
    files.mkdir()
    users, pam = files / "passwd", files / "su"
    users.write_text(Path("/etc/passwd").read_text() + f"{_NAME}:*:{USER}:{USER}::{directory}:/bin/sh\n")
    pam.write_text(_PAM)
    steps = [
        f"mount --bind {users} /etc/passwd",
        f"mount --bind {pam} /etc/pam.d/su",
        f"mount -t tmpfs freshpull {files}",
        *_opened(files, (_CHECKOUT, Path(sys.prefix), Path(sys.base_prefix), directory)),
        f"chown -R {USER}:{USER} {directory}",
        f'exec setpriv --reuid {USER} --regid {USER} --clear-groups "$@"',
    ]
    return ["unshare", "--mount", "sh", "-ec", "\n".join(steps), "sh"]


def _opened(files: Path, needed: Iterable[Path]) -> list[str]:
    """Return the commands that let all users through the directories above the needed ones, such as root's home."""
    above = {parent for path in needed for parent in path.resolve().parents}
    closed = [path for path in sorted(above) if not path.stat().st_mode & 0o001]
    steps = []
    for number, path in enumerate(closed):
        upper, work = files / f"upper{number}", files / f"work{number}"
        steps += [
            f"mkdir -m 755 {upper} {work}",
            f"mount -t overlay -o lowerdir={path},upperdir={upper},workdir={work} freshpull {path}",
        ]
    return steps
