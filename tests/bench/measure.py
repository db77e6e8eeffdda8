# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs one command and says what it cost: by the API server's audit log, and by what the kernel counted."""

from __future__ import annotations

import collections
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from support.cluster.audit import AuditLog, Event

USAGE = Path(__file__).with_name("usage.py")


@dataclass(frozen=True)
class Command:
    """What a candidate runs. user: as whom the API server knows it. in_pod: it waits for a pod that does the work."""

    argv: Sequence[str]
    environment: Mapping[str, str]
    folder: Path
    user: str
    in_pod: bool = False


@dataclass(frozen=True)
class Measurement:
    """rate: writes by the time between the first and the last of them, None for fewer than two.

    memory: bytes of the largest process; it and cpu_seconds are None for a pod's. requests: verb to count.
    """

    seconds: float
    writes: int
    rate: float | None
    requests: Mapping[str, int]
    cpu_seconds: float | None
    memory: int | None


class CommandError(Exception):
    """The command failed, so that there is nothing to measure."""


def measure(command: Command, audit: AuditLog) -> Measurement:
    """Run it to its end. Raises CommandError."""
    mark = audit.mark()
    log, used = command.folder / "output.log", command.folder / "usage.json"
    with log.open("wb") as output:
        # Through a small process: a large one would be counted as the command's own memory, since it begins as a copy.
        status = subprocess.run(
            [sys.executable, "-I", "-S", str(USAGE), str(used), *command.argv],
            cwd=command.folder,
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
    writes = audit.writes(since=mark, user=command.user)
    lost = [event["requestURI"] for event in writes if event["responseStatus"]["code"] not in (200, 201, 404)]
    if lost:
        raise CommandError(f"{len(lost)} writes were refused, such as {lost[0]}")
    requests = audit.requests(since=mark, user=command.user)
    return Measurement(
        seconds=usage["seconds"],
        writes=len(writes),
        rate=rate(writes),
        requests=dict(collections.Counter(event["verb"] for event in requests)),
        cpu_seconds=None if command.in_pod else usage["cpu_seconds"],
        memory=None if command.in_pod else usage["memory"],
    )


def rate(writes: Sequence[Event]) -> float | None:
    """Writes a second, by the API server's own stamps."""
    if len(writes) < 2:
        return None
    first = min(_time(event["requestReceivedTimestamp"]) for event in writes)
    last = max(_time(event["stageTimestamp"]) for event in writes)
    return len(writes) / (last - first).total_seconds()


def _time(stamp: str) -> datetime:
    return datetime.fromisoformat(stamp)
