# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import typing as t

from ansible.errors import AnsibleError

from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret import UNKNOWN
from ansible_collections.freshpull.ecr_public.plugins.plugin_utils._cluster_action import ClusterAction
from ansible_collections.freshpull.ecr_public.plugins.plugin_utils._token_action import TokenAction


class ActionModule(TokenAction, ClusterAction):
    """Asks AWS only if the module's plan needs a token."""

    def _act(self, args: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        aws = self.take_aws(args)
        if args.get("token") or self._task.check_mode:
            return self._execute_module(module_args=args, task_vars=task_vars)
        plan = self.plan(args, task_vars)
        if not plan.get("changed"):
            # Nothing to do, or nothing that could be done: the plan is the result.
            return plan
        if any(entry["expires_at"] == UNKNOWN for entry in plan["namespaces"]):
            try:
                args["token"] = self.fetch_token(aws, task_vars)
            except AnsibleError as exc:
                return {**plan, "changed": False, "failed": True, "msg": f"Nothing was written. {exc.message}"}
        return self._execute_module(module_args=args, task_vars=task_vars)
