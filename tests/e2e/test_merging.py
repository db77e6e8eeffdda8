# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets with unmanaged content, on a real API server: unmanaged content stays the same to the byte."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from kubernetes import client

from support.aws import FakeAws
from support.playbook import Ansible

Make = Callable[..., list[str]]
NAME = "registry-logins"
DATA_KEY = ".dockerconfigjson"
BOTH = ["public.ecr.aws", "ecr-public.aws.com"]

# No program writes this format.
SHARED = """{ "z":1.0, "credHelpers" : {"gcr.io": "gcloud"},\r
\t"auths": {
    "https://index.docker.io/v1/" : {"auth":"dTpw" , "username":"\\u0075","email":""},
  "https://public.ecr.aws":{"auth":"YTpi"}, "public.ecr.aws/team" : { "auth" : "YzpkCg\\/" }
} , "HttpHeaders":{"X":"\u00e9"}, "big":12345678901234567890 }

"""
# Another spelling of the registry, which the kubelet would also use. Adoption removes it with the comma before it.
SPELLING = "https://public.ecr.aws"
LEFT = SHARED.replace(f',\n  "{SPELLING}":{{"auth":"YTpi"}}', "")


def share(core: client.CoreV1Api, namespace: str, text: str, **fields: Any) -> client.V1Secret:
    metadata = {"name": NAME, "labels": {"theirs": "x"}, "annotations": {"theirs": " y "}}
    metadata |= fields.pop("metadata", {})
    data = {key: base64.b64encode(value.encode()).decode() for key, value in {DATA_KEY: text, "more": "m"}.items()}
    body = {"metadata": metadata, "type": "kubernetes.io/dockerconfigjson", "data": data, **fields}
    return core.create_namespaced_secret(namespace, body)


def content(core: client.CoreV1Api, namespace: str) -> str:
    return base64.b64decode(core.read_namespaced_secret(NAME, namespace).data[DATA_KEY]).decode()


@pytest.mark.core
def test_a_shared_secret_is_adopted_and_later_left_as_it_was(
    ansible: Ansible,
    core: client.CoreV1Api,
    aws: FakeAws,
    aws_options: dict[str, Any],
    make_namespaces: Make,
) -> None:
    (namespace,) = make_namespaces("a")
    before = share(core, namespace, SHARED)
    options: dict[str, Any] = {"name": NAME, "namespaces": [namespace]}

    def run(**changes: Any) -> tuple[str, dict[str, Any]]:
        result = ansible.pull_secret(**options, **changes).results["result"]
        assert not result.get("failed", False), result["msg"]
        return result["namespaces"][0]["action"], json.loads(content(core, namespace))

    action, config = run(adopt=True, registries=BOTH, aws=aws_options)
    assert action == "adopted"
    unmanaged = json.loads(SHARED)
    assert {key: value for key, value in config.items() if key != "auths"} == {
        key: value for key, value in unmanaged.items() if key != "auths"
    }
    managed = {registry: config["auths"].pop(registry) for registry in BOTH}
    assert {entry["password"] for entry in managed.values()} == {aws.tokens[-1]}
    assert unmanaged["auths"].pop(SPELLING)
    assert config["auths"] == unmanaged["auths"]

    aws.behave(life=50000)
    action, config = run(registries=BOTH, force_renew=True, aws=aws_options)
    assert action == "renewed"
    assert {config["auths"][registry]["password"] for registry in BOTH} == {aws.tokens[-1]}
    action, config = run(registries=BOTH[1:])
    assert action == "updated"
    assert set(config["auths"]) == {*unmanaged["auths"], BOTH[1]}

    action, _config = run(state="absent")
    assert action == "removed"
    after = core.read_namespaced_secret(NAME, namespace)
    assert content(core, namespace) == LEFT != SHARED
    assert {**after.data, DATA_KEY: ""} == {**before.data, DATA_KEY: ""}
    for field in ("uid", "labels", "annotations"):
        assert getattr(after.metadata, field) == getattr(before.metadata, field)


def test_an_existing_entry_is_overwritten_and_shown_in_the_diff(
    ansible: Ansible, core: client.CoreV1Api, aws: FakeAws, aws_options: dict[str, Any], make_namespaces: Make
) -> None:
    (namespace,) = make_namespaces("a")
    share(core, namespace, '{"auths":{"public.ecr.aws":{"auth":"b2xkOm9sZA=="},"other.example":{"auth":"dTpw"}}}')
    run = ansible.pull_secret("--diff", name=NAME, namespaces=[namespace], adopt=True, aws=aws_options)
    diff = run.results["result"]["diff"]
    shown = [diff[part][f"{namespace}/{NAME}"]["registries"] for part in ("before", "after")]
    assert shown[0] == {"public.ecr.aws": "unmanaged"}
    assert list(shown[1]) == ["public.ecr.aws"]
    assert shown[1]["public.ecr.aws"].startswith("sha256:")
    assert json.loads(content(core, namespace))["auths"]["public.ecr.aws"]["password"] == aws.tokens[-1]


def test_the_legacy_format_is_rejected_with_the_next_step(
    ansible: Ansible, core: client.CoreV1Api, aws_options: dict[str, Any], make_namespaces: Make
) -> None:
    (namespace,) = make_namespaces("a")
    data = {".dockercfg": base64.b64encode(b'{"other.example": {"auth": "dTpw"}}').decode()}
    before = core.create_namespaced_secret(
        namespace, {"metadata": {"name": NAME}, "type": "kubernetes.io/dockercfg", "data": data}
    )
    result = ansible.pull_secret(name=NAME, namespaces=[namespace], adopt=True, aws=aws_options).results["result"]
    assert result["failed"]
    assert result["namespaces"][0]["reason"] == "wrong_type"
    assert "the legacy format" in result["msg"]
    assert "set recreate: true and adopt: true" in result["msg"]
    assert core.read_namespaced_secret(NAME, namespace) == before


OWNED: dict[str, dict[str, Any]] = {
    "Helm: release logins": {
        "labels": {"app.kubernetes.io/managed-by": "Helm"},
        "annotations": {"meta.helm.sh/release-name": "logins"},
    },
    "Argo CD: application platform": {"annotations": {"argocd.argoproj.io/tracking-id": "platform:/Secret:a/logins"}},
    "kubectl apply": {"annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}"}},
    "reflector": {"annotations": {"reflector.v1.k8s.emberstack.com/reflects": "a/logins"}},
    "imagepullsecret-patcher": {"annotations": {"app.kubernetes.io/managed-by": "imagepullsecret-patcher"}},
    "External Secrets: ExternalSecret logins": {
        "labels": {"reconcile.external-secrets.io/managed": "true"},
        "ownerReferences": [
            {
                "apiVersion": "external-secrets.io/v1",
                "kind": "ExternalSecret",
                "name": "logins",
                "uid": "5f0c5a2e-0000-4000-8000-000000000001",
                "controller": True,
            }
        ],
    },
}


def test_adopting_a_secret_of_another_tool_is_a_warning(
    ansible: Ansible, core: client.CoreV1Api, aws_options: dict[str, Any], make_namespaces: Make
) -> None:
    *owned, free = names = make_namespaces(*(f"n{number}" for number in range(len(OWNED))), "free")
    for namespace, metadata in zip(owned, OWNED.values(), strict=True):
        share(core, namespace, SHARED, metadata=metadata)
    share(core, free, SHARED)
    options: dict[str, Any] = {"name": NAME, "namespaces": names, "aws": aws_options}
    assert "warnings" not in ansible.pull_secret(**options).results["result"], "it is unmanaged: nothing is adopted"
    for args in (["--check"], []):
        result = ansible.pull_secret(*args, adopt=True, **options).results["result"]
        assert result["summary"] == {"adopted": len(names)}
        warnings = {text.partition(" also manages")[0]: text for text in result["warnings"]}
        for namespace, owner in zip(owned, OWNED, strict=True):
            tool, _colon, name = owner.partition(": ")
            places = f"{namespace} ({name})" if name else namespace
            text = warnings.pop(tool)
            assert text.startswith(f"{tool} also manages the secret {NAME} in {places}. It is likely to undo what")
            assert text.endswith(", or use another name.")
        assert warnings == {}, f"nothing else manages the secret in {free}"
    assert "warnings" not in ansible.pull_secret(adopt=True, **options).results["result"]
