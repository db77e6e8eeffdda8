# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Start the cluster's components, and notice when one dies."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType

from .descendants import die_with_parent, reap_orphans
from .errors import AddressInUseError, ClusterError, ComponentError
from .progress import say

_SECONDS_BETWEEN_LOOKS = 0.03
_LINES_OF_LOG = 25
# Components get none of the caller's environment: a proxy or a credential there must not change what they do.
COMPONENT_ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}


class Component:
    """One running program of the cluster, and its log."""

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
        """The id of the process."""
        return self._process.pid

    def has_ended(self) -> bool:
        """Whether the process is gone."""
        return self._process.poll() is not None

    def error(self) -> ComponentError:
        """What to say about this component's end."""
        tail = self.tail()
        kind = AddressInUseError if "address already in use" in tail else ComponentError
        return kind(f"{self.name} ended with status {self._process.returncode}. {tail}")

    def tail(self) -> str:
        """The last lines of the log."""
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join([f"The end of the log of {self.name}:", *lines[-_LINES_OF_LOG:]])

    def kill(self) -> None:
        """End the process at once: its data dies with it anyway."""
        self._process.kill()
        self._process.wait()

    def start_again(self) -> None:
        """After kill(): the same program, with the data it had. To be called in the main thread: it dies with it."""
        self._process = self._start()


class Supervisor:
    """The components of one cluster. As a context manager it kills them at the end, the newest first."""

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
        """Start a component, its output going to name.log."""
        component = Component(name, argv, self.logs / f"{name}.log", environment or COMPONENT_ENVIRONMENT)
        self._components.append(component)
        return component

    def component(self, name: str) -> Component:
        """The running component of this name."""
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
        """Wait for a condition as long as all components live.

        :raises ComponentError: a component has ended.
        :raises ClusterError: it took too long; with the end of every component's log.
        """
        deadline = time.monotonic() + seconds
        while not ready():
            self.check()
            if time.monotonic() > deadline:
                tails = [component.tail() for component in self._components]
                raise ClusterError("\n".join([f"Waited {seconds:.0f} s in vain for {what}.", *tails]))
            time.sleep(_SECONDS_BETWEEN_LOOKS)

    def watch(self, command: int) -> None:
        """To be called now and then while the cluster is used: say so once when a component has ended.

        :param command: the id of the process that uses it, which is waited for elsewhere.
        """
        for component in self._components:
            if component.name not in self._reported and component.has_ended():
                self._reported.add(component.name)
                say(str(component.error()))
        reap_orphans({command, *(component.pid for component in self._components)})
