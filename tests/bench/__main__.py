# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`make bench`: measure all candidates in one cluster. Started by `python -m support.cluster run`.

A run with all sizes writes the guide page. Other runs only print figures and write files in .cache/bench.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from support.aws import FakeAws
from support.cluster.audit import AuditLog

from .candidates import (
    BlogPipeline,
    Candidate,
    CreateAndApply,
    GetAndPut,
    Job,
    K8sLoop,
    Limit,
    PullSecretModule,
    RefresherJob,
    ServerSideApply,
)
from .cluster import BenchCluster
from .info_candidates import PullReplay
from .machine import machine
from .measure import CommandError, Measurement, measure
from .page import figures, page, plot
from .refresher_candidates import BareLoop, RefresherProgram, version
from .results import MEBIBYTE, Results, Row, targets, typical
from .role_candidates import Fleet, FleetReport, OneTask, RoleObjects, RoleRun

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs/docsite"
ALL: Sequence[type[Candidate]] = (
    *(PullSecretModule, Limit, GetAndPut, ServerSideApply, CreateAndApply, K8sLoop, BlogPipeline),
    # The role comes before the Job, which is one of its CronJob.
    *(OneTask, RoleRun, RoleObjects, Fleet, FleetReport, RefresherProgram, BareLoop, RefresherJob, PullReplay),
)
SIZES = sorted({size for candidate in ALL for size in candidate.sizes})
KEPT = ROOT / ".cache/bench"
REPEATED = 10
"""Runs with up to so many namespaces are short and vary more. The median of three is taken."""


def main() -> int:
    """Measure, write the files and print the targets. Return 1 if a target is missed or a method failed."""
    options = _options()
    if options.render:
        return _finish(Results.load(KEPT / "results.json"))
    load = os.getloadavg()[0]
    audit = AuditLog(os.environ["FRESHPULL_TEST_AUDIT_LOG"])
    has_node = "FRESHPULL_TEST_NODE" in os.environ
    if not has_node:
        print("Left out: a Job of the role's CronJob, since there is no node", flush=True)
    with tempfile.TemporaryDirectory() as directory, FakeAws(host=os.environ["FRESHPULL_TEST_ADDRESS"]) as aws:
        cluster = BenchCluster(os.environ["FRESHPULL_TEST_KUBECONFIG"], aws, Path(directory))
        candidates = [candidate(cluster) for candidate in ALL if has_node or not candidate.in_pod]
        titles = {type(candidate).__name__: candidate.title for candidate in candidates}
        measured_on = {**machine(cluster.version(), load), "Python of the refresher's program": version()}
        results = Results(measured_on, titles, rows=[], failures=[])
        for size in sorted(set(options.sizes)):
            measure_size(cluster, candidates, size, audit, results)
            results.save(KEPT / "results.json")
    return _finish(results)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("sizes", nargs="*", type=int, default=SIZES, help="numbers of namespaces")
    parser.add_argument("--render", action="store_true", help="write the page again from the figures of the last run")
    return parser.parse_args()


def measure_size(
    cluster: BenchCluster, candidates: Sequence[Candidate], size: int, audit: AuditLog, results: Results
) -> None:
    """Measure all candidates that have this size, and add the figures to the results.

    A candidate that fails is not measured further at this size. The others are.
    """
    started = time.monotonic()
    cluster.grow(size)
    print(f"{size} namespaces, created in {time.monotonic() - started:.0f} s", flush=True)
    measured = [candidate for candidate in candidates if size in candidate.sizes]
    measurements: dict[tuple[str, str], list[Measurement]] = {}
    for _round in range(3 if size <= REPEATED else 1):
        for candidate in list(measured):
            cluster.clear()
            name = type(candidate).__name__
            for operation in candidate.operations:
                try:
                    measurement = measure(candidate.command(Job(operation, cluster.namespaces)), audit)
                except (CommandError, AssertionError, RuntimeError, subprocess.SubprocessError) as error:
                    print(f"  {name:<18}{operation:<14}failed: {error}", file=sys.stderr, flush=True)
                    results.failures.append(f"{candidate.title}, {operation}, {size:,} namespaces")
                    measured.remove(candidate)
                    break
                measurements.setdefault((name, operation), []).append(measurement)
                _show(candidate, operation, measurement)
    results.rows.extend(
        Row(name, operation, size, typical(repeated)) for (name, operation), repeated in measurements.items()
    )


def _show(candidate: Candidate, operation: str, found: Measurement) -> None:
    rate = f"{found.rate:7.1f}/s" if found.rate else " " * 9
    used = ""
    if found.cpu_seconds is not None and found.memory is not None:
        used = f" {found.cpu_seconds:7.2f} s processor {found.memory / MEBIBYTE:4.0f} MiB"
    print(
        f"  {type(candidate).__name__:<18}{operation:<14}{found.seconds:8.2f} s {rate} {found.writes:5} writes "
        f"{sum(found.requests.values()):5} requests{used}",
        flush=True,
    )


def _finish(results: Results) -> int:
    complete = {row.namespaces for row in results.rows} >= set(SIZES)
    directory, guide = (DOCS, DOCS / "rst/guide_benchmarks.rst") if complete else (KEPT, KEPT / "guide_benchmarks.rst")
    guide.write_text(page(results), encoding="utf-8")
    (directory / "benchmarks.svg").write_text(plot(results), encoding="utf-8")
    (directory / "benchmarks.csv").write_text(figures(results), encoding="utf-8")
    print(f"\nWritten: {guide.relative_to(ROOT)}, benchmarks.svg and benchmarks.csv in {directory.relative_to(ROOT)}")
    found = targets(results)
    for target in found:
        print(f"{'reached' if target.reached else 'MISSED':<8} {target.what}: {target.found}")
    for failure in results.failures:
        print(f"FAILED   {failure}")
    return 0 if all(target.reached for target in found) and not results.failures else 1


if __name__ == "__main__":
    sys.exit(main())
