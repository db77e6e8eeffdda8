# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One task over all selected namespaces: plan() lists and decides, apply() writes. Private to this collection."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import datetime as dt
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _docker_config
from ansible_collections.freshpull.ecr_public.plugins.module_utils._errors import OptionError, bug
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.api import (
    READ_ONE_BY_ONE,
    Cluster,
    ClusterError,
    ForbiddenError,
    InvalidError,
    Namespace,
    NotFoundError,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._names import some
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret import (
    other_managers,
    service_accounts,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.account_planner import AccountPlanner
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.account_writer import AccountWriter
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.decision import (
    Plan,
    Policy,
    not_managed,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.manager_warnings import ManagerWarnings
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.reasons import Reason
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.report import Outcome, Report
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.secret_writer import (
    MISSING_NAMESPACE,
    SecretWriter,
    Tokens,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.selection import (
    Selected,
    Selection,
    select,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.stored import Secret, Stored
from ansible_collections.freshpull.ecr_public.plugins.module_utils._time import format_time
from ansible_collections.freshpull.ecr_public.plugins.module_utils._token import Token, TokenError

_NAMESPACE_PROBLEMS: dict[Reason, str] = {
    "missing_namespace": MISSING_NAMESPACE,
    "not_selected": "The namespace does not exist or does not match namespace_selector.",
    "terminating": "The namespace is being deleted. Wait until it is gone, or remove it from namespaces.",
}


class PullSecretTask:
    """plan() writes nothing: check mode and ecr_public_pull_secret_info end with it."""

    def __init__(
        self,
        cluster: Cluster,
        policy: Policy,
        *,
        workers: int,
        token: Token | None = None,
        outage: str = "",
        prune: bool = False,
        find_orphans: bool = False,
        observe: t.Callable[[str, Secret | None, dt.datetime], None] | None = None,
    ) -> None:
        """workers: parallel requests. outage: why no token is available, or "". prune: remove orphans.

        find_orphans: look for orphans in all namespaces even if few are selected.

        observe: called with each secret that is decided about, its namespace, and the time of the decision.
        """
        self._cluster = cluster
        self._policy = policy
        self._workers = workers
        self._token = token
        self._outage = outage
        self._find_orphans = find_orphans
        self._observes = observe is not None
        self._writer = SecretWriter(cluster, policy, Tokens(token=token, outage=outage), prune=prune, observe=observe)

    def plan(self, selection: Selection) -> Report:
        """Decide about each namespace. The failure of one namespace is in its outcome.

        Raises ClusterError if nothing at all can be decided, and TokenError if the given token has expired.
        """
        with concurrent.futures.ThreadPoolExecutor(max_workers=self._workers) as pool:
            present = self._present(selection, pool)
            selected = select(selection, present)
            unpruned = self._settle_pruning(selected, selection, present is not None)
            unmatched = self._settle_globs(selected, selection)
            self._settle_time()
            found = self._decide(selected, pool, lists=self._writer.prune or self._find_orphans or bool(unmatched))
            outcomes = [*self._unusable(selected), *found.outcomes]
            planner = AccountPlanner(self._cluster, self._policy.name, pool)
            outcomes = self._plan_accounts(outcomes, planner)
        if self._cluster.stopped_by:
            raise ClusterError("stopped", f"Stopped by {self._cluster.stopped_by}. Nothing was written.")
        outcomes.sort(key=lambda outcome: outcome.namespace)
        unpruned = unpruned or found.unpruned or _unpruned_orphans(found.orphans, unmatched)
        clocks = self._cluster.clocks
        warnings = [
            *(f"namespaces: {glob!r} matches no namespace." for glob in selected.unmatched_globs),
            *self._spelling_warnings(outcomes),
            *self._manager_warnings(outcomes, found),
            *self._orphan_warnings(found, unpruned),
            *filter(None, [clocks.warning]),
            *planner.warnings,
        ]
        problem = clocks.problem if self._policy.state == "present" else ""
        return Report(outcomes, warnings, self._outage, unpruned, problem)

    def apply(self, planned: Report) -> Report:
        """Write what plan() decided. An object that changed in the meantime is read and decided about again."""
        accounts = AccountWriter(self._cluster, self._policy.name)

        def act(outcome: Outcome) -> Outcome:
            # Detach first and attach last, so that no account names a secret that is deleted or could not be created.
            detached = _write_accounts(outcome, accounts, "detached")
            return _attach(self._writer.act(detached), accounts)

        with concurrent.futures.ThreadPoolExecutor(max_workers=self._workers) as pool:
            writing = pool.map(act, [outcome for outcome in planned.outcomes if outcome.writes])
            outcomes = [next(writing) if outcome.writes else outcome for outcome in planned.outcomes]
        return dataclasses.replace(planned, outcomes=outcomes)

    # --- Namespaces

    def _present(self, selection: Selection, pool: concurrent.futures.Executor) -> t.Mapping[str, Namespace] | None:
        """Return the namespaces that exist and match. None if that is forbidden, and all namespaces are named."""
        if selection.needs_list:
            return self._matching(selection.selector)
        try:
            if len(selection.names) > READ_ONE_BY_ONE:
                return self._cluster.namespaces("")
            found = pool.map(self._namespace, selection.names)
            return {namespace.name: namespace for namespace in found if namespace}
        except ForbiddenError:
            return None

    def _matching(self, selector: str) -> t.Mapping[str, Namespace]:
        try:
            return self._cluster.namespaces(selector)
        except InvalidError as exc:
            raise OptionError(f"namespace_selector: {selector!r} is not in the syntax of kubectl -l. {exc}") from exc

    def _namespace(self, name: str) -> Namespace | None:
        try:
            return self._cluster.namespace(name)
        except NotFoundError:
            return None

    def _unusable(self, selected: Selected) -> list[Outcome]:
        """Return the outcomes of the namespaces in which the task cannot work."""
        outcomes = [Outcome(name, Plan("skipped", "terminating")) for name in selected.skipped]
        for name, problem in selected.namespaces.items():
            if problem and self._policy.state == "absent":
                outcomes.append(Outcome(name, Plan("unchanged", problem)))
            elif problem:
                outcomes.append(Outcome(name, Plan("failed", problem, _NAMESPACE_PROBLEMS[problem])))
        return outcomes

    # --- Decisions

    def _settle_time(self) -> None:
        """Decide about all namespaces at one time. The API server has responded by now, so its clock is known."""
        clocks = self._cluster.clocks
        now = clocks.later()
        self._writer.now = lambda: now
        # If one clock is wrong, a token that AWS has just issued may look expired by it.
        if self._token and self._token.expires_at <= (now if clocks.agree else clocks.earlier()):
            raise TokenError(
                f"token: it expired at {format_time(self._token.expires_at)}. Request a new one with the lookup "
                "freshpull.ecr_public.ecr_public_token."
            )

    def _settle_pruning(self, selected: Selected, selection: Selection, namespaces_known: bool) -> str:
        """Stop pruning if a typing error could remove valid secrets. Return why nothing is pruned, or ""."""
        if not self._writer.prune or self._policy.state == "absent":
            return ""
        unpruned = ""
        missing = [name for name, why in selected.namespaces.items() if why in ("missing_namespace", "not_selected")]
        if not namespaces_known:
            unpruned = (
                "Nothing was pruned: the task has no permission to get namespaces, so it cannot check that each "
                "namespace in namespaces exists."
            )
        elif missing:
            unpruned = (
                f"Nothing was pruned: namespace {some(missing)} does not exist or does not match namespace_selector. "
                "Create it, label it or remove it from namespaces."
            )
        # If nothing is selected without a selector, the task fails, and the message states why.
        self._writer.prune = not unpruned and bool(selected.namespaces or selected.skipped or selection.selector)
        return unpruned

    def _settle_globs(self, selected: Selected, selection: Selection) -> tuple[str, ...]:
        """Stop pruning if a glob matches no namespace, and return these globs. With a selector * may match none."""
        if not self._writer.prune or self._policy.state == "absent":
            return ()
        unmatched = tuple(glob for glob in selected.unmatched_globs if not (selection.selector and glob == "*"))
        self._writer.prune = not unmatched
        return unmatched

    def _decide(self, selected: Selected, pool: concurrent.futures.Executor, *, lists: bool) -> _Decided:
        """Read the secrets and decide. Only secrets that are to be written are kept in memory.

        lists: list all secrets of this name even if few are selected, to find orphans.
        """
        decided = _Decided()
        if len(selected.usable) > READ_ONE_BY_ONE or lists:
            try:
                self._decide_listed(selected, decided)
            except ForbiddenError as exc:
                decided = _Decided(unpruned=f"Nothing was pruned: {exc}" if self._writer.prune else "")
            else:
                return decided
        decided.outcomes += pool.map(self._writer.read_and_decide, selected.usable)
        return decided

    def _decide_listed(self, selected: Selected, decided: _Decided) -> None:
        unread = dict.fromkeys(selected.usable)
        shows_orphans = self._writer.prune or (self._observes and self._policy.state == "present")
        for secret in self._cluster.secrets(self._policy.name):
            namespace = secret["metadata"]["namespace"]
            if namespace in unread:
                del unread[namespace]
                decided.outcomes.append(self._writer.decide(namespace, secret))
            elif namespace not in selected:
                try:
                    self._decide_unselected(namespace, secret, decided, shows_orphans)
                except Exception as exc:  # noqa: BLE001
                    failed = Plan("failed", "internal_error", bug("The search for orphans", exc))
                    decided.outcomes.append(Outcome(namespace, failed))
        decided.outcomes += [self._writer.decide(namespace, None) for namespace in unread]

    def _decide_unselected(self, namespace: str, secret: Secret, decided: _Decided, shows_orphans: bool) -> None:
        stored = Stored(secret, self._policy.registries)
        other = not_managed(stored, self._policy)
        if other == "copy":
            decided.copies.append((namespace, other_managers.copied_by(secret["metadata"])))
        if other:
            return
        decided.orphans[namespace] = stored.expires_at
        if shows_orphans:
            decided.outcomes.append(self._writer.decide(namespace, secret, orphan=True))

    def _plan_accounts(self, outcomes: list[Outcome], planner: AccountPlanner) -> list[Outcome]:
        wanted = {one.namespace: service_accounts.wanted(one.plan, self._policy, one.usable) for one in outcomes}
        selected = {namespace: one for namespace, one in wanted.items() if one}
        if not selected:
            return outcomes
        plans = planner.plan(selected)
        return [dataclasses.replace(one, accounts=plans.get(one.namespace, ())) for one in outcomes]

    # --- Warnings

    def _manager_warnings(self, outcomes: t.Iterable[Outcome], found: _Decided) -> list[str]:
        warnings = ManagerWarnings(self._policy.name)
        for outcome in outcomes:
            warnings.add(outcome)
        for namespace, tool in found.copies:
            warnings.add_copy(namespace, tool)
        return warnings.texts()

    def _spelling_warnings(self, outcomes: t.Iterable[Outcome]) -> list[str]:
        found = [
            f"{outcome.namespace} ({some([key[: _docker_config.LONGEST_KEY] for key in outcome.plan.other_spellings])})"
            for outcome in outcomes
            if outcome.plan.other_spellings
        ]
        if not found:
            return []
        warning = (
            f"Secret {self._policy.name} fails open, but keeps unmanaged entries that the kubelet uses for the same "
            f"registry: {some(found)}. If their tokens have expired, the registry rejects pulls. Remove these entries."
        )
        return [warning]

    def _orphan_warnings(self, found: _Decided, unpruned: str) -> list[str]:
        if not found.orphans or self._writer.prune or self._policy.state != "present":
            return []
        advice = " Set prune: true to remove it." if self._policy.owner else " Remove it with state: absent."
        warning = (
            f"A managed secret {self._policy.name} is in {len(found.orphans)} namespaces that are not selected, so "
            f"this task does not renew it: {some(sorted(found.orphans))}. Unless something else renews it, the "
            f"registry rejects pulls with it once its token has expired.{'' if unpruned else advice}"
        )
        return [warning]


@dataclasses.dataclass
class _Decided:
    """What was found in all namespaces.

    orphans: namespaces that are not selected and have a managed secret of this name, with its expiry. copies: those
    with a copy, and the tool that made it, or None. unpruned: why nothing is pruned, or "".
    """

    outcomes: list[Outcome] = dataclasses.field(default_factory=list)
    orphans: dict[str, dt.datetime | None] = dataclasses.field(default_factory=dict)
    copies: list[tuple[str, other_managers.Tool | None]] = dataclasses.field(default_factory=list)
    unpruned: str = ""


def _unpruned_orphans(orphans: t.Mapping[str, dt.datetime | None], unmatched: t.Sequence[str]) -> str:
    """Return why orphans stay, or "". unmatched: globs that match no namespace."""
    if not (orphans and unmatched):
        return ""
    expiries = [
        f"{namespace} (expires at {format_time(expires_at)})" if expires_at else f"{namespace} (no known expiry)"
        for namespace, expires_at in sorted(orphans.items())
    ]
    globs = ", ".join(map(repr, unmatched))
    return (
        f"Nothing was pruned, since namespaces: {globs} matches no namespace, which may be a typing error. These "
        f"orphans are no longer renewed: {some(expiries)}. Correct namespaces, or remove the glob to prune them."
    )


def _attach(outcome: Outcome, writer: AccountWriter) -> Outcome:
    if outcome.plan.action == "failed":
        done = tuple(account for account in outcome.accounts if account.action == "detached")
        return dataclasses.replace(outcome, accounts=done)
    return _write_accounts(outcome, writer, "attached")


def _write_accounts(outcome: Outcome, writer: AccountWriter, action: str) -> Outcome:
    accounts = [
        writer.write(outcome.namespace, account) if account.action == action else account
        for account in outcome.accounts
    ]
    return dataclasses.replace(outcome, accounts=tuple(accounts))
