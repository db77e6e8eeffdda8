# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run one command and measure it, with the audit log of the API server and the kernel's accounting."""

from __future__ import annotations

import collections
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from urllib.parse import urlsplit

from support.cluster.audit import AuditLog, Event, resource_of

USAGE = Path(__file__).with_name("usage.py")


@dataclass(frozen=True)
class Command:
    """The command of a candidate. user: its name in the API server. in_pod: the command waits for a pod."""

    argv: Sequence[str]
    environment: Mapping[str, str]
    directory: Path
    user: str
    in_pod: bool = False


@dataclass(frozen=True)
class Measurement:
    """The figures of a run. rate: writes a second from the first to the last write, None for fewer than two writes.

    memory: bytes of the largest process. memory and cpu_seconds: None for a pod. requests: verb and resource, such as
    "get secrets", to count.
    first_request: seconds from the start of the command to its first request, None if there is none or for a pod.
    """

    seconds: float
    writes: int
    rate: float | None
    requests: Mapping[str, int]
    cpu_seconds: float | None
    memory: int | None
    first_request: float | None = None


class CommandError(Exception):
    """The command failed. There is no measurement."""


def measure(command: Command, audit: AuditLog) -> Measurement:
    """Run a command and return its figures. Raises CommandError."""
    start = audit.mark()
    log, used = command.directory / "output.log", command.directory / "usage.json"
    with log.open("wb") as output:
        started = datetime.now(timezone.utc)
        # A small process starts the command: a child begins as a copy, and the memory of this process would be counted.
        status = subprocess.run(
            [sys.executable, "-I", "-S", str(USAGE), str(used), *command.argv],
            cwd=command.directory,
            env=dict(command.environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        ).returncode
    if status:
        end = log.read_text(errors="replace")[-3000:]
        raise CommandError(f"{' '.join(command.argv[:3])} ended with {status}: {end}")
    usage = json.loads(used.read_text())
    writes = audit.writes(since=start, user=command.user)
    rejected = [event["requestURI"] for event in writes if event["responseStatus"]["code"] not in (200, 201, 404)]
    if rejected:
        raise CommandError(f"{len(rejected)} writes were rejected, such as {rejected[0]}")
    requests = audit.requests(since=start, user=command.user)
    received = min((_time(event["requestReceivedTimestamp"]) for event in requests), default=None)
    return Measurement(
        seconds=usage["seconds"],
        writes=len(writes),
        rate=rate(writes),
        requests=dict(collections.Counter(f"{event['verb']} {_what(event)}" for event in requests)),
        cpu_seconds=None if command.in_pod else usage["cpu_seconds"],
        memory=None if command.in_pod else usage["memory"],
        first_request=None if command.in_pod or received is None else (received - started).total_seconds(),
    )


def rate(writes: Sequence[Event]) -> float | None:
    """Return the writes a second, by the timestamps of the API server."""
    if len(writes) < 2:
        return None
    first = min(_time(event["requestReceivedTimestamp"]) for event in writes)
    last = max(_time(event["stageTimestamp"]) for event in writes)
    return len(writes) / (last - first).total_seconds()


def _what(event: Event) -> str:
    return resource_of(event) or urlsplit(event["requestURI"]).path


def _time(stamp: str) -> datetime:
    return datetime.fromisoformat(stamp)
