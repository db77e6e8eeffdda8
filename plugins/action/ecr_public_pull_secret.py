# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import typing as t

from ansible.plugins.action import ActionBase

from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.reasons import TOKEN_ACTIONS
from ansible_collections.freshpull.ecr_public.plugins.plugin_utils import _connection
from ansible_collections.freshpull.ecr_public.plugins.plugin_utils._token_request import TokenRequest


class ActionModule(ActionBase):
    """Request a token if one is needed, and run the module with the control node's kubeconfig."""

    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        super().run(tmp, task_vars)
        request = TokenRequest(
            self, entries="namespaces", token_actions=TOKEN_ACTIONS, fails_open=True, failure=_not_carried_out
        )
        with _connection.prepared(self) as args:
            from_play = request.reads_the_play(args)
            result = request.run_module(args, task_vars or {})
        return {**result, "aws_from_play": True} if from_play else result


def _not_carried_out(plan: dict[str, t.Any], msg: str) -> dict[str, t.Any]:
    return {**plan, "changed": False, "failed": True, "planned": True, "msg": msg}
