# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run one task on one client's file: read, decide, lock, read and decide again, write what differs.

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
from ansible_collections.freshpull.ecr_public.plugins.module_utils._login.client_file import ClientConfig, RecordFile
from ansible_collections.freshpull.ecr_public.plugins.module_utils._login.credential_helper import (
    PROGRAM,
    CredentialHelper,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._login.decision import (
    IN_FILE,
    LoginPlan,
    LoginPolicy,
    StoredLogin,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._time import format_time
from ansible_collections.freshpull.ecr_public.plugins.module_utils._token import UNKNOWN, Token, TokenError

RECORD = "freshpull"
"""The suffix of the file with the expiry records, for example .config.json.freshpull beside config.json."""


class LoginError(CollectionError):
    """The task failed. The message names the next step and never holds a secret."""


@dataclasses.dataclass(frozen=True)
class FileState:
    """The current content of the client's file and of the record file, with the logins of the task's registries."""

    config: ClientConfig
    mode: int | None
    record_file: RecordFile
    stored: tuple[StoredLogin, ...]


@dataclasses.dataclass(frozen=True)
class LoginReport:
    """The result of the task. after: the new content of the file, None if the file is deleted."""

    path: str
    current: FileState
    plan: LoginPlan
    policy: LoginPolicy
    after: bytes | None

    def to_result(self) -> dict[str, t.Any]:
        """Build the return values of the module. They hold no secret."""
        registries = [
            {
                "registry": step.registry,
                "action": step.action,
                "reason": step.reason,
                "store": _store(step.store),
                "expires_at": _expiry(step),
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
        """Build the diff of the logins of this task's registries."""
        before = {one.registry: _view_stored(one) for one in self.current.stored if one.found}
        after = dict(before)
        for step in self.plan.steps:
            if step.action == "removed":
                after.pop(step.registry, None)
            elif step.writes:
                after[step.registry] = _view_step(step)
        return {
            "before_header": self.path,
            "after_header": self.path,
            "before": _view(self.current.mode, before),
            "after": _view(self.mode, after),
        }

    @property
    def mode(self) -> int | None:
        """The permissions of the file after the task; None if the file does not exist then."""
        if self.after is None:
            return None
        return self.policy.mode if self.policy.state == "present" and self.plan.writes else self.current.mode


def _expiry(step: decision.Step) -> str | None:
    if step.needs_token:
        return UNKNOWN
    return format_time(step.expires_at) if step.expires_at else None


def _store(name: str) -> str:
    return "file" if name == IN_FILE else PROGRAM + name


def _view(mode: int | None, logins: dict[str, t.Any]) -> dict[str, t.Any]:
    return {"mode": None if mode is None else f"{mode:04o}", "logins": logins}


def _view_stored(stored: StoredLogin) -> dict[str, t.Any]:
    return {
        "store": _store(stored.store),
        "fingerprint": stored.login.fingerprint if stored.login else UNKNOWN,
        "expires_at": format_time(stored.expires_at) if stored.expires_at else UNKNOWN,
    }


def _view_step(step: decision.Step) -> dict[str, t.Any]:
    return {
        "store": _store(step.store),
        "fingerprint": step.login.fingerprint if step.login else UNKNOWN,
        "expires_at": _expiry(step),
    }


class LoginTask:
    """A task for the logins in one file. find: returns the full path of a program, or None."""

    def __init__(self, path: str, client: str, find: t.Callable[[str], str | None]) -> None:
        self._path = path
        self._client = client
        self._find = find
        self._record_path = _atomic_file.beside(path, RECORD)

    def run(self, policy: LoginPolicy, token: Token | None, dry_run: bool) -> LoginReport:
        """Run the task. Raises LoginError, FileError, HelperError, or TokenError if the token has expired."""
        now = dt.datetime.now(dt.timezone.utc)
        if token and token.expires_at <= now:
            raise TokenError(f"token: it expired at {format_time(token.expires_at)}. Request a new token.")
        report = self._decide(policy, token, now)
        if dry_run or not report.plan.writes:
            return report
        with _atomic_file.locked(self._path):
            report = self._decide(policy, token, now)
            if report.plan.needs_token:
                raise LoginError("The login changed during the task and now needs a token. Run the task again.")
            return self._write(report) if report.plan.writes else report

    def _decide(self, policy: LoginPolicy, token: Token | None, now: dt.datetime) -> LoginReport:
        current = self._read(policy.registries)
        plan = decision.decide(current.stored, current.mode, policy, now, token)
        return LoginReport(self._path, current, plan, policy, self._after(current, plan, policy))

    def _after(self, current: FileState, plan: LoginPlan, policy: LoginPolicy) -> bytes | None:
        """Return the content of the file after the plan, None if the file is deleted.

        A logout deletes a file that this collection created and that holds nothing else. podman's file stays: podman
        fails if REGISTRY_AUTH_FILE names a file that does not exist.
        """
        after = current.config.changed(plan, self._client)
        removes = policy.state == "absent" and plan.writes and current.record_file.created and self._client != "podman"
        return None if removes and ClientConfig(after).empty else after

    def _read(self, registries: t.Sequence[str]) -> FileState:
        content, record = _atomic_file.read(self._path), _atomic_file.read(self._record_path)
        config = self._parse(content)
        record_file = RecordFile.parse(record.data) if record else RecordFile()
        stored = tuple(self._stored(registry, config, record_file) for registry in registries)
        return FileState(config, content.mode if content else None, record_file, stored)

    def _parse(self, content: _atomic_file.Content | None) -> ClientConfig:
        try:
            return ClientConfig(content.data if content else b"")
        except (DockerConfigError, UnicodeDecodeError) as exc:
            why = "it is not UTF-8" if isinstance(exc, UnicodeDecodeError) else exc
            raise LoginError(
                f"{self._path} is not a client's configuration: {why}. It was not changed, because it may hold other "
                "logins. Repair or move the file and run again."
            ) from None

    def _stored(self, registry: str, config: ClientConfig, record_file: RecordFile) -> StoredLogin:
        store, record = config.store(registry, self._client), record_file.records.get(registry)
        keys = config.keys(registry)
        if store != IN_FILE:
            login = self._helper(store).get(registry)
            # The client ignores a login in the file if it uses a helper. A logout removes both.
            return StoredLogin(registry, login is not None or any(map(config.auths.get, keys)), login, record, store)
        entry = config.auths.get(registry) or next((config.auths[key] for key in keys), None)
        return StoredLogin(registry, entry is not None, decision.login_of(entry) if entry else None, record)

    def _helper(self, name: str) -> CredentialHelper:
        return CredentialHelper(name, self._find)

    def _write(self, report: LoginReport) -> LoginReport:
        """Write the helpers first, then the record file, then the client's file.

        A record is trusted only with the login that has its fingerprint, wherever a failure interrupts these writes.
        """
        plan, policy = report.plan, report.policy
        for step in plan.steps:
            self._write_to_helper(step)
        # Read again: a helper can take seconds, and other tools do not use the lock.
        current = self._read(())
        record_file = current.record_file.changed(plan, created=current.mode is None)
        if record_file.records:
            _atomic_file.write(self._record_path, record_file.dump())
        report = dataclasses.replace(report, after=self._after(current, plan, policy))
        if report.after is None or report.mode is None:
            _atomic_file.remove(self._path)
        elif current.mode != report.mode or current.config.text != report.after:
            _atomic_file.write(self._path, report.after, report.mode)
        if not record_file.records:
            _atomic_file.remove(self._record_path)
        return report

    def _write_to_helper(self, step: decision.Step) -> None:
        if step.store == IN_FILE or not step.writes:
            return
        helper = self._helper(step.store)
        if step.login:
            helper.store(step.registry, step.login)
        elif helper.get(step.registry):
            helper.erase(step.registry)
