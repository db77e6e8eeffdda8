# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Carries out one task on one client's file: read, decide, lock, read and decide again, write what differs.

Private to this collection.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _atomic_file
from ansible_collections.freshpull.ecr_public.plugins.module_utils._docker_config import DockerConfigError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._errors import CollectionError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._login import decision
from ansible_collections.freshpull.ecr_public.plugins.module_utils._login.client_file import ClientConfig, Record
from ansible_collections.freshpull.ecr_public.plugins.module_utils._login.credential_helper import (
    PROGRAM,
    CredentialHelper,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._login.decision import (
    IN_FILE,
    Held,
    LoginPlan,
    LoginPolicy,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._time import format_time
from ansible_collections.freshpull.ecr_public.plugins.module_utils._token import UNKNOWN, Token, TokenError

RECORD = "freshpull"
"""How the name of our record ends, beside the file: .config.json.freshpull."""


class LoginError(CollectionError):
    """The task cannot be done, with the next step. The message never holds a secret."""


@dataclasses.dataclass(frozen=True)
class Found:
    """The files as they are, and what they hold for the registries in question."""

    config: ClientConfig
    mode: int | None
    record: Record
    held: tuple[Held, ...]


@dataclasses.dataclass(frozen=True)
class LoginReport:
    """What became of the task. after: the file's content, None if it is to be removed."""

    path: str
    found: Found
    plan: LoginPlan
    policy: LoginPolicy
    after: bytes | None

    def to_result(self) -> dict[str, t.Any]:
        """What the module returns. It holds no secret."""
        registries = [
            {
                "registry": step.registry,
                "action": step.action,
                "reason": step.reason,
                "store": _store(step.store),
                "expires_at": _shown(step),
                "fingerprint": step.login.fingerprint if step.login else None,
            }
            for step in self.plan.steps
        ]
        known = [step.expires_at for step in self.plan.steps if step.expires_at]
        return {
            "changed": self.plan.writes,
            "action": self.plan.action,
            "reason": self.plan.reason,
            "registries": registries,
            "expires_at": UNKNOWN if self.plan.needs_token else format_time(min(known)) if known else None,
            "fingerprint": decision.fingerprint(self.plan.steps),
        }

    def diff(self) -> dict[str, t.Any]:
        """Before and after, of this task's registries."""
        before = {one.registry: _view_held(one) for one in self.found.held if one.found}
        after = dict(before)
        for step in self.plan.steps:
            if step.action == "removed":
                after.pop(step.registry, None)
            elif step.writes:
                after[step.registry] = _view_step(step)
        return {
            "before_header": self.path,
            "after_header": self.path,
            "before": _view(self.found.mode, before),
            "after": _view(self.mode, after),
        }

    @property
    def mode(self) -> int | None:
        """The file's, afterwards; None if there is none."""
        if self.after is None:
            return None
        return self.policy.mode if self.policy.state == "present" and self.plan.writes else self.found.mode


def _shown(step: decision.Step) -> str | None:
    if step.needs_token:
        return UNKNOWN
    return format_time(step.expires_at) if step.expires_at else None


def _store(name: str) -> str:
    return "file" if name == IN_FILE else PROGRAM + name


def _view(mode: int | None, logins: dict[str, t.Any]) -> dict[str, t.Any]:
    return {"mode": None if mode is None else f"{mode:04o}", "logins": logins}


def _view_held(held: Held) -> dict[str, t.Any]:
    return {
        "store": _store(held.store),
        "fingerprint": held.login.fingerprint if held.login else UNKNOWN,
        "expires_at": format_time(held.expires_at) if held.expires_at else UNKNOWN,
    }


def _view_step(step: decision.Step) -> dict[str, t.Any]:
    return {
        "store": _store(step.store),
        "fingerprint": step.login.fingerprint if step.login else UNKNOWN,
        "expires_at": _shown(step),
    }


class LoginTask:
    """The logins in one file. find: the full path of a program, or None."""

    def __init__(self, path: str, client: str, find: t.Callable[[str], str | None]) -> None:
        self._path = path
        self._client = client
        self._find = find
        self._record = _atomic_file.beside(path, RECORD)

    def run(self, policy: LoginPolicy, token: Token | None, dry_run: bool) -> LoginReport:
        """Raises LoginError, FileError, HelperError, or TokenError for a token that is of no use."""
        now = dt.datetime.now(dt.timezone.utc)
        if token and token.expires_at <= now:
            raise TokenError(f"the token given expired at {format_time(token.expires_at)}: fetch a new one")
        report = self._decide(policy, token, now)
        if dry_run or not report.plan.writes:
            return report
        with _atomic_file.locked(self._path):
            report = self._decide(policy, token, now)
            if report.plan.needs_token:
                raise LoginError("It came to need a token while the task ran: run the task again.")
            return self._write(report) if report.plan.writes else report

    def _decide(self, policy: LoginPolicy, token: Token | None, now: dt.datetime) -> LoginReport:
        found = self._read(policy.registries)
        plan = decision.decide(found.held, found.mode, policy, now, token)
        return LoginReport(self._path, found, plan, policy, self._after(found, plan, policy))

    def _after(self, found: Found, plan: LoginPlan, policy: LoginPolicy) -> bytes | None:
        """The file's content after the plan. A file that we made, and that nobody has put anything into, goes; but not
        podman's, which refuses to work where REGISTRY_AUTH_FILE names one that is not there.
        """
        after = found.config.changed(plan, self._client)
        removes = policy.state == "absent" and plan.writes and found.record.made and self._client != "podman"
        return None if removes and ClientConfig(after).empty else after

    def _read(self, registries: t.Sequence[str]) -> Found:
        content, record = _atomic_file.read(self._path), _atomic_file.read(self._record)
        config = self._parse(content)
        known = Record.parse(record.data) if record else Record()
        held = tuple(self._held(registry, config, known) for registry in registries)
        return Found(config, content.mode if content else None, known, held)

    def _parse(self, content: _atomic_file.Content | None) -> ClientConfig:
        try:
            return ClientConfig(content.data if content else b"")
        except (DockerConfigError, UnicodeDecodeError) as exc:
            why = "it is not UTF-8" if isinstance(exc, UnicodeDecodeError) else exc
            raise LoginError(
                f"{self._path} is not a client's configuration: {why}. It was left as it is, since it may hold "
                "other logins. "
                "Repair it, or move it away, and run again."
            ) from None

    def _held(self, registry: str, config: ClientConfig, record: Record) -> Held:
        store, mark = config.store(registry, self._client), record.marks.get(registry)
        keys = config.keys(registry)
        if store != IN_FILE:
            login = self._helper(store).get(registry)
            # A login that is left in the file is not used by the client any more; a logout takes it away all the same.
            return Held(registry, login is not None or any(map(config.auths.get, keys)), login, mark, store)
        entry = config.auths.get(registry) or next((config.auths[key] for key in keys), None)
        return Held(registry, entry is not None, decision.login_of(entry) if entry else None, mark)

    def _helper(self, name: str) -> CredentialHelper:
        return CredentialHelper(name, self._find)

    def _write(self, report: LoginReport) -> LoginReport:
        """The helpers first, then our record, then the file: whatever fails, no record speaks well of a bad login."""
        plan, policy = report.plan, report.policy
        for step in plan.steps:
            self._tell_helper(step)
        # Read once more: helpers take their time, and other tools do not know our lock.
        found = self._read(())
        record = found.record.changed(plan, made=found.mode is None)
        if record.marks:
            _atomic_file.write(self._record, record.dump())
        report = dataclasses.replace(report, after=self._after(found, plan, policy))
        if report.after is None or report.mode is None:
            _atomic_file.remove(self._path)
        elif found.mode != report.mode or found.config.text != report.after:
            _atomic_file.write(self._path, report.after, report.mode)
        if not record.marks:
            _atomic_file.remove(self._record)
        return report

    def _tell_helper(self, step: decision.Step) -> None:
        if step.store == IN_FILE or not step.writes:
            return
        helper = self._helper(step.store)
        if step.login:
            helper.store(step.registry, step.login)
        elif helper.get(step.registry):
            helper.erase(step.registry)
