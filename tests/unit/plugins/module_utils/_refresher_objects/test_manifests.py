# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The refresher's objects are those of the golden files, and those that an installation writes.

After an intended change write the golden files again, and read their diff:

    PYTHONPATH=tests .venv/bin/python -m unit.plugins.module_utils._refresher_objects.test_manifests
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes import kinds
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.api import FIELD_MANAGER, Cluster
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.transport import (
    APPLY_PATCH,
    Request,
    Response,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects import manifests
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.apply import Installer
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.settings import Settings
from support.program import FILES
from support.refresher_settings import CASES, objects, settings, to_yaml

Object = dict[str, Any]

GOLDEN = Path(__file__).parent / "golden"
API, POLICIES = kinds.KINDS["ValidatingAdmissionPolicy"]


def golden(wanted: Settings) -> str:
    """Return the content of a golden file, with names instead of the program's files and with short AWS keys."""
    files = {name: f"<{name}>" for name in FILES}
    aws = wanted.aws
    if aws.access_key:
        aws = dataclasses.replace(aws, access_key="access-key", secret_key="secret-key")
    items = objects(dataclasses.replace(wanted, files=files, aws=aws))
    return to_yaml([{"apiVersion": "v1", "kind": "List", "items": items}])


@pytest.mark.parametrize("case", CASES)
def test_objects_equal_the_golden_file(case: str) -> None:
    expected = (GOLDEN / f"{case}.yml").read_text(encoding="utf-8")
    found = golden(CASES[case])
    # The items first, since their difference is easier to read.
    assert yaml.safe_load(found)["items"] == yaml.safe_load(expected)["items"]
    assert found == expected


def test_every_golden_file_belongs_to_a_case() -> None:
    assert {path.name for path in GOLDEN.iterdir()} == {f"{case}.yml" for case in CASES}


def test_the_program_is_immutable_and_named_by_its_hash() -> None:
    code, _settings = manifests.config_maps(settings())
    assert code["immutable"] is True
    assert set(code["data"].values()) == set(FILES.values())
    other = {**FILES, "_pull_secret/managed_metadata.py": "# another version"}
    assert settings(files=other).program != settings().program == code["metadata"]["name"]


class EmptyCluster:
    """An API server without a refresher. It accepts every object but the probes of the policies."""

    host = "https://cluster.example"

    def __init__(self, wanted: Settings) -> None:
        self._wanted = wanted
        self.written: list[Object] = []

    def send(self, request: Request) -> Response:
        body = dict(request.body or {})
        if request.method == "GET":
            return self._get(request)
        assert ("fieldManager", FIELD_MANAGER) in request.query
        if request.method == "POST":
            assert ("dryRun", "All") in request.query
            return _response(
                *(
                    (201, body)
                    if body["kind"] == "Pod"
                    else (403, {"message": f"{self._wanted.policy} {self._wanted.accounts_policy}"})
                )
            )
        # Client-side apply would copy AWS keys into an annotation.
        assert (request.method, request.content_type) == ("PATCH", APPLY_PATCH)
        if ("dryRun", "All") not in request.query:
            self.written.append(body)
        return _response(200, body)

    def _get(self, request: Request) -> Response:
        if {"labelSelector", "limit"} & dict(request.query).keys():
            return _response(200, {"metadata": {}, "items": []})
        if request.path == API:
            return _response(200, {"kind": "APIResourceList", "resources": [{"name": POLICIES}]})
        if request.path == "/version":
            return _response(200, {"major": "1", "minor": "37", "gitVersion": "v1.37.0"})
        if self._wanted.aws.roles_anywhere and request.path.endswith("/secrets/theirs"):
            return _response(200, {"metadata": {}, "data": {"tls.crt": "eA==", "tls.key": "eA=="}})
        existing = self._wanted.aws.existing_secret
        if existing and request.path.endswith(f"/secrets/{existing}"):
            return _response(200, {"metadata": {}, "data": {"credentials": ""}})
        return _response(404, {"kind": "Status", "message": "not found"})


def _identity(body: Object) -> tuple[str, str, str]:
    return body["kind"], body["metadata"].get("namespace", ""), body["metadata"]["name"]


def _response(status: int, body: Object) -> Response:
    return Response(status, {}, json.dumps(body).encode())


@pytest.mark.parametrize("case", CASES)
def test_an_installation_writes_these_objects_and_no_others(case: str) -> None:
    server = EmptyCluster(CASES[case])
    Installer(Cluster(server), CASES[case], dry_run=False, workers=1).install()
    written = {_identity(body): body for body in server.written}
    assert len(written) == len(server.written)
    assert written == {_identity(body): body for body in objects(CASES[case])}


class WithoutPods(EmptyCluster):
    """An API server that denies this user to create pods."""

    def send(self, request: Request) -> Response:
        if (request.body or {}).get("kind") == "Pod":
            return _response(403, {"message": 'User "a" cannot create resource "pods" in API group ""'})
        return super().send(request)


@pytest.mark.parametrize("allowed", [True, False])
def test_a_pod_that_cannot_be_tried_is_a_warning(allowed: bool) -> None:
    server = (EmptyCluster if allowed else WithoutPods)(CASES["listed"])
    installer = Installer(Cluster(server), CASES["listed"], dry_run=False, workers=1)
    installer.install()
    assert installer.may_create_pods is allowed
    assert [warning.partition(".")[0] for warning in installer.warnings] == (
        [] if allowed else ["It is unknown whether the cluster accepts the refresher's pods"]
    )


if __name__ == "__main__":
    for name, each in CASES.items():
        (GOLDEN / f"{name}.yml").write_text(golden(each), encoding="utf-8")
