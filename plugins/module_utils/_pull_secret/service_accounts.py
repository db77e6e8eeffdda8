# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The decision about the service accounts of one namespace, as pure functions. Private to this collection.

`imagePullSecrets` of a service account is an atomic list: whoever changes one entry writes the whole of it. So all
entries of others are carried along, in their order.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import fnmatch
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret import decision, managed_metadata
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.decision import Plan, Policy
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.selection import is_glob
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.stored import Secret

DEFAULT = "default"
"""The account that Kubernetes makes in each namespace, a moment after the namespace."""
ALL = "*"


@dataclasses.dataclass(frozen=True)
class Account:
    """A service account as it was read, as far as it matters here."""

    name: str
    uid: str = ""
    resource_version: str = ""
    entries: tuple[t.Mapping[str, t.Any], ...] = ()
    refresher: bool = False
    """Whether it is the account of a refresher: the role marks it."""

    @classmethod
    def from_object(cls, item: t.Mapping[str, t.Any]) -> Account:
        metadata = item["metadata"]
        return cls(
            name=metadata["name"],
            uid=metadata["uid"],
            resource_version=metadata["resourceVersion"],
            entries=tuple(item.get("imagePullSecrets") or ()),
            refresher=managed_metadata.REFRESHER_LABEL in (metadata.get("labels") or {}),
        )

    @property
    def secrets(self) -> list[str]:
        """The names in its imagePullSecrets."""
        return [entry.get("name", "") for entry in self.entries]


@dataclasses.dataclass(frozen=True)
class Reach:
    """Which accounts of a namespace are meant. everyone: beside the listed ones, all that name the secret."""

    listed: tuple[str, ...]
    attach: bool = True
    everyone: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(name for name in self.listed if not is_glob(name)))

    @property
    def globs(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(glob for glob in self.listed if is_glob(glob)))

    @property
    def needs_list(self) -> bool:
        """Whether only a list of the namespace's accounts can tell which are meant."""
        return bool(self.globs or self.everyone)


@dataclasses.dataclass(frozen=True)
class AccountPlan:
    """What is to be done with one account, and then what was done.

    account: as it was read; None for the `default` account of a new namespace, which is yet to appear.
    """

    name: str
    action: str
    """attached, detached, unchanged or failed."""
    reason: str = ""
    msg: str = ""
    account: Account | None = None
    entries: tuple[t.Mapping[str, t.Any], ...] = ()
    """The whole list that is written."""

    @property
    def writes(self) -> bool:
        return self.action in ("attached", "detached")

    def to_result(self) -> dict[str, str]:
        return {"name": self.name, "action": self.action}

    def diff(self) -> tuple[dict[str, t.Any], dict[str, t.Any]]:
        before = self.account.secrets if self.account else []
        return {"imagePullSecrets": before}, {"imagePullSecrets": [entry.get("name", "") for entry in self.entries]}


@dataclasses.dataclass
class Found:
    """What could be read of a namespace's accounts. refused: a name, or "*" for the list -> (reason, message)."""

    accounts: dict[str, Account] = dataclasses.field(default_factory=dict)
    refused: dict[str, tuple[str, str]] = dataclasses.field(default_factory=dict)


def reach(plan: Plan, policy: Policy, usable: bool = True) -> Reach | None:
    """Which accounts the plan for the namespace's secret concerns; None for none of them.

    usable: whether the secret that is there may be attached; a placeholder run keeps a foreign one as it is.
    """
    listed = policy.service_accounts
    gone = plan.action == "removed" and not plan.change
    if plan.action == "removed" or policy.state == "absent":
        # Where the secret was not there at all, an entry that an earlier run could not take out may be left.
        ends = plan.action == "removed" or (plan.action, plan.reason) == ("unchanged", "missing")
        return Reach(listed, attach=False, everyone=gone) if ends and (listed or gone) else None
    if plan.action in ("failed", "skipped") or not listed or not usable:
        return None
    return Reach(listed)


def usable(secret: Secret | None, policy: Policy, now: dt.datetime) -> bool:
    """Whether accounts may name the secret: a placeholder run leaves even one alone that any other run refuses."""
    if secret is None or not policy.placeholder:
        return True
    return decision.decide(secret, dataclasses.replace(policy, placeholder=False), now).action != "failed"


def decide(found: Found, wanted: Reach, secret: str) -> tuple[AccountPlan, ...]:
    """The plans for one namespace's accounts, by name."""
    plans = {name: _decide_named(name, found, wanted, secret) for name in wanted.names}
    for name, account in found.accounts.items():
        if name not in plans and _meant(account, wanted, secret):
            plans[name] = decide_account(account, wanted.attach, secret)
    if ALL in found.refused:
        reason, msg = found.refused[ALL]
        plans.update({glob: AccountPlan(glob, "failed", reason=reason, msg=msg) for glob in wanted.globs})
    elif wanted.attach and DEFAULT not in plans and any(matching([DEFAULT], glob) for glob in wanted.globs):
        plans[DEFAULT] = _missing(DEFAULT, secret)
    return tuple(plan for _name, plan in sorted(plans.items()) if plan)


def _meant(account: Account, wanted: Reach, secret: str) -> bool:
    """Whether a glob or the search means this account. A refresher's is never attached by a glob."""
    by_glob = any(matching([account.name], glob) for glob in wanted.globs)
    if wanted.attach:
        return by_glob and not account.refresher
    return by_glob or (wanted.everyone and secret in account.secrets)


def matching(names: t.Iterable[str], glob: str) -> list[str]:
    """Case counts, whatever the system's file names do."""
    return [name for name in names if fnmatch.fnmatchcase(name, glob)]


def _decide_named(name: str, found: Found, wanted: Reach, secret: str) -> AccountPlan | None:
    if name in found.refused:
        reason, msg = found.refused[name]
        return AccountPlan(name, "failed", reason=reason, msg=msg)
    if name in found.accounts:
        return decide_account(found.accounts[name], wanted.attach, secret)
    return _missing(name, secret) if wanted.attach else None


def decide_account(account: Account, attach: bool, secret: str) -> AccountPlan:
    """The plan for an account that exists."""
    if attach and account.refresher:
        msg = (
            f"Service account {account.name} is a refresher's: with a stale secret its pod, the cure, could not start."
        )
        msg += " Remove it from service_accounts."
        return AccountPlan(account.name, "failed", reason="refresher_service_account", msg=msg)
    if (secret in account.secrets) == attach:
        return AccountPlan(account.name, "unchanged", account=account, entries=account.entries)
    if attach:
        return AccountPlan(account.name, "attached", account=account, entries=(*account.entries, {"name": secret}))
    kept = tuple(entry for entry in account.entries if entry.get("name") != secret)
    return AccountPlan(account.name, "detached", account=account, entries=kept)


def _missing(name: str, secret: str) -> AccountPlan:
    if name == DEFAULT:
        return AccountPlan(name, "attached", entries=({"name": secret},))
    return missing(name)


def missing(name: str, waited: str = "") -> AccountPlan:
    msg = f"Service account {name} does not exist{waited}. Make it first, or take it out of service_accounts."
    return AccountPlan(name, "failed", reason="missing_service_account", msg=msg)


def merge_patch(plan: AccountPlan) -> dict[str, t.Any]:
    """The JSON merge patch of a plan, which the API server takes only for the account that was read."""
    if plan.account is None:
        raise ValueError("an account that is yet to appear cannot be patched")
    metadata = {"uid": plan.account.uid, "resourceVersion": plan.account.resource_version}
    return {"metadata": metadata, "imagePullSecrets": [dict(entry) for entry in plan.entries]}


def overall(plan: Plan, accounts: t.Sequence[AccountPlan]) -> Plan:
    """The secret's plan and its accounts' as one, for the namespace's line of the result."""
    failed = [account for account in accounts if account.action == "failed"]
    if plan.action in ("failed", "failed_open"):
        return plan
    if failed:
        told = " ".join(dict.fromkeys(account.msg for account in failed))
        msg = f"The secret: {plan.action} ({plan.reason}). {told}"
        return dataclasses.replace(plan, action="failed", reason=failed[0].reason, msg=msg)
    if plan.action == "unchanged" and any(account.writes for account in accounts):
        return dataclasses.replace(plan, action="updated", reason="service_accounts")
    return plan
