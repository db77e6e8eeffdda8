# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import typing as t

from ansible.plugins.action import ActionBase

from ansible_collections.freshpull.ecr_public.plugins.plugin_utils import _connection


class ActionModule(ActionBase):
    """Run the module with the control node's kubeconfig, without AWS credentials and token."""

    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        super().run(tmp, task_vars)
        with _connection.prepared(self) as args:
            # Nothing is requested, and secrets that are not needed stay on the control node.
            for option in ("aws", "token", "token_shared"):
                args.pop(option, None)
            return self._execute_module(module_args=args, task_vars=task_vars or {})
