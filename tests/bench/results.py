# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The figures of a run, their JSON file, and their targets."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path

from .measure import Measurement

CREATE, RENEW, NOTHING, MORE, REMOVE = "create", "renew", "nothing to do", "one namespace more", "remove"
REPLAY, REPORT = "replay pulls", "report"
MODULE, JOB, LIMIT, APPLY, LOOP = "PullSecretModule", "RefresherJob", "Limit", "ServerSideApply", "K8sLoop"
ROLE, TASK = "RoleRun", "OneTask"
PROGRAM, BARE, REPLAYED = "RefresherProgram", "BareLoop", "PullReplay"
MEBIBYTE = 1024 * 1024


@dataclasses.dataclass(frozen=True)
class Row:
    """The measurement of one operation of a candidate with a number of namespaces."""

    candidate: str
    operation: str
    namespaces: int
    measurement: Measurement


@dataclasses.dataclass(frozen=True)
class Results:
    """All figures of a run. machine: title to text. titles: of the candidates, in the order of the tables.

    failures: the runs that failed, so that they have no figures.
    """

    machine: Mapping[str, str]
    titles: Mapping[str, str]
    rows: list[Row]
    failures: list[str] = dataclasses.field(default_factory=list)

    def find(self, candidate: str, operation: str, namespaces: int) -> Measurement | None:
        """Return a measurement, None if there is none."""
        for row in self.rows:
            if (row.candidate, row.operation, row.namespaces) == (candidate, operation, namespaces):
                return row.measurement
        return None

    def largest(self, candidate: str, operation: str, limit: int) -> Row | None:
        """Return the row with the most namespaces, up to a limit."""
        measured = [row for row in self.rows if (row.candidate, row.operation) == (candidate, operation)]
        rows = [row for row in measured if row.namespaces <= limit]
        return max(rows, key=lambda row: row.namespaces, default=None)

    def save(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(dataclasses.asdict(self), indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Results:
        data = json.loads(path.read_text(encoding="utf-8"))
        rows = [Row(**{**row, "measurement": Measurement(**row["measurement"])}) for row in data["rows"]]
        return cls(data["machine"], data["titles"], rows, data["failures"])


def typical(measurements: Iterable[Measurement]) -> Measurement:
    """Return the run with the median time, of an even number the faster one."""
    ordered = sorted(measurements, key=lambda measurement: measurement.seconds)
    return ordered[(len(ordered) - 1) // 2]


@dataclasses.dataclass(frozen=True)
class Target:
    """A target in words, the measured figures, and whether it is reached."""

    what: str
    found: str
    reached: bool


def targets(results: Results) -> list[Target]:
    """Return the targets whose figures were measured."""
    found = [
        _rate(results, MODULE, LIMIT, 1000, 0.9, "of what the API server can take"),
        _time(results, (MODULE, RENEW, 1000), (APPLY, RENEW, 1000), 1 / 1.3),
        _time(results, (MODULE, RENEW, 5000), (APPLY, RENEW, 5000), 1 / 2),
        _rate(results, MODULE, LOOP, 1000, 250, "as many as"),
        _nothing(results),
        _time(results, (MODULE, CREATE, 1), (LOOP, CREATE, 1), 0.8),
        _time(results, (MODULE, RENEW, 1), (LOOP, RENEW, 1), 0.8),
        _time(results, (ROLE, NOTHING, 3), (TASK, NOTHING, 3), 3),
        _time(results, (ROLE, NOTHING, 5000), (MODULE, NOTHING, 5000), 2),
        _job(results, 1000, 0.9),
        _job(results, 20000, 0.8),
        _first_request(results),
        *(_processor(results, operation) for operation in (RENEW, NOTHING)),
        _linear(results),
    ]
    return [target for target in found if target]


def _rate(results: Results, candidate: str, other: str, size: int, times: float, words: str) -> Target | None:
    """Compare the writes a second of a renewal. The other candidate can have fewer namespaces."""
    own = results.find(candidate, RENEW, size)
    row = results.largest(other, RENEW, size)
    if not (own and own.rate and row and row.measurement.rate):
        return None
    compared = row.measurement.rate
    ratio = own.rate / compared
    over = f", measured over {row.namespaces:,}" if row.namespaces != size else ""
    title = results.titles[other]
    wanted = f"at least {times:.0%} {words} ({title})" if times < 1 else f"at least {times:g} times {words} {title}"
    found = f"{ratio:.0%}" if times < 1 else f"{ratio:.0f} times"
    what = f"Writes a second of {results.titles[candidate]}, {size:,} namespaces: {wanted}"
    return Target(what, f"{found} ({own.rate:.0f} and {compared:.1f}{over})", ratio >= times)


def _job(results: Results, size: int, times: float) -> Target | None:
    """Compare the Job with the limit for its writes alone, and name the limit with its reads: one for each write."""
    target = _rate(results, JOB, LIMIT, size, times, "of what the API server can take")
    written = results.largest(LIMIT, RENEW, size)
    read = written and results.find(LIMIT, NOTHING, written.namespaces)
    if not (target and written and written.measurement.rate and read):
        return target
    limit = 1 / (1 / written.measurement.rate + read.seconds / written.namespaces)
    found = f"{target.found}; with a read before each write, h2load reaches {limit:.0f}"
    return dataclasses.replace(target, found=found)


def _time(results: Results, own: tuple[str, str, int], other: tuple[str, str, int], times: float) -> Target | None:
    """Compare the seconds of whole runs. times: what is allowed, as a multiple of the other run."""
    first, second = results.find(*own), results.find(*other)
    if not (first and second):
        return None
    candidate, operation, size = own
    ratio = first.seconds / second.seconds
    what = (
        f"Seconds of {results.titles[candidate]}, {operation}, {size:,} namespaces: at most {times:.2g} times those of "
        f"{results.titles[other[0]]}"
    )
    return Target(what, f"{ratio:.2f} times ({first.seconds:.2f} s and {second.seconds:.2f} s)", ratio <= times)


def _nothing(results: Results) -> Target | None:
    found = results.find(MODULE, NOTHING, 5000)
    if not found or found.memory is None:
        return None
    requests = sum(found.requests.values())
    reached = requests <= 22 and found.writes == 0 and found.memory <= 78 * MEBIBYTE and found.seconds <= 1.5
    text = f"{requests} requests, {found.writes} writes, {found.memory / MEBIBYTE:.0f} MiB, {found.seconds:.1f} s"
    task = results.find(TASK, NOTHING, 3)
    if task:
        # The start of a play and of its module is most of the time, and depends on the machine.
        text += f"; {results.titles[TASK]} takes {task.seconds:.1f} s"
    what = f"{results.titles[MODULE]}, nothing to do, 5,000 namespaces: 22 requests, no write, 78 MiB, 1.5 s"
    return Target(what, text, reached)


def _first_request(results: Results) -> Target | None:
    found = results.find(PROGRAM, NOTHING, 1)
    if not found or found.first_request is None:
        return None
    what = f"Start of {results.titles[PROGRAM]} until its first request: at most 0.3 s"
    return Target(what, f"{found.first_request:.2f} s", found.first_request <= 0.3)


def _processor(results: Results, operation: str) -> Target | None:
    """Compare the processor time for each namespace: the difference between two sizes, without the start."""
    values = []
    for candidate in (PROGRAM, BARE):
        pair = [results.find(candidate, operation, size) for size in (10, 1000)]
        seconds = [found.cpu_seconds for found in pair if found and found.cpu_seconds is not None]
        if len(seconds) < 2 or seconds[1] <= seconds[0]:
            return None
        values.append((seconds[1] - seconds[0]) / 990 * 1000)
    own, other = values
    what = (
        f"Processor time of {results.titles[PROGRAM]} for each namespace, {operation}: at most twice that of "
        f"{results.titles[BARE]}, and 2 ms"
    )
    found = f"{own / other:.1f} times ({own:.2f} ms and {other:.2f} ms)"
    return Target(what, found, own <= 2 * other and own <= 2)


def _linear(results: Results) -> Target | None:
    """The info module's time for a namespace does not grow."""
    power = slope(results, REPLAYED, REPLAY, "seconds")
    row = results.largest(REPLAYED, REPLAY, 5000)
    if power is None or row is None:
        return None
    found = row.measurement
    text = (
        f"{row.namespaces:,} namespaces in {found.seconds:.1f} s with {sum(found.requests.values())} requests and "
        f"{(found.memory or 0) / MEBIBYTE:.0f} MiB; power {power:.2f}"
    )
    return Target(f"Seconds of {results.titles[REPLAYED]}: linear (power at most 1.1)", text, power <= 1.1)


def slope(results: Results, candidate: str, operation: str, figure: str) -> float | None:
    """Return by what power a figure grows with the namespaces, between the two largest sizes: 1 is linear.

    figure: a field of Measurement, or "requests".
    """
    rows = sorted(
        (row for row in results.rows if (row.candidate, row.operation) == (candidate, operation)),
        key=lambda row: row.namespaces,
    )[-2:]
    values = [_figure(row.measurement, figure) for row in rows]
    if len(rows) < 2 or not all(values):
        return None
    first, second = rows
    return math.log(values[1] / values[0]) / math.log(second.namespaces / first.namespaces)


def _figure(measurement: Measurement, figure: str) -> float:
    found = getattr(measurement, figure)
    return float(sum(found.values()) if figure == "requests" else found or 0)
