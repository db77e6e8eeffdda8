# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs an action plugin in this process, over a script of the results that its module returns.

A run of the module that is not in the script fails the test, and so does an unused result. Task, templar and loader are
Ansible's own; the connection, the lookup and the try on a registry are replaced.
"""

from __future__ import annotations

import copy
import dataclasses
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from ansible.errors import AnsibleError
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.task import Task
from ansible.template import Templar

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _plan_socket
from ansible_collections.freshpull.ecr_public.plugins.plugin_utils import _token_request
from ansible_collections.freshpull.ecr_public.plugins.plugin_utils._token_request import LOOKUP

TOKEN = {"username": "AWS", "password": "new-never-shown", "expires_at": "2030-01-01T00:00:00Z"}
UNTOUCHED = {"AWS_PROFILE": "of-the-process", "AWS_REGION": "eu-central-1"}
"""Variables of the process in each test."""


@dataclasses.dataclass(frozen=True)
class Run:
    """One run of the module."""

    args: dict[str, Any]
    check_mode: bool


def caused(error: AnsibleError, cause: Exception) -> AnsibleError:
    """Return the error, raised from the cause."""
    error.__cause__ = cause
    return error


Result = Mapping[str, Any] | Exception | Callable[[dict[str, Any]], Mapping[str, Any]]
"""Of one run of the module; a function gets the arguments of the run."""


class Lookup:
    """A replacement for the lookup: returns the token or raises the error."""

    def __init__(self, outcome: dict[str, str] | Exception) -> None:
        self.outcome = outcome
        self.options: dict[str, Any] = {}
        self.environment: dict[str, str] = {}
        """The AWS variables of the process when the token was requested."""
        self.requests = 0

    def set_options(self, *, direct: Mapping[str, Any], **_variables: Any) -> None:
        self.options = dict(direct)

    def get_option(self, name: str) -> Any:
        return {"validate_certs": True, "aws_ca_bundle": None, **self.options}[name]

    def run(self, terms: list[Any], **options: Any) -> list[dict[str, str]]:
        assert terms == []
        assert options == {"variables": {}, **self.options}
        self.requests += 1
        self.environment = {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return [self.outcome]


class Play:
    """The play around a task. lookup: what returns the token. tried: registry, password and trust of each try."""

    def __init__(self, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.directory = directory
        self.loader = DataLoader()
        self.loader.set_basedir(str(directory))
        self.lookup = Lookup(TOKEN)
        self.rejections: dict[str, Exception] = {}
        """Registry -> what a try of a token raises there."""
        self.tried: list[tuple[str, str, dict[str, Any]]] = []
        self.runs: list[Run] = []
        self.task = Task()
        self.transport = "ssh"
        self.defaults: list[dict[str, Any]] = []
        self.environment: list[dict[str, Any]] = []
        self._monkeypatch = monkeypatch
        monkeypatch.setattr(_token_request, "lookup_loader", SimpleNamespace(get=self._find))
        monkeypatch.setattr(_token_request, "try_token", self._try)
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            monkeypatch.delenv(name)
        for name, value in UNTOUCHED.items():
            monkeypatch.setenv(name, value)

    def run(self, plugin: ModuleType, args: Mapping[str, Any], *results: Result, **fields: Any) -> dict[str, Any]:
        """Run the action plugin. fields: of the task. Fails unless its module is run once for each result."""
        left = list(results)
        self.runs = []

        def play_result(args: dict[str, Any], *, check_mode: bool) -> dict[str, Any]:
            self.runs.append(Run(copy.deepcopy(args), check_mode))
            assert left, "the module is run once more"
            result = left.pop(0)
            if isinstance(result, Exception):
                raise result
            return dict(result(args) if callable(result) else result)

        def execute(action: Any, module_args: dict[str, Any], task_vars: dict[str, Any]) -> dict[str, Any]:
            waiting = _plan_socket.waiting_plugin()
            plan = play_result(module_args, check_mode=bool(action._task.check_mode or waiting))
            module: Any = SimpleNamespace(params=dict(module_args), no_log_values=set())
            if not (waiting and plan.get("changed") and waiting.complete(module, plan)):
                return plan
            args = {name: value for name, value in module.params.items() if value is not None}
            return play_result(args, check_mode=False)

        self._monkeypatch.setattr(plugin.ActionModule, "_execute_module", execute)
        self.task = self._task(plugin, args, fields)
        connection = SimpleNamespace(
            transport=self.transport, become=None, _shell=SimpleNamespace(tmpdir=None, env_prefix=lambda **_given: "")
        )
        templar = Templar(loader=self.loader, variables={})
        action = plugin.ActionModule(self.task, connection, SimpleNamespace(), self.loader, templar, None)
        try:
            returned: dict[str, Any] = action.run(task_vars={})
        finally:
            assert self.task.args == args
            assert {name: os.environ.get(name) for name in UNTOUCHED} == UNTOUCHED
        assert left == []
        return returned

    def _task(self, plugin: ModuleType, args: Mapping[str, Any], fields: Mapping[str, Any]) -> Task:
        task = Task()
        name = f"freshpull.ecr_public.{plugin.__name__.rpartition('.')[2]}"
        values = {"args": dict(copy.deepcopy(args)), "check_mode": False, "module_defaults": self.defaults, **fields}
        for field, value in {"action": name, "environment": self.environment, **values}.items():
            setattr(task, field, value)
        # In newer versions of ansible-core the attribute is a property.
        setattr(task, "_resolved_action" if hasattr(task, "_resolved_action") else "resolved_action", name)
        return task

    def _find(self, name: str, **_context: Any) -> Lookup:
        assert name == LOOKUP
        return self.lookup

    def _try(self, registry: str, token: Any, **trust: Any) -> None:
        self.tried.append((registry, token.password, trust))
        if registry in self.rejections:
            raise self.rejections[registry]


@pytest.fixture
def play(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Play:
    """A play with one task."""
    return Play(tmp_path, monkeypatch)


@pytest.fixture(params=["ssh", "local"])
def each_connection(play: Play, request: pytest.FixtureRequest) -> None:
    """The module is run twice on another host. On the control node one run of it waits."""
    play.transport = request.param
