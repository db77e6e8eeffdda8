# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action plugin that waits for a module's plan, if the module runs on the control node. Private to this collection.

The module sends its plan over a Unix socket in a directory of its user, and receives the options with which it carries
the plan out, such as a token. A second process of the module would do the same: its start takes a second.
plugin_utils/_planned_run.py has the other end.
"""

from __future__ import annotations

import json
import os
import socket
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils._errors import CollectionError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._invocation import Module
from ansible_collections.freshpull.ecr_public.plugins.module_utils._options import TOKEN

SOCKET = "FRESHPULL_PLAN_SOCKET"
"""The environment variable with the path of the socket."""
CANCELLED: dict[str, t.Any] = {}
"""What the action plugin sends for a plan that is not carried out."""
OPTIONS = "options"
"""The key of the options: name -> value, None for an option to be left out."""


class NoResponseError(CollectionError):
    """The action plugin ended, or its task was stopped."""


class Plugin:
    """The waiting action plugin. It takes one plan."""

    def __init__(self, path: str) -> None:
        self._path = path

    def complete(self, module: Module, plan: t.Mapping[str, t.Any]) -> bool:
        """Send the plan, and complete the module's options. Return whether the plan is to be carried out.

        plan: of the module's result what the action plugin needs. Raises NoResponseError.
        """
        response = self._exchange(plan)
        if response == CANCELLED:
            return False
        options = response[OPTIONS]
        secrets = [name for name, option in TOKEN["options"].items() if option.get("no_log")]
        token = options.get("token") or {}
        module.no_log_values.update(token[name] for name in secrets if token.get(name))
        module.params.update(options)
        return True

    def _exchange(self, plan: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        try:
            with socket.socket(socket.AF_UNIX) as connection, connection.makefile("rwb") as stream:
                connection.connect(self._path)
                stream.write(json.dumps(plan).encode() + b"\n")
                stream.flush()
                response: dict[str, t.Any] = json.loads(stream.readline())
        except (OSError, ValueError) as exc:
            raise NoResponseError(
                "The task on the control node ended before it sent a token. Nothing was written. Run the task again."
            ) from exc
        return response


def waiting_plugin() -> Plugin | None:
    """Return the action plugin that waits for the plan. None if there is none, or if this was called before."""
    path = os.environ.pop(SOCKET, "")
    return Plugin(path) if path else None
