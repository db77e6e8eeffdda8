# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decide about the service accounts of one namespace, as pure functions. Private to this collection.

`imagePullSecrets` of a service account is an atomic list: a client that changes one entry writes all of them. So the
entries of others are written too, in their order.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils._names import (
    SHOWN,
    globs_of,
    matches,
    names_of,
    shortened,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret import (
    decision,
    managed_metadata,
    other_managers,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.decision import Plan, Policy
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.reasons import AccountAction, Reason
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.stored import Secret

DEFAULT = "default"
"""The account that Kubernetes creates in each namespace, a moment after the namespace."""
ALL = "*"


@dataclasses.dataclass(frozen=True)
class Account:
    """A service account that was read.

    refresher: whether it is the account of a refresher, which the role labels. created_at: its creationTimestamp.
    lists: the lists of other tools that write its imagePullSecrets.
    """

    name: str
    uid: str = ""
    resource_version: str = ""
    entries: tuple[t.Mapping[str, t.Any], ...] = ()
    refresher: bool = False
    created_at: str = ""
    lists: tuple[other_managers.AccountList, ...] = ()

    @classmethod
    def from_object(cls, item: t.Mapping[str, t.Any]) -> Account:
        metadata = item["metadata"]
        return cls(
            name=metadata["name"],
            uid=metadata["uid"],
            resource_version=metadata["resourceVersion"],
            entries=tuple(item.get("imagePullSecrets") or ()),
            refresher=managed_metadata.REFRESHER_LABEL in (metadata.get("labels") or {}),
            created_at=metadata.get("creationTimestamp") or "",
            lists=other_managers.of_account(item),
        )

    @property
    def secrets(self) -> list[str]:
        """The names in its imagePullSecrets."""
        return [entry.get("name", "") for entry in self.entries]

    def lists_without(self, secret: str) -> tuple[other_managers.AccountList, ...]:
        """Return the lists of other tools that lack the secret: when such a tool writes, it removes the entry."""
        return tuple(one for one in self.lists if not one.contains(secret, self.secrets))

    def lists_with(self, secret: str) -> tuple[other_managers.AccountList, ...]:
        """Return the lists of other tools that contain the secret."""
        return tuple(one for one in self.lists if one.contains(secret, self.secrets))


@dataclasses.dataclass(frozen=True)
class Wanted:
    """The accounts of a namespace that a task attaches or detaches.

    listed: names and globs. every_user: also all accounts that name the secret.
    """

    listed: tuple[str, ...]
    attach: bool = True
    every_user: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        return names_of(self.listed)

    @property
    def globs(self) -> tuple[str, ...]:
        return globs_of(self.listed)

    @property
    def needs_list(self) -> bool:
        """Whether the accounts of the namespace must be listed."""
        return bool(self.globs or self.every_user)


@dataclasses.dataclass(frozen=True)
class AccountPlan:
    """The action for one account; after it is carried out, the result.

    account: as it was read; None for the `default` account that Kubernetes has not created yet. entries: the whole list
    that is written.
    """

    name: str
    action: AccountAction
    reason: Reason | None = None
    msg: str = ""
    account: Account | None = None
    entries: tuple[t.Mapping[str, t.Any], ...] = ()

    @property
    def writes(self) -> bool:
        return self.action in ("attached", "detached")

    def to_result(self) -> dict[str, str]:
        return {"name": self.name, "action": self.action}

    def diff(self) -> tuple[dict[str, t.Any], dict[str, t.Any]]:
        """Return before and after, of a long list only what changes: a user can list any number of secrets."""
        before = self.account.secrets if self.account else []
        after = [entry.get("name", "") for entry in self.entries]
        kept = set(before) & set(after) if max(len(before), len(after)) > SHOWN else set()
        return {"imagePullSecrets": _without(kept, before)}, {"imagePullSecrets": _without(kept, after)}


def _without(kept: t.Collection[str], names: t.Sequence[str]) -> list[str]:
    # A list can contain a name any number of times.
    shown = [shortened(name) for name in dict.fromkeys(names) if name not in kept]
    return [*([f"and {sum(name in kept for name in names)} more"] if kept else []), *shown]


@dataclasses.dataclass
class Found:
    """The accounts of a namespace that could be read. failed: a name, or "*" for the list -> (reason, message)."""

    accounts: dict[str, Account] = dataclasses.field(default_factory=dict)
    failed: dict[str, tuple[Reason, str]] = dataclasses.field(default_factory=dict)


def wanted(plan: Plan, policy: Policy, usable: bool = True) -> Wanted | None:
    """Return the accounts that the plan for the namespace's secret concerns, or None.

    usable: whether the stored secret may be attached, see is_usable().
    """
    listed = policy.service_accounts
    if plan.action == "removed" or policy.state == "absent":
        # If the secret does not exist, an account that an earlier task could not detach may still name it.
        ends = plan.action == "removed" or (plan.action, plan.reason) == ("unchanged", "missing")
        return Wanted(listed, attach=False, every_user=plan.deletes) if ends and (listed or plan.deletes) else None
    if plan.action in ("failed", "skipped") or not listed or not usable:
        return None
    return Wanted(listed)


def is_usable(secret: Secret | None, policy: Policy, now: dt.datetime) -> bool:
    """Return whether accounts may name the secret. With placeholder even an unusable secret is left unchanged."""
    if secret is None or not policy.placeholder:
        return True
    return decision.decide(secret, dataclasses.replace(policy, placeholder=False), now).action != "failed"


def decide(found: Found, selected: Wanted, secret: str) -> tuple[AccountPlan, ...]:
    """Return the plans for the accounts of one namespace, sorted by name."""
    plans = {name: _decide_named(name, found, selected, secret) for name in selected.names}
    for name, account in found.accounts.items():
        if name not in plans and _is_selected(account, selected, secret):
            plans[name] = decide_account(account, selected.attach, secret)
    if ALL in found.failed:
        reason, msg = found.failed[ALL]
        plans.update({glob: AccountPlan(glob, "failed", reason=reason, msg=msg) for glob in selected.globs})
    elif selected.attach and DEFAULT not in plans and matches(DEFAULT, selected.globs):
        plans[DEFAULT] = _decide_missing(DEFAULT, secret)
    return tuple(plan for _name, plan in sorted(plans.items()) if plan)


def _is_selected(account: Account, selected: Wanted, secret: str) -> bool:
    """Return whether a glob or every_user selects the account. A glob never attaches the account of a refresher."""
    by_glob = matches(account.name, selected.globs)
    if selected.attach:
        return by_glob and not account.refresher
    return by_glob or (selected.every_user and secret in account.secrets)


def _decide_named(name: str, found: Found, selected: Wanted, secret: str) -> AccountPlan | None:
    if name in found.failed:
        reason, msg = found.failed[name]
        return AccountPlan(name, "failed", reason=reason, msg=msg)
    if name in found.accounts:
        return decide_account(found.accounts[name], selected.attach, secret)
    return _decide_missing(name, secret) if selected.attach else None


def decide_account(account: Account, attach: bool, secret: str) -> AccountPlan:
    """Return the plan for an account that exists."""
    if attach and account.refresher:
        msg = (
            f"Service account {account.name} belongs to a refresher: an expired token would stop the refresher's own "
            "pod from starting. Remove it from service_accounts."
        )
        return AccountPlan(account.name, "failed", reason="refresher_service_account", msg=msg)
    if (secret in account.secrets) == attach:
        return AccountPlan(account.name, "unchanged", account=account, entries=account.entries)
    if attach:
        return AccountPlan(account.name, "attached", account=account, entries=(*account.entries, {"name": secret}))
    kept = tuple(entry for entry in account.entries if entry.get("name") != secret)
    return AccountPlan(account.name, "detached", account=account, entries=kept)


def _decide_missing(name: str, secret: str) -> AccountPlan:
    if name == DEFAULT:
        return AccountPlan(name, "attached", entries=({"name": secret},))
    return missing(name)


def missing(name: str, waited: str = "") -> AccountPlan:
    """Return the failure for an account that does not exist. waited: such as " after 60 seconds"."""
    msg = f"Service account {name} does not exist{waited}. Create it, or remove it from service_accounts."
    return AccountPlan(name, "failed", reason="missing_service_account", msg=msg)


def merge_patch(plan: AccountPlan) -> dict[str, t.Any]:
    """Return the JSON merge patch of a plan. The API server accepts it only for the account that was read."""
    if plan.account is None:
        raise ValueError("an account that was not read cannot be patched")
    metadata = {"uid": plan.account.uid, "resourceVersion": plan.account.resource_version}
    return {"metadata": metadata, "imagePullSecrets": [dict(entry) for entry in plan.entries]}


def overall(plan: Plan, accounts: t.Sequence[AccountPlan]) -> Plan:
    """Return the plans of the secret and of its accounts as one, for the namespace's result."""
    failed = [account for account in accounts if account.action == "failed"]
    if plan.action in ("failed", "failed_open"):
        return plan
    if failed:
        messages = " ".join(dict.fromkeys(account.msg for account in failed))
        msg = f"The secret: {plan.action} ({plan.reason}). {messages}"
        return dataclasses.replace(plan, action="failed", reason=failed[0].reason or "api_error", msg=msg)
    if plan.action == "unchanged" and any(account.writes for account in accounts):
        return dataclasses.replace(plan, action="updated", reason="service_accounts")
    return plan
