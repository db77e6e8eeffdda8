# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A module that plans and then writes: where it is one process, and what happens if either end stops.

test_token_request.py has what the task makes of it, for one process and for two.
"""

from __future__ import annotations

import os
import stat
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.playbook.task import Task

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _plan_socket
from ansible_collections.freshpull.ecr_public.plugins.module_utils._plan_socket import NoResponseError
from ansible_collections.freshpull.ecr_public.plugins.plugin_utils._planned_run import planned

PLAN = {"changed": True, "namespaces": []}
DONE = {"changed": True, "done": True}
TOKEN = {"password": "never-shown"}
Execute = Callable[[Any, dict[str, Any]], dict[str, Any]]


class Action:
    """An action plugin whose module is a function of this process. It gets the action and the arguments."""

    def __init__(self, module: Execute, transport: str = "local", become: Any = None) -> None:
        self._connection = SimpleNamespace(transport=transport, become=become)
        self._task = Task()
        self._module = module
        self.runs: list[bool] = []
        """Of each run of the module whether it was in check mode."""

    def _execute_module(self, module_args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
        assert task_vars == {"a": "variable"}
        self.runs.append(bool(self._task.check_mode))
        return self._module(self, module_args)


def waits(_action: Any, args: dict[str, Any]) -> dict[str, Any]:
    """A module that has something to write."""
    module: Any = SimpleNamespace(params=args, no_log_values=set())
    plugin = _plan_socket.waiting_plugin()
    carries_out = plugin.complete(module, PLAN) if plugin else not _action.runs[-1]
    return {**DONE, "args": module.params} if carries_out else {**PLAN, "ended": True}


def run(action: Any, args: dict[str, Any] | None = None) -> Any:
    return planned(action, args or {"name": "a"}, {"a": "variable"})


@pytest.mark.parametrize(
    ("transport", "become", "runs"),
    [("local", None, 1), ("local", "sudo", 2), ("ssh", None, 2), ("community.docker.docker", None, 2)],
)
def test_a_module_on_the_control_node_runs_once(transport: str, become: Any, runs: int) -> None:
    """With become, another user could not use the socket."""
    action = Action(waits, transport, become)
    with run(action) as found:
        assert found.plan["changed"]
        assert found.carry_out({"name": "a", "token": TOKEN}) == {**DONE, "args": {"name": "a", "token": TOKEN}}
    assert action.runs == [True, False][-runs:]
    assert _plan_socket.SOCKET not in os.environ


def test_a_path_that_is_too_long_for_a_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    long = tmp_path / ("x" * 100)
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    action = Action(waits)
    with run(action) as found:
        found.carry_out({})
    assert action.runs == [True, False]
    assert list(long.iterdir()) == []


def test_no_other_user_can_use_the_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with run(Action(waits)):
        (directory,) = tmp_path.iterdir()
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert list(tmp_path.iterdir()) == []


def test_only_options_that_differ_are_sent() -> None:
    with run(Action(waits), {"name": "a", "token": TOKEN, "state": "present"}) as found:
        done = found.carry_out({"name": "a", "state": "present", "token_unavailable": "AWS is down."})
    assert done["args"] == {"name": "a", "state": "present", "token": None, "token_unavailable": "AWS is down."}


def test_a_module_with_nothing_to_write_does_not_wait() -> None:
    result = {"changed": False, "warnings": ["w"]}
    action = Action(lambda _action, _args: result)
    with run(action) as found:
        assert found.plan == result
    assert action.runs == [False]


def test_an_error_of_the_connection_is_raised() -> None:
    def fail(_action: Any, _args: dict[str, Any]) -> dict[str, Any]:
        raise OSError("no connection")

    with pytest.raises(OSError, match="no connection"), run(Action(fail)):
        pass


def test_a_cancelled_plan_has_the_result_of_the_module() -> None:
    """It has the warnings, and the diff. Afterwards another plan can be carried out."""
    action = Action(waits)
    with run(action) as found:
        assert found.cancel() == found.cancel() == {**PLAN, "ended": True}
        assert found.carry_out({"token": TOKEN}) == {**DONE, "args": {"token": TOKEN}}
    assert action.runs == [False, False]


def test_a_task_that_ends_lets_the_module_write_nothing() -> None:
    ended = threading.Event()

    def wait(_action: Any, args: dict[str, Any]) -> dict[str, Any]:
        try:
            return waits(_action, args)
        except NoResponseError:
            ended.set()
            raise

    with pytest.raises(KeyboardInterrupt), run(Action(wait)):
        raise KeyboardInterrupt
    assert ended.wait(10)


def test_a_module_that_is_stopped_while_it_waits() -> None:
    """Its result, not an error of the socket, states what happened."""

    def stopped(_action: Any, _args: dict[str, Any]) -> dict[str, Any]:
        plugin: Any = _plan_socket.waiting_plugin()
        with _plan_socket.socket.socket(_plan_socket.socket.AF_UNIX) as connection:
            connection.connect(plugin._path)
            connection.sendall(b'{"changed": true, "path": "/p"}\n')
        return {"failed": True, "msg": "killed"}

    with run(Action(stopped)) as found:
        assert found.carry_out({"token": TOKEN}) == {"failed": True, "msg": "killed"}
    with run(Action(stopped)) as found:
        assert found.cancel() == {"changed": True, "path": "/p", "failed": True, "msg": "killed"}


def test_a_module_that_ends_in_the_middle_of_its_plan() -> None:
    def cut(_action: Any, _args: dict[str, Any]) -> dict[str, Any]:
        plugin: Any = _plan_socket.waiting_plugin()
        with _plan_socket.socket.socket(_plan_socket.socket.AF_UNIX) as connection:
            connection.connect(plugin._path)
            connection.sendall(b'{"changed": tr')
        return {"failed": True, "msg": "killed"}

    with run(Action(cut)) as found:
        assert found.plan == {"failed": True, "msg": "killed"}
