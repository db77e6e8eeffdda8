# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.reasons import TOKEN_ACTIONS
from ansible_collections.freshpull.ecr_public.plugins.plugin_utils import _task_environment
from ansible_collections.freshpull.ecr_public.plugins.plugin_utils._connection import ClusterAction
from ansible_collections.freshpull.ecr_public.plugins.plugin_utils._token_request import TokenAction


class ActionModule(TokenAction, ClusterAction):
    """Request a token if one is needed, and run the module with the control node's kubeconfig."""

    _entries = "namespaces"
    _token_actions = TOKEN_ACTIONS
    _fails_open = True

    def _act(self, args: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        from_play = bool(_task_environment.names(self._environment()) or ("aws" not in args and self._default_aws()))
        result = self.act_with_token(args, task_vars)
        return {**result, "aws_from_play": True} if from_play else result

    def _failure(self, plan: dict[str, t.Any], msg: str) -> dict[str, t.Any]:
        return {**plan, "changed": False, "failed": True, "msg": msg}
