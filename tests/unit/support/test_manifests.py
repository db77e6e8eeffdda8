# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The manifests that are shown to a linter are those that the role applies, all of them."""

from __future__ import annotations

import json

import pytest

from support.manifests import CASES, ROLE, Object, applying, rendered


@pytest.fixture(scope="module")
def manifests(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Object]]:
    return rendered(tmp_path_factory.mktemp("manifests"))


COMMON = ["ClusterRole", "ConfigMap", "CronJob", "Namespace", "ServiceAccount"]
LISTED = ["RoleBinding", "RoleBinding"]
SELECTED = ["ClusterRoleBinding", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"]
KINDS = {
    "listed": [*COMMON, *LISTED, "Secret"],
    "selector": [*COMMON, *SELECTED, "Secret"],
    "web-identity": [*COMMON, *LISTED],
    "existing-secret": [*COMMON, *LISTED],
    "proxy": [*COMMON, *LISTED, "Secret"],
    "everything": [*COMMON, *SELECTED],
}


@pytest.mark.parametrize("case", CASES)
def test_what_the_role_applies(manifests: dict[str, list[Object]], case: str) -> None:
    assert sorted(found["kind"] for found in manifests[case]) == sorted(KINDS[case])
    assert "{{" not in json.dumps(manifests[case])


def test_no_task_that_applies_is_missed() -> None:
    files = (ROLE / "tasks").glob("*.yml")
    assert len(list(applying())) == sum(path.read_text().count(" apply: true") for path in files)


def test_the_variables_make_a_difference(manifests: dict[str, list[Object]]) -> None:
    jobs = [found for case in CASES for found in manifests[case] if found["kind"] == "CronJob"]
    pods = [json.dumps(job["spec"]["jobTemplate"]["spec"]["template"]["spec"]) for job in jobs]
    # Which namespaces are chosen is not in the pod.
    assert len(set(pods)) == len(CASES) - 1
