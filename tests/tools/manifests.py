# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check the manifests of the refresher with checkov: manifests.py CHECKOV

Exceptions are in tests/manifests.yml, each with its reason. An unused exception is a finding.
"""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import yaml

from support.refresher_settings import CASES, objects, to_yaml

EXCEPTIONS = Path(__file__).parents[1] / "manifests.yml"


@dataclasses.dataclass(frozen=True)
class Comparison:
    """passed: the number of passed checks. findings: failed checks without an exception. unused: exceptions."""

    passed: int
    findings: tuple[str, ...]
    unused: tuple[str, ...]


def compare(report: dict[str, Any], exceptions: Sequence[dict[str, Any]]) -> Comparison:
    """Compare a report of checkov with the exceptions. Raises ValueError if checkov did not read all files."""
    results = report["results"]
    if results["parsing_errors"]:
        raise ValueError(f"checkov could not read {results['parsing_errors']}")
    reasons = {(each["check"], kind) for each in exceptions for kind in each["kinds"]}
    found = {(failed["check_id"], failed["resource"].partition(".")[0]): failed for failed in results["failed_checks"]}
    return Comparison(
        passed=len(results["passed_checks"]),
        findings=tuple(_describe(failed) for key, failed in sorted(found.items()) if key not in reasons),
        unused=tuple(f"{check} on {kind}" for check, kind in sorted(reasons - set(found))),
    )


def _describe(failed: dict[str, Any]) -> str:
    return f"{failed['check_id']}: {failed['check_name']} ({failed['resource']} in {failed['file_path']})"


def run_checkov(checkov: str, manifests: Path) -> dict[str, Any]:
    """Return checkov's report on a directory. Without an API key and with --skip-download it uses no network."""
    done = subprocess.run(
        [
            *(os.path.abspath(checkov), "--directory", str(manifests), "--framework", "kubernetes"),
            *("--output", "json", "--skip-download", "--soft-fail"),
        ],
        env={"PATH": os.environ["PATH"], "HOME": str(manifests.parent), "LANG": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ValueError(f"checkov ended with status {done.returncode}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
    report: dict[str, Any] = json.loads(done.stdout)
    if "results" not in report:
        raise ValueError(f"checkov found no manifests: {done.stdout[-2000:]}")
    return report


def write(manifests: Path) -> None:
    """Write the objects of each case of support.refresher_settings into a file of its own."""
    for case, settings in CASES.items():
        (manifests / f"{case}.yml").write_text(to_yaml(objects(settings)), encoding="utf-8")


def main(checkov: str) -> int:
    with tempfile.TemporaryDirectory() as name:
        manifests = Path(name, "manifests")
        manifests.mkdir()
        write(manifests)
        result = compare(run_checkov(checkov, manifests), yaml.safe_load(EXCEPTIONS.read_text(encoding="utf-8")))
    _print("Finding (correct it, or add an exception with a reason to tests/manifests.yml)", result.findings)
    _print("Unused exception in tests/manifests.yml (remove it)", result.unused)
    if not result.passed:
        print("checkov reports no passed check: it has not read the manifests.")
    return 1 if result.findings or result.unused or not result.passed else 0


def _print(title: str, lines: Iterable[str]) -> None:
    for line in lines:
        print(f"{title}: {line}")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
