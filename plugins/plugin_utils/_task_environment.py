# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The AWS variables of a task's `environment`, for what runs on the control node. Private to this collection.

Ansible gives `environment` to modules only. The token is requested on the control node: without this it would be
requested as the principal of the control node's own environment, silently.
"""

from __future__ import annotations

import contextlib
import os
import typing as t

PREFIX = "AWS_"
# What says who somebody is. One principal is described by several of these, never by some of one and some of another.
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
    """Of the names of the task's variables, those of AWS."""
    return sorted(name for name in task if name.startswith(PREFIX))


def merge(process: t.Mapping[str, str], task: t.Mapping[str, t.Any]) -> dict[str, str]:
    """The process's environment with the AWS variables of the task's over it.

    If the task names a principal, nothing of the process's principal is left: keys of the one with the session token
    or the profile of the other are nobody's.
    """
    given = {name: str(task[name]) for name in names(task)}
    dropped = IDENTITY if IDENTITY & given.keys() else frozenset()
    return {**{name: value for name, value in process.items() if name not in dropped}, **given}


@contextlib.contextmanager
def applied(task: t.Mapping[str, t.Any]) -> t.Iterator[None]:
    """For a while the environment of this process is the merged one. A task has a process of its own."""
    before = dict(os.environ)
    _replace(merge(before, task))
    try:
        yield
    finally:
        _replace(before)


def _replace(environment: t.Mapping[str, str]) -> None:
    os.environ.clear()
    os.environ.update(environment)
