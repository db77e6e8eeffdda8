# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guide to migration, step by step: shell commands and CronJobs, with real pods, kubectl and the AWS CLI."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from support import old_ways
from support.dockerconfig import auths_of
from support.migration import GUIDE, Migration, check_row
from support.old_ways import OldCronJob
from support.workloads import wait_for

pytestmark = [pytest.mark.node, pytest.mark.role]

SHELL, CRONJOB, HELPER = "A shell command", "A CronJob", "The ECR Public helper of aws-containers"
CREATE = f"NAMESPACE=team-a SECRET=ecr-login\n{old_ways.CREATE}"
APPLY = CREATE.strip() + " --dry-run=client -o yaml | kubectl -n team-a apply -f -"
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def old_cronjob(migration: Migration) -> OldCronJob:
    """Create the namespace of the guide's CronJob, and return its names."""
    migration.shell.run("kubectl create namespace ops")
    name = f"{migration.prefix}login-renew"
    return OldCronJob(f"{migration.prefix}ops", name, name, name, name, name)


def run_now(migration: Migration, old: OldCronJob, job: str) -> None:
    """Run a Job of the old CronJob, and wait for its success."""
    migration.shell.run(
        f"kubectl -n {old.namespace} create job {job} --from=cronjob/{old.name}\n"
        f"kubectl -n {old.namespace} wait --for=condition=complete --timeout=2m job/{job}\n"
        f"kubectl -n {old.namespace} delete job {job}"
    )


def suspend(migration: Migration, source: str) -> None:
    """Suspend the CronJob as the guide says, and wait until no Job is active."""
    patch, active = GUIDE.commands(source, "Suspend").splitlines()
    migration.shell.run(patch)
    wait_for(lambda: not migration.shell.run(active), "the end of the CronJob's last Job")


def test_from_a_shell_command(migration: Migration) -> None:
    migration.shell.run(APPLY)
    migration.check_pull("authenticated")
    uid, before = migration.read().metadata.uid, migration.others()
    with migration.watch() as watched:
        assert "kubectl apply also manages the secret" in migration.adopt()
        # While both run: create changes nothing, and what apply writes is valid and renewed.
        assert "already exists" in migration.shell.run(CREATE, status=1)
        applied = migration.shell.run(APPLY)
        assert "configured" in applied
        assert migration.managed
        job, outcome = migration.refresh()
        assert (job.succeeded, outcome) == (True, ("renewed", "modified"))
        assert "kubectl apply also manages the secret" in job.log
        assert LAST_APPLIED in migration.read().metadata.annotations
        migration.do(SHELL, "Delete")
        assert LAST_APPLIED not in migration.read().metadata.annotations
        migration.verify()
    assert migration.read().metadata.uid == uid

    with migration.watch() as rolled_back:
        migration.do(SHELL, "Roll back")
    assert rolled_back.seconds_without == 0
    migration.check_removed()
    migration.check_pull("authenticated")
    check_row(SHELL, watched, migration.others() - before)


def test_from_a_cronjob(migration: Migration) -> None:
    before = migration.others()
    old = old_cronjob(migration)
    manifests = old.manifests(
        old_ways.DELETE_AND_CREATE, migration.aws, NAMESPACE=migration.namespace, SECRET=migration.secret
    )
    migration.apply(manifests)
    run_now(migration, old, "first")
    migration.check_pull("authenticated")
    uid = migration.read().metadata.uid
    with migration.watch() as watched:
        suspend(migration, CRONJOB)
        migration.adopt()
        migration.do(CRONJOB, "Delete")
        assert migration.refresh()[1] == ("unchanged", "fresh")
        migration.verify()
    assert migration.read().metadata.uid == uid
    left = migration.others() - before

    migration.apply(manifests)
    migration.do(CRONJOB, "Roll back")
    migration.check_removed()
    migration.check_pull("authenticated")
    check_row(CRONJOB, watched, left)


def test_while_a_cronjob_still_runs(migration: Migration) -> None:
    """Nothing breaks at once, and the step Verify fails, because nothing would renew the token."""
    old = old_cronjob(migration)
    environment = {"NAMESPACE": migration.namespace, "SECRET": migration.secret}
    migration.apply(old.manifests(old_ways.DELETE_AND_CREATE, migration.aws, **environment))
    run_now(migration, old, "first")
    migration.adopt()

    with migration.watch() as watched:
        run_now(migration, old, "second")
    # The moment between delete and create, which the watch has to see.
    assert 0 < watched.seconds_without < 30
    assert not migration.managed
    job, outcome = migration.refresh()
    assert (job.succeeded, outcome) == (True, ("skipped", "unmanaged"))
    with pytest.raises(AssertionError, match="A secret of this name exists and is not managed"):
        migration.verify()

    # A run of the refresher in that moment.
    migration.shell.run("kubectl -n team-a delete secret ecr-login")
    job, outcome = migration.refresh()
    assert (job.succeeded, outcome) == (False, ("failed", "missing"))

    migration.do("All steps", "Adopt")
    migration.apply(old.manifests(old_ways.CREATE, migration.aws, **environment))
    uid = migration.read().metadata.uid
    created = f"kubectl -n {old.namespace} create job third --from=cronjob/{old.name}"
    failed = f"kubectl -n {old.namespace} wait --for=condition=failed --timeout=2m job/third"
    logs = f"kubectl -n {old.namespace} logs job/third"
    assert "already exists" in migration.shell.run(f"{created}\n{failed}\n{logs}")
    assert (migration.read().metadata.uid, migration.managed) == (uid, True)


def test_from_the_helper_of_aws_containers(migration: Migration) -> None:
    before = migration.others()
    migration.use_secret("ecr-public-token")
    names = {"namespace": "helper", "name": "helper", "role": "editor", "binding": "edit", "keys": "helper-aws"}
    old = OldCronJob(account="sa-secrets-editor", **{key: migration.prefix + name for key, name in names.items()})
    manifests = old.manifests(old_ways.HELPER, migration.aws, TARGET_NAMESPACES=migration.namespace)
    migration.shell.run("kubectl create namespace ecr-public-creds-helper")
    migration.apply(manifests)
    run_now(migration, old, "initial-creds-job")
    assert migration.registries == {"https://public.ecr.aws"}
    # The patch that the helper's script has as a comment.
    migration.shell.run(
        """kubectl -n team-a patch serviceaccount default -p '{"imagePullSecrets": [{"name": "ecr-public-token"}]}'"""
    )
    migration.check_pull("authenticated", secret="")
    uid = migration.read().metadata.uid
    with migration.watch() as watched:
        suspend(migration, HELPER)
        migration.adopt()
        migration.do(HELPER, "Delete")
        migration.check_pull("authenticated", secret="")
        migration.verify()
    assert (migration.read().metadata.uid, migration.registries) == (uid, {"public.ecr.aws"})
    left = migration.others() - before

    migration.shell.run("kubectl create namespace ecr-public-creds-helper")
    migration.apply(manifests)
    migration.do(HELPER, "Roll back")
    migration.check_removed()
    assert migration.registries == {"https://public.ecr.aws"}
    migration.check_pull("authenticated", secret="")
    check_row(HELPER, watched, left)


TOKEN = "$(aws ecr-public get-login-password --region us-east-1)"
RESPONSE = "$(aws ecr-public get-authorization-token --region us-east-1)"
LOGIN = "create secret docker-registry ecr-login --docker-username=AWS"
WITHOUT_TYPE = (
    """create secret generic ecr-login --from-literal='.dockerconfigjson={"auths": {"public.ecr.aws": {}}}'"""
)
# Namespace -> the kubectl command that makes the secret, pulls with it, and whether the role keeps the object.
MISTAKES = {
    "misspelt": (f'{LOGIN} --docker-server=public.ecr.was --docker-password="{TOKEN}"', "anonymous", True),
    "response": (f'{LOGIN} --docker-server=public.ecr.aws --docker-password="{RESPONSE}"', "rejected", True),
    "expired": (f'{LOGIN} --docker-server=public.ecr.aws --docker-password="{TOKEN}"', "rejected", True),
    "type": (WITHOUT_TYPE, "anonymous", False),
}


def test_the_usual_mistakes(migration: Migration, make_namespaces: Callable[..., list[str]]) -> None:
    core, shell = migration.workloads.core, migration.shell
    places = dict(zip(MISTAKES, make_namespaces(*MISTAKES), strict=True))
    for mistake, (command, how, _kept) in MISTAKES.items():
        shell.run(f"kubectl -n {places[mistake]} {command}")
        if mistake == "expired":
            migration.aws.expire(migration.aws.tokens[-1])
            # The next Job of a CronJob that does not delete the secret.
            assert "already exists" in shell.run(f"kubectl -n {places[mistake]} {command}", status=1)
        migration.check_pull(how, places[mistake])
    shell.names["team-a"] = places["misspelt"]
    assert shell.run(GUIDE.commands("Usual mistakes of the old ways")) == "public.ecr.was\n"
    before = {
        mistake: core.read_namespaced_secret("ecr-login", place).metadata.uid for mistake, place in places.items()
    }

    migration.write_variables("All steps", namespaces=[*places.values()], recreate=True)
    migration.do("All steps", "Adopt")
    migration.verify()
    for mistake, (_command, _how, kept) in MISTAKES.items():
        secret = core.read_namespaced_secret("ecr-login", places[mistake])
        assert (secret.metadata.uid == before[mistake]) is kept
        wrong = {"public.ecr.was"} if mistake == "misspelt" else set()
        assert set(auths_of(secret.data)) == {"public.ecr.aws", *wrong}
        migration.check_pull("authenticated", places[mistake])

    # What the guide says of a secret with nothing but a misspelt registry.
    shell.run("kubectl -n team-a delete secret ecr-login")
    migration.do("All steps", "Adopt")
    assert set(auths_of(core.read_namespaced_secret("ecr-login", places["misspelt"]).data)) == {"public.ecr.aws"}
