# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One bad namespace among good ones: the good ones are done, the bad one is named, the task fails."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import yaml
from kubernetes import client

from support.aws import FakeAws
from support.playbook import Ansible

Make = Callable[..., list[str]]
NAME = "ecr-public-secret"
EMPTY = base64.b64encode(b'{"auths":{}}').decode()


def secret(**fields: Any) -> dict[str, Any]:
    body = {"metadata": {"name": NAME}, "type": "kubernetes.io/dockerconfigjson", "data": {".dockerconfigjson": EMPTY}}
    return {**body, **fields}


def spoil_unmanaged(core: client.CoreV1Api, namespace: str) -> None:
    core.create_namespaced_secret(namespace, secret())


def spoil_wrong_type(core: client.CoreV1Api, namespace: str) -> None:
    core.create_namespaced_secret(namespace, secret(type="Opaque"))


def spoil_legacy_type(core: client.CoreV1Api, namespace: str) -> None:
    data = {".dockercfg": base64.b64encode(b"{}").decode()}
    core.create_namespaced_secret(namespace, secret(type="kubernetes.io/dockercfg", data=data))


def spoil_immutable(core: client.CoreV1Api, namespace: str) -> None:
    metadata = {"name": NAME, "labels": {"ecr-public.freshpull/managed": "true"}}
    core.create_namespaced_secret(namespace, secret(metadata=metadata, immutable=True))


def spoil_malformed(core: client.CoreV1Api, namespace: str) -> None:
    metadata = {"name": NAME, "labels": {"ecr-public.freshpull/managed": "true"}}
    data = {".dockerconfigjson": base64.b64encode(b'{"auths":[]}').decode()}
    core.create_namespaced_secret(namespace, secret(metadata=metadata, data=data))


def spoil_terminating(core: client.CoreV1Api, namespace: str) -> None:
    """Delete the namespace, which a finalizer on an object in it holds."""
    held = {"metadata": {"name": "held", "finalizers": ["freshpull.invalid/test"]}}
    core.create_namespaced_config_map(namespace, held)
    core.delete_namespace(namespace)


SPOILERS = {
    "unmanaged": (spoil_unmanaged, "adopt: true"),
    "wrong_type": (spoil_wrong_type, "recreate: true"),
    "legacy_type": (spoil_legacy_type, "the legacy format"),
    "immutable": (spoil_immutable, "recreate: true"),
    "malformed": (spoil_malformed, "Repair or delete it"),
    "terminating": (spoil_terminating, "is being deleted"),
}
REASONS = {"legacy_type": "wrong_type", "unmanaged": "unmanaged"}


@pytest.fixture
def release(core: client.CoreV1Api) -> Iterator[Callable[[str], None]]:
    """Release held namespaces at the end."""
    held: list[str] = []
    yield held.append
    for namespace in held:
        core.patch_namespaced_config_map("held", namespace, {"metadata": {"finalizers": None}})


@pytest.mark.parametrize("kind", SPOILERS)
def test_the_good_ones_are_done_and_the_bad_one_is_named(
    ansible: Ansible,
    core: client.CoreV1Api,
    aws: FakeAws,
    aws_options: dict[str, Any],
    make_namespaces: Make,
    release: Callable[[str], None],
    kind: str,
) -> None:
    first, bad, last = names = make_namespaces("a", "b", "c")
    spoil, next_step = SPOILERS[kind]
    spoil(core, bad)
    if kind == "terminating":
        release(bad)
    before = core.list_namespaced_secret(bad).items
    check = ansible.pull_secret("--check", namespaces=names, aws=aws_options)
    run = ansible.pull_secret(namespaces=names, aws=aws_options)
    for result in (check.results["result"], run.results["result"]):
        assert result["failed"]
        found = {entry["namespace"]: entry for entry in result["namespaces"]}
        assert found[first]["action"] == found[last]["action"] == "created"
        assert found[bad]["action"] == "failed"
        assert found[bad]["reason"] == REASONS.get(kind, kind)
        assert next_step in found[bad]["msg"]
        assert bad in result["msg"]
        assert first not in result["msg"]
    assert core.list_namespaced_secret(bad).items == before
    assert aws.calls == {"GetAuthorizationToken": 1}


def test_a_missing_namespace_is_named(ansible: Ansible, aws_options: dict[str, Any], make_namespaces: Make) -> None:
    (good,) = make_namespaces("a")
    for args in (["--check"], []):
        result = ansible.pull_secret(*args, namespaces=[good, "no-such-namespace"], aws=aws_options).results["result"]
        found = {entry["namespace"]: entry for entry in result["namespaces"]}
        assert found[good]["action"] == "created"
        assert (found["no-such-namespace"]["action"], found["no-such-namespace"]["reason"]) == (
            "failed",
            "missing_namespace",
        )
        assert "The namespace does not exist. Create it" in result["msg"]


def test_a_terminating_namespace_that_matches_a_glob_is_skipped(
    ansible: Ansible,
    core: client.CoreV1Api,
    aws_options: dict[str, Any],
    make_namespaces: Make,
    release: Callable[[str], None],
) -> None:
    good, bad = make_namespaces("a", "b")
    spoil_terminating(core, bad)
    release(bad)
    result = ansible.pull_secret(namespaces=[good[:-1] + "*"], aws=aws_options).results["result"]
    assert not result.get("failed", False)
    assert {entry["namespace"]: entry["action"] for entry in result["namespaces"]} == {good: "created", bad: "skipped"}


def test_a_missing_permission_is_named_by_its_verb(
    ansible: Ansible,
    core: client.CoreV1Api,
    kubeconfig: str,
    aws_options: dict[str, Any],
    make_namespaces: Make,
) -> None:
    good, bad = names = make_namespaces("a", "b")
    limited = limited_kubeconfig(core, kubeconfig, ansible, good)
    run = ansible.pull_secret(namespaces=names, aws=aws_options, kubeconfig=limited)
    result = run.results["result"]
    found = {entry["namespace"]: entry for entry in result["namespaces"]}
    assert found[good]["action"] == "created"
    assert (found[bad]["action"], found[bad]["reason"]) == ("failed", "forbidden")
    assert f"get secret {bad}/{NAME}" in result["msg"]
    globbed = ansible.pull_secret(namespaces=["*"], aws=aws_options, kubeconfig=limited).results["result"]
    assert globbed["failed"]
    assert "list namespaces" in globbed["msg"]


def limited_kubeconfig(core: client.CoreV1Api, kubeconfig: str, ansible: Ansible, namespace: str) -> str:
    """Return the kubeconfig of a service account that can only get, create and patch secrets in one namespace."""
    rbac = client.RbacAuthorizationV1Api(core.api_client)
    core.create_namespaced_service_account(namespace, {"metadata": {"name": "limited"}})
    rules = [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "create", "patch"]}]
    rbac.create_namespaced_role(namespace, {"metadata": {"name": "limited"}, "rules": rules})
    binding = {
        "metadata": {"name": "limited"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "limited"},
        "subjects": [{"kind": "ServiceAccount", "name": "limited", "namespace": namespace}],
    }
    rbac.create_namespaced_role_binding(namespace, binding)
    token = core.create_namespaced_service_account_token("limited", namespace, {"spec": {}}).status.token
    with open(kubeconfig, encoding="utf-8") as file:
        config = yaml.safe_load(file)
    config["users"][0]["user"] = {"token": token}
    path = ansible.directory / "limited.kubeconfig"
    path.write_text(yaml.safe_dump(config))
    path.chmod(0o600)
    time.sleep(0.5)  # until the authorizer has seen the binding
    return str(path)


NO_TOKEN: dict[str, tuple[dict[str, Any], str]] = {
    "deny": ({"deny": "sts:GetServiceBearerToken"}, "sts:GetServiceBearerToken"),
    "throttle": ({"throttle": 100}, "hrottl"),
    "partition": ({"partition": True}, "partition"),
}


@pytest.mark.parametrize("kind", NO_TOKEN)
def test_without_a_token_valid_entries_are_kept(
    ansible: Ansible,
    core: client.CoreV1Api,
    aws: FakeAws,
    aws_options: dict[str, Any],
    make_namespaces: Make,
    kind: str,
) -> None:
    names = make_namespaces("a")
    ansible.pull_secret(namespaces=names, aws=aws_options)
    before = core.read_namespaced_secret(NAME, names[0])
    behaviour, words = NO_TOKEN[kind]
    aws.behave(**behaviour)
    result = ansible.pull_secret(namespaces=names, aws=aws_options, force_renew=True).results["result"]
    assert result["failed"]
    assert not result["changed"]
    assert words in result["msg"]
    assert f"1 of 1 namespaces keep a token that is still valid: {names[0]}" in (result["msg"])
    assert core.read_namespaced_secret(NAME, names[0]) == before
