# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The refresher's objects on a real API server: the writes, their order, and the objects that a rejection leaves."""

from __future__ import annotations

import dataclasses
import secrets
from collections.abc import Callable, Iterator

import pytest
from kubernetes import client

from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes import objects
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.api import ClusterError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects import manifests
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.apply import Installer
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.settings import (
    CONFIG,
    CRONJOB,
    AwsAccess,
    Metadata,
)
from support.installed_refresher import (
    ACCOUNT,
    CLUSTER_BINDING,
    CODE,
    JOB,
    KEYS,
    NAMESPACE,
    PERMISSIONS,
    POLICY,
    READER_BINDING,
    READER_ROLE,
    SETTINGS,
    InstalledRefresher,
    role_bindings,
)
from support.refresher_settings import CASES, WITH_KEYS
from support.refresher_settings import objects as all_objects
from support.workloads import wait_for


@pytest.fixture
def place(installed: InstalledRefresher) -> InstalledRefresher:
    return installed


def test_check_mode_predicts_the_installation_and_a_second_run_writes_nothing(place: InstalledRefresher) -> None:
    own = {JOB, SETTINGS, CODE, ACCOUNT, KEYS, PERMISSIONS, READER_ROLE, READER_BINDING, *role_bindings("a", "b")}
    with place.stored.written() as nothing:
        predicted = place.installer(dry_run=True)
    assert nothing == set()
    assert "It is unknown whether the cluster accepts the objects" in " ".join(predicted.warnings)
    assert place.named(predicted) == place.named(place.installer()) == {NAMESPACE, *own}
    assert place.stored.left() == own
    assert place.install() == set()


def test_each_change_writes_only_its_objects(place: InstalledRefresher) -> None:
    place.installer()
    place.list_places("b", "c")
    assert place.install() == {SETTINGS, READER_ROLE, *role_bindings("a", "c")}

    place.change(aws=AwsAccess("ambient"))
    assert place.install() == {JOB, SETTINGS, KEYS}
    place.change(aws=WITH_KEYS)
    assert place.install() == {JOB, SETTINGS, KEYS}

    place.select("ecr-public=enabled", globs=(f"{place.prefix}*",))
    assert place.install() == {
        SETTINGS,
        PERMISSIONS,
        READER_ROLE,
        READER_BINDING,
        CLUSTER_BINDING,
        *POLICY,
        *role_bindings("b", "c"),
    }
    assert place.install() == set()
    place.list_places("a")
    assert place.install() == {
        SETTINGS,
        PERMISSIONS,
        READER_ROLE,
        READER_BINDING,
        CLUSTER_BINDING,
        *POLICY,
        *role_bindings("a"),
    }
    assert place.install() == set()


def test_labels_and_annotations_are_added_to_all_objects_and_removed(place: InstalledRefresher) -> None:
    place.installer()
    everything = {NAMESPACE, *place.stored.left()}
    place.change(metadata=Metadata(labels={"team": "a"}, annotations={"example.com/contact": "b"}))
    assert place.install() == everything
    assert place.install() == set()
    place.change(metadata=Metadata())
    assert place.install() == everything
    assert place.install() == set()


def test_drift_is_detected_and_corrected(place: InstalledRefresher, core: client.CoreV1Api) -> None:
    place.installer()
    own = place.settings.namespace
    batch, rbac = client.BatchV1Api(core.api_client), client.RbacAuthorizationV1Api(core.api_client)
    uid = batch.read_namespaced_cron_job(CRONJOB, own).metadata.uid
    variable = {"name": "AWS_PROFILE", "value": "theirs"}
    container = {"name": "refresh", "env": [variable]}
    pod = {"template": {"spec": {"containers": [container], "hostNetwork": True}}}
    batch.patch_namespaced_cron_job(CRONJOB, own, {"spec": {"suspend": True, "jobTemplate": {"spec": pod}}})
    rbac.patch_namespaced_role_binding(
        place.settings.permissions,
        f"{place.prefix}a",
        {"subjects": [{"kind": "ServiceAccount", "name": "default", "namespace": own}]},
    )
    core.delete_namespaced_config_map(CONFIG, own)
    rbac.patch_cluster_role(place.settings.permissions, {"metadata": {"labels": {"theirs": "x"}}})
    assert place.install() == {JOB, SETTINGS, *role_bindings("a")}
    cronjob = batch.read_namespaced_cron_job(CRONJOB, own)
    assert cronjob.metadata.uid == uid
    assert cronjob.spec.suspend is False


def test_an_existing_namespace_is_not_changed(place: InstalledRefresher, core: client.CoreV1Api) -> None:
    core.create_namespace({"metadata": {"name": place.settings.namespace, "labels": {"theirs": "x"}}})
    assert NAMESPACE not in place.named(place.installer())
    assert core.read_namespace(place.settings.namespace).metadata.labels["theirs"] == "x"


@pytest.fixture
def rejecting(place: InstalledRefresher, core: client.CoreV1Api) -> Iterator[Callable[[str, str], None]]:
    """A function that makes the cluster reject objects of a resource in the refresher's namespace."""
    admission = client.AdmissionregistrationV1Api(core.api_client)
    made: list[str] = []

    def reject(resource: str, group: str) -> None:
        name = f"reject-{secrets.token_hex(4)}"
        rule = {"apiGroups": [group], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": [resource]}
        inside = {"name": "inside", "expression": f"request.namespace == '{place.settings.namespace}'"}
        policy = {
            "metadata": {"name": name},
            "spec": {
                "matchConstraints": {"resourceRules": [rule]},
                "matchConditions": [inside],
                "validations": [{"expression": "false", "message": "the platform team says no"}],
            },
        }
        binding = {"metadata": {"name": name}, "spec": {"policyName": name, "validationActions": ["Deny"]}}
        admission.create_validating_admission_policy(policy)
        made.append(name)
        admission.create_validating_admission_policy_binding(binding)
        container = {"name": "main", "image": "freshpull.invalid/any:1"}
        pod = {"apiVersion": "v1", "kind": "Pod", "spec": {"containers": [container]}}
        body = {
            "cronjobs": manifests.cron_job(place.settings),
            "pods": {**pod, "metadata": {"name": "any", "namespace": place.settings.namespace}},
        }[resource]

        def denied() -> bool:
            try:
                objects.create(place.cluster, body, dry_run=True)
            except ClusterError as exc:
                return "the platform team says no" in str(exc)
            return False

        wait_for(denied, f"the policy that rejects {resource}")

    yield reject
    for name in made:
        admission.delete_validating_admission_policy_binding(name)
        admission.delete_validating_admission_policy(name)


@pytest.mark.parametrize(("resource", "group"), [("cronjobs", "batch"), ("pods", "")])
def test_only_objects_without_effect_are_written_before_a_rejection(
    place: InstalledRefresher, core: client.CoreV1Api, rejecting: Callable[[str, str], None], resource: str, group: str
) -> None:
    core.create_namespace({"metadata": {"name": place.settings.namespace}})
    rejecting(resource, group)
    with pytest.raises(ClusterError, match="the platform team says no"):
        place.installer()
    assert {name for name in place.stored.objects() if CRONJOB in name} == {ACCOUNT, PERMISSIONS, READER_ROLE}


def test_a_namespace_that_is_being_deleted_is_named(place: InstalledRefresher, core: client.CoreV1Api) -> None:
    own = place.settings.namespace
    core.create_namespace({"metadata": {"name": own}})
    core.create_namespaced_config_map(own, {"metadata": {"name": "held", "finalizers": ["test/held"]}})
    core.delete_namespace(own)
    try:
        with pytest.raises(ClusterError, match=f"namespace {own} is being deleted"):
            place.installer()
    finally:
        core.patch_namespaced_config_map("held", own, {"metadata": {"finalizers": None}})


@pytest.mark.parametrize("case", CASES)
def test_the_cluster_accepts_every_object(place: InstalledRefresher, core: client.CoreV1Api, case: str) -> None:
    """Apply each object by a dry run, including those that bind a ClusterRole."""
    core.create_namespace({"metadata": {"name": place.settings.namespace}})
    wanted = dataclasses.replace(CASES[case], namespace=place.settings.namespace)
    if wanted.places.listed:
        wanted = dataclasses.replace(wanted, places=place.settings.places)
    for body in all_objects(wanted):
        assert objects.apply(place.cluster, body, dry_run=True)["metadata"]["name"]


@pytest.mark.parametrize("case", CASES)
def test_the_restricted_profile_admits_every_pod(core: client.CoreV1Api, case: str) -> None:
    """Create the pod of each CronJob by a dry run in a namespace that enforces Pod Security "restricted"."""
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    name = f"restricted-{secrets.token_hex(4)}"
    core.create_namespace({"metadata": {"name": name, "labels": labels}})
    try:
        (job,) = (body for body in all_objects(CASES[case]) if body["kind"] == "CronJob")
        template = job["spec"]["jobTemplate"]["spec"]["template"]
        spec = {key: value for key, value in template["spec"].items() if key != "priorityClassName"}
        core.create_namespaced_service_account(name, {"metadata": {"name": spec["serviceAccountName"]}})
        pod = {"metadata": {**template["metadata"], "name": "pod"}, "spec": spec}
        assert core.create_namespaced_pod(name, pod, dry_run="All").metadata.name == "pod"
        spec["containers"][0]["securityContext"]["allowPrivilegeEscalation"] = True
        with pytest.raises(client.ApiException, match="restricted"):
            core.create_namespaced_pod(name, pod, dry_run="All")
    finally:
        core.delete_namespace(name)


def test_a_namespace_that_cannot_be_served_stops_no_other(place: InstalledRefresher) -> None:
    place.list_places("a", "missing", "b")
    installer = Installer(place.cluster, place.settings, dry_run=False, workers=8)
    installer.install()
    assert list(installer.unbound) == [f"{place.prefix}missing"]
    assert "Could not apply RoleBinding" in str(installer.unbound[f"{place.prefix}missing"])
    own = {JOB, SETTINGS, CODE, ACCOUNT, KEYS, PERMISSIONS, READER_ROLE, READER_BINDING}
    assert place.stored.left() == {*own, *role_bindings("a", "b")}
    assert place.named(installer) == {NAMESPACE, *place.stored.left()}


# --- Preconditions


@pytest.mark.parametrize("data", [None, {}, {"AWS_ACCESS_KEY_ID": "eA=="}], ids=str)
def test_an_existing_secret_of_aws_keys_must_exist(
    place: InstalledRefresher, core: client.CoreV1Api, data: dict[str, str] | None
) -> None:
    own = place.settings.namespace
    core.create_namespace({"metadata": {"name": own}})
    if data is not None:
        core.create_namespaced_secret(own, {"metadata": {"name": "theirs"}, "data": data})
    place.change(aws=AwsAccess("existing_secret", existing_secret="theirs"))
    with pytest.raises(ClusterError, match=f'{own} has no Secret theirs with the key "credentials"'):
        place.installer()
    assert place.stored.left() <= {"secrets refresher/theirs"}


def test_an_existing_secret_of_aws_keys_is_never_removed(place: InstalledRefresher, core: client.CoreV1Api) -> None:
    own = place.settings.namespace
    place.installer()
    core.create_namespaced_secret(own, {"metadata": {"name": "theirs"}, "data": {"credentials": "eA=="}})
    place.change(aws=AwsAccess("existing_secret", existing_secret="theirs"))
    assert place.install() == {JOB, SETTINGS, KEYS}
    place.remover().remove()
    assert place.stored.left() == {"secrets refresher/theirs"}


def test_two_refreshers_of_one_name_are_rejected_if_one_has_a_selector(place: InstalledRefresher) -> None:
    place.installer()
    place.select("ecr-public=enabled")
    second = dataclasses.replace(place.settings, namespace=f"{place.prefix}second")
    with place.stored.written() as nothing, pytest.raises(ClusterError, match="Another refresher renews secrets named"):
        Installer(place.cluster, second, dry_run=False, workers=8).install()
    assert nothing == set()
