# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Remove a refresher from the cluster, or stop its Jobs. Private to this collection.

Permissions and AWS keys are removed first. A pod that cannot end, such as one on a dead node, then has neither. It
blocks only the deletion of the CronJob.
"""

from __future__ import annotations

import concurrent.futures
import time
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes import objects
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.api import Cluster, ClusterError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.contents import contents
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret import managed_metadata
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects import plan, revocation, served
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.existing import Existing
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.options import Removal
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.settings import CRONJOB

Object = dict[str, t.Any]

SECONDS_TO_END = 60.0
"""The time limit for the CronJob's pods, whose grace period is 10 s, and then for the namespace."""
# Kubernetes itself creates these in each namespace.
_BUILT_IN = (("ConfigMap", "kube-root-ca.crt"), ("ServiceAccount", "default"))
# It describes other objects, and is no reason to keep a namespace.
_IGNORED = "Event"


class Remover:
    """Remove one refresher from one cluster. With dry_run nothing is written, and `changes` are the planned ones."""

    def __init__(
        self,
        cluster: Cluster,
        wanted: Removal,
        *,
        dry_run: bool,
        sleep: t.Callable[[float], None] = time.sleep,
        now: t.Callable[[], float] = time.monotonic,
    ) -> None:
        self._cluster = cluster
        self._wanted = wanted
        self._namespace = wanted.namespace
        self._dry_run = dry_run
        self._sleep = sleep
        self._now = now
        self.changes: list[plan.Change] = []
        self.warnings: list[str] = []
        self.served = served.Served("", ())
        """The pull secrets that the refresher renewed."""
        self.namespace_stays = False
        """Whether a namespace that the collection created stays, since it contains or may contain other objects."""
        self.not_removed = ""
        """Why secrets of a former name could not be removed, or lose their owner, or ""."""

    def end_jobs(self) -> str:
        """Delete the active Jobs of a suspended CronJob, which could write secrets again. Raises ClusterError.

        Returns which Jobs did not end, or "".
        """
        jobs = objects.labelled(self._cluster, "Job", self._selector, self._namespace)
        ending = [
            job for job in jobs if job.get("status", {}).get("active") or job["metadata"].get("deletionTimestamp")
        ]
        for job in ending:
            self._delete(job, "Foreground")
        if self._dry_run:
            return ""
        names = [job["metadata"]["name"] for job in ending]
        left = [name for name in names if not self._is_gone("Job", name)]
        if not left:
            return ""
        return (
            f"The refresher is suspended, but Job {self._namespace}/{', '.join(left)} is still being deleted after "
            f"{SECONDS_TO_END:.0f} s, and its pod may write secrets until it ends. {self._blocking_pods()}"
        )

    def remove(self) -> None:
        """Remove the refresher. If its CronJob does not end, raise ClusterError after the rest is removed.

        The pull secrets stay, except those of a former name: only the ConfigMap has that name.
        """
        with concurrent.futures.ThreadPoolExecutor(max_workers=self._wanted.workers) as pool:
            existing = Existing(self._cluster, self._namespace, pool, partly=self._wanted.unreadable_is_absent)
            if existing.unreadable:
                if existing.all():
                    # Something is left, so all of it must be readable to be removed.
                    raise existing.unreadable
                return
            self.served = served.served(existing)
            served.settle_owner(self._wanted.owner, self.served.owner, self._namespace, adopt=self._wanted.adopt)
            if not self._wanted.record_only:
                self._remove_objects(existing, pool)
        if existing.cronjob and not self._dry_run:
            blocked = self._blocked_deletion()
            if blocked:
                raise ClusterError("terminating", blocked)
        if self._wanted.keep_record and self.served.owner:
            self.namespace_stays = True
            return
        if not (self._wanted.owner or self._wanted.record_only):
            self._release()
        # The record of the secrets is the last of the refresher's objects.
        for found in existing.all("ConfigMap"):
            self._delete(found)
        self._remove_namespace()

    def _remove_objects(self, existing: Existing, pool: concurrent.futures.Executor) -> None:
        """Remove all but the ConfigMaps and the namespace."""
        list(pool.map(self._delete, existing.bindings.values()))
        for found in existing.all("ClusterRoleBinding", "Secret"):
            self._delete(found)
        if existing.policies and not self._dry_run:
            revocation.wait_until_revoked(self._cluster, self._namespace, existing, existing.policies, self._sleep)
        for found in (*existing.policies, *existing.all("ClusterRole")):
            self._delete(found)
        if existing.cronjob:
            self._delete(existing.cronjob, "Foreground")
        self._remove_former_secrets()
        for found in existing.all("ServiceAccount"):
            self._delete(found)

    def _release(self) -> None:
        """Remove the owner from the secrets, which only the refresher renewed as that owner."""
        problem = served.release(self._cluster, self.served, workers=self._wanted.workers, dry_run=self._dry_run)
        self.not_removed = " ".join(filter(None, [self.not_removed, problem]))

    def _remove_former_secrets(self) -> None:
        """Remove them before the ConfigMap that records their name."""
        changes, self.not_removed = served.remove_former_secrets(
            self._cluster, self.served, self._wanted.secret, workers=self._wanted.workers, dry_run=self._dry_run
        )
        self.changes += changes

    # --- Jobs and pods

    def _blocked_deletion(self) -> str:
        """Wait until the CronJob is gone, after its Jobs and pods. Return what blocks that, or ""."""
        if self._is_gone("CronJob", CRONJOB):
            return ""
        return (
            "The refresher's permissions and AWS keys are removed, but its CronJob "
            f"{self._namespace}/{CRONJOB} is still being deleted after {SECONDS_TO_END:.0f} s. "
            f"{self._blocking_pods()}"
        )

    def _blocking_pods(self) -> str:
        pods = objects.labelled(self._cluster, "Pod", self._selector, self._namespace)
        found = [f"{pod['metadata']['name']} on node {pod['spec'].get('nodeName', '(none)')}" for pod in pods]
        return (
            f"Pods that do not end: {', '.join(found) or 'none'}. If their node is gone, delete the node or force the "
            "deletion of the pods, and run the task again."
        )

    def _is_gone(self, kind: str, name: str) -> bool:
        """Wait until an object in the refresher's namespace, or the namespace itself, is gone. Return whether it is."""
        namespace = "" if kind == "Namespace" else self._namespace
        return objects.wait_until_gone(
            self._cluster, kind, name, namespace, seconds=SECONDS_TO_END, sleep=self._sleep, now=self._now
        )

    # --- The namespace

    def _remove_namespace(self) -> None:
        """Remove the namespace if the collection created it and a complete list shows that it has no other objects."""
        found = objects.read(self._cluster, "Namespace", self._namespace)
        if found is None or (found["metadata"].get("annotations") or {}).get(managed_metadata.CREATED) != "true":
            return
        if not found["metadata"].get("deletionTimestamp"):
            there = contents(self._cluster, self._namespace, self._wanted.workers)
            others = [each for each in there.objects if self._is_other(each)]
            if there.unknown or others:
                self._keep_namespace(there.unknown, others)
                return
            self._delete(found)
        if not self._dry_run and not self._is_gone("Namespace", self._namespace):
            self.warnings.append(
                f"The namespace {self._namespace} is still being deleted after {SECONDS_TO_END:.0f} s. "
                f"kubectl describe namespace {self._namespace} shows the cause."
            )

    def _is_other(self, found: Object) -> bool:
        """Whether an object belongs neither to the refresher nor to Kubernetes itself."""
        metadata = found["metadata"]
        labels = metadata.get("labels") or {}
        return (
            found["kind"] != _IGNORED
            and (found["kind"], metadata["name"]) not in _BUILT_IN
            and labels.get(managed_metadata.REFRESHER_LABEL) != self._namespace
        )

    def _keep_namespace(self, unknown: t.Sequence[str], others: t.Sequence[Object]) -> None:
        self.namespace_stays = True
        if others:
            kind, name = others[0]["kind"], others[0]["metadata"]["name"]
            self.warnings.append(
                f"The namespace {self._namespace} stays, since {len(others)} objects in it do not belong to the "
                f"refresher, such as {kind} {name}."
            )
        else:
            self.warnings.append(
                f"The namespace {self._namespace} stays, since it may contain other objects. These could not be "
                f"listed: {', '.join(unknown)}."
            )

    # --- One object

    @property
    def _selector(self) -> str:
        return f"{managed_metadata.REFRESHER_LABEL}={self._namespace}"

    def _delete(self, found: Object, propagation: str = "Background") -> None:
        if found["metadata"].get("deletionTimestamp"):
            # Its deletion has begun. Callers wait for its end where that matters.
            return
        objects.delete(self._cluster, found, propagation=propagation, dry_run=self._dry_run)
        self.changes.append(plan.removed(found))
