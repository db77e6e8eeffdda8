# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import copy
import typing as t

from ansible.errors import AnsibleError
from ansible.module_utils.parsing.convert_bool import boolean

from ansible_collections.freshpull.ecr_public.plugins.module_utils._login import UNKNOWN
from ansible_collections.freshpull.ecr_public.plugins.plugin_utils._token_action import TokenAction


class ActionModule(TokenAction):
    """From options to token to module, the token only if the module's plan needs one."""

    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        super().run(tmp, task_vars)
        args = copy.deepcopy(dict(self._task.args))
        aws = self.take_aws(args)
        try:
            return self._run(args, aws, task_vars or {})
        finally:
            self._remove_tmp_path(self._connection._shell.tmpdir)

    def _run(self, args: dict[str, t.Any], aws: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
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
        if plan["expires_at"] == UNKNOWN or (given and _writes_token(plan)):
            try:
                if not given:
                    args["token"] = self.fetch_token(aws, task_vars)
                if verify:
                    doubts = self.verify(args, aws, task_vars)
            except AnsibleError as exc:
                return {
                    "path": plan["path"],
                    "failed": True,
                    "msg": f"Nothing was written. {exc.message}{_advice(plan)}",
                }
        result = self._execute_module(module_args=args, task_vars=task_vars)
        if doubts:
            result["warnings"] = [*result.get("warnings", []), *doubts]
        return result


def _writes_token(plan: dict[str, t.Any]) -> bool:
    return any(entry["action"] in ("created", "renewed") for entry in plan["registries"])


def _advice(plan: dict[str, t.Any]) -> str:
    if plan["reason"] != "expired":
        return ""
    return (
        f" The login in {plan['path']} has expired, and pulls with it are refused: until then log out (state: absent)."
    )
