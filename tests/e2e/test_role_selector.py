# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role with a namespace selector: what the refresher's account can and cannot do, tried with its own token."""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import Callable, Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client
from kubernetes.client.exceptions import ApiException

from support.account import APPLY, MERGE, Account
from support.aws import FakeAws
from support.cluster.audit import AuditLog
from support.dockerconfig import auths_of
from support.installed_program import InstalledProgram
from support.playbook import Ansible
from support.role import Role
from support.workloads import CRONJOB, Workloads

pytestmark = pytest.mark.role
# Its own name: the refresher also changes secrets of this name in the namespaces of other tests.
NAME = "selected-secret"
TYPE = "kubernetes.io/dockerconfigjson"
PREFIX = "ecr-public.freshpull/"
OWNED_BY = "freshpull-test"
MANAGED = {
    "app.kubernetes.io/managed-by": "freshpull",
    PREFIX + "managed": "true",
    PREFIX + "owner": OWNED_BY,
}
LONGER = base64.b64encode(b'{"auths":{"public.ecr.aws":{"auth":"' + b"QVdT" * 20 + b'"}}}').decode()
EMPTY = base64.b64encode(b'{"auths":{}}').decode()
SHARED = base64.b64encode(b'{"auths":{"other.example":{},"public.ecr.aws":{"auth":"QVdTOm9sZA=="}}}').decode()
METADATA = {PREFIX + "registries": "public.ecr.aws", PREFIX + "expires-at": "2026-01-01T00:00:00Z"}
LONG = base64.b64encode(b'{"auths":{"public.ecr.aws":{"auth":"QVdTOm9sZA=="}}}').decode()
# Each form that kubectl -l supports.
SELECTOR = "ecr-public in (enabled, on),zone==a, tier!=frozen,kind notin (sandbox,lab),example.com/owner,!legacy"
SELECTED = {"ecr-public": "enabled", "zone": "a", "example.com/owner": "platform"}


def secret(**changes: Any) -> dict[str, Any]:
    """Build the secret that the refresher may create, with changes to its metadata, type and so on."""
    metadata = {
        "name": NAME,
        "labels": MANAGED,
        "annotations": {PREFIX + "created": "true"},
        **changes.pop("metadata", {}),
    }
    data = {".dockerconfigjson": LONG}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": TYPE, "data": data, **changes}


@dataclasses.dataclass(frozen=True)
class Place:
    """An installed role, its refresher's account, and namespaces: selected with and without a managed secret, selected
    with an unmanaged one, selected but excluded, and not selected with a managed secret; and with secrets of another
    owner, selected and not."""

    role: Role
    account: Account
    names: dict[str, str]

    @property
    def user(self) -> str:
        return self.role.user

    def path(self, where: str, name: str = NAME) -> str:
        return f"/api/v1/namespaces/{self.names.get(where, where)}/secrets/{name}"


@pytest.fixture(scope="module")
def place(
    running_aws: FakeAws,
    kubeconfig: str,
    core: client.CoreV1Api,
    make_lasting_namespaces: Callable[..., list[str]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Place]:
    running_aws.reset()
    managed, unmanaged = make_lasting_namespaces("managed", "unmanaged", labels=SELECTED)
    (elsewhere,) = make_lasting_namespaces("elsewhere")
    prefix = managed.removesuffix("managed")
    core.create_namespaced_secret(unmanaged, secret(metadata={"labels": {"theirs": "true"}}))
    ansible = Ansible(tmp_path_factory.mktemp("play"), kubeconfig)
    with Role(ansible, running_aws, [f"{prefix}*"], refresher=f"{prefix}refresher") as role:
        role.variables["pull_secret_name"] = NAME
        role.variables["pull_secret_owner"] = OWNED_BY
        role.variables["pull_secret_namespace_selector"] = [f"test={prefix.removesuffix('-')}", SELECTOR]
        role.variables["pull_secret_exclude_namespaces"] = [f"{prefix}ex*"]
        # The unmanaged secret is a failure, reported at the end.
        run = role.run(test_run="never")
        assert "A secret of this name exists and is not managed" in run.output
        # After the run, which would have pruned it.
        shared = secret(metadata={"annotations": METADATA}, data={".dockerconfigjson": SHARED})
        core.create_namespaced_secret(elsewhere, shared)
        account = Account(core, role.refresher, CRONJOB)
        later = make_lasting_namespaces("later", "excluded", labels=SELECTED)
        (label,) = make_lasting_namespaces("label", labels={**SELECTED, "ecr-public": "disabled"})
        (others,) = make_lasting_namespaces("others", labels=SELECTED)
        (others_elsewhere,) = make_lasting_namespaces("others-elsewhere")
        for name in (others, others_elsewhere):
            theirs = {"labels": {**MANAGED, PREFIX + "owner": "other"}, "annotations": METADATA}
            core.create_namespaced_secret(name, secret(metadata=theirs))
        names = [managed, unmanaged, elsewhere, *later, label, others, others_elsewhere]
        yield Place(role, account, {name.removeprefix(prefix): name for name in names})


ALLOWED: dict[str, tuple[str, str, Any, str]] = {
    "a missing one created": ("PATCH", "later", secret(), APPLY),
    "a managed one changed": ("PATCH", "managed", {"data": {".dockerconfigjson": LONG}}, MERGE),
    "a managed one, its entries removed": ("PATCH", "managed", {"data": {".dockerconfigjson": EMPTY}}, MERGE),
    "a managed one elsewhere, its entries removed": (
        "PATCH",
        "elsewhere",
        {"metadata": {"annotations": {PREFIX + "registries": ""}}, "data": {".dockerconfigjson": EMPTY}},
        MERGE,
    ),
}


@pytest.mark.core
@pytest.mark.parametrize("attempt", ALLOWED.values(), ids=ALLOWED)
def test_intended_writes_are_allowed(place: Place, attempt: tuple[str, str, Any, str]) -> None:
    method, where, body, content_type = attempt
    status, response = place.account.send(method, f"{place.path(where)}?fieldManager=x&dryRun=All", body, content_type)
    assert status in (HTTPStatus.OK, HTTPStatus.CREATED), response


LABELS: dict[str, dict[str, str]] = {
    "as-they-should-be": SELECTED,
    "in": {**SELECTED, "ecr-public": "on"},
    "not-in": {**SELECTED, "ecr-public": "off"},
    "not-there-to-be-in": {"zone": "a", "example.com/owner": "platform"},
    "not-equal": {**SELECTED, "zone": "b"},
    "other-than-unwanted": {**SELECTED, "tier": "hot"},
    "unwanted": {**SELECTED, "tier": "frozen"},
    "out": {**SELECTED, "kind": "prod"},
    "not-out": {**SELECTED, "kind": "lab"},
    "there-without-value": {**SELECTED, "example.com/owner": ""},
    "not-there": {"ecr-public": "on", "zone": "a"},
    "there-but-should-not": {**SELECTED, "legacy": ""},
}


def test_the_policy_reads_selectors_as_the_api_server_does(
    place: Place, core: client.CoreV1Api, make_lasting_namespaces: Callable[..., list[str]]
) -> None:
    names = [name for key, labels in LABELS.items() for name in make_lasting_namespaces(key, labels=labels)]
    found = {each.metadata.name for each in core.list_namespace(label_selector=SELECTOR).items} & set(names)
    statuses = {
        name: place.account.send("PATCH", f"{place.path(name)}?fieldManager=x&dryRun=All", secret(), APPLY)[0]
        for name in names
    }
    assert len(found) == 5
    assert statuses == {name: HTTPStatus.CREATED if name in found else HTTPStatus.FORBIDDEN for name in names}


OWNER = {"apiVersion": "v1", "kind": "ConfigMap", "name": "kube-root-ca.crt", "uid": "a"}
TOKEN_OF = {"kubernetes.io/service-account.name": "default"}
BY_POLICY: dict[str, tuple[str, Any, str]] = {
    "another type": ("later", secret(type="Opaque"), APPLY),
    "a service account's token": (
        "later",
        secret(metadata={"annotations": TOKEN_OF}, type="kubernetes.io/service-account-token", data={}),
        APPLY,
    ),
    "not selected": ("elsewhere", secret(), APPLY),
    "not selected, by the value of its label": ("label", secret(), APPLY),
    "not labelled at all": ("kube-system", secret(), APPLY),
    "excluded": ("excluded", secret(), APPLY),
    "its own namespace": ("refresher", secret(), APPLY),
    "without the managed label": ("later", secret(metadata={"labels": {}}), APPLY),
    "of another owner": ("later", secret(metadata={"labels": {**MANAGED, PREFIX + "owner": "other"}}), APPLY),
    "a managed one, its owner changed": (
        "managed",
        {"metadata": {"labels": {PREFIX + "owner": "other"}}},
        MERGE,
    ),
    "a managed one of another owner, renewed": ("others", {"data": {".dockerconfigjson": LONGER}}, MERGE),
    "a managed one of another owner, its entries removed": (
        "others-elsewhere",
        {"metadata": {"annotations": {PREFIX + "registries": ""}}, "data": {".dockerconfigjson": EMPTY}},
        MERGE,
    ),
    "a managed one of another owner, taken over": (
        "others",
        {"metadata": {"labels": {PREFIX + "owner": OWNED_BY}}, "data": {".dockerconfigjson": LONGER}},
        MERGE,
    ),
    "with a label for others": ("later", secret(metadata={"labels": {**MANAGED, "sync": "true"}}), APPLY),
    "with an annotation for others": ("later", secret(metadata={"annotations": {"reflect": "true"}}), APPLY),
    "more data": ("later", secret(data={".dockerconfigjson": LONG, "more": LONG}), APPLY),
    "immutable": ("later", secret(immutable=True), APPLY),
    "with an owner": ("later", secret(metadata={"ownerReferences": [OWNER]}), APPLY),
    "with a finalizer": ("later", secret(metadata={"finalizers": ["example.com/hold"]}), APPLY),
    "an unmanaged one": ("unmanaged", {"data": {".dockerconfigjson": EMPTY}}, MERGE),
    "an unmanaged one, labelled as managed": (
        "unmanaged",
        {"metadata": {"labels": MANAGED}, "data": {".dockerconfigjson": EMPTY}},
        MERGE,
    ),
    "a managed one, its label removed": ("managed", {"metadata": {"labels": {PREFIX + "managed": None}}}, MERGE),
    "a managed one, with a label": ("managed", {"metadata": {"labels": {"sync": "true"}}}, MERGE),
    "a managed one, with an annotation": ("managed", {"metadata": {"annotations": {"reflect": "true"}}}, MERGE),
    "a managed one, with more data": ("managed", {"stringData": {"more": "data"}}, MERGE),
    "a managed one, made immutable": ("managed", {"immutable": True}, MERGE),
    "a managed one, with an owner": ("managed", {"metadata": {"ownerReferences": [OWNER]}}, MERGE),
    "a managed one, with a finalizer": ("managed", {"metadata": {"finalizers": ["example.com/hold"]}}, MERGE),
    "a managed one elsewhere, entries added": (
        "elsewhere",
        {"metadata": {"annotations": {PREFIX + "registries": ""}}, "data": {".dockerconfigjson": LONGER}},
        MERGE,
    ),
    "a managed one elsewhere, shortened but with its registries": (
        "elsewhere",
        {"metadata": {"annotations": {PREFIX + "registries": "a"}}, "data": {".dockerconfigjson": EMPTY}},
        MERGE,
    ),
    "a managed one elsewhere, its metadata": (
        "elsewhere",
        {"metadata": {"annotations": {PREFIX + "expires-at": "x"}}},
        MERGE,
    ),
}


@pytest.mark.core
@pytest.mark.parametrize("attempt", BY_POLICY.values(), ids=BY_POLICY)
def test_the_policy_denies_escapes_that_rbac_allows(place: Place, attempt: tuple[str, Any, str]) -> None:
    where, body, content_type = attempt
    where = place.role.refresher if where == "refresher" else where
    path = f"{place.path(where)}?fieldManager=x&dryRun=All{'&force=true' if content_type == APPLY else ''}"
    status, response = place.account.send("PATCH", path, body, content_type)
    assert status == HTTPStatus.FORBIDDEN, response
    assert f"ValidatingAdmissionPolicy '{CRONJOB}.{place.role.refresher}'" in response["message"]
    assert "denied request: " in response["message"]
    assert "resulted in error" not in response["message"]


OTHER = secret(metadata={"name": "other"})
BY_RBAC: dict[str, tuple[str, str, Any, str]] = {
    "another name": ("PATCH", "{later}/other", OTHER, APPLY),
    "created by its collection": ("POST", "{later}", secret(), ""),
    "another name, created": ("POST", "{later}", OTHER, ""),
    "replaced": ("PUT", "{managed}/" + NAME, secret(), ""),
    "deleted": ("DELETE", "{managed}/" + NAME, None, ""),
    "all deleted": ("DELETE", "{managed}", None, ""),
    "all deleted by name": ("DELETE", "{managed}?fieldSelector=metadata.name%3D" + NAME, None, ""),
    "listed in a namespace": ("GET", "{managed}", None, ""),
    "listed everywhere": ("GET", "/api/v1/secrets", None, ""),
    "another name listed": ("GET", "/api/v1/secrets?fieldSelector=metadata.name%3Dother", None, ""),
    "listed by type": ("GET", "/api/v1/secrets?fieldSelector=type%3DOpaque", None, ""),
    "watched": ("GET", "/api/v1/secrets?watch=true&fieldSelector=metadata.name%3D" + NAME, None, ""),
    "another name read": ("GET", "{own}/secrets/" + f"{CRONJOB}-aws", None, ""),
    "a token of its account": ("POST", "{own}/serviceaccounts/" + f"{CRONJOB}/token", {"spec": {}}, ""),
    "a pod": ("POST", "{own}/pods", {"metadata": {"name": "a"}, "spec": {"containers": []}}, ""),
    "a namespace labelled": ("PATCH", "/api/v1/namespaces/{label}", {"metadata": {"labels": {"a": "b"}}}, MERGE),
    "its policy": ("DELETE", "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies", None, ""),
    "its permissions": ("DELETE", "/apis/rbac.authorization.k8s.io/v1/clusterroles", None, ""),
}


@pytest.mark.core
@pytest.mark.parametrize("attempt", BY_RBAC.values(), ids=BY_RBAC)
def test_rbac_denies_all_other_escapes(place: Place, attempt: tuple[str, str, Any, str]) -> None:
    method, path, body, content_type = attempt
    secrets = {key: f"/api/v1/namespaces/{name}/secrets" for key, name in place.names.items()}
    if "/namespaces/{" in path:
        secrets = place.names
    path = path.format(own=f"/api/v1/namespaces/{place.role.refresher}", **secrets)
    status, response = place.account.send(method, path, body, content_type or "application/json")
    assert status == HTTPStatus.FORBIDDEN, response
    assert "cannot" in response["message"], response


# The program changes what the tests above read, so the tests below are the last.


@pytest.fixture
def installed_program(place: Place, core: client.CoreV1Api, aws: FakeAws, tmp_path: Path) -> InstalledProgram:
    return InstalledProgram(core, aws, place.role.refresher, tmp_path)


def auths(core: client.CoreV1Api, namespace: str) -> dict[str, Any]:
    return auths_of(core.read_namespaced_secret(NAME, namespace).data)


def label(core: client.CoreV1Api, namespace: str, value: str | None) -> None:
    core.patch_namespace(namespace, {"metadata": {"labels": {"ecr-public": value}}})


def test_a_run_serves_the_namespaces_that_are_selected_now(
    place: Place, installed_program: InstalledProgram, core: client.CoreV1Api, aws: FakeAws, audit: AuditLog
) -> None:
    names = place.names
    before = core.read_namespaced_secret(NAME, names["elsewhere"])
    untouched = ("unmanaged", "others", "others-elsewhere")
    unmanaged = [core.read_namespaced_secret(NAME, names[each]).to_dict() for each in untouched]
    assert list(auths(core, names["elsewhere"])) == ["other.example", "public.ecr.aws"]

    results = installed_program.run()

    assert {key: results.get(name) for key, name in names.items()} == {
        "managed": ("unchanged", "fresh"),
        "later": ("created", "missing"),
        "elsewhere": ("removed", "orphaned"),
        "unmanaged": ("skipped", "unmanaged"),
        "excluded": None,
        "label": None,
        "others": ("skipped", "other_owner"),
        "others-elsewhere": None,
    }
    assert aws.calls == {"GetAuthorizationToken": 1}
    # Equal to the secret that the module creates.
    made, by_module = (core.read_namespaced_secret(NAME, names[each]) for each in ("later", "managed"))
    assert (made.type, made.metadata.labels) == (TYPE, by_module.metadata.labels)
    assert set(made.metadata.annotations) == set(by_module.metadata.annotations)
    assert made.metadata.annotations[PREFIX + "renewed-by"] == "cronjob"
    assert auths(core, names["later"])["public.ecr.aws"]["password"] == aws.tokens[-1]
    # It is still the same object with its unmanaged content.
    after = core.read_namespaced_secret(NAME, names["elsewhere"])
    assert after.metadata.uid == before.metadata.uid
    assert list(auths(core, names["elsewhere"])) == ["other.example"]
    assert PREFIX + "expires-at" not in after.metadata.annotations
    assert [core.read_namespaced_secret(NAME, names[each]).to_dict() for each in untouched] == unmanaged

    mark = audit.mark()
    unchanged = {("unchanged", "fresh"), ("skipped", "unmanaged"), ("skipped", "other_owner")}
    assert set(installed_program.run().values()) == unchanged
    assert (audit.writes(since=mark, resource="secrets"), aws.calls) == ([], {"GetAuthorizationToken": 1})


def test_a_label_that_is_removed_and_added_again(
    place: Place, installed_program: InstalledProgram, core: client.CoreV1Api
) -> None:
    later = place.names["later"]
    installed_program.run()
    uid = core.read_namespaced_secret(NAME, later).metadata.uid
    label(core, later, None)
    assert installed_program.run()[later] == ("removed", "orphaned")
    assert auths(core, later) == {}
    label(core, later, "on")
    assert installed_program.run()[later] == ("renewed", "empty")
    assert list(auths(core, later)) == ["public.ecr.aws"]
    assert core.read_namespaced_secret(NAME, later).metadata.uid == uid


def test_changes_between_the_read_and_the_write(
    place: Place,
    installed_program: InstalledProgram,
    core: client.CoreV1Api,
    make_lasting_namespaces: Callable[..., list[str]],
) -> None:
    """The policy and the API server reject a write that is outdated, and the next run has nothing to do."""
    unlabelled, kept = make_lasting_namespaces("unlabelled", "kept", labels=SELECTED)
    gone = unlabelled.removesuffix("unlabelled") + "gone"
    core.create_namespace({"metadata": {"name": gone, "labels": core.read_namespace(kept).metadata.labels}})
    installed_program.meanwhile(f"label namespace {unlabelled} ecr-public-", f"delete namespace {gone} --wait=false")
    results = installed_program.run()
    assert results[kept] == ("created", "missing")
    assert (results[unlabelled], results[gone]) == (("skipped", "not_selected"), ("skipped", "terminating"))
    with pytest.raises(ApiException, match="not found"):
        core.read_namespaced_secret(NAME, unlabelled)


@pytest.mark.core
@pytest.mark.node
def test_real_pods(
    place: Place, core: client.CoreV1Api, kubeconfig: str, make_lasting_namespaces: Callable[..., list[str]]
) -> None:
    """Run two Jobs: after the first a new namespace has its secret, and after the second its pulls are anonymous."""
    workloads = Workloads(kubeconfig)
    (new,) = make_lasting_namespaces("new", labels=SELECTED)
    ended = workloads.refresh(place.role.refresher)
    assert (ended.succeeded, ended.outcomes[new]) == (True, ("created", "missing"))
    assert list(auths(core, new)) == ["public.ecr.aws"]
    label(core, new, None)
    ended = workloads.refresh(place.role.refresher)
    assert ended.outcomes[new] == ("removed", "orphaned")
    assert auths(core, new) == {}
