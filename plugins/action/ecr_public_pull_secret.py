# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import typing as t

from ansible.errors import AnsibleError
from ansible.module_utils.parsing.convert_bool import boolean

from ansible_collections.freshpull.ecr_public.plugins.module_utils._arguments import OUTAGE
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret import TOKEN_ACTIONS, UNKNOWN
from ansible_collections.freshpull.ecr_public.plugins.plugin_utils._aws_errors import AwsError
from ansible_collections.freshpull.ecr_public.plugins.plugin_utils._cluster_action import ClusterAction
from ansible_collections.freshpull.ecr_public.plugins.plugin_utils._registry import RefusedError
from ansible_collections.freshpull.ecr_public.plugins.plugin_utils._token_action import TokenAction


class ActionModule(TokenAction, ClusterAction):
    """Asks AWS only if the module's plan needs a token."""

    def _act(self, args: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        aws = self.take_aws(args)
        given = bool(args.get("token"))
        # The module gets it as it is, and refuses what is no boolean.
        verify = boolean(args.get("verify", False), strict=False)
        if self._task.check_mode or (given and not verify):
            return self._execute_module(module_args=args, task_vars=task_vars)
        plan = self.plan(args, task_vars)
        if not plan.get("changed"):
            # Nothing to do, or nothing that could be done: the plan is the result.
            return plan
        doubts: list[str] = []
        if _needs_token(plan, given):
            try:
                if not given:
                    args["token"] = self.fetch_token(aws, task_vars)
                if verify:
                    doubts = self.verify(args, aws, task_vars)
            except AnsibleError as exc:
                # Only a failing AWS is a reason to fail open, no bad option and no token that the user brought.
                if given or not isinstance(exc.__cause__, (AwsError, RefusedError)):
                    return {**plan, "changed": False, "failed": True, "msg": f"Nothing was written. {exc.message}"}
                args.pop("token", None)
                args["aws"] = {OUTAGE: exc.message}
        result = self._execute_module(module_args=args, task_vars=task_vars)
        if doubts:
            result["warnings"] = [*result.get("warnings", []), *doubts]
        return result


def _needs_token(plan: dict[str, t.Any], given: bool) -> bool:
    """Whether the module would write the token that is given, or cannot say what it would write without one."""
    if given:
        return any(entry["action"] in TOKEN_ACTIONS for entry in plan["namespaces"])
    return any(entry["expires_at"] == UNKNOWN for entry in plan["namespaces"])
