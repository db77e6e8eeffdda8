# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The figures of a run, their JSON file, and their targets."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from .measure import Measurement

CREATE, RENEW, NOTHING = "create", "renew", "nothing to do"
SIZES = (1, 10, 100, 1000, 5000)
MODULE, JOB, LIMIT, APPLY, LOOP = "PullSecretModule", "RefresherJob", "Limit", "ServerSideApply", "K8sLoop"
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
    """All figures of a run. machine: title to text. titles: of the candidates, in the order of the tables."""

    machine: Mapping[str, str]
    titles: Mapping[str, str]
    rows: Sequence[Row]

    def find(self, candidate: str, operation: str, namespaces: int) -> Measurement | None:
        """Return a measurement, None if there is none."""
        for row in self.rows:
            if (row.candidate, row.operation, row.namespaces) == (candidate, operation, namespaces):
                return row.measurement
        return None

    def largest(self, candidate: str, operation: str) -> Row | None:
        """Return the row with the most namespaces."""
        rows = [row for row in self.rows if (row.candidate, row.operation) == (candidate, operation)]
        return max(rows, key=lambda row: row.namespaces, default=None)

    def save(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(dataclasses.asdict(self), indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Results:
        data = json.loads(path.read_text(encoding="utf-8"))
        rows = [Row(**{**row, "measurement": Measurement(**row["measurement"])}) for row in data["rows"]]
        return cls(data["machine"], data["titles"], rows)


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
    return [
        *_faster(results, MODULE, LIMIT, 0.6, "of what the API server can take"),
        *_faster(results, MODULE, APPLY, 5, "``kubectl apply --server-side``"),
        *_faster(results, MODULE, LOOP, 100, "a loop of ``kubernetes.core.k8s``"),
        *_faster(results, JOB, LIMIT, 0.6, "of what the API server can take"),
        *_nothing(results),
        *_one(results),
    ]


def _faster(results: Results, candidate: str, other: str, times: float, words: str) -> list[Target]:
    """Compare the writes a second of renewing 1,000; the other candidate can have fewer namespaces."""
    own = results.find(candidate, RENEW, 1000)
    compared = results.find(other, RENEW, 1000)
    over = ""
    if compared is None and (row := results.largest(other, RENEW)):
        compared, over = row.measurement, f", which was measured over {row.namespaces}"
    if not (own and compared and own.rate and compared.rate):
        return []
    ratio = own.rate / compared.rate
    if times < 1:
        wanted, found = f"at least {times:.0%} {words}", f"{ratio:.0%}"
    else:
        wanted, found = f"at least {times:g} times as fast as {words}", f"{ratio:.1f} times"
    found += f" ({own.rate:.0f} and {compared.rate:.1f} writes a second{over})"
    limit = results.find(LIMIT, RENEW, 1000)
    if ratio < times and limit and limit.rate and other != LIMIT:
        found += f". The API server itself can take {limit.rate / compared.rate:.1f} times as many here"
    by = " by one Job" if candidate == JOB else ""
    return [Target(f"Renewing 1,000{by}: {wanted}", found, ratio >= times)]


def _nothing(results: Results) -> list[Target]:
    found = results.find(MODULE, NOTHING, 5000)
    if not found or found.memory is None:
        return []
    requests = sum(found.requests.values())
    enough = requests <= 30 and found.writes == 0 and found.memory <= 150 * MEBIBYTE
    text = f"{requests} requests, {found.writes} writes, {found.memory / MEBIBYTE:.0f} MiB, {found.seconds:.1f} s"
    return [Target("Nothing to do in 5,000: at most 30 requests, no write, at most 150 MiB", text, enough)]


def _one(results: Results) -> list[Target]:
    found = []
    for operation in (CREATE, RENEW):
        module, loop = (results.find(candidate, operation, 1) for candidate in (MODULE, LOOP))
        if module and loop:
            what = f"One namespace, {operation}: no slower than the AWS CLI and ``kubernetes.core.k8s``"
            text = f"{module.seconds:.2f} s and {loop.seconds:.2f} s"
            found.append(Target(what, text, module.seconds <= loop.seconds))
    return found
