# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The refresher's program and settings in the cluster: changes from one version to the next, and failed writes."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import Callable
from typing import Any

import pytest
from kubernetes import client
from kubernetes.client.exceptions import NotFoundException

from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes import objects
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.api import Cluster, ClusterError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.transport import (
    Request,
    Response,
    Transport,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects import manifests
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.apply import Installer
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.settings import (
    CONFIG,
    CRONJOB,
    AwsAccess,
    Settings,
)
from support.installed_refresher import (
    ACCOUNT,
    CODE,
    JOB,
    KEYS,
    PERMISSIONS,
    READER_BINDING,
    READER_ROLE,
    SETTINGS,
    InstalledRefresher,
    role_bindings,
)
from support.program import FILES

AUTHORITIES = "-----BEGIN CERTIFICATE-----\n"
NEWER = {
    **FILES,
    "_pull_secret/managed_metadata.py": FILES["_pull_secret/managed_metadata.py"] + "# A newer version.\n",
}


def code(settings: Settings) -> str:
    return f"configmaps refresher/{settings.program}"


def test_another_version_of_the_program_replaces_the_old_one(installed: InstalledRefresher) -> None:
    installed.installer()
    installed.change(files=NEWER)
    assert installed.install() == {JOB, CODE, code(installed.settings)}
    assert CODE not in installed.stored.left()
    assert installed.install() == set()


def test_a_job_keeps_its_program_until_it_has_ended(installed: InstalledRefresher, core: client.CoreV1Api) -> None:
    batch, own = client.BatchV1Api(core.api_client), installed.settings.namespace
    installed.installer()
    template = manifests.cron_job(installed.settings)["spec"]["jobTemplate"]
    # A suspended Job has no pod, and ends only when this test deletes it.
    job = {"metadata": {"name": "under-way", **template["metadata"]}, "spec": {**template["spec"], "suspend": True}}
    batch.create_namespaced_job(own, job)
    installed.change(files=NEWER)
    assert installed.install() == {JOB, code(installed.settings)}
    batch.delete_namespaced_job("under-way", own, propagation_policy="Foreground", grace_period_seconds=0)
    # The garbage collector may be faster.
    with contextlib.suppress(NotFoundException):
        batch.patch_namespaced_job("under-way", own, {"metadata": {"finalizers": None}})
    assert installed.install() == {CODE}


def test_a_ca_bundle_is_added_and_removed(installed: InstalledRefresher) -> None:
    installed.installer()
    authorities = f"configmaps refresher/{CRONJOB}-ca"
    pod = installed.settings.pod
    installed.change(pod=dataclasses.replace(pod, ca_bundle=AUTHORITIES))
    assert installed.install() == {JOB, authorities}
    installed.change(pod=pod)
    assert installed.install() == {JOB, authorities}


def test_a_config_map_with_another_name_is_removed(installed: InstalledRefresher, core: client.CoreV1Api) -> None:
    """A ConfigMap that had both the program and the settings of a refresher, named like its CronJob, is removed."""
    own = installed.settings.namespace
    leave_another_refresher(installed)
    former = f"configmaps refresher/{CRONJOB}"
    written = installed.install()
    assert {former, SETTINGS, CODE, JOB} <= written
    all_of_it = {JOB, SETTINGS, CODE, ACCOUNT, KEYS, PERMISSIONS, READER_ROLE, READER_BINDING, *role_bindings("a", "b")}
    assert installed.stored.left() == all_of_it
    assert core.read_namespaced_config_map(CONFIG, own).data["namespaces"].split() == [
        f"{installed.prefix}a",
        f"{installed.prefix}b",
    ]


# --- A write that fails


def leave_another_refresher(place: InstalledRefresher) -> None:
    """Install a refresher whose CronJob mounts a single ConfigMap, which is named like the CronJob."""
    place.installer()
    own = place.settings.namespace
    cronjob = manifests.cron_job(place.settings)
    pod = cronjob["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    pod["volumes"] = [volume for volume in pod["volumes"] if volume["name"] not in ("program", "settings")]
    pod["volumes"].append({"name": "settings", "configMap": {"name": CRONJOB}})
    (container,) = pod["containers"]
    container["command"] = ["sh", "/etc/freshpull/program.sh"]
    container["volumeMounts"] = [mount for mount in container["volumeMounts"] if mount["name"] != "program"]
    for body in manifests.config_maps(place.settings):
        if found := objects.read(place.cluster, "ConfigMap", body["metadata"]["name"], own):
            objects.delete(place.cluster, found)
    _code, settings = manifests.config_maps(place.settings)
    data = {**settings["data"], "program.sh": "exit 0"}
    metadata = {**settings["metadata"], "name": CRONJOB}
    objects.apply(place.cluster, {**settings, "metadata": metadata, "data": data})
    objects.apply(place.cluster, cronjob)


class Failing:
    """A transport that sends a number of writes and rejects the rest."""

    def __init__(self, transport: Transport, writes: int) -> None:
        self._transport = transport
        self.host = transport.host
        self.left = writes

    def send(self, request: Request) -> Response:
        writes = request.method != "GET" and ("dryRun", "All") not in request.query
        if writes and "accessreviews" not in request.path:
            if self.left == 0:
                return Response(403, {}, b'{"message": "no more writes"}')
            self.left -= 1
        return self._transport.send(request)


def attempt(place: InstalledRefresher, transport: Transport, writes: int) -> bool:
    """Install with at most this many writes; return whether fewer were needed."""
    failing = Failing(transport, writes)
    try:
        Installer(Cluster(failing), place.settings, dry_run=False, workers=1).install()
    except ClusterError as exc:
        if "no more writes" not in str(exc):
            raise
        return False
    return failing.left > 0


def broken(place: InstalledRefresher) -> list[str]:
    """Return what the CronJob in the cluster needs and does not have."""
    own, cluster = place.settings.namespace, place.cluster
    cronjob = objects.read(cluster, "CronJob", CRONJOB, own)
    assert cronjob
    pod = cronjob["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    needed: list[tuple[str, str, set[str]]] = [("ServiceAccount", pod["serviceAccountName"], set())]
    for volume in pod["volumes"]:
        source = volume.get("configMap") or volume.get("secret") or {}
        items = {item["key"] for item in source.get("items") or []}
        if volume["name"] == "settings":
            items = {"policy.json", "namespaces"}
        if source:
            kind = "ConfigMap" if "configMap" in volume else "Secret"
            needed.append((kind, source.get("name") or source["secretName"], items))
    found = {(kind, name): objects.read(cluster, kind, name, own) for kind, name, _items in needed}
    missing = [
        f"{kind} {name}"
        for kind, name, items in needed
        if not (each := found[kind, name]) or items - (each.get("data") or {}).keys()
    ]
    if missing:
        return missing
    config_maps = [each["data"] for each in found.values() if each and each["kind"] == "ConfigMap"]
    settings = next(data for data in config_maps if "policy.json" in data)
    policy = json.loads(settings["policy.json"])
    role = objects.read(cluster, "ClusterRole", place.settings.permissions)
    names = [name for rule in (role or {}).get("rules") or [] for name in rule.get("resourceNames") or []]
    if policy["name"] not in names:
        return [f"permissions for {policy['name']}"]
    if policy.get("selector"):
        return [] if objects.read(cluster, "ClusterRoleBinding", place.settings.permissions) else ["ClusterRoleBinding"]
    listed = settings["namespaces"].split()
    return [
        f"RoleBinding in {name}"
        for name in listed
        if not objects.read(cluster, "RoleBinding", place.settings.permissions, name)
    ]


def newer(place: InstalledRefresher) -> None:
    place.change(files=NEWER)


def other_access(place: InstalledRefresher) -> None:
    place.change(aws=AwsAccess("ambient", role_arn="arn:aws:iam::123456789012:role/pull"))


def other_name(place: InstalledRefresher) -> None:
    place.change(renewal=dataclasses.replace(place.settings.renewal, secret="another-name"))


def more_and_fewer(place: InstalledRefresher) -> None:
    place.list_places("b", "c")


def selector(place: InstalledRefresher) -> None:
    place.select("ecr-public=enabled", globs=(f"{place.prefix}*",))


def other_pod(place: InstalledRefresher) -> None:
    pod = dataclasses.replace(place.settings.pod, priority_class="system-cluster-critical", ca_bundle=AUTHORITIES)
    place.change(pod=pod)


def other_name_with_a_selector(place: InstalledRefresher) -> None:
    selector(place)
    place.installer()
    other_name(place)


CHANGES: list[Callable[[InstalledRefresher], None]] = [
    newer,
    other_access,
    other_name,
    more_and_fewer,
    selector,
    other_name_with_a_selector,
    other_pod,
]


@pytest.mark.parametrize("change", [leave_another_refresher, *CHANGES], ids=lambda change: change.__name__)
def test_an_installation_that_fails_between_two_writes_leaves_a_cronjob_that_works(
    installed: InstalledRefresher, change: Callable[[InstalledRefresher], Any]
) -> None:
    """Fail before each write in turn, until the installation succeeds."""
    installed.installer()
    change(installed)
    transport = installed.cluster._transport
    for writes in range(50):
        succeeded = attempt(installed, transport, writes)
        assert broken(installed) == [], f"after {writes} writes"
        if succeeded:
            break
    else:
        pytest.fail("It never succeeded")
    assert installed.install() == set()
