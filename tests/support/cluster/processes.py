# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Start the components of a cluster, and report when one ends."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType

from .descendants import die_with_parent, reap_orphans
from .errors import AddressInUseError, ClusterError, ComponentError
from .progress import report

_POLL_SECONDS = 0.03
_LOG_LINES = 25
# Components do not get the caller's environment: its proxies and credentials must not affect them.
COMPONENT_ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}


class Component:
    """A running program of the cluster, with its log."""

    def __init__(self, name: str, argv: Sequence[str | Path], log: Path, environment: dict[str, str]) -> None:
        self.name = name
        self.log = log
        self._argv = [str(arg) for arg in argv]
        self._environment = environment
        self._process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as output:
            return subprocess.Popen(
                self._argv,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=self._environment,
                start_new_session=True,
                preexec_fn=die_with_parent,
            )

    @property
    def pid(self) -> int:
        """The ID of the process."""
        return self._process.pid

    def has_ended(self) -> bool:
        """Return whether the process has ended."""
        return self._process.poll() is not None

    def error(self) -> ComponentError:
        """Return the error for the end of this component."""
        tail = self.tail()
        kind = AddressInUseError if "address already in use" in tail else ComponentError
        return kind(f"{self.name} ended with status {self._process.returncode}. {tail}")

    def tail(self) -> str:
        """Return the last lines of the log."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join([f"The end of the log of {self.name}:", *lines[-_LOG_LINES:]])

    def kill(self) -> None:
        """Kill the process. Its data is not needed."""
        self._process.kill()
        self._process.wait()

    def start_again(self) -> None:
        """Start the same program with its data after kill(). Call it in the main thread: the program ends with it."""
        self._process = self._start()


class Supervisor:
    """The components of one cluster. As a context manager it kills them at its end, the newest first."""

    def __init__(self, logs: Path) -> None:
        logs.mkdir(exist_ok=True)
        self.logs = logs
        self._components: list[Component] = []
        self._reported: set[str] = set()

    def __enter__(self) -> Supervisor:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self, name: str, argv: Sequence[str | Path], environment: dict[str, str] | None = None) -> Component:
        """Start a component. Its output goes to name.log."""
        component = Component(name, argv, self.logs / f"{name}.log", environment or COMPONENT_ENVIRONMENT)
        self._components.append(component)
        return component

    def component(self, name: str) -> Component:
        """Return the component with this name."""
        return next(component for component in self._components if component.name == name)

    def stop(self) -> None:
        """Kill all components."""
        while self._components:
            self._components.pop().kill()

    def check(self) -> None:
        """:raises ComponentError: a component has ended."""
        for component in self._components:
            if component.has_ended():
                raise component.error()

    def wait_until(self, ready: Callable[[], bool], *, what: str, seconds: float) -> None:
        """Wait for a condition while all components run.

        :raises ComponentError: a component has ended.
        :raises ClusterError: timeout; the message contains the end of every component's log.
        """
        deadline = time.monotonic() + seconds
        while not ready():
            self.check()
            if time.monotonic() > deadline:
                tails = [component.tail() for component in self._components]
                raise ClusterError("\n".join([f"Timeout after {seconds:.0f} s: waited for {what}.", *tails]))
            time.sleep(_POLL_SECONDS)

    def watch(self, command: int) -> None:
        """Report each component that has ended, once. Call this regularly while the cluster is in use.

        :param command: the ID of the process that uses the cluster, which is waited for elsewhere.
        """
        for component in self._components:
            if component.name not in self._reported and component.has_ended():
                self._reported.add(component.name)
                report(str(component.error()))
        reap_orphans({command, *(component.pid for component in self._components)})
