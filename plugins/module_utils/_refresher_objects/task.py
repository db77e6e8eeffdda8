# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run one task of ecr_public_refresher. Private to this collection."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes import objects
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.api import (
    READ_ONE_BY_ONE,
    Cluster,
    ClusterError,
    ForbiddenError,
    Namespace,
    NotFoundError,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._names import some
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret import managed_metadata
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.selection import select
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects import (
    plan,
    served,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.apply import Installer
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.existing import Existing
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.options import (
    Installation,
    Removal,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.overdue import overdue
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.redaction import redacted
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.removal import Remover
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.settings import CRONJOB, Settings
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.test_run import (
    RunOutcome,
    TestRun,
    is_unproven,
    mark_unproven,
    secrets_of,
)

DIFFS = 100
"""The number of objects in a diff."""


@dataclasses.dataclass
class RefresherReport:
    """The results of a task. They are added during the task, and therefore also available after a failure.

    problems: sentences; the task fails if there are any. served: the namespaces whose secrets the refresher renewed
    before. complete: whether the refresher is as wanted, single namespaces and the test run aside; after a removal,
    whether nothing is left.
    """

    changes: list[plan.Change] = dataclasses.field(default_factory=list)
    warnings: list[str] = dataclasses.field(default_factory=list)
    problems: list[str] = dataclasses.field(default_factory=list)
    unbound: list[str] = dataclasses.field(default_factory=list)
    served: t.Sequence[str] = ()
    owner: str = ""
    complete: bool = False
    may_create_pods: bool = True
    fail_open_before: int | None = None
    test_run: RunOutcome | None = None
    test_run_due: bool = False
    secrets: t.Sequence[str] = ()
    """Values that no message may contain."""

    @property
    def problem(self) -> str:
        """Why the task failed, or ""."""
        return redacted(" ".join(self.problems), self.secrets)

    def to_result(self) -> dict[str, t.Any]:
        """Return the module's result, which contains no secret."""
        tested = self.test_run or RunOutcome("")
        return {
            "changed": any(change.action != "unchanged" for change in self.changes) or bool(tested.job),
            "objects": sorted((change.to_result() for change in self.changes), key=lambda each: tuple(each.values())),
            "unbound": sorted(self.unbound),
            "served": list(self.served),
            "owner": self.owner,
            "complete": self.complete,
            "may_create_pods": self.may_create_pods,
            "fail_open_before": None if self.fail_open_before is None else f"{self.fail_open_before}s",
            "test_run": {
                "due": self.test_run_due,
                "outcome": tested.outcome,
                "job": tested.job,
                "msg": redacted(tested.msg, self.secrets),
            },
        }

    def shown_warnings(self) -> list[str]:
        """Return the warnings without secrets."""
        return [redacted(warning, self.secrets) for warning in self.warnings]

    def diff(self) -> list[dict[str, t.Any]]:
        """Return before and after of the first DIFFS objects that change."""
        changed = [change for change in self.changes if change.action != "unchanged"]
        shown = [
            {
                "before_header": " ".join(filter(None, change.identity)),
                "after_header": " ".join(filter(None, change.identity)),
                "before": plan.shown(change.before),
                "after": plan.shown(change.after),
            }
            for change in changed[:DIFFS]
        ]
        if len(changed) > DIFFS:
            shown.append({"prepared": f"and {len(changed) - DIFFS} more objects\n"})
        return shown


def carry_out(cluster: Cluster, wanted: Removal | Installation, report: RefresherReport, *, dry_run: bool) -> None:
    """Install or remove the refresher, and add the results to the report. Raises ClusterError or OptionError."""
    if isinstance(wanted, Removal):
        _remove(cluster, wanted, report, dry_run=dry_run)
    else:
        _install(cluster, wanted, report, dry_run=dry_run)


def _remove(cluster: Cluster, wanted: Removal, report: RefresherReport, *, dry_run: bool) -> None:
    remover = Remover(cluster, wanted, dry_run=dry_run)
    try:
        remover.remove()
        report.complete = not remover.namespace_stays
    finally:
        report.changes, report.warnings, report.served = remover.changes, remover.warnings, remover.served.namespaces
        report.owner = wanted.owner or remover.served.owner
        if remover.not_removed:
            report.problems.append(remover.not_removed)


def _install(cluster: Cluster, wanted: Installation, report: RefresherReport, *, dry_run: bool) -> None:
    report.warnings += wanted.warnings
    listed = () if wanted.selection.selector else _listed(cluster, wanted, report)
    unplaced = wanted.unplaced
    with concurrent.futures.ThreadPoolExecutor(max_workers=wanted.workers) as pool:
        existing = Existing(cluster, unplaced.namespace, pool)
    before = served.served(existing)
    owner = served.settle_owner(unplaced.renewal.owner, before.owner, unplaced.namespace, adopt=wanted.adopt)
    former_schedule = (existing.cronjob or {}).get("spec", {}).get("schedule", "")
    settings = wanted.settings(cluster.host, listed, owner, former_schedule)
    report.owner, report.served = owner, before.namespaces
    workers = settings.renewal.workers
    report.secrets = secrets_of(settings)
    report.fail_open_before = settings.renewal.fail_open_before
    installer = Installer(cluster, settings, dry_run=dry_run, workers=workers)
    try:
        installer.install(existing)
        report.complete = True
    finally:
        report.changes, report.unbound = installer.changes, list(installer.unbound)
        report.may_create_pods = installer.may_create_pods
        report.warnings += installer.warnings
    report.problems += filter(None, [_unbound(installer, settings), installer.not_removed])
    if existing.cronjob:
        jobs = objects.labelled(
            cluster, "Job", f"{managed_metadata.REFRESHER_LABEL}={settings.namespace}", settings.namespace
        )
        report.warnings += overdue(jobs, cluster.clocks.later())
    if settings.schedule.suspend:
        removal = Removal(settings.namespace, settings.renewal.secret, workers)
        remover = Remover(cluster, removal, dry_run=dry_run)
        report.problems += filter(None, [remover.end_jobs()])
        report.changes += remover.changes
        return
    report.test_run_due = wanted.test_run == "always" or _is_due(existing, report.changes)
    if not report.test_run_due or dry_run or wanted.test_run == "never":
        return
    if wanted.test_run == "deferred":
        cronjob = objects.read(cluster, "CronJob", CRONJOB, settings.namespace)
        if cronjob:
            mark_unproven(cluster, cronjob)
    else:
        _test(cluster, settings, report)


def _listed(cluster: Cluster, wanted: Installation, report: RefresherReport) -> list[str]:
    """Return the selected namespaces that exist. Raises ClusterError if there are none."""
    present = _present(cluster, wanted)
    if present is not None:
        # The refresher's own namespace may be selected, and is created if it is missing.
        own = wanted.unplaced.namespace
        present = {own: Namespace(own), **present}
    selected = select(wanted.selection, present)
    for glob in selected.unmatched_globs:
        report.warnings.append(f"namespaces: {glob!r} matches no namespace.")
    missing = [name for name, problem in selected.namespaces.items() if problem]
    if missing:
        report.warnings.append(
            f"The refresher gets no permissions in namespaces that do not exist or are being deleted: {some(missing)}. "
            "Create these namespaces, or remove them from the option namespaces, and run the task again."
        )
    listed = selected.usable
    if not listed:
        raise ClusterError(
            "missing_namespace",
            "No namespace is selected. Check the options namespaces and exclude_namespaces: no existing namespace "
            "matches.",
        )
    return listed


def _present(cluster: Cluster, wanted: Installation) -> t.Mapping[str, Namespace] | None:
    """Return the existing namespaces; None if reading them is forbidden and all are named."""
    selection = wanted.selection
    if selection.needs_list:
        return cluster.namespaces("")
    try:
        if len(selection.names) > READ_ONE_BY_ONE:
            return cluster.namespaces("")
        found = {}
        for name in selection.names:
            try:
                found[name] = cluster.namespace(name)
            except NotFoundError:
                continue
    except ForbiddenError:
        return None
    return found


def _unbound(installer: Installer, settings: Settings) -> str:
    if not installer.unbound:
        return ""
    namespace, error = next(iter(installer.unbound.items()))
    return (
        f"The refresher's permissions could not be granted in {len(installer.unbound)} of "
        f"{len(settings.places.listed)} namespaces, such as {namespace}. {error}"
    )


# --- The test run


def _is_due(existing: Existing, changes: t.Sequence[plan.Change]) -> bool:
    """Whether the refresher changes in this task, or has changed since its last successful test run."""
    changed = any(change.action != "unchanged" for change in changes)
    return changed or bool(existing.cronjob and is_unproven(existing.cronjob))


def _test(cluster: Cluster, settings: Settings, report: RefresherReport) -> None:
    if report.unbound:
        report.problems.append("The refresher was not tested, since it does not have all its permissions yet.")
        return
    workers = settings.renewal.workers
    outcome = TestRun(cluster, settings, workers=workers).run()
    report.test_run = outcome
    if outcome.outcome == "failed":
        report.problems.append(outcome.msg)
    elif outcome.outcome == "nothing_to_renew":
        report.warnings.append(outcome.msg)
