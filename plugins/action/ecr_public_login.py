# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import copy
import typing as t

from ansible.plugins.action import ActionBase

from ansible_collections.freshpull.ecr_public.plugins.plugin_utils._token_request import TokenRequest


class ActionModule(ActionBase):
    """Request a token if one is needed, and run the module."""

    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        super().run(tmp, task_vars)
        request = TokenRequest(
            self,
            entries="registries",
            token_actions=("created", "renewed"),
            fails_open=False,
            failure=_not_carried_out,
        )
        try:
            return request.run_module(copy.deepcopy(dict(self._task.args)), task_vars or {})
        finally:
            self._remove_tmp_path(self._connection._shell.tmpdir)


def _not_carried_out(plan: dict[str, t.Any], msg: str) -> dict[str, t.Any]:
    if plan["reason"] == "expired":
        msg += (
            f" The login in {plan['path']} has expired, and the registry rejects pulls with it. Log out "
            "(state: absent) until a token is available."
        )
    return {"path": plan["path"], "failed": True, "msg": msg}
