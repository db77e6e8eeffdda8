# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Apply the AWS variables of a task's `environment` on the control node. Private to this collection.

Ansible passes `environment` to modules only. The token is requested on the control node: without this file it would be
requested as the principal of the control node's own environment, without a warning.
"""

from __future__ import annotations

import contextlib
import os
import typing as t

PREFIX = "AWS_"
# The variables that name a principal. Several of them belong together: those of two principals are never mixed.
IDENTITY = frozenset(
    {
        *("AWS_ACCESS_KEY_ID", "AWS_ACCESS_KEY", "AWS_SECRET_ACCESS_KEY", "AWS_SECRET_KEY"),
        *("AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN", "AWS_PROFILE", "AWS_DEFAULT_PROFILE"),
        *("AWS_ROLE_ARN", "AWS_ROLE_SESSION_NAME", "AWS_WEB_IDENTITY_TOKEN_FILE"),
        *("AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"),
        *("AWS_CONTAINER_AUTHORIZATION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"),
    }
)


def names(task: t.Iterable[str]) -> list[str]:
    """Return the names of the AWS variables among the task's variables."""
    return sorted(name for name in task if name.startswith(PREFIX))


def merge(process: t.Mapping[str, str], task: t.Mapping[str, t.Any]) -> dict[str, str]:
    """Merge the AWS variables of the task over the process's environment.

    If the task names a principal, all variables that name the process's principal are removed: an access key of one
    principal with a session token or a profile of another one is not valid.
    """
    given = {name: str(task[name]) for name in names(task)}
    removed = IDENTITY if IDENTITY & given.keys() else frozenset()
    return {**{name: value for name, value in process.items() if name not in removed}, **given}


@contextlib.contextmanager
def applied(task: t.Mapping[str, t.Any]) -> t.Iterator[None]:
    """Use the merged environment inside the block. Each task runs in its own process."""
    before = dict(os.environ)
    _replace(merge(before, task))
    try:
        yield
    finally:
        _replace(before)


def _replace(environment: t.Mapping[str, str]) -> None:
    os.environ.clear()
    os.environ.update(environment)
