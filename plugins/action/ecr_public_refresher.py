# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import typing as t
from pathlib import Path

from ansible.plugins.action import ActionBase

from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects import program
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.options import PROGRAM
from ansible_collections.freshpull.ecr_public.plugins.plugin_utils import _connection

MODULE_UTILS = Path(__file__).resolve().parents[1] / "module_utils"


class ActionModule(ActionBase):
    """Run the module with the control node's kubeconfig and the refresher's program, which is on the control node."""

    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        super().run(tmp, task_vars)
        with _connection.prepared(self) as args:
            args[PROGRAM] = {name: (MODULE_UTILS / name).read_text(encoding="utf-8") for name in program.FILES}
            return self._execute_module(module_args=args, task_vars=task_vars or {})
