# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guide to migration: External Secrets and k8s-ecr-login-renew, whose writes the tests send themselves."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
from kubernetes import client

from support import external_secrets
from support.aws import FakeAws
from support.cluster.audit import AuditLog
from support.external_secrets import ExternalSecrets
from support.migration import GUIDE, Migration, check_row
from support.playbook import Ansible
from support.workloads import wait_for

pytestmark = [pytest.mark.node, pytest.mark.role]

EXTERNAL = "External Secrets"
PRIVATE_SECRET = "k8s-ecr-login-renew-docker-secret"
PRIVATE_REGISTRY = "https://123456789012.dkr.ecr.eu-west-1.amazonaws.com"


@pytest.fixture(scope="module")
def external_kinds(core: client.CoreV1Api) -> Iterator[None]:
    """The kinds ExternalSecret and ECRAuthorizationToken."""
    with external_secrets.kinds(core.api_client):
        yield


def metadata_of_external_secrets(migration: Migration) -> list[str]:
    """Return what External Secrets has added to the secret: owners, labels, annotations."""
    metadata = migration.read().metadata
    keys = [*(metadata.labels or {}), *(metadata.annotations or {})]
    owners = [owner.kind for owner in metadata.owner_references or []]
    return owners + [key for key in keys if "external-secrets" in key or key == "expiresAt"]


@pytest.mark.usefixtures("external_kinds")
def test_from_external_secrets(migration: Migration) -> None:
    api, before = migration.workloads.api, migration.others()
    manifests = external_secrets.manifests(migration.namespace, "ecr-login", "ecr-public")
    with ExternalSecrets(api, migration.aws, migration.namespace) as external:
        migration.apply(manifests)
        wait_for(lambda: external.passwords, "the secret of External Secrets")
        migration.check_pull("authenticated")
        uid = migration.read().metadata.uid
        with migration.watch() as watched:
            migration.do(EXTERNAL, "Suspend")
            assert "External Secrets also manages the secret" in migration.adopt()
            assert "ExternalSecret" in metadata_of_external_secrets(migration)
            migration.do(EXTERNAL, "Delete")
            assert metadata_of_external_secrets(migration) == []
            migration.verify()
            job = migration.workloads.refresh(migration.role.refresher)
            assert job.outcomes[migration.namespace] == ("renewed", "forced")
        assert migration.read().metadata.uid == uid
        assert not external.wrote(migration.read())
        left = [*external_secrets.names(api, migration.namespace), *(migration.others() - before)]

        # Roll back after the deletion, and again before it.
        removal, resumption = GUIDE.commands(EXTERNAL, "Roll back").splitlines()
        migration.shell.run(removal)
        migration.check_removed()
        migration.check_pull("anonymous")
        migration.apply(manifests)
        wait_for(lambda: external.wrote(migration.read()), "the secret after the ExternalSecret was applied again")
        migration.do(EXTERNAL, "Suspend")
        migration.do("All steps", "Adopt")
        migration.shell.run(removal)
        assert not external.wrote(migration.read())
        migration.shell.run(resumption)
        wait_for(lambda: external.wrote(migration.read()), "the secret after the roll back")
        migration.check_pull("authenticated")
        check_row(EXTERNAL, watched, left)
        # The cluster does delete a secret whose owner is deleted without --cascade=orphan.
        migration.shell.run("kubectl -n team-a delete externalsecret ecr-login")
        wait_for(lambda: not migration.exists, "the garbage collection of the secret")


@pytest.mark.usefixtures("external_kinds")
def test_while_external_secrets_still_runs(migration: Migration, ansible: Ansible, aws_options: dict[str, Any]) -> None:
    """Each overwrites the other with a valid token, at once or at its next run."""
    api = migration.workloads.api
    options: dict[str, Any] = {"name": "ecr-login", "namespaces": [migration.namespace], "aws": aws_options}
    with ExternalSecrets(api, migration.aws, migration.namespace) as external:
        migration.apply(external_secrets.manifests(migration.namespace, "ecr-login", "ecr-public"))
        wait_for(lambda: external.passwords, "the secret of External Secrets")
        with migration.watch() as watched:
            for action, reason in (("adopted", "unmanaged"), ("renewed", "modified"), ("renewed", "modified")):
                result = ansible.pull_secret(adopt=action == "adopted", **options).results["result"]
                assert [(each["action"], each["reason"]) for each in result["namespaces"]] == [(action, reason)]
                assert [text for text in result["warnings"] if "--cascade=orphan" in text]
                wait_for(lambda: external.wrote(migration.read()), "the write of External Secrets")
                assert migration.managed
        # One version before, and two for each run.
        assert (watched.seconds_without, watched.versions) == (0, 7)
        output = migration.shell.run(GUIDE.commands("All steps", "Adopt"), status=2)
        assert "these secrets have no later expiry" in output
        migration.do(EXTERNAL, "Delete")


def renew_private_login(migration: Migration, name: str) -> None:
    """Write the secret as nabsul/k8s-ecr-login-renew 1.7 does: it creates it, or replaces its whole Docker config.

    Source: src/k8s/kubernetes.go of the repository.
    """
    core, namespace = migration.workloads.core, migration.namespace
    entry = {"username": "AWS", "password": "private", "email": "awsregrenew@demo.test", "auth": "QVdTOnByaXZhdGU="}
    data = {".dockerconfigjson": base64.b64encode(json.dumps({"auths": {PRIVATE_REGISTRY: entry}}).encode()).decode()}
    found = core.list_namespaced_secret(namespace, field_selector=f"metadata.name={name}").items
    if found:
        found[0].data = {**found[0].data, **data}
        core.replace_namespaced_secret(name, namespace, found[0])
    else:
        body = {"metadata": {"name": name}, "type": "kubernetes.io/dockerconfigjson", "data": data}
        core.create_namespaced_secret(namespace, body)


def pull_secrets(migration: Migration) -> list[str]:
    """Return the pull secrets of the service account default."""
    account = migration.workloads.core.read_namespaced_service_account("default", migration.namespace)
    return [each.name for each in account.image_pull_secrets or []]


def test_beside_k8s_ecr_login_renew(migration: Migration, audit: AuditLog) -> None:
    core, namespace = migration.workloads.core, migration.namespace
    renew_private_login(migration, PRIVATE_SECRET)
    attached = {"imagePullSecrets": [{"name": PRIVATE_SECRET}]}
    wait_for(lambda: core.list_namespaced_service_account(namespace).items, "the service account default")
    core.patch_namespaced_service_account("default", namespace, attached)
    before = core.read_namespaced_secret(PRIVATE_SECRET, namespace)

    migration.use_secret("ecr-public-secret")
    migration.write_variables("All steps", "Beside k8s-ecr-login-renew")
    mark = audit.mark()
    migration.do("All steps", "Adopt")
    migration.verify()
    assert pull_secrets(migration) == [PRIVATE_SECRET, "ecr-public-secret"]
    migration.check_pull("authenticated", secret="")
    assert core.read_namespaced_secret(PRIVATE_SECRET, namespace) == before

    # Each renews its own secret.
    renew_private_login(migration, PRIVATE_SECRET)
    renewed = core.read_namespaced_secret(PRIVATE_SECRET, namespace)
    job = migration.workloads.refresh(migration.role.refresher)
    assert job.outcomes == {namespace: ("renewed", "forced")}
    migration.check_pull("authenticated", secret="")
    migration.shell.run(
        "ansible-playbook freshpull.ecr_public.pull_secret -e @variables.yml -e pull_secret_state=absent"
    )
    assert core.read_namespaced_secret(PRIVATE_SECRET, namespace) == renewed
    assert pull_secrets(migration) == [PRIVATE_SECRET]
    names = {event["objectRef"].get("name") for event in audit.requests(mark, migration.role.user, "secrets")}
    assert names == {"ecr-public-secret"}


def test_k8s_ecr_login_renew_with_the_same_name(
    migration: Migration, ansible: Ansible, aws_options: dict[str, Any], aws: FakeAws
) -> None:
    """Why the guide says to use another name."""
    options: dict[str, Any] = {"name": migration.secret, "namespaces": [migration.namespace], "aws": aws_options}
    renew_private_login(migration, migration.secret)
    for adopt, reason in ((True, "unmanaged"), (False, "empty")):
        (result,) = ansible.pull_secret(adopt=adopt, **options).results["result"]["namespaces"]
        assert result["reason"] == reason
        assert migration.registries == {"public.ecr.aws", PRIVATE_REGISTRY}
        renew_private_login(migration, migration.secret)
        assert (migration.managed, migration.registries) == (True, {PRIVATE_REGISTRY})
    assert len(aws.tokens) == 2
