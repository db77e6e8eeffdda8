# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Find the pull secrets of an existing refresher, and remove those of a former name. Private to this collection.

Only the refresher's own objects record the name and the namespaces of its secrets. Secrets of a former name are removed
before these objects change, since they are no longer renewed.
"""

from __future__ import annotations

import dataclasses
import json
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils._errors import OptionError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.api import Cluster, ClusterError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.decision import Policy
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.options import check_name, check_owner
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.report import Report
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.selection import Selection
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.task import PullSecretTask
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher.settings import NAMESPACES, POLICY
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects import plan
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.existing import Existing

ALL = ("*",)


@dataclasses.dataclass(frozen=True)
class Served:
    """The secrets of a refresher. secret, owner: of all of them, "" if unknown. namespaces: names, or ALL."""

    secret: str
    namespaces: tuple[str, ...]
    owner: str = ""


def served(existing: Existing) -> Served:
    """Read the secrets from the refresher's settings and permissions, which may have been edited by hand."""
    data = existing.settings
    try:
        policy = json.loads(data.get(POLICY, ""))
        secret, owner = policy["name"], policy.get("owner", "")
        check_name(secret)
        check_owner(owner)
        selects = bool(policy.get("selector"))
    except (OptionError, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        secret, owner, selects = "", "", False
    if selects or existing.wide:
        return Served(secret, ALL, owner)
    named = {*(data.get(NAMESPACES) or "").split(), *existing.bindings}
    return Served(secret, tuple(sorted(named)), owner)


def settle_owner(wanted: str, recorded: str, namespace: str, *, adopt: bool) -> str:
    """Return the owner of the secrets. wanted: the option, or "". recorded: of the existing refresher, or "".

    namespace: the refresher's, the default. Raises ClusterError if the option differs from the record, unless adopt.
    """
    if wanted and recorded and wanted != recorded and not adopt:
        raise ClusterError(
            "conflict",
            f"owner: {wanted!r} is not the owner of the refresher in namespace {namespace}, which is {recorded!r}. "
            "Leave owner unset, use another namespace for this refresher, or set adopt: true to change its owner.",
        )
    return wanted or recorded or namespace


def remove_former_secrets(
    cluster: Cluster,
    found: Served,
    name: str,
    *,
    workers: int,
    dry_run: bool,
    labels: t.Mapping[str, str] | None = None,
    annotations: t.Mapping[str, str] | None = None,
) -> tuple[list[plan.Change], str]:
    """Remove the secrets if their name is not `name` any more. Return the changes, and what failed, or "".

    A secret that the collection did not create, or that has other metadata than these labels and annotations, stays
    without its managed entries. Raises ClusterError.
    """
    if found.secret in ("", name) or not found.namespaces:
        return [], ""
    policy = Policy(found.secret, found.owner, state="absent", labels=labels or {}, annotations=annotations or {})
    report, problem = _run(cluster, policy, Selection(found.namespaces), workers=workers, dry_run=dry_run)
    if problem:
        problem = (
            f"Some secrets of the former name {found.secret} are left and are no longer renewed. Remove them with "
            f"ecr_public_pull_secret and state: absent. {problem}"
        )
    return list(_changes(report, found.secret)), problem


def release(cluster: Cluster, found: Served, *, workers: int, dry_run: bool) -> str:
    """Remove the owner from the secrets, so that tasks without an owner manage them.

    Return what failed, or "". Raises ClusterError.
    """
    if not (found.secret and found.owner and found.namespaces):
        return ""
    policy = Policy(found.secret, found.owner, state="released")
    _report, problem = _run(cluster, policy, Selection(found.namespaces), workers=workers, dry_run=dry_run)
    if problem:
        problem = f"Some secrets keep the owner {found.owner}, so tasks without an owner do not renew them. {problem}"
    return problem


def _run(cluster: Cluster, policy: Policy, selection: Selection, *, workers: int, dry_run: bool) -> tuple[Report, str]:
    task = PullSecretTask(cluster, policy, workers=workers)
    report = task.plan(selection)
    if not dry_run:
        report = task.apply(report)
    return report, report.problem(policy, selection)


def _changes(report: Report, secret: str) -> t.Iterator[plan.Change]:
    for outcome in report.outcomes:
        if outcome.writes:
            yield plan.removed({"kind": "Secret", "metadata": {"name": secret, "namespace": outcome.namespace}})
