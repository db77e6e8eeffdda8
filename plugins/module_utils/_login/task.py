# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run one task on one client's file: read, decide, lock, read and decide again, write what differs.

Private to this collection.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import json
import os
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _atomic_file
from ansible_collections.freshpull.ecr_public.plugins.module_utils._docker_config import LONGEST_KEY, DockerConfigError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._errors import CollectionError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._file_owner import Owner, describe_user
from ansible_collections.freshpull.ecr_public.plugins.module_utils._login import decision
from ansible_collections.freshpull.ecr_public.plugins.module_utils._login.client_file import ClientConfig
from ansible_collections.freshpull.ecr_public.plugins.module_utils._login.clients import CLIENTS
from ansible_collections.freshpull.ecr_public.plugins.module_utils._login.credential_helper import (
    OWN_LOGINS,
    CredentialHelper,
    HelperError,
    default_store,
    store_name,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._login.decision import (
    HELPER_LOGIN,
    IN_FILE,
    LoginPlan,
    LoginPolicy,
    StoredLogin,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._login.record_file import RecordFile
from ansible_collections.freshpull.ecr_public.plugins.module_utils._time import format_time
from ansible_collections.freshpull.ecr_public.plugins.module_utils._token import UNKNOWN, Token, TokenError

RECORD = "freshpull"
"""The suffix of the file with the expiry records, for example .config.json.freshpull beside config.json."""
_MAX_LISTED = 5
"""Keys that a warning lists."""


class LoginError(CollectionError):
    """The task failed. The message names the next step and never holds a secret."""


@dataclasses.dataclass(frozen=True)
class FileState:
    """The current content of the client's file and of the record file, with the logins of the task's registries.

    mode: None if the client's file does not exist; owner is then the owner of a new file. owners: of the files that
    exist.
    """

    config: ClientConfig
    mode: int | None
    owner: Owner
    owners: frozenset[Owner]
    record_file: RecordFile
    stored: tuple[StoredLogin, ...] = ()


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
                "store": store_name(step.store),
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

    @property
    def warnings(self) -> list[str]:
        """Say where the client uses another login than that of this task."""
        client, policy = self.current.config.client.name, self.policy
        if policy.state == "absent":
            return [
                f"{store_name(step.store)} makes its own logins, so {client} still logs in to {step.registry}. Remove "
                f"it from credHelpers and credsStore in {self.path} for anonymous pulls."
                for step in self.plan.steps
                if step.reason == HELPER_LOGIN
            ]
        found = ((registry, self.current.config.preferred(registry)) for registry in policy.registries)
        return [
            f"{client} uses the login with the key {_listed(keys)} in {self.path} for the images below it, rather than "
            f"the login of {registry}. If it has expired, the registry rejects these pulls. Remove it with `{client} "
            "logout KEY`."
            for registry, keys in found
            if keys
        ]

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
            "before": _view(self.current.mode, self.current.owner, before),
            "after": _view(self.mode, self.owner, after),
        }

    @property
    def mode(self) -> int | None:
        """The permissions of the file after the task; None if the file does not exist then."""
        if self.after is None:
            return None
        return self.policy.mode if self.policy.state == "present" and self.plan.writes else self.current.mode

    @property
    def owner(self) -> Owner:
        """User and group of the file after the task, if it then exists."""
        return self.policy.owned(self.current.owner)


def _expiry(step: decision.Step) -> str | None:
    if step.needs_token:
        return UNKNOWN
    return format_time(step.expires_at) if step.expires_at else None


def _listed(keys: t.Sequence[str]) -> str:
    listed = ", ".join(json.dumps(key[:LONGEST_KEY]) for key in keys[:_MAX_LISTED])
    return f"{listed} and {len(keys) - _MAX_LISTED} more" if len(keys) > _MAX_LISTED else listed


def _view(mode: int | None, owner: Owner, logins: dict[str, t.Any]) -> dict[str, t.Any]:
    if mode is None:
        return {"mode": None, "owner": None, "group": None, "logins": logins}
    return {"mode": f"{mode:04o}", "owner": owner.user, "group": owner.group, "logins": logins}


def _view_stored(stored: StoredLogin) -> dict[str, t.Any]:
    return {
        "store": store_name(stored.store),
        "fingerprint": stored.login.fingerprint if stored.login else UNKNOWN,
        "expires_at": format_time(stored.expires_at) if stored.expires_at else UNKNOWN,
    }


def _view_step(step: decision.Step) -> dict[str, t.Any]:
    return {
        "store": store_name(step.store),
        "fingerprint": step.login.fingerprint if step.login else UNKNOWN,
        "expires_at": _expiry(step),
    }


class LoginTask:
    """A task for the logins in one file.

    find: returns the full path of a program, or None. follow: whether path may be a symbolic link. The lock, the
    temporary file and the record file are beside its target, because other paths can lead there too. Raises FileError.
    """

    def __init__(self, path: str, client: str, find: t.Callable[[str], str | None], *, follow: bool = False) -> None:
        self._path = _atomic_file.target_of(path) if follow else path
        self._client = CLIENTS[client]
        self._find = find
        self._record_path = _atomic_file.beside(self._path, RECORD)

    def run(self, policy: LoginPolicy, token: Token | None, dry_run: bool) -> LoginReport:
        """Run the task. Raises LoginError, FileError, HelperError, or TokenError if the token has expired."""
        now = dt.datetime.now(dt.timezone.utc)
        if token and token.expires_at <= now:
            raise TokenError(f"token: it expired at {format_time(token.expires_at)}. Request a new token.")
        report = self._decide(policy, token, now)
        if dry_run or not report.plan.writes:
            return report
        with _atomic_file.locked(self._path, report.owner):
            report = self._decide(policy, token, now)
            if report.plan.needs_token:
                raise LoginError("The login changed during the task and now needs a token. Run the task again.")
            return self._write(report) if report.plan.writes else report

    def _decide(self, policy: LoginPolicy, token: Token | None, now: dt.datetime) -> LoginReport:
        current = self._read(policy)
        plan = decision.decide(current.stored, current.mode, policy, now, token, owners=current.owners)
        return LoginReport(self._path, current, plan, policy, self._after(current, plan, policy))

    def _after(self, current: FileState, plan: LoginPlan, policy: LoginPolicy) -> bytes | None:
        """Return the content of the file after the plan, None if the file is deleted.

        A logout deletes a file that this collection created and that holds nothing else. podman's file stays: podman
        fails if REGISTRY_AUTH_FILE names a file that does not exist.
        """
        after = current.config.changed(plan)
        created = current.record_file.created and self._client.name != "podman"
        removes = policy.state == "absent" and plan.writes and created
        return None if removes and ClientConfig(after, self._client).empty else after

    def _read(self, policy: LoginPolicy) -> FileState:
        """Read the files and the logins of the task's registries."""
        current = self._read_files(policy)
        user = policy.owned(current.owner).uid
        try:
            if policy.state == "present":
                current.config.check(policy.registries)
            stored = tuple(self._stored(registry, current, user) for registry in policy.registries)
        except DockerConfigError as exc:
            raise self._unreadable(exc) from None
        if policy.state == "absent" and user == os.geteuid():
            stored = self._with_default_store(stored, current.config)
        return dataclasses.replace(current, stored=stored)

    def _read_files(self, policy: LoginPolicy) -> FileState:
        content, record = (
            _atomic_file.read(path, any_owner=policy.owner is not None) for path in (self._path, self._record_path)
        )
        try:
            config = ClientConfig(content.data if content else b"", self._client)
        except DockerConfigError as exc:
            raise self._unreadable(exc) from None
        owner = content.owner if content else _atomic_file.owner_of_new(self._path)
        owners = frozenset(file.owner for file in (content, record) if file)
        record_file = RecordFile.parse(record.data) if record else RecordFile()
        return FileState(config, content.mode if content else None, owner, owners, record_file)

    def _unreadable(self, problem: DockerConfigError) -> LoginError:
        return LoginError(
            f"{self._path} is not a configuration that {self._client.name} can read: {problem}. It was not changed, "
            "because it may hold other logins. Repair or move the file and run again."
        )

    def _stored(self, registry: str, current: FileState, user: int) -> StoredLogin:
        config, record_file = current.config, current.record_file
        store, record = config.store(registry), record_file.records.get(registry)
        keys, used = config.keys(registry), config.used(registry)
        if store == IN_FILE:
            login = config.login(used[0]) if used else None
            other_keys = bool(self._client.replaced(registry, keys))
            return StoredLogin(registry, bool(used), login, record, entries=bool(keys), other_keys=other_keys)
        # The client ignores a login in the file if it uses a helper. A logout removes both.
        entries = any(map(config.auths.get, keys))
        if store in OWN_LOGINS:
            return StoredLogin(registry, store=store, entries=entries, own_login=True)
        if user != os.geteuid():
            name = describe_user(user)
            raise LoginError(
                f"{self._path} belongs to {name} and names the credential helper {store_name(store)}, which stores the "
                f"logins of the user that runs it. Run the task as {name} (become_user)."
            )
        login = self._helper(store).get(registry)
        if login and record_file.own_logins.get(registry) == store:
            return StoredLogin(registry, store=store, entries=entries, own_login=True)
        return StoredLogin(registry, login is not None, login, record, store, entries)

    def _with_default_store(self, stored: tuple[StoredLogin, ...], config: ClientConfig) -> tuple[StoredLogin, ...]:
        """Look for logins that the client would use after a logout that leaves no login in the file."""
        left = set(config.auths) - {key for one in stored for key in config.keys(one.registry)}
        name = "" if left or not config.selects_default_store else default_store(self._find)
        if not name:
            return stored
        helper = self._helper(name)
        found = []
        for one in stored:
            # The client itself cannot use a helper that fails.
            with contextlib.suppress(HelperError):
                if helper.get(one.registry):
                    one = dataclasses.replace(one, found=True, default_store=name)
            found.append(one)
        return tuple(found)

    def _helper(self, name: str) -> CredentialHelper:
        return CredentialHelper(name, self._find)

    def _write(self, report: LoginReport) -> LoginReport:
        """Write the helpers first, then the record file, then the client's file.

        A record is trusted only with the login that has its fingerprint, wherever a failure interrupts these writes.
        """
        policy = report.policy
        plan = dataclasses.replace(report.plan, steps=tuple(map(self._write_to_helpers, report.plan.steps)))
        # Read again: a helper can take seconds, and other tools do not use the lock.
        current = self._read_files(policy)
        record_file = current.record_file.changed(plan, created=current.mode is None)
        owner = policy.owned(current.owner)
        if not record_file.empty:
            _atomic_file.write(self._record_path, record_file.dump(), _atomic_file.PRIVATE, owner)
        report = dataclasses.replace(report, plan=plan, after=self._after(current, plan, policy))
        if report.after is None or report.mode is None:
            _atomic_file.remove(self._path)
        elif (current.mode, current.owner, current.config.text) != (report.mode, owner, report.after):
            _atomic_file.write(self._path, report.after, report.mode, owner)
        if record_file.empty:
            _atomic_file.remove(self._record_path)
        return report

    def _write_to_helpers(self, step: decision.Step) -> decision.Step:
        """Store or delete the login. Return what was done: nothing, if the helper makes its own logins."""
        for name in step.helpers:
            helper = self._helper(name)
            if step.login:
                done = helper.put(step.registry, step.login)
            else:
                done = helper.drop(step.registry, managed=step.reason == "managed")
            if not done:
                return decision.Step(step.registry, "unchanged", HELPER_LOGIN, name)
        return step
