# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many addresses of one API server, as an inventory in which each host is a cluster."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import socket
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

import yaml

from support.aws import FakeAws
from support.playbook import Ansible, Run
from support.role import PLAYBOOK

_CHUNK = 65536
_RECAP = re.compile(r"^(\S+) +: (ok=.*)$", re.MULTILINE)


class PortForward:
    """A local TCP port that is forwarded to the API server.

    delay: seconds before a connection is forwarded. None: it is never forwarded.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, target: tuple[str, int], delay: float | None) -> None:
        self._target = target
        self._delay = delay
        self._tasks: set[asyncio.Task[None]] = set()
        self._server = asyncio.run_coroutine_threadsafe(self._listen(), loop).result()
        self.port: int = self._server.sockets[0].getsockname()[1]

    async def _listen(self) -> asyncio.Server:
        return await asyncio.start_server(self._serve, "127.0.0.1", 0)

    async def close(self) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        try:
            await asyncio.Event().wait() if self._delay is None else await asyncio.sleep(self._delay)
            far_reader, far_writer = await asyncio.open_connection(*self._target)
            await asyncio.gather(_pass_on(reader, far_writer), _pass_on(far_reader, writer))
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            writer.close()
            self._tasks.discard(task)


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()
    writer.close()


class Fleet:
    """Hosts that are clusters, and the playbook that runs over them in push mode. A context manager."""

    def __init__(self, ansible: Ansible, aws: FakeAws) -> None:
        self._ansible = ansible
        self._aws = aws
        self._hosts: dict[str, dict[str, Any]] = {}
        self._doors: list[PortForward] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._config = yaml.safe_load(Path(ansible.kubeconfig).read_text())
        server = urlsplit(self._config["clusters"][0]["cluster"]["server"])
        self._target = (str(server.hostname), server.port or 443)

    def __enter__(self) -> Fleet:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for forward in self._doors:
            asyncio.run_coroutine_threadsafe(forward.close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def add(self, name: str, namespaces: Sequence[str], *, delay: float | None = 0, **variables: Any) -> str:
        """Add a cluster and return the URL of its API server. variables: of the role, without their prefix."""
        forward = PortForward(self._loop, self._target, delay)
        self._doors.append(forward)
        return self._add(name, forward.port, namespaces, variables)

    def add_dead(self, name: str, namespaces: Sequence[str]) -> str:
        """Add a cluster whose port is closed and return the URL of its API server."""
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            port = found.getsockname()[1]
        return self._add(name, port, namespaces, {})

    def add_double(self, host: str, of: str, **variables: Any) -> None:
        """Add a host for the cluster of another host."""
        given = {f"pull_secret_{variable}": value for variable, value in variables.items()}
        self._hosts[host] = {**self._hosts[of], **given}

    def _add(self, name: str, port: int, namespaces: Sequence[str], variables: Mapping[str, Any]) -> str:
        url = f"https://127.0.0.1:{port}"
        config = json.loads(json.dumps(self._config))
        # The certificate is for the address of the API server.
        config["clusters"][0]["cluster"] |= {"server": url, "tls-server-name": self._target[0]}
        kubeconfig = self._ansible.directory / f"{name}.kubeconfig"
        kubeconfig.write_text(yaml.safe_dump(config))
        self._hosts[name] = {
            "pull_secret_cluster": {"kubeconfig": str(kubeconfig)},
            "pull_secret_namespaces": list(namespaces),
            # It is one real cluster, and each host would prune secrets with its name outside its own namespaces.
            "pull_secret_name": name,
            **{f"pull_secret_{variable}": value for variable, value in variables.items()},
        }
        return url

    @property
    def inventory(self) -> Path:
        push_mode = {"pull_secret_refresher": "none", "pull_secret_fail_open_before": "3h"}
        variables = {"ansible_connection": "local", **push_mode}
        path = self._ansible.directory / "clusters.yml"
        path.write_text(yaml.safe_dump({"clusters": {"hosts": self._hosts, "vars": variables}}))
        return path

    def environment(self) -> dict[str, str]:
        """Return the AWS access of the control node, and a number of forks with which a slow host delays no other."""
        return {
            "AWS_ACCESS_KEY_ID": self._aws.access_key,
            "AWS_SECRET_ACCESS_KEY": self._aws.secret_key,
            "AWS_ENDPOINT_URL_ECR_PUBLIC": self._aws.endpoint_url,
            "ANSIBLE_FORKS": "12",
        }

    def run(
        self,
        *args: str,
        playbook: Sequence[Mapping[str, Any]] | str = PLAYBOOK,
        env: Mapping[str, str] | None = None,
        **variables: Any,
    ) -> Run:
        """Run a playbook over all hosts. variables: of the role, without their prefix."""
        given = {"pull_secret_hosts": "clusters"}
        given |= {f"pull_secret_{variable}": value for variable, value in variables.items()}
        environment = {**self.environment(), **(env or {})}
        return self._ansible.play(playbook, "-i", str(self.inventory), "-e", json.dumps(given), *args, env=environment)


def recap(run: Run) -> dict[str, dict[str, int]]:
    """Return the counts in the recap of the play, by host."""
    found = _RECAP.findall(run.stdout)
    assert found, run.output[-4000:]
    return {host: {key: int(value) for key, value in re.findall(r"(\w+)=(\d+)", counts)} for host, counts in found}
