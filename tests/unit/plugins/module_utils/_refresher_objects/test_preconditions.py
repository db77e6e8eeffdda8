# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A missing precondition is named before anything is written."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.api import Cluster, ClusterError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.transport import Request, Response
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects import preconditions
from support.refresher_settings import CASES

API = "/apis/admissionregistration.k8s.io/v1"


class OldCluster:
    """A cluster that can only be read. resources: those of its admission API; None if it has no such API."""

    host = "https://old.invalid"

    def __init__(self, resources: list[str] | None = None, roles: list[dict[str, Any]] | None = None) -> None:
        self.paths: list[str] = []
        self.roles = roles or []
        self.resources = resources

    def send(self, request: Request) -> Response:
        assert request.method == "GET"
        self.paths.append(request.path)
        if request.path == API and self.resources is None:
            return Response(404, {"Content-Type": "text/plain"}, b"404 page not found\n")
        if request.path == API:
            found = {"kind": "APIResourceList", "resources": [{"name": name} for name in self.resources or []]}
            return Response(200, {}, json.dumps(found).encode())
        return Response(200, {}, json.dumps({"metadata": {}, "items": self.roles}).encode())


@pytest.mark.parametrize(
    ("case", "advice"), [("selector", "push mode"), ("service-accounts", "attach_service_accounts")]
)
@pytest.mark.parametrize("resources", [None, [], ["validatingwebhookconfigurations"]])
def test_admission_policies_are_needed(resources: list[str] | None, case: str, advice: str) -> None:
    with pytest.raises(ClusterError, match=rf"https://old\.invalid has no .*Kubernetes 1\.30.*{advice}"):
        preconditions.check(Cluster(OldCluster(resources)), CASES[case])


def test_a_cluster_with_admission_policies_is_accepted() -> None:
    found = OldCluster(["validatingadmissionpolicies", "validatingadmissionpolicies/status"])
    preconditions.check(Cluster(found), CASES["selector"])
    assert found.paths == [API, "/apis/rbac.authorization.k8s.io/v1/clusterroles"]


def other_refresher(resource: str, name: str, owner: str = "ecr-public-refresher") -> dict[str, Any]:
    labels = {"ecr-public.freshpull/owner": owner}
    return {
        "metadata": {"name": "other", "labels": labels},
        "rules": [{"resources": [resource], "resourceNames": [name]}],
    }


def test_only_another_refresher_of_the_same_secrets_is_rejected() -> None:
    policies, name = ["validatingadmissionpolicies"], CASES["selector"].renewal.secret
    with pytest.raises(ClusterError, match="Another refresher renews secrets named"):
        preconditions.check(Cluster(OldCluster(policies, [other_refresher("secrets", name)])), CASES["selector"])
    alike = [other_refresher(resource, name) for resource in ("namespaces", "serviceaccounts")]
    alike.append(other_refresher("secrets", name, owner="other"))
    preconditions.check(Cluster(OldCluster(policies, alike)), CASES["selector"])


def secret(data: dict[str, str] | None) -> Response:
    """Return the response for a Secret with this data. None: it does not exist."""
    found = {"kind": "Status", "message": "not found"} if data is None else {"kind": "Secret", "data": data}
    return Response(404 if data is None else 200, {}, json.dumps(found).encode())


class WithSecret(OldCluster):
    """A cluster with a Secret."""

    def __init__(self, data: dict[str, str] | None) -> None:
        super().__init__()
        self.data = data

    def send(self, request: Request) -> Response:
        assert request.path.endswith("/secrets/theirs")
        return secret(self.data)


SEPARATE = {"AWS_ACCESS_KEY_ID": "eA==", "AWS_SECRET_ACCESS_KEY": "eA=="}


@pytest.mark.parametrize("data", [{"credentials": "eA=="}, SEPARATE, {**SEPARATE, "AWS_SESSION_TOKEN": "eA=="}])
def test_a_secret_with_keys_is_accepted(data: dict[str, str]) -> None:
    preconditions.check(Cluster(WithSecret(data)), CASES["existing-secret"])


@pytest.mark.parametrize(
    "data", [None, {}, {"other": "eA=="}, {"AWS_ACCESS_KEY_ID": "eA=="}, {"AWS_SESSION_TOKEN": ""}]
)
def test_a_secret_without_keys_is_rejected(data: dict[str, str] | None) -> None:
    with pytest.raises(ClusterError, match=r"no Secret theirs with the key .* AWS_ACCESS_KEY_ID and AWS_SECRET_ACC"):
        preconditions.check(Cluster(WithSecret(data)), CASES["existing-secret"])


class WithCertificate(OldCluster):
    """A cluster of a version, with the Secret of a certificate. version: a status, or what the API server returns."""

    def __init__(self, version: dict[str, str] | int, data: dict[str, str] | None) -> None:
        super().__init__()
        self.version = version
        self.data = data

    def send(self, request: Request) -> Response:
        self.paths.append(request.path)
        if request.path == "/version":
            if isinstance(self.version, int):
                return Response(self.version, {}, b'{"kind": "Status"}')
            return Response(200, {}, json.dumps({**self.version, "gitVersion": "v1"}).encode())
        assert request.path.endswith("/secrets/theirs")
        return secret(self.data)


CERTIFICATE = {"tls.crt": "eA==", "tls.key": "eA=="}
NEW = {"major": "1", "minor": "37"}


@pytest.mark.parametrize(
    "version",
    [NEW, {"major": "1", "minor": "29+"}, {"major": "2", "minor": "0"}, {"major": "1", "minor": ""}, {}, 403, 404],
)
def test_sidecar_containers_are_accepted_unless_the_version_is_known_to_lack_them(version: Any) -> None:
    found = WithCertificate(version, {**CERTIFICATE, "ca.crt": "eA=="})
    preconditions.check(Cluster(found), CASES["roles-anywhere"])
    assert found.paths[0] == "/version"


@pytest.mark.parametrize("minor", ["28", "28+", "9"])
def test_an_api_server_without_sidecar_containers_is_rejected(minor: str) -> None:
    old = WithCertificate({"major": "1", "minor": minor}, CERTIFICATE)
    with pytest.raises(ClusterError, match=rf"old\.invalid has Kubernetes 1\.{minor.rstrip('+')}\. .*1\.29 or newer"):
        preconditions.check(Cluster(old), CASES["roles-anywhere"])
    assert old.paths == ["/version"]


@pytest.mark.parametrize("data", [None, {}, {"tls.crt": "eA=="}, {"tls.crt": "eA==", "tls.key": ""}])
def test_a_certificate_that_is_not_issued_yet_is_rejected(data: dict[str, str] | None) -> None:
    """cert-manager creates the Secret when it has issued the certificate; before that it may contain only a key."""
    with pytest.raises(ClusterError, match=r"has no Secret theirs with the keys tls\.crt and tls\.key.* kubectl wait"):
        preconditions.check(Cluster(WithCertificate(NEW, data)), CASES["roles-anywhere"])


@pytest.mark.parametrize("case", ["listed", "web-identity", "proxy"])
def test_settings_without_preconditions_send_no_request(case: str) -> None:
    old = OldCluster()
    preconditions.check(Cluster(old), CASES[case])
    assert old.paths == []
