# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Looks with checkov through the manifests of the refresher: manifests.py CHECKOV

What it finds although it is right here stands in tests/manifests.yml, with the reason. An exception that explains
nothing is a finding itself.
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
class Verdict:
    """looked: how many questions were answered well. findings: those that no exception explains."""

    looked: int
    findings: tuple[str, ...]
    unused: tuple[str, ...]


def judge(report: dict[str, Any], exceptions: Sequence[dict[str, Any]]) -> Verdict:
    """Compare checkov's report with the exceptions. Raises ValueError where it did not look at everything."""
    results = report["results"]
    if results["parsing_errors"]:
        raise ValueError(f"checkov could not read {results['parsing_errors']}")
    reasons = {(each["check"], kind) for each in exceptions for kind in each["kinds"]}
    found = {(failed["check_id"], failed["resource"].partition(".")[0]): failed for failed in results["failed_checks"]}
    return Verdict(
        looked=len(results["passed_checks"]),
        findings=tuple(_say(failed) for key, failed in sorted(found.items()) if key not in reasons),
        unused=tuple(f"{check} on {kind}" for check, kind in sorted(reasons - set(found))),
    )


def _say(failed: dict[str, Any]) -> str:
    return f"{failed['check_id']}: {failed['check_name']} ({failed['resource']} in {failed['file_path']})"


def look(checkov: str, manifests: Path) -> dict[str, Any]:
    """Checkov's report on a folder. It asks nobody: without a key it has no service, and it downloads nothing."""
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
        raise ValueError(f"checkov found nothing to look at: {done.stdout[-2000:]}")
    return report


def write(manifests: Path) -> None:
    """The objects of each case of support.refresher_settings, in a file of its own."""
    for case, settings in CASES.items():
        (manifests / f"{case}.yml").write_text(to_yaml(objects(settings)), encoding="utf-8")


def main(checkov: str) -> int:
    with tempfile.TemporaryDirectory() as name:
        manifests = Path(name, "manifests")
        manifests.mkdir()
        write(manifests)
        verdict = judge(look(checkov, manifests), yaml.safe_load(EXCEPTIONS.read_text(encoding="utf-8")))
    _print("Not right, or in need of a reason in tests/manifests.yml", verdict.findings)
    _print("Exceptions in tests/manifests.yml that nothing needs", verdict.unused)
    if not verdict.looked:
        print("checkov had not a single question about the manifests: it cannot have seen them.")
    return 1 if verdict.findings or verdict.unused or not verdict.looked else 0


def _print(title: str, lines: Iterable[str]) -> None:
    for line in lines:
        print(f"{title}: {line}")


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
