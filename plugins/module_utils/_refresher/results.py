# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Report a run as lines of JSON and as a termination message. Private to this collection."""

from __future__ import annotations

import collections
import datetime as dt
import json
import threading
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils._names import SHOWN
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.manager_warnings import ManagerWarnings
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.reasons import FAILURES
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.report import Outcome
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.secret_writer import Tokens
from ansible_collections.freshpull.ecr_public.plugins.module_utils._time import format_time

_WITHOUT_TOKEN = ("token_unavailable", "clocks", "kept", "fail_open_disabled", "immutable")
"""Reasons of failures that have their cause in the lack of a token."""


def print_line(out: t.TextIO, line: t.Mapping[str, t.Any]) -> None:
    """Print a line of JSON and flush it, since the process may be killed."""
    out.write(json.dumps(line) + "\n")
    out.flush()


class Results:
    """Print the outcome of each namespace, and count for the summary. Safe to use from many threads."""

    def __init__(self, tokens: Tokens, out: t.TextIO, secret: str) -> None:
        """secret: the pull secret's name."""
        self._tokens = tokens
        self._managers = ManagerWarnings(secret)
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
            print_line(self._out, line)
            self._managers.add(outcome)
            self._counts[plan.action] += 1
            if plan.expires_at and (self._expires_at is None or plan.expires_at < self._expires_at):
                self._expires_at = plan.expires_at
            if plan.action in FAILURES and len(self._failed) < SHOWN:
                self._failed.append(f"{outcome.namespace}: {plan.reason}: {msg}")

    def conclude(self) -> str:
        """Print the warnings and the summary. Return the summary in words, with the first namespaces that failed."""
        with self._lock:
            for text in self._managers.texts():
                print_line(self._out, {"warning": text})
            expires_at = self._expires_at and format_time(self._expires_at)
            print_line(self._out, {"summary": dict(self._counts), "expires_at": expires_at})
            counts = ", ".join(f"{count} {action}" for action, count in sorted(self._counts.items()))
            more = self.failures - len(self._failed)
            lines = [counts, *self._failed, *(["(the log has the others)"] if more else [])]
        return "\n".join(lines)

    @property
    def failures(self) -> int:
        return sum(self._counts[action] for action in FAILURES)
