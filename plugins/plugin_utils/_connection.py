# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The base of the action plugins for the cluster modules. Private to this collection."""

from __future__ import annotations

import abc
import copy
import typing as t

from ansible.errors import AnsibleActionFail
from ansible.playbook.task import Task
from ansible.plugins.action import ActionBase

from ansible_collections.freshpull.ecr_public.plugins.plugin_utils import _play_defaults


class ClusterAction(ActionBase, abc.ABC):
    """Pass the control node's kubeconfig to the module, and delete its decrypted copy afterwards."""

    _task: Task
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp: str | None = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        super().run(tmp, task_vars)
        args = copy.deepcopy(dict(self._task.args))
        self._apply_defaults(args)
        readable = self._resolve_kubeconfig(args)
        try:
            return self._act(args, task_vars or {})
        finally:
            for path in readable:
                self._loader.cleanup_tmp_file(path)
            self._remove_tmp_path(self._connection._shell.tmpdir)

    @abc.abstractmethod
    def _act(self, args: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        """Run the module with these arguments, a copy of the task's arguments."""

    def _apply_defaults(self, args: dict[str, t.Any]) -> None:
        """Complete the connection. Raises AnsibleActionFail if module_defaults name a cluster for others only."""
        module_defaults = self._templar.template(self._task.module_defaults or [])
        args.update(_play_defaults.connection(module_defaults, self._task.resolved_action, args))
        problem = _play_defaults.problem(module_defaults, args)
        if problem:
            raise AnsibleActionFail(problem)

    def _resolve_kubeconfig(self, args: dict[str, t.Any]) -> list[str]:
        """With a local connection, find the kubeconfig on the control node and decrypt it if it is vaulted.

        Returns the files that the module reads. The loader knows which of them are its decrypted copies.
        """
        kubeconfig = args.get("kubeconfig")
        if not isinstance(kubeconfig, str) or not kubeconfig or self._connection.transport != "local":
            return []
        paths = [self._find_needle("files", path) for path in kubeconfig.split(":")]
        readable = [self._loader.get_real_file(path, decrypt=True) for path in paths]
        args["kubeconfig"] = ":".join(readable)
        return readable
