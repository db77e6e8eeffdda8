# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import typing as t

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.plugins.loader import lookup_loader

from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret import UNKNOWN
from ansible_collections.freshpull.ecr_public.plugins.plugin_utils._cluster_action import ClusterAction

LOOKUP = "freshpull.ecr_public.ecr_public_token"


class ActionModule(ClusterAction):
    """Asks AWS on the controller, and only if the module's plan needs a token. Credentials stay here."""

    def _act(self, args: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        aws = args.pop("aws", None) or {}
        if not isinstance(aws, dict):
            raise AnsibleActionFail(f"aws must be a dict with the options of the lookup {LOOKUP}")
        if args.get("token") or self._task.check_mode:
            return self._execute_module(module_args=args, task_vars=task_vars)
        plan = self._plan(args, task_vars)
        if not plan.get("changed"):
            # Nothing to do, or nothing that could be done: the plan is the result.
            return plan
        if any(entry["expires_at"] == UNKNOWN for entry in plan["namespaces"]):
            try:
                args["token"] = self._fetch_token(aws, task_vars)
            except AnsibleError as exc:
                return {**plan, "changed": False, "failed": True, "msg": f"Nothing was written. {exc.message}"}
        return self._execute_module(module_args=args, task_vars=task_vars)

    def _plan(self, args: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        """What the module would do: its own check mode, on a copy of the task."""
        task = self._task
        self._task = task.copy()
        self._task.check_mode = True
        try:
            return self._execute_module(module_args=dict(args), task_vars=task_vars)
        finally:
            self._task = task

    def _fetch_token(self, aws: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, str]:
        lookup = lookup_loader.get(LOOKUP, loader=self._loader, templar=self._templar)
        (token,) = lookup.run([], variables=task_vars, **aws)
        return token
