# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A refresher that is suspended or removed, on a real API server: removed objects, kept objects, obstacles."""

from __future__ import annotations

import contextlib
import http.server
import json
import os
import ssl
import threading
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path

import pytest
from kubernetes import client

from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes import objects
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.api import ClusterError, UnsupportedError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.transport import Request
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects import pod
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.settings import CRONJOB
from support.cluster.pki import Authority
from support.installed_refresher import JOB, NAMESPACE, InstalledRefresher
from support.workloads import wait_for


@pytest.fixture
def place(installed: InstalledRefresher) -> InstalledRefresher:
    return installed


@pytest.mark.parametrize("selector", ["", "ecr-public=enabled"])
def test_check_mode_predicts_the_removal_which_leaves_nothing(place: InstalledRefresher, selector: str) -> None:
    if selector:
        place.select(selector)
    place.installer()
    installed_objects = {*place.stored.left(), NAMESPACE}
    predicted = place.remover(dry_run=True)
    with place.stored.written() as nothing:
        predicted.remove()
    assert nothing == set()
    done = place.remover()
    done.remove()
    assert place.named(done) == place.named(predicted) == installed_objects
    assert done.warnings == []
    assert place.stored.left() == set()
    assert objects.read(place.cluster, "Namespace", place.settings.namespace) is None

    again = place.remover()
    again.remove()
    assert (again.changes, again.warnings) == ([], [])


def test_a_namespace_with_unmanaged_objects_stays(place: InstalledRefresher, core: client.CoreV1Api) -> None:
    place.installer()
    core.create_namespaced_config_map(place.settings.namespace, {"metadata": {"name": "theirs"}})
    removal = place.remover()
    removal.remove()
    assert place.stored.left() == {"configmaps refresher/theirs"}
    assert "1 objects in it do not belong to the refresher, such as ConfigMap theirs" in removal.warnings[0]


def test_a_namespace_that_the_role_did_not_create_stays(place: InstalledRefresher, core: client.CoreV1Api) -> None:
    core.create_namespace({"metadata": {"name": place.settings.namespace}})
    place.installer()
    removal = place.remover()
    removal.remove()
    assert (place.stored.left(), removal.warnings) == (set(), [])
    assert core.read_namespace(place.settings.namespace).status.phase == "Active"


def test_a_namespace_stays_while_an_aggregated_api_is_down(place: InstalledRefresher, core: client.CoreV1Api) -> None:
    place.installer()
    group = f"{place.prefix}down.example.com"
    service = {"name": "none", "namespace": "default"}
    registration = client.ApiregistrationV1Api(core.api_client)
    spec = {"group": group, "version": "v1", "service": service, "groupPriorityMinimum": 100, "versionPriority": 100}
    registration.create_api_service(
        {"metadata": {"name": f"v1.{group}"}, "spec": {**spec, "insecureSkipTLSVerify": True}}
    )
    try:
        wait_for(lambda: group in str(client.ApisApi(core.api_client).get_api_versions()), "the aggregated API")
        removal = place.remover()
        removal.remove()
    finally:
        registration.delete_api_service(f"v1.{group}")
    assert place.stored.left() == set()
    assert f"could not be listed: {group}/v1" in removal.warnings[0]
    assert core.read_namespace(place.settings.namespace).status.phase == "Active"


class Reviews(http.server.BaseHTTPRequestHandler):
    """An API with a resource that can be deleted by its description, and whose list is rejected with 405."""

    group = ""

    def do_GET(self) -> None:
        resource = {"name": "reviews", "kind": "Review", "namespaced": True, "verbs": ["create", "list", "delete"]}
        found: dict[str, object] = {
            "kind": "APIResourceList",
            "groupVersion": f"{self.group}/v1",
            "resources": [resource],
        }
        path = self.path.partition("?")[0]
        if path == f"/apis/{self.group}/v1":
            self._respond(HTTPStatus.OK, found)
        elif path.endswith("/reviews"):
            self._respond(HTTPStatus.METHOD_NOT_ALLOWED, {"kind": "Status", "reason": "MethodNotAllowed", "code": 405})
        else:
            self._respond(HTTPStatus.NOT_FOUND, {"kind": "Status", "reason": "NotFound", "code": 404})

    do_DELETE = do_GET

    def _respond(self, status: HTTPStatus, body: dict[str, object]) -> None:
        content = json.dumps({"apiVersion": "v1", **body}).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_args: object) -> None:
        pass


@contextlib.contextmanager
def aggregated(core: client.CoreV1Api, group: str, directory: Path) -> Iterator[None]:
    """Run the API of Reviews as an aggregated API."""
    address = os.environ["FRESHPULL_TEST_ADDRESS"]
    handler = type("Handler", (Reviews,), {"group": group})
    registration, name = client.ApiregistrationV1Api(core.api_client), group.partition(".")[0]
    with http.server.ThreadingHTTPServer((address, 0), handler) as server:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(*Authority().issue("reviews", addresses=[address]).write(directory, "reviews"))
        server.socket = tls.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        service = {"type": "ExternalName", "externalName": address}
        core.create_namespaced_service("default", {"metadata": {"name": name}, "spec": service})
        spec = {
            "group": group,
            "version": "v1",
            "service": {"name": name, "namespace": "default", "port": server.server_port},
            "groupPriorityMinimum": 100,
            "versionPriority": 100,
            "insecureSkipTLSVerify": True,
        }
        registration.create_api_service({"metadata": {"name": f"v1.{group}"}, "spec": spec})
        try:
            yield
        finally:
            registration.delete_api_service(f"v1.{group}")
            core.delete_namespaced_service(name, "default")
            server.shutdown()


def test_a_namespace_is_removed_beside_a_resource_that_supports_no_list(
    place: InstalledRefresher, core: client.CoreV1Api, tmp_path: Path
) -> None:
    place.installer()
    group = f"{place.prefix}reviews.example.com"
    with aggregated(core, group, tmp_path):
        version = Request("GET", f"/apis/{group}/v1")

        def served() -> bool:
            with contextlib.suppress(ClusterError):
                return bool(place.cluster.request(version, "read the API")["resources"])
            return False

        wait_for(served, "the aggregated API")
        with pytest.raises(UnsupportedError):
            list(place.cluster.list_objects(f"/apis/{group}/v1/namespaces/default/reviews", [], "list the reviews"))
        removal = place.remover()
        removal.remove()
    assert removal.warnings == []
    assert objects.read(place.cluster, "Namespace", place.settings.namespace) is None


def test_a_pod_that_cannot_end_is_named_and_keeps_nothing_else(
    place: InstalledRefresher, core: client.CoreV1Api
) -> None:
    place.installer()
    own = place.settings.namespace
    cronjob = objects.read(place.cluster, "CronJob", CRONJOB, own)
    assert cronjob
    owner = {"apiVersion": "batch/v1", "kind": "CronJob", "name": CRONJOB, "uid": cronjob["metadata"]["uid"]}
    metadata = {
        "name": "stuck",
        "labels": place.settings.labels,
        "finalizers": ["test.example.com/held"],
        "ownerReferences": [{**owner, "blockOwnerDeletion": True}],
    }
    core.create_namespaced_pod(own, {"metadata": metadata, "spec": pod.pod_template(place.settings)["spec"]})
    try:
        with pytest.raises(ClusterError, match="Pods that do not end: stuck on node"):
            place.remover().remove()
        # The record of the secrets is removed last.
        assert {name for name in place.stored.left() if not name.startswith("configmaps ")} == {JOB}
    finally:
        core.patch_namespaced_pod("stuck", own, {"metadata": {"finalizers": None}})
    wait_for(lambda: JOB not in place.stored.left(), "the end of the CronJob")
    place.remover().remove()
    assert objects.read(place.cluster, "Namespace", own) is None


def start_job(place: InstalledRefresher, core: client.CoreV1Api) -> client.BatchV1Api:
    """Start a Job named running, with a pod."""
    own, batch = place.settings.namespace, client.BatchV1Api(core.api_client)
    cronjob = objects.read(place.cluster, "CronJob", CRONJOB, own)
    assert cronjob
    job = {
        "metadata": {"name": "running", "labels": place.settings.labels},
        "spec": cronjob["spec"]["jobTemplate"]["spec"],
    }
    batch.create_namespaced_job(own, job)
    wait_for(lambda: batch.read_namespaced_job_status("running", own).status.active, "the Job's pod")
    return batch


def test_jobs_that_run_can_be_ended(place: InstalledRefresher, core: client.CoreV1Api) -> None:
    place.installer()
    batch, own = start_job(place, core), place.settings.namespace
    predicted = place.remover(dry_run=True)
    assert predicted.end_jobs() == ""
    assert batch.read_namespaced_job("running", own)
    done = place.remover()
    assert done.end_jobs() == ""
    assert batch.list_namespaced_job(own).items == []
    assert place.named(done) == place.named(predicted) == {"jobs refresher/running"}
    again = place.remover()
    assert (again.end_jobs(), again.changes) == ("", [])


def test_a_job_that_does_not_end_is_named(place: InstalledRefresher, core: client.CoreV1Api) -> None:
    place.installer()
    batch, own = start_job(place, core), place.settings.namespace
    held = {"metadata": {"finalizers": ["test.example.com/held"]}}
    [pod] = core.list_namespaced_pod(own).items
    core.patch_namespaced_pod(pod.metadata.name, own, held)
    try:
        for _run in range(2):
            message = place.remover().end_jobs()
            assert f"Job {own}/running is still being deleted" in message
            assert f"Pods that do not end: {pod.metadata.name} on node" in message
    finally:
        core.patch_namespaced_pod(pod.metadata.name, own, {"metadata": {"finalizers": None}})
    wait_for(lambda: not batch.list_namespaced_job(own).items, "the end of the Job")
