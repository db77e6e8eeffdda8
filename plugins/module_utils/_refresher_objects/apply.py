# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Write the refresher's objects in a safe order. Private to this collection.

1. Write what grants nothing by itself: the namespace, the policies (and wait until they are in force), the
   ClusterRoles, the service account.
2. Try all other objects in a dry run. If the cluster rejects one, nothing else is written.
3. Write these objects.
4. Remove the objects that are no longer wanted.
"""

from __future__ import annotations

import concurrent.futures
import time
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes import objects
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.api import (
    Cluster,
    ClusterError,
    ForbiddenError,
    NotFoundError,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret import managed_metadata
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects import (
    manifests,
    permissions,
    plan,
    policies,
    preconditions,
    revocation,
    served,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.existing import Existing
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.pod import pod_template
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.settings import CRONJOB, Settings

Object = dict[str, t.Any]

PROBES = 3
"""Separate requests, since several API servers may share one address and enforce a policy at different times."""
BINDINGS_TRIED = 3
"""More than one, since a single namespace may reject a binding for a reason that concerns no other namespace."""
SECONDS_FOR_POLICY = 60.0
"""The time limit for a stored policy to be in force."""
SECONDS_FOR_DELETION = 60.0
"""The time limit for objects that are being deleted."""
_PAUSE = 0.5


class Installer:
    """Install one refresher in one cluster. With dry_run nothing is written, and `changes` are the planned ones."""

    def __init__(
        self,
        cluster: Cluster,
        settings: Settings,
        *,
        dry_run: bool,
        workers: int,
        sleep: t.Callable[[float], None] = time.sleep,
        now: t.Callable[[], float] = time.monotonic,
    ) -> None:
        self._cluster = cluster
        self._settings = settings
        self._dry_run = dry_run
        self._workers = workers
        self._sleep = sleep
        self._now = now
        self._without_namespace = False
        """Whether dry runs in the namespace are impossible, since only a real run creates it."""
        self.changes: list[plan.Change] = []
        self.warnings: list[str] = []
        self.unbound: dict[str, ClusterError] = {}
        """Namespaces in which the permissions could not be granted. In all others the refresher works."""
        self.may_create_pods = True
        """Whether the task has permission to create pods."""
        self.not_removed = ""
        """Why secrets of a former name could not be removed, or ""."""

    def install(self, existing: Existing | None = None) -> None:
        """Install it. On a ClusterError `changes` has what was written. existing: what was there, if it is read."""
        settings = self._settings
        with concurrent.futures.ThreadPoolExecutor(max_workers=self._workers) as pool:
            preconditions.check(self._cluster, settings)
            existing = existing or Existing(self._cluster, settings.namespace, pool)
            preconditions.check_users_secret(existing, settings)
            self._create_namespace()
            self._wait_for_deletions(existing)
            # The permissions for a former name stay until the end: if the cluster rejects an object, these secrets are
            # still renewed.
            kept = frozenset() if self._dry_run else existing.secrets - {settings.renewal.secret}
            for restriction in policies.restrictions(settings, kept):
                self._enforce(restriction, existing)
            for role in permissions.cluster_roles(settings, kept):
                self._put(role, existing)
            self._put(manifests.service_account(settings), existing)
            # The CronJob comes last, since it needs the others.
            bodies = [manifests.aws_secret(settings), *manifests.config_maps(settings), manifests.cron_job(settings)]
            own = [body for body in bodies if body]
            missing = self._missing_bindings(existing)
            tried = self._try(own, missing, pool)
            self._bind(missing, existing, pool)
            # Before the ConfigMap that records their name is overwritten.
            self._remove_former_secrets(existing)
            for body, would_be in zip(own, tried):
                self._record(existing.stored(body), would_be, body)
            if kept:
                self._narrow(existing)
            self._remove_unwanted(existing, pool)

    # --- Existing objects

    def _wait_for_deletions(self, existing: Existing) -> None:
        """Wait for the end of deletions: an object that is being deleted can be changed, but would still disappear."""
        for found in existing.all():
            if not found["metadata"].get("deletionTimestamp"):
                continue
            kind, name, namespace = found["kind"], found["metadata"]["name"], found["metadata"].get("namespace", "")
            where = f"{namespace}/{name}" if namespace else name
            if self._dry_run:
                self.warnings.append(f"{kind} {where} is being deleted. The task would wait, and create it again.")
            elif not self._is_gone(kind, name, namespace):
                raise ClusterError(
                    "terminating",
                    f"{kind} {where} is still being deleted after {SECONDS_FOR_DELETION:.0f} s. kubectl describe shows "
                    "the cause, such as a finalizer or a pod on a dead node. Run the task again when it is gone.",
                )
            existing.forget(found)

    def _is_gone(self, kind: str, name: str, namespace: str) -> bool:
        return objects.wait_until_gone(
            self._cluster, kind, name, namespace, seconds=SECONDS_FOR_DELETION, sleep=self._sleep, now=self._now
        )

    def _remove_former_secrets(self, existing: Existing) -> None:
        changes, self.not_removed = served.remove_former_secrets(
            self._cluster,
            served.served(existing),
            self._settings.renewal.secret,
            workers=self._workers,
            dry_run=self._dry_run,
            labels=self._settings.renewal.labels,
            annotations=self._settings.renewal.annotations,
        )
        self.changes += changes

    # --- Objects that grant nothing by themselves

    def _create_namespace(self) -> None:
        before = objects.read(self._cluster, "Namespace", self._settings.namespace)
        if before and before["metadata"].get("deletionTimestamp"):
            raise ClusterError(
                "terminating",
                f"The namespace {self._settings.namespace} is being deleted. Wait until it is gone, or use another "
                "one.",
            )
        annotations = (before or {"metadata": {}})["metadata"].get("annotations") or {}
        if before and annotations.get(managed_metadata.CREATED) != "true":
            # The collection did not create the namespace, and does not change it.
            return
        self._without_namespace = self._dry_run and before is None
        body = manifests.namespace(self._settings)
        self._record(before, objects.apply(self._cluster, body, dry_run=True), body)

    def _enforce(self, restriction: policies.Restriction, existing: Existing) -> None:
        try:
            changed = [self._put(body, existing) for body in (restriction.policy, restriction.binding)]
        except ForbiddenError as exc:
            raise ClusterError(exc.reason, f"{exc}. {preconditions.WITHOUT_POLICIES[restriction.kind]}") from exc
        if self._dry_run:
            return
        deadline = self._now() + SECONDS_FOR_POLICY
        seen = 0
        while seen < (PROBES if any(changed) else 1):
            rejection = self._rejection(restriction.probe)
            if restriction.name in rejection:
                seen += 1
            elif self._now() > deadline:
                raise ClusterError(
                    "api_error",
                    f"{self._cluster.host} does not enforce the ValidatingAdmissionPolicy {restriction.name} "
                    f"{SECONDS_FOR_POLICY:.0f} s after it was stored. Without it the refresher is not restricted. "
                    + (
                        f"Another rejection came first, and must allow this dry run: {rejection}"
                        if rejection
                        else "Check whether admission policies are disabled in the API server."
                    ),
                )
            else:
                self._sleep(_PAUSE)

    def _narrow(self, existing: Existing) -> None:
        """Remove the permissions for secrets of a former name."""
        for body in (
            *permissions.cluster_roles(self._settings)[:1],
            *(restriction.policy for restriction in policies.restrictions(self._settings)),
        ):
            self.changes = [change for change in self.changes if change.identity != plan.identity(body)]
            self._put(body, existing)

    def _rejection(self, probe: Object) -> str:
        """Return why admission rejects the dry run of an object, or ""."""
        try:
            objects.create(self._cluster, probe, dry_run=True)
        except ClusterError as exc:
            if exc.reason not in ("forbidden", "api_error"):
                raise
            return str(exc)
        return ""

    # --- Dry runs

    def _try(
        self, bodies: t.Sequence[Object], bindings: t.Sequence[Object], pool: concurrent.futures.Executor
    ) -> list[Object]:
        """Try the bodies, some of the bindings and a Pod. Return what the API server would store for the bodies.

        Raises ClusterError if the cluster rejects a body or the Pod, or all bindings that are tried.
        """
        if self._without_namespace:
            self.warnings.append(
                f"The namespace {self._settings.namespace} does not exist yet, and check mode does not create it. It "
                "is unknown whether the cluster accepts the objects in this namespace."
            )
            return list(bodies)
        tried = [pool.submit(self._try_one, body) for body in bodies]
        bound = [pool.submit(self._try_one, body) for body in bindings[:BINDINGS_TRIED]]
        self._try_pod()
        would_be = [future.result() for future in tried]
        rejections = [rejection for future in bound if (rejection := future.exception())]
        if bound and len(rejections) == len(bound) and len(bindings) > 1:
            raise rejections[0]
        return would_be

    def _try_one(self, body: Object) -> Object:
        try:
            return objects.apply(self._cluster, body, dry_run=True)
        except NotFoundError:
            # In check mode the ClusterRole may not exist yet, and only administrators may bind a missing one.
            if self._dry_run and "roleRef" in body:
                return body
            raise

    def _try_pod(self) -> None:
        template = pod_template(self._settings)
        name = {"generateName": f"{CRONJOB}-trial-", "namespace": self._settings.namespace}
        pod = {"apiVersion": "v1", "kind": "Pod", **template, "metadata": {**name, **template["metadata"]}}
        try:
            objects.create(self._cluster, pod, dry_run=True)
        except ClusterError as exc:
            if 'cannot create resource "pods"' in str(exc):
                self.may_create_pods = False
                self.warnings.append(f"It is unknown whether the cluster accepts the refresher's pods. {exc}")
            # In check mode the service account may not exist yet.
            elif not (self._dry_run and "service account" in str(exc)):
                raise

    # --- Permissions

    def _missing_bindings(self, existing: Existing) -> list[Object]:
        """Return the bindings that differ or do not exist."""
        wanted = [
            permissions.cluster_role_binding(self._settings),
            *(permissions.role_binding(self._settings, namespace) for namespace in self._settings.places.listed),
        ]
        return [body for body in wanted if not ((found := existing.stored(body)) and plan.binds_as(found, body))]

    def _bind(self, missing: t.Sequence[Object], existing: Existing, pool: concurrent.futures.Executor) -> None:
        def bind(body: Object) -> None:
            namespace = body["metadata"].get("namespace", "")
            try:
                after = body if self._dry_run else objects.apply(self._cluster, body)
            except ClusterError as exc:
                if not namespace:
                    raise
                self.unbound[namespace] = exc
            else:
                self.changes.append(plan.applied(existing.stored(body), after))

        list(pool.map(bind, missing))

    # --- Objects that are no longer wanted

    def _remove_unwanted(self, existing: Existing, pool: concurrent.futures.Executor) -> None:
        settings = self._settings
        listed = set(settings.places.listed)
        list(pool.map(self._delete, [found for name, found in existing.bindings.items() if name not in listed]))
        bodies = [permissions.cluster_role_binding(settings), *permissions.cluster_roles(settings)]
        wanted = set(map(plan.identity, bodies))
        # Bindings before the roles that they bind.
        for found in (*existing.all("ClusterRoleBinding"), *existing.all("ClusterRole")):
            if plan.identity(found) not in wanted:
                self._delete(found)
        self._remove_policies(existing)
        if settings.aws.kind != "secret" and existing.aws_secret:
            self._delete(existing.aws_secret)
        self._remove_former_config_maps(existing)

    def _remove_policies(self, existing: Existing) -> None:
        wanted = {restriction.name for restriction in policies.restrictions(self._settings)}
        unwanted = [found for found in existing.policies if found["metadata"]["name"] not in wanted]
        if unwanted and not self._dry_run:
            revocation.wait_until_revoked(self._cluster, self._settings.namespace, existing, unwanted, self._sleep)
        for found in unwanted:
            self._delete(found)

    def _remove_former_config_maps(self, existing: Existing) -> None:
        """Remove them unless a Job of the former CronJob still uses them. The next task removes those."""
        kept = set(map(plan.identity, manifests.config_maps(self._settings)))
        unwanted = [found for found in existing.all("ConfigMap") if plan.identity(found) not in kept]
        if unwanted:
            namespace = self._settings.namespace
            jobs = objects.labelled(self._cluster, "Job", f"{managed_metadata.REFRESHER_LABEL}={namespace}", namespace)
            used = plan.used_config_maps(jobs)
            for found in unwanted:
                if found["metadata"]["name"] not in used:
                    self._delete(found)

    def _delete(self, found: Object) -> None:
        objects.delete(self._cluster, found, dry_run=self._dry_run)
        self.changes.append(plan.removed(found))

    # --- One object

    def _put(self, body: Object, existing: Existing) -> bool:
        """Apply an object if that changes it. Return whether it does."""
        untried = self._without_namespace and "namespace" in body["metadata"]
        tried = body if untried else objects.apply(self._cluster, body, dry_run=True)
        return self._record(existing.stored(body), tried, body)

    def _record(self, before: Object | None, tried: Object, body: Object) -> bool:
        """Write an object if its dry run shows a change. Return whether it does."""
        change = plan.applied(before, tried)
        if change.action != "unchanged" and not self._dry_run:
            change = plan.applied(before, objects.apply(self._cluster, body))
        self.changes.append(change)
        return change.action != "unchanged"
