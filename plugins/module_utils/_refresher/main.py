# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The program that the CronJob runs: it renews the pull secrets, one after the other as they come.

Private to this collection. It uses the standard library alone, and decides and writes as the module
ecr_public_pull_secret does. It prints a line of JSON for each namespace and a summary, and exits with another status
than 0 if any namespace failed. The end is also the pod's termination message.
"""

from __future__ import annotations

import collections
import concurrent.futures
import dataclasses
import datetime as dt
import json
import math
import os
import random
import sys
import tempfile
import threading
import traceback
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _service_accounts
from ansible_collections.freshpull.ecr_public.plugins.module_utils._account_writer import AccountWriter, keep
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.api import (
    Cluster,
    ClusterError,
    NotFoundError,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.retry import Patience
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.transport import NoResponseError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret import Plan
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher.aws_cli import SECONDS, AwsCli
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher.pod_transport import PodTransport
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher.settings import (
    DEADLINE_STATUS,
    Settings,
    SettingsError,
    read,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._report import Outcome
from ansible_collections.freshpull.ecr_public.plugins.module_utils._secret_writer import SecretWriter, Tokens
from ansible_collections.freshpull.ecr_public.plugins.module_utils._service_accounts import (
    AccountPlan,
    Found,
    Reach,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._stored import Secret, Stored
from ansible_collections.freshpull.ecr_public.plugins.module_utils._token import format_time

SHOWN = 10
"""Namespaces that failed and are in the termination message; the log has all."""
LONGEST_MESSAGE = 4000
"""Bytes of the termination message. The kubelet keeps 4096."""
SECONDS_ONCE_STOPPED = 4.0
"""For what is under way. The pod has 10 s from SIGTERM to its end, and the last words take a moment, too."""
SECONDS_FOR_ACCOUNTS = 10.0
"""For the `default` accounts of new namespaces, which Kubernetes creates a moment after them."""
DEADLINE = "the deadline"
"""What stops a run that takes too long, in messages."""
_GONE = ("forbidden", "terminating", "missing_namespace", "missing", "missing_account")
"""Reasons for which a namespace may be gone, or not be selected any more."""
_FAILURES = ("failed", "failed_open")
_WITHOUT_TOKEN = ("aws", "clocks", "kept", "dying", "immutable")
"""Reasons of those that failed for lack of a token."""


class Results:
    """Prints what becomes of each namespace, and keeps what the end needs. Safe to use from many threads."""

    def __init__(self, tokens: Tokens, out: t.TextIO) -> None:
        self._tokens = tokens
        self._out = out
        self._lock = threading.Lock()
        self._counts: collections.Counter[str] = collections.Counter()
        self._expires_at: dt.datetime | None = None
        self._failed: list[str] = []

    def add(self, outcome: Outcome) -> None:
        plan = outcome.overall
        msg = plan.msg
        if self._tokens.outage and (plan.action == "failed_open" or plan.reason in _WITHOUT_TOKEN):
            msg = f"{msg} {self._tokens.outage}"
        expires_at = plan.expires_at and format_time(plan.expires_at)
        line: dict[str, t.Any] = {
            "namespace": outcome.namespace,
            "action": plan.action,
            "reason": plan.reason,
            "expires_at": expires_at,
            "msg": msg,
        }
        if outcome.accounts:
            line["service_accounts"] = [account.to_result() for account in outcome.accounts]
        with self._lock:
            self._write(line)
            self._counts[plan.action] += 1
            if plan.expires_at and (self._expires_at is None or plan.expires_at < self._expires_at):
                self._expires_at = plan.expires_at
            if plan.action in _FAILURES and len(self._failed) < SHOWN:
                self._failed.append(f"{outcome.namespace}: {plan.reason}: {msg}")

    def conclude(self) -> str:
        """Print the summary. The same in words, with the first that failed."""
        with self._lock:
            expires_at = self._expires_at and format_time(self._expires_at)
            self._write({"summary": dict(self._counts), "expires_at": expires_at})
            counts = ", ".join(f"{count} {action}" for action, count in sorted(self._counts.items()))
            more = self.failures - len(self._failed)
            lines = [counts, *self._failed, *(["(the log has the others)"] if more else [])]
        return "\n".join(lines)

    def _write(self, line: t.Mapping[str, t.Any]) -> None:
        self._out.write(json.dumps(line) + "\n")
        self._out.flush()

    @property
    def failures(self) -> int:
        return sum(self._counts[action] for action in _FAILURES)


class Refresher:
    """One run."""

    def __init__(self, settings: Settings, cluster: Cluster, tokens: Tokens, out: t.TextIO) -> None:
        self._settings = settings
        self._cluster = cluster
        policy = settings.policy
        self._writer = SecretWriter(cluster, policy, tokens, create=cluster.apply_secret)
        self._accounts = AccountWriter(cluster, policy.name, SECONDS_FOR_ACCOUNTS)
        self._emptier = SecretWriter(cluster, dataclasses.replace(policy, state="emptied"), tokens)
        self.results = Results(tokens, out)

    def run(self) -> None:
        """Raises ClusterError if nothing at all could be done."""
        if self._settings.selector:
            self._keep_selected()
        else:
            names = self._settings.names
            # So that a run that is cut short does not always miss the same ones.
            start = random.SystemRandom().randrange(len(names)) if names else 0
            self._for_each(self._keep_listed, [*names[start:], *names[:start]])

    def _for_each(self, work: t.Callable[[t.Any], Outcome | None], items: t.Iterable[t.Any]) -> None:
        """Work on the items in parallel. No more of them are taken than are worked on: each may be a large secret."""
        slots = threading.BoundedSemaphore(self._settings.workers)
        failed: list[BaseException] = []

        def step(item: t.Any) -> None:
            try:
                outcome = work(item)
                if outcome:
                    self.results.add(outcome)
            except BaseException as exc:
                failed.append(exc)
                raise
            finally:
                slots.release()

        with concurrent.futures.ThreadPoolExecutor(max_workers=self._settings.workers) as pool:
            for item in items:
                slots.acquire()
                if failed or self._cluster.stopped_by:
                    break
                pool.submit(step, item)
        if failed:
            raise failed[0]

    # --- Listed namespaces

    def _keep_listed(self, namespace: str) -> Outcome:
        outcome = self._try_listed(namespace)
        return self._unless(self._state(namespace), outcome) if _may_be_gone(outcome) else outcome

    def _try_listed(self, namespace: str) -> Outcome:
        try:
            secret = self._cluster.secret(namespace, self._settings.policy.name)
        except ClusterError as exc:
            return Outcome(namespace, Plan("failed", exc.reason, _again(exc)))
        if secret is None:
            msg = f"The secret {self._settings.policy.name} does not exist, or the namespace. Run the role again."
            return Outcome(namespace, Plan("failed", "missing", msg))
        return self._keep(namespace, secret)

    def _keep(self, namespace: str, secret: Secret | None) -> Outcome:
        """An unmanaged secret is somebody else's, and no failure."""
        if secret is not None and not Stored(secret).ours:
            return Outcome(namespace, Plan("skipped", "foreign"))
        outcome = self._writer.act(self._writer.decide(namespace, secret))
        if outcome.plan.reason == "foreign":
            return Outcome(namespace, Plan("skipped", "foreign"))
        reach = _service_accounts.reach(outcome.plan, self._settings.policy)
        return dataclasses.replace(outcome, accounts=self._attach(namespace, reach)) if reach else outcome

    def _attach(self, namespace: str, reach: Reach) -> tuple[AccountPlan, ...]:
        found = Found()
        for name in reach.names:
            keep(found, name, self._accounts.read(namespace, name))
        plans = _service_accounts.decide(found, reach, self._settings.policy.name)
        return tuple(self._accounts.write(namespace, plan) if plan.writes else plan for plan in plans)

    def _state(self, namespace: str) -> str:
        """Why there is nothing to do in a listed namespace, or ""."""
        try:
            return "terminating" if self._cluster.namespace(namespace).terminating else ""
        except NotFoundError:
            return "missing_namespace"
        except ClusterError:
            return ""

    def _unless(self, state: str, outcome: Outcome) -> Outcome:
        """The outcome, unless the namespace is in a state in which there is nothing to do: then it is no failure."""
        return Outcome(outcome.namespace, Plan("skipped", state)) if state else outcome

    # --- Selected namespaces

    def _keep_selected(self) -> None:
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
                elif _holds_entries(secret):
                    others.append(namespace)

        self._for_each(lambda pair: self._keep_if_selected(*pair), found())
        missing = [namespace for namespace in unseen if not selected[namespace]]
        self._for_each(lambda namespace: self._keep_if_selected(namespace, None), missing)
        for namespace in sorted(name for name, terminating in selected.items() if terminating):
            self.results.add(Outcome(namespace, Plan("skipped", "terminating")))
        if others:
            # One that is labelled just now was not selected at the start, and its secret is as good as the others.
            now_selected = self._selected()
            self._for_each(self._empty, [namespace for namespace in others if namespace not in now_selected])

    def _selected(self) -> dict[str, bool]:
        """The namespaces that are selected, and whether each is being deleted."""
        return {
            name: namespace.terminating
            for name, namespace in self._cluster.namespaces(self._settings.selector).items()
            if self._settings.selects(name)
        }

    def _keep_if_selected(self, namespace: str, secret: Secret | None) -> Outcome | None:
        outcome = self._keep(namespace, secret)
        # Perhaps somebody has just deleted the namespace, or removed its label.
        return self._unless(self._selected_now(namespace), outcome) if _may_be_gone(outcome) else outcome

    def _selected_now(self, namespace: str) -> str:
        """Why a namespace is not to be served any more, or ""."""
        try:
            found = self._cluster.namespaces(self._settings.selector, namespace).get(namespace)
        except ClusterError:
            return ""
        if found is None:
            return "not_selected"
        return "terminating" if found.terminating else ""

    def _empty(self, namespace: str) -> Outcome | None:
        outcome = self._emptier.act(self._emptier.read_and_decide(namespace))
        return None if outcome.plan.action == "unchanged" else outcome


def _may_be_gone(outcome: Outcome) -> bool:
    """Whether the namespace has to be looked at."""
    plan = outcome.overall
    return plan.action == "failed" and plan.reason in _GONE


def _holds_entries(secret: Secret) -> bool:
    """Whether there is something to remove, or to report."""
    stored = Stored(secret)
    return stored.ours and bool(stored.entries or stored.malformed)


# --- Start and end


def run(environment: t.Mapping[str, str], out: t.TextIO) -> tuple[int, str]:
    """One run with these variables; the exit status and the last words, in which no secret is."""
    try:
        settings = read(environment.get("FRESHPULL_CONFIG", "/etc/freshpull"), bool(environment.get("FORCE_RENEW")))
        transport = _transport(environment)
    except (SettingsError, NoResponseError) as exc:
        return 1, _tell(out, str(exc))
    patience = Patience()
    patience.listen()
    cluster = Cluster(transport, patience)
    # Where TMPDIR says, though it may be full: tempfile would first try to write there.
    with tempfile.TemporaryDirectory(dir=environment.get("TMPDIR") or None) as home:
        cli = AwsCli(
            settings.aws_auth,
            settings.aws_endpoint_url,
            environment.get("AWS_ROLE_ARN", ""),
            home,
            # What is left is for the secrets, which may have to fail open.
            seconds=min(SECONDS, settings.deadline * 2 / 3),
        )
        refresher = Refresher(settings, cluster, Tokens(fetch=cli.token), out)
        problem = _in_time(refresher.run, patience, settings.deadline)
    if patience.stopped_by == DEADLINE:
        problem = f"Stopped after {settings.deadline} s, before the end, by its deadline: see active_deadline."
    elif patience.stopped_by:
        problem = f"Stopped by {patience.stopped_by} before the end. A deadline, a deletion or a drained node do so."
    problem = _tell(out, " ".join(filter(None, [problem, cluster.clocks.problem])))
    words = f"{problem} {refresher.results.conclude()}".strip() or "no namespace"
    if patience.stopped_by == DEADLINE:
        return DEADLINE_STATUS, words
    return (1 if problem or refresher.results.failures else 0), words


def _transport(environment: t.Mapping[str, str]) -> PodTransport:
    """Raises SettingsError or NoResponseError."""
    access = environment.get("FRESHPULL_API_ACCESS", "/var/run/secrets/freshpull")
    host = environment.get("KUBERNETES_SERVICE_HOST")
    if not host:
        raise SettingsError("KUBERNETES_SERVICE_HOST is not set: this program runs in a pod.")
    try:
        port = int(environment.get("KUBERNETES_SERVICE_PORT") or 443)
    except ValueError as exc:
        raise SettingsError("KUBERNETES_SERVICE_PORT is not a number.") from exc
    return PodTransport(host, port, f"{access}/token", f"{access}/ca.crt")


def _tell(out: t.TextIO, problem: str) -> str:
    """Print what concerns the whole run, if there is anything."""
    if problem:
        out.write(json.dumps({"problem": problem}) + "\n")
        out.flush()
    return problem


def _in_time(work: t.Callable[[], None], patience: Patience, deadline: float) -> str:
    """Why the work could not be done, or "". Once it is asked to stop it has a moment: workers may hang.

    deadline: seconds from now.
    """
    problems: list[str] = []

    def step() -> None:
        try:
            work()
        except ClusterError as exc:
            problems.append(_again(exc))
        except Exception as exc:  # noqa: BLE001
            problems.append(_mistake(exc))

    thread = threading.Thread(target=step, daemon=True)
    thread.start()
    stops, ends = patience.now() + deadline, math.inf
    while thread.is_alive() and patience.now() < ends:
        thread.join(0.1)
        if patience.now() > stops:
            patience.stop(DEADLINE)
        if patience.stopped_by:
            ends = min(ends, patience.now() + SECONDS_ONCE_STOPPED)
    return " ".join(problems)


def _again(exc: ClusterError) -> str:
    return f"{str(exc).rstrip('.')}. Run the role again."


def _mistake(exc: Exception) -> str:
    """Its text may hold a secret; its kind and its place do not."""
    place = traceback.extract_tb(exc.__traceback__)[-1]
    where = f"{os.path.basename(place.filename)}, line {place.lineno}"
    return f"The refresher failed by a mistake of its own: {type(exc).__name__} in {where}."


def main() -> None:
    try:
        status, words = run(os.environ, sys.stdout)
    except Exception as exc:  # noqa: BLE001
        status, words = 1, _tell(sys.stdout, _mistake(exc))
    shown = words.encode()[:LONGEST_MESSAGE].decode(errors="ignore")
    try:
        with open(os.environ.get("FRESHPULL_TERMINATION_LOG", "/dev/termination-log"), "w", encoding="utf-8") as file:
            file.write(shown + "\n")
    except OSError:
        # The log has it, too.
        pass
    # Workers that hang do not outlast it.
    os._exit(status)


if __name__ == "__main__":
    main()
