# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connection options of a task for a cluster. Private to this collection."""

from __future__ import annotations

import contextlib
import copy
import typing as t

from ansible.errors import AnsibleActionFail, AnsibleFileNotFound
from ansible.module_utils.common.validation import check_type_dict
from ansible.plugins.action import ActionBase
from ansible.utils.path import unfrackpath

from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes import redaction
from ansible_collections.freshpull.ecr_public.plugins.plugin_utils import _play_defaults


@contextlib.contextmanager
def prepared(action: ActionBase) -> t.Iterator[dict[str, t.Any]]:
    """Yield a copy of the task's arguments with its connection options completed.

    Afterwards delete the task's temporary files, decrypted ones included.

    Raises AnsibleActionFail if module_defaults name a cluster for other modules only, or if an error would show the
    value of an option.
    """
    args = copy.deepcopy(dict(action._task.args))
    module_defaults = action._templar.template(action._task.module_defaults or [])
    args.update(_play_defaults.connection(module_defaults, action._task.resolved_action, args))
    problem = _play_defaults.problem(module_defaults, args) or _problem(args)
    if problem:
        raise AnsibleActionFail(problem)
    readable = _resolve_kubeconfig(action, args)
    try:
        yield args
    finally:
        for path in readable:
            action._loader.cleanup_tmp_file(path)
        action._remove_tmp_path(action._connection._shell.tmpdir)


def _problem(args: t.Mapping[str, t.Any]) -> str:
    """Return the reason to reject options whose values Ansible's own error would show, or ""."""
    if redaction.is_content(args.get("kubeconfig")):
        return redaction.CONTENT
    try:
        check_type_dict(args.get("proxy_headers") or {})
    except TypeError:
        return "proxy_headers is not a dict. Use a dict with proxy_basic_auth, basic_auth or user_agent."
    return ""


def _resolve_kubeconfig(action: ActionBase, args: dict[str, t.Any]) -> list[str]:
    """With a local connection, find the kubeconfig on the control node and decrypt it if it is vaulted.

    Returns the files that the module reads. The loader knows which of them are its decrypted copies.
    """
    kubeconfig = args.get("kubeconfig")
    if not isinstance(kubeconfig, str) or not kubeconfig or action._connection.transport != "local":
        return []
    readable = [_readable(action, path) for path in kubeconfig.split(":")]
    args["kubeconfig"] = ":".join(readable)
    return readable


def _readable(action: ActionBase, path: str) -> str:
    """Return the file of the control node that the module reads. Raises AnsibleError if there is none.

    With become, the module can read more than this process, such as the kubeconfig of k3s or kubeadm.
    """
    try:
        found = action._find_needle("files", path)
    except AnsibleFileNotFound as exc:
        # A path in a directory that cannot be searched does not seem to exist.
        searched = [unfrackpath(path, follow=False)] if path.startswith(("/", "~")) else exc.paths or []
        denied = next(filter(_is_denied, searched), None)
        if denied is None:
            raise
        return str(denied)
    return str(found) if _is_denied(found) else str(action._loader.get_real_file(found, decrypt=True))


def _is_denied(path: str) -> bool:
    """Whether this process may not read a path, or may not know whether it exists."""
    try:
        with open(path, "rb"):
            return False
    except PermissionError:
        return True
    except OSError:
        return False
