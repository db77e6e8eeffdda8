# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The refresher's objects on a real API server: what is written, in what order, and what a rejection leaves."""

from __future__ import annotations

import dataclasses
import secrets
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from kubernetes import client, config

from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes import objects
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.api import Cluster, ClusterError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.client import ClientTransport
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.retry import Patience
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects import manifests
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.apply import Installer
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.removal import Remover
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.selector import requirements
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.settings import (
    CRONJOB,
    AwsAccess,
    Places,
    Settings,
)
from support.cluster.audit import AuditLog
from support.crowd import Crowd
from support.refresher_settings import CASES, WITH_KEYS
from support.refresher_settings import objects as all_objects
from support.stored import Stored, quiet_schedule
from support.workloads import wait_for

JOB, SETTINGS = f"cronjobs refresher/{CRONJOB}", f"configmaps refresher/{CRONJOB}"
ACCOUNT, KEYS = f"serviceaccounts refresher/{CRONJOB}", f"secrets refresher/{CRONJOB}-aws"
NAMESPACE, PERMISSIONS = "namespaces refresher", f"clusterroles {CRONJOB}:refresher"
WIDE = f"clusterrolebindings {CRONJOB}:refresher"
FASTER = 10
POLICY = {
    f"validatingadmissionpolicies {CRONJOB}.refresher",
    f"validatingadmissionpolicybindings {CRONJOB}.refresher",
}


def bound(*places: str) -> set[str]:
    return {f"rolebindings {place}/{CRONJOB}:refresher" for place in places}


@dataclasses.dataclass
class Place:
    """A refresher in namespaces of a test's own, and what it is to be."""

    cluster: Cluster
    stored: Stored
    settings: Settings
    prefix: str

    def change(self, **changes: Any) -> None:
        self.settings = dataclasses.replace(self.settings, **changes)

    def list_places(self, *places: str) -> None:
        self.change(places=Places(listed=tuple(f"{self.prefix}{place}" for place in places)))

    def installer(self, *, dry_run: bool = False) -> Installer:
        installer = Installer(self.cluster, self.settings, dry_run=dry_run, workers=8)
        installer.install()
        return installer

    def remover(self, *, dry_run: bool = False) -> Remover:
        """By a clock that runs faster: what takes a minute comes in seconds."""
        name, secret = self.settings.namespace, self.settings.renewal.secret
        return Remover(*(self.cluster, name, secret), dry_run=dry_run, workers=8, now=lambda: time.monotonic() * FASTER)

    def install(self) -> set[str]:
        """What an installation has written, after check mode has foreseen just that and written nothing."""
        with self.stored.written() as nothing:
            foreseen = self.named(self.installer(dry_run=True))
        assert nothing == set()
        with self.stored.written() as written:
            said = self.named(self.installer())
        assert said == foreseen == written
        return written

    def named(self, done: Installer | Remover) -> set[str]:
        """The objects that are not unchanged, as Stored names them."""
        found = set()
        for change in done.changes:
            kind, namespace, name = change.identity
            if change.action != "unchanged":
                where = f"{namespace}/" if namespace else ""
                found.add(f"{objects.KINDS[kind][1]} {where}{name}".replace(self.prefix, ""))
        return found


@pytest.fixture
def place(
    kubeconfig: str, core: client.CoreV1Api, audit: AuditLog, make_namespaces: Callable[..., list[str]]
) -> Iterator[Place]:
    first, *_others = make_namespaces("a", "b", "c")
    prefix = first.removesuffix("a")
    transport = ClientTransport(config.new_client_from_config(kubeconfig).configuration, connections=8)
    patience = Patience(lambda: time.monotonic() * FASTER, lambda seconds: time.sleep(seconds / FASTER))
    cluster = Cluster(transport, patience)
    crowd = Crowd(kubeconfig)
    stored = Stored(crowd, audit, prefix)
    own = dataclasses.replace(
        CASES["listed"],
        namespace=f"{prefix}refresher",
        schedule=dataclasses.replace(CASES["listed"].schedule, schedule=quiet_schedule()),
    )
    place = Place(cluster, stored, own, prefix)
    place.list_places("a", "b")
    yield place
    for kind in ("ClusterRoleBinding", "ClusterRole", "Namespace"):
        name = own.namespace if kind == "Namespace" else own.permissions
        if found := objects.read(cluster, kind, name):
            objects.delete(cluster, found)
    for kind in ("ValidatingAdmissionPolicyBinding", "ValidatingAdmissionPolicy"):
        if found := objects.read(cluster, kind, own.policy):
            objects.delete(cluster, found)


def test_an_installation_is_foreseen_written_once_and_then_left_alone(place: Place) -> None:
    own = {JOB, SETTINGS, ACCOUNT, KEYS, PERMISSIONS, *bound("a", "b")}
    with place.stored.written() as nothing:
        trial = place.installer(dry_run=True)
    assert nothing == set()
    assert "could not try" in " ".join(trial.warnings)
    assert place.named(trial) == place.named(place.installer()) == {NAMESPACE, *own}
    assert place.stored.left() == own
    assert place.install() == set()


def test_each_change_writes_what_it_has_to(place: Place) -> None:
    place.installer()
    place.list_places("b", "c")
    assert place.install() == {SETTINGS, *bound("a", "c")}

    place.change(aws=AwsAccess("ambient"))
    assert place.install() == {JOB, SETTINGS, KEYS}
    place.change(aws=WITH_KEYS)
    assert place.install() == {JOB, SETTINGS, KEYS}

    selector = "ecr-public=enabled"
    place.change(places=Places(selector=selector, requirements=requirements(selector), globs=(f"{place.prefix}*",)))
    assert place.install() == {SETTINGS, PERMISSIONS, WIDE, *POLICY, *bound("b", "c")}
    assert place.install() == set()
    place.list_places("a")
    assert place.install() == {SETTINGS, PERMISSIONS, WIDE, *POLICY, *bound("a")}
    assert place.install() == set()


def test_drift_is_seen_and_put_right(place: Place, core: client.CoreV1Api) -> None:
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
    core.delete_namespaced_config_map(CRONJOB, own)
    rbac.patch_cluster_role(place.settings.permissions, {"metadata": {"labels": {"theirs": "x"}}})
    assert place.install() == {JOB, SETTINGS, *bound("a")}
    cronjob = batch.read_namespaced_cron_job(CRONJOB, own)
    assert cronjob.metadata.uid == uid
    assert cronjob.spec.suspend is False


def test_a_namespace_of_somebody_else_is_used_as_it_is(place: Place, core: client.CoreV1Api) -> None:
    core.create_namespace({"metadata": {"name": place.settings.namespace, "labels": {"theirs": "x"}}})
    assert NAMESPACE not in place.named(place.installer())
    assert core.read_namespace(place.settings.namespace).metadata.labels["theirs"] == "x"


@pytest.fixture
def rejecting(place: Place, core: client.CoreV1Api) -> Iterator[Callable[[str, str], None]]:
    """Makes the cluster reject objects of a resource in the refresher's namespace."""
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
def test_nothing_but_what_grants_nothing_is_written_before_a_rejection(
    place: Place, core: client.CoreV1Api, rejecting: Callable[[str, str], None], resource: str, group: str
) -> None:
    core.create_namespace({"metadata": {"name": place.settings.namespace}})
    rejecting(resource, group)
    with pytest.raises(ClusterError, match="the platform team says no"):
        place.installer()
    assert {name for name in place.stored.objects() if CRONJOB in name} == {ACCOUNT, PERMISSIONS}


def test_a_namespace_that_is_going_away_is_named(place: Place, core: client.CoreV1Api) -> None:
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
def test_the_cluster_accepts_every_object(place: Place, core: client.CoreV1Api, case: str) -> None:
    """Each by a dry run, those that bind a ClusterRole too."""
    core.create_namespace({"metadata": {"name": place.settings.namespace}})
    wanted = dataclasses.replace(CASES[case], namespace=place.settings.namespace)
    if wanted.places.listed:
        wanted = dataclasses.replace(wanted, places=place.settings.places)
    for body in all_objects(wanted):
        assert objects.apply(place.cluster, body, dry_run=True)["metadata"]["name"]


# --- What a cluster must have


@pytest.mark.parametrize("data", [None, {}, {"other": "eA=="}], ids=str)
def test_aws_keys_of_the_user_s_own_must_be_there(
    place: Place, core: client.CoreV1Api, data: dict[str, str] | None
) -> None:
    own = place.settings.namespace
    core.create_namespace({"metadata": {"name": own}})
    if data is not None:
        core.create_namespaced_secret(own, {"metadata": {"name": "theirs"}, "data": data})
    place.change(aws=AwsAccess("existing_secret", existing_secret="theirs"))
    with pytest.raises(ClusterError, match=f'{own} has no Secret theirs with a key "credentials"'):
        place.installer()
    assert place.stored.left() <= {"secrets refresher/theirs"}


def test_aws_keys_of_the_user_s_own_are_never_removed(place: Place, core: client.CoreV1Api) -> None:
    own = place.settings.namespace
    place.installer()
    core.create_namespaced_secret(own, {"metadata": {"name": "theirs"}, "data": {"credentials": "eA=="}})
    place.change(aws=AwsAccess("existing_secret", existing_secret="theirs"))
    assert place.install() == {JOB, SETTINGS, KEYS}
    place.remover().remove()
    assert place.stored.left() == {"secrets refresher/theirs"}


def test_two_refreshers_of_one_name_are_refused_where_one_has_a_selector(place: Place) -> None:
    place.installer()
    selector = "ecr-public=enabled"
    second = dataclasses.replace(
        place.settings,
        namespace=f"{place.prefix}second",
        places=Places(selector=selector, requirements=requirements(selector)),
    )
    with place.stored.written() as nothing, pytest.raises(ClusterError, match="Another refresher keeps secrets named"):
        Installer(place.cluster, second, dry_run=False, workers=8).install()
    assert nothing == set()


# --- Removal


@pytest.mark.parametrize("selector", ["", "ecr-public=enabled"])
def test_removal_is_foreseen_and_leaves_nothing(place: Place, selector: str) -> None:
    if selector:
        place.change(places=Places(selector=selector, requirements=requirements(selector)))
    place.installer()
    there = {*place.stored.left(), NAMESPACE}
    foreseen = place.remover(dry_run=True)
    with place.stored.written() as nothing:
        foreseen.remove()
    assert nothing == set()
    done = place.remover()
    done.remove()
    assert place.named(done) == place.named(foreseen) == there
    assert done.warnings == []
    assert place.stored.left() == set()
    assert objects.read(place.cluster, "Namespace", place.settings.namespace) is None

    again = place.remover()
    again.remove()
    assert (again.changes, again.warnings) == ([], [])


def test_a_namespace_with_objects_of_others_stays_and_they_too(place: Place, core: client.CoreV1Api) -> None:
    place.installer()
    core.create_namespaced_config_map(place.settings.namespace, {"metadata": {"name": "theirs"}})
    removal = place.remover()
    removal.remove()
    assert place.stored.left() == {"configmaps refresher/theirs"}
    assert "1 objects in it are not the refresher's, such as ConfigMap theirs" in removal.warnings[0]


def test_a_namespace_that_the_role_did_not_create_stays(place: Place, core: client.CoreV1Api) -> None:
    core.create_namespace({"metadata": {"name": place.settings.namespace}})
    place.installer()
    removal = place.remover()
    removal.remove()
    assert (place.stored.left(), removal.warnings) == (set(), [])
    assert core.read_namespace(place.settings.namespace).status.phase == "Active"


def test_a_namespace_stays_while_an_aggregated_api_is_down(place: Place, core: client.CoreV1Api) -> None:
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


def test_a_pod_that_cannot_end_is_named_and_keeps_nothing_else(place: Place, core: client.CoreV1Api) -> None:
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
    core.create_namespaced_pod(own, {"metadata": metadata, "spec": manifests.pod_spec(place.settings)})
    try:
        with pytest.raises(ClusterError, match="Pods that do not end: stuck on node"):
            place.remover().remove()
        assert place.stored.left() == {JOB}
    finally:
        core.patch_namespaced_pod("stuck", own, {"metadata": {"finalizers": None}})
    wait_for(lambda: not place.stored.left(), "the end of the CronJob")
    place.remover().remove()
    assert objects.read(place.cluster, "Namespace", own) is None


def test_suspension_ends_the_jobs_that_run(place: Place, core: client.CoreV1Api) -> None:
    place.installer()
    own, batch = place.settings.namespace, client.BatchV1Api(core.api_client)
    cronjob = objects.read(place.cluster, "CronJob", CRONJOB, own)
    assert cronjob
    job = {
        "metadata": {"name": "running", "labels": place.settings.labels},
        "spec": cronjob["spec"]["jobTemplate"]["spec"],
    }
    batch.create_namespaced_job(own, job)
    wait_for(lambda: batch.read_namespaced_job_status("running", own).status.active, "the Job's pod")
    foreseen = place.remover(dry_run=True)
    foreseen.suspend()
    assert not batch.read_namespaced_cron_job(CRONJOB, own).spec.suspend
    done = place.remover()
    done.suspend()
    assert place.named(done) == place.named(foreseen) == {JOB, "jobs refresher/running"}
    assert batch.read_namespaced_cron_job(CRONJOB, own).spec.suspend
    wait_for(lambda: not batch.list_namespaced_job(own).items, "the end of the Job")
    again = place.remover()
    again.suspend()
    assert again.changes == []
