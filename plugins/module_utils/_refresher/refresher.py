# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Renew the pull secrets, one by one as they are read. Private to this collection.

Only the outcome of a secret is kept in memory.
"""

from __future__ import annotations

import concurrent.futures
import dataclasses
import random
import threading
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils._errors import bug
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.api import (
    Cluster,
    ClusterError,
    NotFoundError,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret import service_accounts
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.account_writer import (
    AccountWriter,
    read_into,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.decision import (
    Plan,
    Policy,
    not_managed,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.reasons import Reason
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.report import Outcome
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.secret_writer import (
    SecretWriter,
    Tokens,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.service_accounts import (
    AccountPlan,
    Found,
    Wanted,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.stored import Secret, Stored
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher.results import Results
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher.settings import Settings

SECONDS_FOR_ACCOUNTS = 10.0
"""For the `default` accounts of new namespaces, which Kubernetes creates a moment after them."""
_GONE = ("forbidden", "terminating", "missing_namespace", "missing", "missing_service_account")
"""Reasons of failures that can have their cause in a namespace that is gone or no longer selected."""


class Refresher:
    """One run of the refresher."""

    def __init__(self, settings: Settings, cluster: Cluster, tokens: Tokens, results: Results) -> None:
        self._settings = settings
        self._cluster = cluster
        policy = settings.policy
        self._writer = SecretWriter(cluster, policy, tokens, create=cluster.apply_secret)
        self._accounts = AccountWriter(cluster, policy.name, wait=SECONDS_FOR_ACCOUNTS)
        self._entry_remover = SecretWriter(cluster, dataclasses.replace(policy, state="orphaned"), tokens)
        self._results = results

    def run(self) -> None:
        """Raises ClusterError if no namespace could be processed."""
        if self._settings.selector:
            self._renew_selected()
        else:
            names = self._settings.names
            # A random start: runs that are cut short do not always miss the same namespaces.
            start = random.SystemRandom().randrange(len(names)) if names else 0
            self._for_each(self._renew_listed, ((name,) for name in (*names[start:], *names[:start])))

    def _for_each(self, work: t.Callable[..., Outcome | None], items: t.Iterable[tuple[t.Any, ...]]) -> None:
        """Work on the items in parallel. A worker takes the next item when it is free, since a secret may be large.

        items: the arguments of work, the first of them a namespace.
        """
        source = iter(items)
        taking = threading.Lock()
        failed: list[BaseException] = []

        def work_on_items() -> None:
            try:
                while not (failed or self._cluster.stopped_by):
                    with taking:
                        item = next(source, None)
                    if item is None:
                        return
                    outcome = _guarded(work, *item)
                    if outcome:
                        self._results.add(outcome)
            except BaseException as exc:
                failed.append(exc)
                raise

        with concurrent.futures.ThreadPoolExecutor(max_workers=self._settings.workers) as pool:
            for _unused in range(self._settings.workers):
                pool.submit(work_on_items)
        if failed:
            raise failed[0]

    # --- Listed namespaces

    def _renew_listed(self, namespace: str) -> Outcome:
        return _unless_gone(self._try_listed(namespace), self._state)

    def _try_listed(self, namespace: str) -> Outcome:
        try:
            secret = self._cluster.secret(namespace, self._settings.policy.name)
        except ClusterError as exc:
            return Outcome(namespace, Plan("failed", exc.reason, with_next_step(exc)))
        if secret is None:
            msg = f"The secret {self._settings.policy.name} or its namespace does not exist. Run the role again."
            return Outcome(namespace, Plan("failed", "missing", msg))
        return self._renew(namespace, secret)

    def _renew(self, namespace: str, secret: Secret | None) -> Outcome:
        """Renew a secret if that is due. One that this refresher does not manage is skipped, which is no failure."""
        other = not_managed(Stored(secret), self._settings.policy) if secret else None
        if other:
            return Outcome(namespace, Plan("skipped", other))
        outcome = self._writer.act(self._writer.decide(namespace, secret))
        if outcome.plan.reason in ("unmanaged", "copy", "other_owner"):
            return Outcome(namespace, Plan("skipped", outcome.plan.reason))
        wanted = service_accounts.wanted(outcome.plan, self._settings.policy)
        return dataclasses.replace(outcome, accounts=self._attach(namespace, wanted)) if wanted else outcome

    def _attach(self, namespace: str, wanted: Wanted) -> tuple[AccountPlan, ...]:
        found = Found()
        for name in wanted.names:
            read_into(found, self._cluster, namespace, name)
        plans = service_accounts.decide(found, wanted, self._settings.policy.name)
        return tuple(self._accounts.write(namespace, plan) if plan.writes else plan for plan in plans)

    def _state(self, namespace: str) -> Reason | None:
        """Return why a listed namespace needs no secret, or None."""
        try:
            return "terminating" if self._cluster.namespace(namespace).terminating else None
        except NotFoundError:
            return "missing_namespace"
        except ClusterError:
            return None

    # --- Selected namespaces

    def _renew_selected(self) -> None:
        selected = self._selected()
        unseen = set(selected)
        others: list[str] = []

        def found() -> t.Iterator[tuple[str, Secret]]:
            for secret in self._cluster.secrets(self._settings.policy.name):
                namespace = secret["metadata"]["namespace"]
                if namespace in selected:
                    unseen.discard(namespace)
                    if not selected[namespace]:
                        yield namespace, secret
                elif _holds_entries(secret, self._settings.policy):
                    others.append(namespace)

        self._for_each(self._renew_if_selected, found())
        self._for_each(self._renew_if_selected, [(name, None) for name in unseen if not selected[name]])
        for namespace in sorted(name for name, terminating in selected.items() if terminating):
            self._results.add(Outcome(namespace, Plan("skipped", "terminating")))
        if others:
            # Namespaces that were labelled since the start keep their entries.
            now_selected = self._selected()
            self._for_each(self._remove_entries, [(name,) for name in others if name not in now_selected])

    def _selected(self) -> dict[str, bool]:
        """Return the selected namespaces, each with whether it is being deleted."""
        return {
            name: namespace.terminating
            for name, namespace in self._cluster.namespaces(self._settings.selector).items()
            if self._settings.selects(name)
        }

    def _renew_if_selected(self, namespace: str, secret: Secret | None) -> Outcome:
        # The namespace may have been deleted, or its label removed, during the run.
        return _unless_gone(self._renew(namespace, secret), self._selected_now)

    def _selected_now(self, namespace: str) -> Reason | None:
        """Return why a namespace no longer needs a secret, or None."""
        try:
            found = self._cluster.namespaces(self._settings.selector, namespace).get(namespace)
        except ClusterError:
            return None
        if found is None:
            return "not_selected"
        return "terminating" if found.terminating else None

    def _remove_entries(self, namespace: str) -> Outcome | None:
        outcome = self._entry_remover.act(self._entry_remover.read_and_decide(namespace))
        return None if outcome.plan.action == "unchanged" else outcome


def _guarded(work: t.Callable[..., Outcome | None], namespace: str, *arguments: t.Any) -> Outcome | None:
    """Return the outcome of the work. Whatever the objects of a namespace hold, it is at most that namespace's failure.

    Raises nothing.
    """
    try:
        return work(namespace, *arguments)
    except Exception as exc:  # noqa: BLE001
        return Outcome(namespace, Plan("failed", "internal_error", bug("The refresher", exc)))


def _unless_gone(outcome: Outcome, look: t.Callable[[str], Reason | None]) -> Outcome:
    """Return the outcome, or `skipped` if it failed because its namespace needs no secret.

    look: returns why a namespace needs none, or None.
    """
    plan = outcome.overall
    state = look(outcome.namespace) if plan.action == "failed" and plan.reason in _GONE else None
    return Outcome(outcome.namespace, Plan("skipped", state)) if state else outcome


def _holds_entries(secret: Secret, policy: Policy) -> bool:
    """Whether a secret of this refresher has entries to remove, or malformed content to report."""
    try:
        stored = Stored(secret, policy.registries)
        return not not_managed(stored, policy) and bool(stored.managed_entries or stored.malformed)
    except Exception:  # noqa: BLE001
        # The worker that reads the secret again reports the failure.
        return True


def with_next_step(exc: ClusterError) -> str:
    """Return the text of the error with the next step."""
    return f"{str(exc).rstrip('.')}. Run the role again."
