# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes the refresher's objects, in an order that keeps it restricted and working. Private to this collection.

First what grants nothing by itself: the namespace, the policies (until they are in force), the ClusterRoles, the
service account. Then a dry run of all others, so that nothing else is written if the cluster rejects one of them. Then
the same for real, and last the removal of what is no longer wanted.
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
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.former import Former
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.pod import pod_spec
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.settings import CRONJOB, Settings

Object = dict[str, t.Any]

PROBES = 3
"""Each is a request of its own: if several API servers share one address not always the same one responds."""
BINDINGS_TRIED = 3
"""A single namespace may reject a binding for a reason of its own, which concerns no other."""
SECONDS_FOR_POLICY = 60.0
"""An API server enforces a policy a moment after it was stored."""
SECONDS_FOR_DELETION = 60.0
"""For an object that somebody has just deleted."""
_PAUSE = 0.5


class Installer:
    """One refresher in one cluster. With dry_run nothing is written: the changes are those that would be made."""

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
        """Whether nothing can be tried in the namespace, since only a real run creates it."""
        self.changes: list[plan.Change] = []
        self.warnings: list[str] = []
        self.unbound: dict[str, ClusterError] = {}
        """Namespaces in which the permissions could not be granted. All others are served."""
        self.may_create_pods = True
        """Whether the permissions allow it to try a pod."""
        self.not_removed = ""
        """In words, the secrets of a former name that could not be removed; or ""."""

    def install(self) -> Former:
        """What there was before. Raises ClusterError; what was written until then is in `changes`."""
        settings = self._settings
        with concurrent.futures.ThreadPoolExecutor(max_workers=self._workers) as pool:
            preconditions.check(self._cluster, settings)
            former = Former(self._cluster, settings.namespace, pool)
            self._create_namespace()
            self._wait_for_deletions(former)
            # Secrets of a former name are renewed until the end, since something may still be rejected.
            kept = frozenset() if self._dry_run else former.secrets - {settings.renewal.secret}
            for restriction in policies.restrictions(settings, kept):
                self._enforce(restriction, former)
            for role in permissions.cluster_roles(settings, kept):
                self._put(role, former)
            self._put(manifests.service_account(settings), former)
            # The CronJob is the last of them: it needs all others.
            bodies = [manifests.aws_secret(settings), *manifests.config_maps(settings), manifests.cron_job(settings)]
            own = [body for body in bodies if body]
            missing = self._missing_bindings(former)
            tried = self._try(own, missing, pool)
            self._bind(missing, former, pool)
            # Before the ConfigMap that knows their name is written.
            self._remove_former_secrets(former)
            for body, would_be in zip(own, tried):
                self._record(former.stored(body), would_be, body)
            if kept:
                self._narrow(former)
            self._remove_unwanted(former, pool)
        return former

    # --- What there was

    def _wait_for_deletions(self, former: Former) -> None:
        """An object that is being deleted could be changed, and would be gone all the same."""
        for found in former.all():
            if not found["metadata"].get("deletionTimestamp"):
                continue
            kind, name, namespace = found["kind"], found["metadata"]["name"], found["metadata"].get("namespace", "")
            where = f"{namespace}/{name}" if namespace else name
            if self._dry_run:
                self.warnings.append(f"{kind} {where} is being deleted. It would be waited for, and created again.")
            elif not self._is_gone(kind, name, namespace):
                raise ClusterError(
                    "terminating",
                    f"{kind} {where} is still being deleted after {SECONDS_FOR_DELETION:.0f} s. kubectl describe shows "
                    "what keeps it, such as a finalizer or a pod on a dead node. Run the task again when it is gone.",
                )
            former.forget(found)

    def _is_gone(self, kind: str, name: str, namespace: str) -> bool:
        deadline = self._now() + SECONDS_FOR_DELETION
        while objects.read(self._cluster, kind, name, namespace):
            if self._now() > deadline:
                return False
            self._sleep(_PAUSE)
        return True

    def _remove_former_secrets(self, former: Former) -> None:
        changes, self.not_removed = served.remove_former_secrets(
            self._cluster,
            served.served(former),
            self._settings.renewal.secret,
            workers=self._workers,
            dry_run=self._dry_run,
        )
        self.changes += changes

    # --- What grants nothing by itself

    def _create_namespace(self) -> None:
        before = objects.read(self._cluster, "Namespace", self._settings.namespace)
        if before and before["metadata"].get("deletionTimestamp"):
            raise ClusterError(
                "terminating",
                f"The namespace {self._settings.namespace} is being deleted. Wait until it is gone, or use another.",
            )
        annotations = (before or {"metadata": {}})["metadata"].get("annotations") or {}
        if before and annotations.get(managed_metadata.CREATED) != "true":
            # Somebody else's: it is used as it is.
            return
        self._without_namespace = self._dry_run and before is None
        body = manifests.namespace(self._settings)
        self._record(before, objects.apply(self._cluster, body, dry_run=True), body)

    def _enforce(self, restriction: policies.Restriction, former: Former) -> None:
        try:
            changed = [self._put(body, former) for body in (restriction.policy, restriction.binding)]
        except ForbiddenError as exc:
            raise ClusterError(exc.reason, f"{exc}. {preconditions.WITHOUT_POLICIES[restriction.kind]}") from exc
        if self._dry_run:
            return
        deadline = self._now() + SECONDS_FOR_POLICY
        seen = 0
        while seen < (PROBES if any(changed) else 1):
            if self._denied(restriction):
                seen += 1
            elif self._now() > deadline:
                raise ClusterError(
                    "api_error",
                    f"{self._cluster.host} does not enforce the ValidatingAdmissionPolicy {restriction.name} "
                    f"{SECONDS_FOR_POLICY:.0f} s after it was stored, and without it the refresher is not restricted. "
                    "Check whether admission policies are disabled in the API server.",
                )
            else:
                self._sleep(_PAUSE)

    def _narrow(self, former: Former) -> None:
        """Take back what was kept for secrets of a former name."""
        for body in (
            *permissions.cluster_roles(self._settings)[:1],
            *(restriction.policy for restriction in policies.restrictions(self._settings)),
        ):
            self.changes = [change for change in self.changes if change.identity != plan.identity(body)]
            self._put(body, former)

    def _denied(self, restriction: policies.Restriction) -> bool:
        try:
            objects.create(self._cluster, restriction.probe, dry_run=True)
        except ForbiddenError as exc:
            return restriction.name in str(exc)
        return False

    # --- What is tried first

    def _try(
        self, bodies: t.Sequence[Object], bindings: t.Sequence[Object], pool: concurrent.futures.Executor
    ) -> list[Object]:
        """A dry run of each, of some bindings and of a Pod; what would be stored for the bodies.

        Raises ClusterError for the first that the cluster rejects; of the bindings, if it rejects all that are tried.
        """
        if self._without_namespace:
            self.warnings.append(
                f"The namespace {self._settings.namespace} does not exist yet, so check mode could not try whether the "
                "cluster accepts the objects in it."
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
        pod = {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "generateName": f"{CRONJOB}-trial-",
                "namespace": self._settings.namespace,
                "labels": self._settings.labels,
            },
            "spec": pod_spec(self._settings),
        }
        try:
            objects.create(self._cluster, pod, dry_run=True)
        except ClusterError as exc:
            if 'cannot create resource "pods"' in str(exc):
                self.may_create_pods = False
                self.warnings.append(f"Whether the cluster accepts the refresher's pods could not be tried. {exc}")
            # In check mode the service account may not exist yet.
            elif not (self._dry_run and "service account" in str(exc)):
                raise

    # --- Permissions

    def _missing_bindings(self, former: Former) -> list[Object]:
        """Those that differ or are not there."""
        wanted = [
            permissions.cluster_role_binding(self._settings),
            *(permissions.role_binding(self._settings, namespace) for namespace in self._settings.places.listed),
        ]
        return [body for body in wanted if not ((found := former.stored(body)) and plan.binds_as(found, body))]

    def _bind(self, missing: t.Sequence[Object], former: Former, pool: concurrent.futures.Executor) -> None:
        def bind(body: Object) -> None:
            namespace = body["metadata"].get("namespace", "")
            try:
                after = body if self._dry_run else objects.apply(self._cluster, body)
            except ClusterError as exc:
                if not namespace:
                    raise
                self.unbound[namespace] = exc
            else:
                self.changes.append(plan.applied(former.stored(body), after))

        list(pool.map(bind, missing))

    # --- What is no longer wanted

    def _remove_unwanted(self, former: Former, pool: concurrent.futures.Executor) -> None:
        settings = self._settings
        listed = set(settings.places.listed)
        list(pool.map(self._delete, [found for name, found in former.bindings.items() if name not in listed]))
        bodies = [permissions.cluster_role_binding(settings), *permissions.cluster_roles(settings)]
        wanted = set(map(plan.identity, bodies))
        # Each binding before what it binds.
        for found in (*former.all("ClusterRoleBinding"), *former.all("ClusterRole")):
            if plan.identity(found) not in wanted:
                self._delete(found)
        self._remove_policies(former)
        if settings.aws.kind != "secret" and former.aws_secret:
            self._delete(former.aws_secret)
        self._remove_former_config_maps(former)

    def _remove_policies(self, former: Former) -> None:
        wanted = {restriction.name for restriction in policies.restrictions(self._settings)}
        unwanted = [found for found in former.policies if found["metadata"]["name"] not in wanted]
        if unwanted and not self._dry_run:
            revocation.wait_until_revoked(self._cluster, self._settings.namespace, former, unwanted, self._sleep)
        for found in unwanted:
            self._delete(found)

    def _remove_former_config_maps(self, former: Former) -> None:
        """A Job that was created from the former CronJob keeps its own; the next task removes them."""
        kept = set(map(plan.identity, manifests.config_maps(self._settings)))
        unwanted = [found for found in former.all("ConfigMap") if plan.identity(found) not in kept]
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

    def _put(self, body: Object, former: Former) -> bool:
        """Apply an object if that changes it; whether it does."""
        untried = self._without_namespace and "namespace" in body["metadata"]
        tried = body if untried else objects.apply(self._cluster, body, dry_run=True)
        return self._record(former.stored(body), tried, body)

    def _record(self, before: Object | None, tried: Object, body: Object) -> bool:
        """Write an object if its dry run says that this changes it; whether it does."""
        change = plan.applied(before, tried)
        if change.action != "unchanged" and not self._dry_run:
            change = plan.applied(before, objects.apply(self._cluster, body))
        self.changes.append(change)
        return change.action != "unchanged"
