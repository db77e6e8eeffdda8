# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run a module that plans first, and carries its plan out with options which depend on that. Private to this
collection.

On the control node this is one process of the module, which waits for the options. On another host it is two: one in
check mode, and one that decides again.
"""

from __future__ import annotations

import contextlib
import contextvars
import io
import json
import os
import selectors
import shutil
import socket
import tempfile
import threading
import typing as t

from ansible.plugins.action import ActionBase

from ansible_collections.freshpull.ecr_public.plugins.module_utils._plan_socket import CANCELLED, OPTIONS, SOCKET

_Result = dict[str, t.Any]
_LONGEST_PATH = 100
"""Bytes. The address of a socket takes a few more: 104 on macOS."""


class PlannedRun(t.Protocol):
    """One run of a module. plan: its result in check mode."""

    plan: _Result

    def carry_out(self, args: t.Mapping[str, t.Any]) -> _Result:
        """Carry the plan out with these arguments, and return the module's result."""

    def cancel(self) -> _Result:
        """Return the module's result without a write."""


@contextlib.contextmanager
def planned(
    action: ActionBase, args: t.Mapping[str, t.Any], task_vars: t.Mapping[str, t.Any]
) -> t.Iterator[PlannedRun]:
    """Let the module plan. args: its arguments. Afterwards it does not wait any longer."""
    is_here = action._connection.transport == "local" and not action._connection.become
    directory = tempfile.mkdtemp(prefix="freshpull-")
    try:
        path = os.path.join(directory, "plan")
        if is_here and len(os.fsencode(path)) <= _LONGEST_PATH:
            with _OneProcess(action, args, task_vars, path) as run:
                yield run
        else:
            yield _TwoProcesses(action, args, task_vars)
    finally:
        shutil.rmtree(directory)


def plan(action: ActionBase, args: t.Mapping[str, t.Any], task_vars: t.Mapping[str, t.Any]) -> _Result:
    """Run the module in check mode, on a copy of the task, and return its result."""
    task = action._task
    action._task = task.copy()
    action._task.check_mode = True
    try:
        return action._execute_module(module_args=dict(args), task_vars=task_vars)
    finally:
        action._task = task


class _TwoProcesses:
    def __init__(self, action: ActionBase, args: t.Mapping[str, t.Any], task_vars: t.Mapping[str, t.Any]) -> None:
        self._action = action
        self._task_vars = task_vars
        self.plan = plan(action, args, task_vars)

    def carry_out(self, args: t.Mapping[str, t.Any]) -> _Result:
        return self._action._execute_module(module_args=dict(args), task_vars=self._task_vars)

    def cancel(self) -> _Result:
        return self.plan


class _OneProcess:
    """A thread waits for the module's process, so that this one can talk with the module."""

    def __init__(
        self, action: ActionBase, args: t.Mapping[str, t.Any], task_vars: t.Mapping[str, t.Any], path: str
    ) -> None:
        """path: of the socket, in a directory that no other user can enter."""
        self._action = action
        self._args = dict(args)
        self._task_vars = task_vars
        self._path = path
        self._stream: io.BufferedRWPair | None = None
        """The connection of the module, while it waits."""
        self._result: _Result = {}
        self._error: BaseException | None = None
        # Ansible keeps the current task in a context variable.
        self._thread = threading.Thread(target=contextvars.copy_context().run, args=(self._execute,), daemon=True)
        self._ended, self._end = socket.socketpair()

    def __enter__(self) -> _OneProcess:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(self._path)
            listener.listen(1)
            os.environ[SOCKET] = self._path
            try:
                self._thread.start()
                self.plan = self._receive(listener)
            finally:
                os.environ.pop(SOCKET, None)
        return self

    def __exit__(self, *_exception: object) -> None:
        if self._stream:
            self._stream.close()
        self._ended.close()

    def _execute(self) -> None:
        with self._end:
            try:
                self._result = self._action._execute_module(module_args=dict(self._args), task_vars=self._task_vars)
            except BaseException as exc:  # noqa: BLE001
                self._error = exc

    def _receive(self, listener: socket.socket) -> _Result:
        """Return the plan of a module that waits, or the result of one that does not."""
        with selectors.DefaultSelector() as selector:
            selector.register(listener, selectors.EVENT_READ)
            selector.register(self._ended, selectors.EVENT_READ)
            ready = [key.fileobj for key, _events in selector.select()]
        if listener in ready:
            connection, _address = listener.accept()
            with connection:
                stream = connection.makefile("rwb")
            line = stream.readline()
            if line.endswith(b"\n"):
                self._stream = stream
                received: _Result = json.loads(line)
                return received
        return self._join()

    def carry_out(self, args: t.Mapping[str, t.Any]) -> _Result:
        names = [*args, *self._args]
        changed = {name: args.get(name) for name in names if args.get(name) != self._args.get(name)}
        if self._respond({OPTIONS: changed}):
            return self._join()
        # It was cancelled, for another plan.
        return self._action._execute_module(module_args=dict(args), task_vars=self._task_vars)

    def cancel(self) -> _Result:
        if self._respond(CANCELLED):
            # The result of a module that was stopped is that alone.
            self.plan = {**self.plan, **self._join()}
        return self.plan

    def _respond(self, response: t.Mapping[str, t.Any]) -> bool:
        """Respond to the module. Return whether it was waiting."""
        stream, self._stream = self._stream, None
        if not stream:
            return False
        # The module may have been stopped. Its result states that.
        with contextlib.suppress(OSError), stream:
            stream.write(json.dumps(response).encode() + b"\n")
        return True

    def _join(self) -> _Result:
        self._thread.join()
        if self._error:
            raise self._error
        return self._result
