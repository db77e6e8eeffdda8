# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The manifests that checkov reads, and the comparison of its report with the exceptions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.refresher_settings import CASES
from tools.manifests import EXCEPTIONS, compare, run_checkov, write

DIGEST = {
    "check_id": "CKV_K8S_43",
    "check_name": "Image should use digest",
    "resource": "CronJob.a.b",
    "file_path": "/listed.yml",
}
POLICY = {**DIGEST, "check_id": "CKV2_K8S_6", "check_name": "A network policy", "resource": "Pod.a.b"}


def report(*failed: dict[str, str], passed: int = 1, unread: tuple[str, ...] = ()) -> dict[str, Any]:
    return {"results": {"failed_checks": list(failed), "passed_checks": [{}] * passed, "parsing_errors": list(unread)}}


def test_an_exception_removes_a_finding() -> None:
    result = compare(report(DIGEST), [{"check": "CKV_K8S_43", "kinds": ["CronJob"], "because": "so"}])
    assert (result.passed, result.findings, result.unused) == (1, (), ())


@pytest.mark.parametrize(
    "exceptions",
    [
        [],
        [{"check": "CKV_K8S_43", "kinds": ["Pod"], "because": "another kind"}],
        [{"check": "CKV_K8S_44", "kinds": ["CronJob"], "because": "another check"}],
    ],
)
def test_a_finding_without_an_exception_is_reported_once(exceptions: list[dict[str, Any]]) -> None:
    result = compare(report(DIGEST, {**DIGEST, "file_path": "/selector.yml"}, POLICY), exceptions)
    assert [finding.partition(":")[0] for finding in result.findings] == ["CKV2_K8S_6", "CKV_K8S_43"]


def test_an_unused_exception_is_reported() -> None:
    result = compare(report(DIGEST), [{"check": "CKV_K8S_43", "kinds": ["CronJob", "Pod"], "because": "so"}])
    assert (result.findings, result.unused) == ((), ("CKV_K8S_43 on Pod",))


def test_a_file_that_checkov_cannot_read_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"could not read.*/listed\.yml"):
        compare(report(unread=("/listed.yml",)), [])


def test_passed_checks_are_counted() -> None:
    assert compare(report(passed=0), []).passed == 0


def program(directory: Path, text: str) -> str:
    path = directory / "checkov"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


def test_the_report_is_what_checkov_prints(tmp_path: Path) -> None:
    assert run_checkov(program(tmp_path, f"echo '{json.dumps(report(DIGEST))}'"), tmp_path) == report(DIGEST)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("echo broken >&2; exit 1", "status 1: broken"),
        # The output of checkov without any manifest.
        ('echo \'{"passed": 0, "failed": 0, "resource_count": 0}\'', "found no manifests"),
    ],
)
def test_a_run_that_failed_is_an_error(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        run_checkov(program(tmp_path, text), tmp_path)


COMMON = ["ClusterRole", "ClusterRoleBinding", "ConfigMap", "ConfigMap", "CronJob", "Namespace", "ServiceAccount"]
LISTED = ["ClusterRole", "RoleBinding", "RoleBinding"]
ADMISSION = ["ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"]
KINDS = {
    "listed": [*COMMON, *LISTED, "Secret"],
    "selector": [*COMMON, *ADMISSION, "Secret"],
    "service-accounts": [*COMMON, *LISTED, *ADMISSION, "Secret"],
    "web-identity": [*COMMON, *LISTED],
    "existing-secret": [*COMMON, *LISTED],
    "roles-anywhere": [*COMMON, "ConfigMap", *LISTED],
    "proxy": [*COMMON, "ConfigMap", *LISTED, "Secret"],
    "everything": [*COMMON, "ConfigMap", *ADMISSION, *ADMISSION],
}


@pytest.fixture
def written(tmp_path: Path) -> dict[str, list[dict[str, Any]]]:
    """The objects that checkov reads, by case."""
    write(tmp_path)
    return {path.stem: list(yaml.safe_load_all(path.read_text(encoding="utf-8"))) for path in tmp_path.iterdir()}


def test_every_object_of_every_case_is_written(written: dict[str, list[dict[str, Any]]]) -> None:
    assert set(written) == set(CASES)
    assert {case: sorted(found["kind"] for found in each) for case, each in written.items()} == {
        case: sorted(kinds) for case, kinds in KINDS.items()
    }


def test_the_cases_differ(written: dict[str, list[dict[str, Any]]]) -> None:
    jobs = [found for each in written.values() for found in each if found["kind"] == "CronJob"]
    pods = [json.dumps(job["spec"]["jobTemplate"]["spec"]["template"]["spec"]) for job in jobs]
    # The pod contains neither the selected namespaces nor the service accounts.
    assert len(set(pods)) == len(CASES) - 2


def test_each_exception_has_a_reason() -> None:
    exceptions = yaml.safe_load(EXCEPTIONS.read_text(encoding="utf-8"))
    assert [each for each in exceptions if set(each) != {"check", "kinds", "because"}] == []
    assert [each["check"] for each in exceptions if len(each["because"]) < 40 or not each["kinds"]] == []
