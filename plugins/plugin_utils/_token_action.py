# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the action plugins have in common: a token for the module, fetched here and only if needed. Private to this
collection.
"""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleActionFail
from ansible.playbook.task import Task
from ansible.plugins.action import ActionBase
from ansible.plugins.loader import lookup_loader

LOOKUP = "freshpull.ecr_public.ecr_public_token"


class TokenAction(ActionBase):
    """Asks AWS on the controller. Credentials stay here."""

    _task: Task

    def take_aws(self, args: dict[str, t.Any]) -> dict[str, t.Any]:
        """Take the option aws out of the module's arguments: it is not for the module."""
        aws = args.pop("aws", None) or {}
        if not isinstance(aws, dict):
            raise AnsibleActionFail(f"aws must be a dict with the options of the lookup {LOOKUP}")
        return aws

    def plan(self, args: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        """What the module would do: its own check mode, on a copy of the task."""
        task = self._task
        self._task = task.copy()
        self._task.check_mode = True
        try:
            return self._execute_module(module_args=dict(args), task_vars=task_vars)
        finally:
            self._task = task

    def fetch_token(self, aws: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, str]:
        """One token. Raises AnsibleError."""
        lookup = lookup_loader.get(LOOKUP, loader=self._loader, templar=self._templar)
        (token,) = lookup.run([], variables=task_vars, **aws)
        return token
