# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The writes of External Secrets for an ExternalSecret with the generator ECRAuthorizationToken. It is a simulation.

Source: external-secrets/external-secrets v2.9.0, pkg/controllers/externalsecret/externalsecret_controller.go, and the
example of docs/api/generator/ecr.md.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import time
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from kubernetes import client
from kubernetes.client.exceptions import ApiException

from support.aws import FakeAws
from support.dockerconfig import auths_of
from support.repeated import Repeated
from support.workloads import wait_for

GROUP, GENERATORS = "external-secrets.io", "generators.external-secrets.io"
MANAGED, CREATED_BY = "reconcile.external-secrets.io/managed", "reconcile.external-secrets.io/created-by"
DATA_HASH = "reconcile.external-secrets.io/data-hash"
FINALIZER = "externalsecrets.external-secrets.io/externalsecret-cleanup"
PLURAL = "externalsecrets"
_KINDS = (
    (GROUP, "v1", PLURAL, "ExternalSecret"),
    (GENERATORS, "v1alpha1", "ecrauthorizationtokens", "ECRAuthorizationToken"),
)

Object = dict[str, Any]


@contextlib.contextmanager
def kinds(api: client.ApiClient) -> Iterator[None]:
    """Let the cluster have the two kinds, without their schemas."""
    definitions = client.ApiextensionsV1Api(api)
    for group, version, plural, kind in _KINDS:
        schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
        versions = [{"name": version, "served": True, "storage": True, "schema": schema}]
        names = {"plural": plural, "singular": kind.lower(), "kind": kind}
        spec = {"group": group, "scope": "Namespaced", "names": names, "versions": versions}
        definitions.create_custom_resource_definition({"metadata": {"name": f"{plural}.{group}"}, "spec": spec})
    try:
        wait_for(
            lambda: all(_established(definitions, f"{plural}.{group}") for group, _v, plural, _k in _KINDS), "the kinds"
        )
        yield
    finally:
        for group, _version, plural, _kind in _KINDS:
            definitions.delete_custom_resource_definition(f"{plural}.{group}")


def _established(definitions: client.ApiextensionsV1Api, name: str) -> bool:
    conditions = definitions.read_custom_resource_definition(name).status.conditions or []
    return any(each.type == "Established" and each.status == "True" for each in conditions)


def names(api: client.ApiClient, namespace: str) -> list[str]:
    """Return the names of all objects of the two kinds."""
    custom = client.CustomObjectsApi(api)
    found = []
    for group, version, plural, _kind in _KINDS:
        items = custom.list_namespaced_custom_object(group, version, namespace, plural)["items"]
        found += [f"{plural} {item['metadata']['name']}" for item in items]
    return found


def manifests(namespace: str, name: str, generator: str) -> Object:
    """Return an ExternalSecret and its generator, for ECR Public, as a list for `kubectl apply`."""
    reference = {"apiVersion": f"{GENERATORS}/v1alpha1", "kind": "ECRAuthorizationToken", "name": generator}
    place = {"namespace": namespace}
    items = [
        {
            "apiVersion": reference["apiVersion"],
            "kind": reference["kind"],
            "metadata": {"name": generator, **place},
            "spec": {"region": "us-east-1", "scope": "public"},
        },
        {
            "apiVersion": f"{GROUP}/v1",
            "kind": "ExternalSecret",
            "metadata": {"name": name, **place},
            "spec": {
                "refreshInterval": "1h0m0s",
                "target": {
                    # The first two are defaults of the kind.
                    "creationPolicy": "Owner",
                    "deletionPolicy": "Retain",
                    "name": name,
                    "template": {"type": "kubernetes.io/dockerconfigjson"},
                },
                "dataFrom": [{"sourceRef": {"generatorRef": reference}}],
            },
        },
    ]
    return {"apiVersion": "v1", "kind": "List", "items": items}


class ExternalSecrets(Repeated):
    """A context manager that reconciles the ExternalSecrets of these namespaces as External Secrets does.

    It writes a secret when its ExternalSecret is new or changed, and when the data of the secret is not what it wrote.
    The refresh interval does not end during a test.
    """

    def __init__(self, api: client.ApiClient, aws: FakeAws, *namespaces: str) -> None:
        self._core, self._custom = client.CoreV1Api(api), client.CustomObjectsApi(api)
        self._aws, self._namespaces = aws, namespaces
        self._refreshed: dict[str, int] = {}
        self.passwords: set[str] = set()
        """Of the tokens that it wrote."""
        super().__init__(self._reconcile)

    def _reconcile(self) -> None:
        for namespace in self._namespaces:
            found = self._custom.list_namespaced_custom_object(GROUP, "v1", namespace, PLURAL)["items"]
            for external in found:
                try:
                    self._reconcile_one(external)
                except ApiException as error:
                    # Something else wrote in between, or deleted the object: it is reconciled again.
                    if error.status not in (HTTPStatus.CONFLICT, HTTPStatus.NOT_FOUND):
                        raise
        time.sleep(0.05)

    def _reconcile_one(self, external: Object) -> None:
        metadata, target = external["metadata"], external["spec"]["target"]
        policy = target["creationPolicy"]
        secret = self._read(metadata["namespace"], target["name"])
        if metadata.get("deletionTimestamp"):
            self._end(external, secret)
            return
        if FINALIZER not in metadata.get("finalizers", []):
            self._set_finalizers(external, [*metadata.get("finalizers", []), FINALIZER])
        if secret and MANAGED not in (secret.metadata.labels or {}):
            self._core.patch_namespaced_secret(
                target["name"], metadata["namespace"], {"metadata": {"labels": {MANAGED: "true"}}}
            )
            return
        changed = self._refreshed.get(metadata["uid"]) != metadata["generation"]
        if not changed and (policy == "Orphan" or _is_as_written(secret)):
            return
        if policy != "None":
            self._write(external, secret)
        self._refreshed[metadata["uid"]] = metadata["generation"]

    def _read(self, namespace: str, name: str) -> client.V1Secret | None:
        found = self._core.list_namespaced_secret(namespace, field_selector=f"metadata.name={name}").items
        return found[0] if found else None

    def _set_finalizers(self, external: Object, finalizers: list[str]) -> None:
        metadata = external["metadata"]
        change = {"metadata": {"finalizers": finalizers, "resourceVersion": metadata["resourceVersion"]}}
        self._custom.patch_namespaced_custom_object(
            GROUP, "v1", metadata["namespace"], PLURAL, metadata["name"], change
        )

    def _end(self, external: Object, secret: client.V1Secret | None) -> None:
        """Handle the deletion of the ExternalSecret."""
        metadata, target = external["metadata"], external["spec"]["target"]
        if target["deletionPolicy"] == "Delete" and secret and _owned_by(secret, metadata):
            self._core.delete_namespaced_secret(secret.metadata.name, metadata["namespace"])
        if FINALIZER in metadata["finalizers"]:
            self._set_finalizers(external, [each for each in metadata["finalizers"] if each != FINALIZER])

    def _write(self, external: Object, secret: client.V1Secret | None) -> None:
        metadata, target = external["metadata"], external["spec"]["target"]
        found = self._core.api_client.sanitize_for_serialization(secret.metadata) if secret else {}
        found.pop("managedFields", None)
        owner = {
            "apiVersion": f"{GROUP}/v1",
            "kind": "ExternalSecret",
            "name": metadata["name"],
            "uid": metadata["uid"],
        }
        owners = [each for each in found.get("ownerReferences", []) if each["uid"] != metadata["uid"]]
        labels = {**found.get("labels", {}), MANAGED: "true"}
        labels.pop(CREATED_BY, None)
        if target["creationPolicy"] == "Owner":
            owners.append({**owner, "controller": True, "blockOwnerDeletion": True})
            labels[CREATED_BY] = _hash(f"{metadata['namespace']}/{metadata['name']}")
        issued = self._aws.issue()
        data = {".dockerconfigjson": base64.b64encode(issued["dockerconfigjson"].encode()).decode()}
        annotations = {**found.get("annotations", {}), DATA_HASH: _hash(data), "expiresAt": issued["expires_at"]}
        own = {"labels": labels, "annotations": annotations, "ownerReferences": owners}
        body = {"metadata": {**found, "name": target["name"], **own}, "type": target["template"]["type"], "data": data}
        options = {"field_manager": f"externalsecrets.external-secrets.io/{metadata['name']}"}
        if secret:
            self._core.replace_namespaced_secret(target["name"], metadata["namespace"], body, **options)
        else:
            self._core.create_namespaced_secret(metadata["namespace"], body, **options)
        self.passwords.add(issued["password"])

    def wrote(self, secret: client.V1Secret) -> bool:
        """Return whether the token in the secret is one that it wrote."""
        return any(entry["password"] in self.passwords for entry in auths_of(secret.data).values())


def _is_as_written(secret: client.V1Secret | None) -> bool:
    return secret is not None and (secret.metadata.annotations or {}).get(DATA_HASH) == _hash(secret.data)


def _owned_by(secret: client.V1Secret, metadata: Object) -> bool:
    return any(each.uid == metadata["uid"] for each in secret.metadata.owner_references or [])


def _hash(value: Any) -> str:
    return hashlib.sha3_224(json.dumps(value, sort_keys=True).encode()).hexdigest()
