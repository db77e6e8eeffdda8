# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Decide what happens to one pull secret, as pure functions. Private to this collection.

No other file decides. The modules and the refresher carry out the plan that decide() returns; check mode and diff show
it.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _docker_config
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret import explanations, managed_metadata
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.reasons import (
    Action,
    Reason,
    TokenReason,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.stored import Secret, Stored
from ansible_collections.freshpull.ecr_public.plugins.module_utils._time import format_time
from ansible_collections.freshpull.ecr_public.plugins.module_utils._token import (
    UNKNOWN,
    Token,
    is_kept_without_token,
    renewal_reason,
)


@dataclasses.dataclass(frozen=True)
class Policy:
    """The options that apply to every namespace. Durations are positive.

    state: present, absent, orphaned or released. orphaned removes the managed entries and keeps the secret managed,
    because the refresher has no permission to delete. released removes only the owner. expired_only: if no token is
    available, remove only tokens that have expired. keep_metadata: set labels and annotations only on new secrets,
    because the refresher has no permission to change them. actor: the value of the annotation renewed-by. owner: the
    installation whose secrets the task manages, "" for those without an owner.
    """

    name: str
    owner: str = ""
    state: str = "present"
    registries: tuple[str, ...] = (_docker_config.DEFAULT_REGISTRY,)
    renew_before: dt.timedelta = dt.timedelta(hours=8)
    force_renew: bool = False
    fail_open: bool = True
    fail_open_before: dt.timedelta = dt.timedelta(hours=1)
    expired_only: bool = False
    labels: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    annotations: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    adopt: bool = False
    recreate: bool = False
    placeholder: bool = False
    service_accounts: tuple[str, ...] = ()
    actor: str = "module"
    keep_metadata: bool = False


@dataclasses.dataclass(frozen=True)
class Change:
    """The keys that a plan writes, as in a JSON merge patch: None removes a key.

    An empty entry in `auths` is a placeholder for a token that has not been requested yet.
    """

    labels: t.Mapping[str, str | None] = dataclasses.field(default_factory=dict)
    annotations: t.Mapping[str, str | None] = dataclasses.field(default_factory=dict)
    auths: t.Mapping[str, _docker_config.Entry | None] = dataclasses.field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.labels or self.annotations or self.auths)


@dataclasses.dataclass(frozen=True)
class Plan:
    """The action for one secret, and its reason.

    msg: for a failure, what is wrong and the next step. recreates: whether the secret is deleted and created to carry
    the plan out. other_spellings: the unmanaged keys of a secret that fails open
    which the kubelet reads as one of its registries, so that pulls may still use them.
    """

    action: Action
    reason: Reason
    msg: str = ""
    change: Change = dataclasses.field(default_factory=Change)
    needs_token: bool = False
    expires_at: dt.datetime | None = None
    recreates: bool = False
    other_spellings: tuple[str, ...] = ()

    @property
    def writes(self) -> bool:
        return bool(self.change) or self.action not in ("unchanged", "skipped", "failed")

    @property
    def deletes(self) -> bool:
        """Whether the secret itself is deleted, not only entries of it."""
        return self.action == "removed" and not self.change


def decide(
    secret: Secret | None,
    policy: Policy,
    now: dt.datetime,
    token: Token | None = None,
    *,
    outage: bool = False,
    clocks_agree: bool = True,
) -> Plan:
    """Return the plan for one secret, None if the namespace has none of this name.

    token: valid; None if none has been requested yet. outage: no token is available, so no plan needs one.
    clocks_agree: if false, no token is removed because of its expiry.
    """
    stored = Stored(secret, policy.registries) if secret else None
    other = not_managed(stored, policy) if stored else "missing"
    if stored and stored.terminating and (not other or (policy.adopt and policy.state == "present")):
        return _decide_terminating(stored, policy, managed=not other)
    if stored and not other and policy.state != "present":
        return _REMOVALS[policy.state](stored, policy)
    if other and policy.state != "present":
        return Plan("unchanged", other)
    if stored is None and policy.placeholder:
        return Plan("reserved", "missing", change=_first_change(policy, {}, {}))
    if stored is None:
        plan = _with_token("created", "missing", policy, now, token, None)
    elif policy.placeholder:
        plan = Plan("unchanged", "exists", expires_at=stored.expires_at)
    else:
        plan = _decide_present(stored, policy, now, token)
    if plan.needs_token and outage:
        plan = _without_token(stored, policy, now, clocks_agree)
    if stored and plan.recreates and stored.finalizers:
        # The deletion would not end by itself, and the new secret could not be created.
        reason: Reason = "immutable" if stored.type == _docker_config.DOCKERCONFIG_TYPE else "wrong_type"
        return Plan("failed", reason, explanations.finalizers(stored), expires_at=stored.expires_at)
    return plan


def not_managed(stored: Stored, policy: Policy) -> t.Literal["copy", "unmanaged", "other_owner"] | None:
    """Return why a task with this policy does not manage the secret, or None."""
    if stored.copied_from:
        return "copy"
    if not stored.managed:
        return "unmanaged"
    return None if stored.owner == policy.owner else "other_owner"


def _decide_terminating(stored: Stored, policy: Policy, *, managed: bool) -> Plan:
    """Return the plan for a secret that is being deleted: until a finalizer releases it nothing renews its token.

    managed: false for a secret that would be adopted if it were not being deleted.
    """
    removes = policy.state != "present"
    usable = managed and not stored.immutable and stored.type == _docker_config.DOCKERCONFIG_TYPE
    if usable and stored.managed_entries:
        return Plan("removed" if removes else "skipped", "terminating", change=_without_entries(stored))
    return Plan("unchanged" if removes else "skipped", "terminating")


def _decide_present(stored: Stored, policy: Policy, now: dt.datetime, token: Token | None) -> Plan:
    other = not_managed(stored, policy)
    if other == "other_owner" and not policy.adopt:
        return Plan("failed", other, explanations.other_owner(stored, policy.owner))
    if other == "copy" and not policy.adopt:
        return Plan("failed", other, explanations.copy(stored))
    usable = other is None or policy.adopt
    if stored.type != _docker_config.DOCKERCONFIG_TYPE:
        if policy.recreate and usable and stored.malformed and stored.has_config:
            return Plan("failed", "malformed", explanations.malformed(stored))
        if policy.recreate and usable:
            plan = _with_token("recreated", "wrong_type", policy, now, token, stored)
            return dataclasses.replace(plan, recreates=True)
        return Plan("failed", "wrong_type", explanations.wrong_type(stored))
    if not usable:
        return Plan("failed", "unmanaged", explanations.UNMANAGED)
    if stored.malformed:
        return Plan("failed", "malformed", explanations.malformed(stored))
    plan = _decide_content(stored, policy, now, token)
    if stored.immutable and plan.change.auths:
        if policy.recreate:
            return dataclasses.replace(plan, action="recreated", reason="immutable", recreates=True)
        return Plan("failed", "immutable", explanations.IMMUTABLE)
    return plan


def _decide_content(stored: Stored, policy: Policy, now: dt.datetime, token: Token | None) -> Plan:
    if not stored.managed:
        return _with_token("adopted", "copy" if stored.copied_from else "unmanaged", policy, now, token, stored)
    expires_at = stored.expires_at
    renewal: Reason | None = "forced" if policy.force_renew else _token_problem(stored, policy, now)
    not_later = token is not None and expires_at is not None and token.expires_at <= expires_at
    if renewal and not not_later:
        return _with_token("renewed", renewal, policy, now, token, stored)
    change, reason = _update(stored, policy)
    if change and stored.owner != policy.owner:
        reason = "other_owner"
    if change:
        return Plan("updated", reason, change=change, expires_at=expires_at)
    return Plan("unchanged", "not_later" if renewal else "fresh", expires_at=expires_at)


def _token_problem(stored: Stored, policy: Policy, now: dt.datetime) -> TokenReason | None:
    """Return why the token in this managed secret must be renewed, or None."""
    if not stored.managed_entries:
        return "restored" if stored.failed_open else "empty"
    if not stored.unmodified:
        return "modified"
    if stored.expires_at is None:
        return "unknown_expiry"
    return renewal_reason(stored.expires_at, stored.lifetime, now, policy.renew_before)


def _without_token(stored: Stored | None, policy: Policy, now: dt.datetime, clocks_agree: bool) -> Plan:
    """Return the plan if no token is available.

    An expired token is worse than none: the registry rejects it, but serves anonymous pulls. So a token that expires
    before the next run is removed. An expiry that cannot be trusted counts as past: a renewal would have replaced that
    token too.
    """
    if stored and (not_managed(stored, policy) or stored.type != _docker_config.DOCKERCONFIG_TYPE):
        return Plan("failed", "token_unavailable", explanations.NOT_CHANGED)
    if stored is None or not stored.managed_entries:
        return Plan("failed", "token_unavailable", explanations.NONE_STORED)
    expires_at = stored.expires_at
    if policy.expired_only and not (expires_at and expires_at <= now):
        return Plan("failed", "kept", explanations.KEPT_VALID, expires_at=expires_at)
    if expires_at and is_kept_without_token(expires_at, stored.lifetime, now, policy.fail_open_before):
        return Plan("failed", "kept", explanations.KEPT, expires_at=expires_at)
    if not clocks_agree:
        return Plan("failed", "clocks", explanations.CLOCKS, expires_at=expires_at)
    if not policy.fail_open:
        return Plan("failed", "fail_open_disabled", explanations.FAIL_OPEN_DISABLED, expires_at=expires_at)
    if stored.immutable and not policy.recreate:
        return Plan("failed", "immutable", explanations.IMMUTABLE_EXPIRING, expires_at=expires_at)
    change = _without_entries(stored)
    annotations = {**change.annotations, managed_metadata.FAILED_OPEN_AT: format_time(now)}
    other_spellings = tuple(key for key in stored.spellings(policy.registries) if key not in stored.managed_entries)
    return Plan(
        "failed_open",
        _token_problem(stored, policy, now) or "forced",
        explanations.failed_open(other_spellings),
        change=dataclasses.replace(change, annotations=annotations),
        recreates=stored.immutable,
        other_spellings=other_spellings,
    )


def _update(stored: Stored, policy: Policy) -> tuple[Change, Reason]:
    """Return what differs although the token is valid. An added registry gets the stored entry: a token serves all."""
    labels, annotations = _changed_metadata(policy, stored)
    if set(policy.registries) == set(stored.registries) == set(stored.managed_entries):
        return Change(labels, annotations), "metadata"
    entry = next(iter(stored.managed_entries.values()))
    written = {
        managed_metadata.REGISTRIES: ",".join(policy.registries),
        managed_metadata.FINGERPRINT: _docker_config.fingerprint(dict.fromkeys(policy.registries, entry)),
    }
    return Change(labels, {**annotations, **written}, _replaced_entries(policy, stored, entry)), "registries"


def _with_token(
    action: Action, reason: Reason, policy: Policy, now: dt.datetime, token: Token | None, stored: Stored | None
) -> Plan:
    """Return a plan that writes the token, or a placeholder for it if there is none yet."""
    entry = token.entry if token else {}
    entries = dict.fromkeys(policy.registries, entry)
    written = {
        managed_metadata.EXPIRES_AT: format_time(token.expires_at) if token else UNKNOWN,
        managed_metadata.RENEWED_AT: format_time(now),
        managed_metadata.RENEWED_BY: policy.actor,
        managed_metadata.FINGERPRINT: _docker_config.fingerprint(entries) if token else UNKNOWN,
        managed_metadata.REGISTRIES: ",".join(policy.registries),
    }
    if stored is None:
        change = _first_change(policy, written, entries)
    else:
        removed = {key: None for key in (managed_metadata.FAILED_OPEN_AT,) if key in stored.annotations}
        written[managed_metadata.NAMESPACE] = stored.namespace
        labels, annotations = _changed_metadata(policy, stored)
        change = Change(
            labels=labels,
            annotations={**removed, **annotations, **_differing(written, stored.annotations)},
            auths=_replaced_entries(policy, stored, entry),
        )
    expires_at = token.expires_at if token else None
    return Plan(action, reason, change=change, needs_token=True, expires_at=expires_at)


def _first_change(
    policy: Policy, written: t.Mapping[str, str], entries: t.Mapping[str, _docker_config.Entry]
) -> Change:
    first = {managed_metadata.CREATED: "true", managed_metadata.REGISTRIES: ""}
    return Change(_wanted_labels(policy, created=True), {**policy.annotations, **first, **written}, entries)


def _changed_metadata(policy: Policy, stored: Stored) -> tuple[dict[str, str | None], dict[str, str | None]]:
    """Return the labels and annotations of the policy that the secret does not have."""
    if policy.keep_metadata:
        return {}, {}
    labels = _differing(_wanted_labels(policy, stored.created), stored.labels)
    if stored.owner and not policy.owner:
        labels[managed_metadata.OWNER_LABEL] = None
    annotations = {**policy.annotations, managed_metadata.NAMESPACE: stored.namespace}
    return labels, _differing(annotations, stored.annotations)


def _wanted_labels(policy: Policy, created: bool) -> dict[str, str]:
    first = {managed_metadata.MANAGED_BY_LABEL: managed_metadata.MANAGED_BY} if created else {}
    owner = {managed_metadata.OWNER_LABEL: policy.owner} if policy.owner else {}
    return {**first, **policy.labels, managed_metadata.MANAGED_LABEL: "true", **owner}


def _replaced_entries(
    policy: Policy, stored: Stored, entry: _docker_config.Entry
) -> dict[str, _docker_config.Entry | None]:
    # The kubelet would try the other spellings of an adopted secret too, even when they have expired.
    spellings = () if stored.managed else stored.spellings(policy.registries)
    removed = {key: None for key in (*stored.managed_entries, *spellings) if key not in policy.registries}
    return {**removed, **dict.fromkeys(policy.registries, entry)}


def _differing(wanted: t.Mapping[str, str], present: t.Mapping[str, str]) -> dict[str, str | None]:
    return {key: value for key, value in wanted.items() if present.get(key) != value}


def _decide_absent(stored: Stored, policy: Policy) -> Plan:
    if stored.type != _docker_config.DOCKERCONFIG_TYPE:
        return Plan("failed", "wrong_type", explanations.wrong_type(stored))
    if stored.malformed:
        return Plan("failed", "malformed", explanations.malformed(stored))
    if stored.created and stored.only_managed and not _has_other_metadata(stored, policy):
        return Plan("removed", "managed")
    if stored.immutable and stored.managed_entries:
        return Plan("failed", "immutable", explanations.IMMUTABLE_SHARED)
    own = (managed_metadata.MANAGED_LABEL, managed_metadata.OWNER_LABEL)
    labels: dict[str, str | None] = {key: None for key in own if key in stored.labels}
    if stored.created and stored.labels.get(managed_metadata.MANAGED_BY_LABEL) == managed_metadata.MANAGED_BY:
        labels[managed_metadata.MANAGED_BY_LABEL] = None
    annotations = {key: None for key in managed_metadata.ANNOTATIONS if key in stored.annotations}
    return Plan("removed", "shared", change=Change(labels, annotations, dict.fromkeys(stored.managed_entries)))


def _has_other_metadata(stored: Stored, policy: Policy) -> bool:
    """Whether the secret has metadata that this collection does not write, so that something else uses it."""
    labels = (*managed_metadata.LABELS, *policy.labels)
    annotations = (*managed_metadata.ANNOTATIONS, *policy.annotations)
    return bool(stored.references or stored.labels.keys() - labels or stored.annotations.keys() - annotations)


def _decide_orphaned(stored: Stored, _policy: Policy) -> Plan:
    """Return the plan for an orphan: nothing renews its token, so the token must not stay until it expires."""
    if stored.type != _docker_config.DOCKERCONFIG_TYPE:
        return Plan("unchanged", "wrong_type")
    if stored.malformed:
        return Plan("failed", "malformed", explanations.malformed(stored))
    if not stored.managed_entries:
        return Plan("unchanged", "orphaned")
    if stored.immutable:
        return Plan("failed", "immutable", explanations.IMMUTABLE_ORPHAN)
    return Plan("removed", "orphaned", change=_without_entries(stored))


def _decide_released(_stored: Stored, _policy: Policy) -> Plan:
    return Plan("updated", "metadata", change=Change(labels={managed_metadata.OWNER_LABEL: None}))


# state -> the plan for a secret that the task manages
_REMOVALS: dict[str, t.Callable[[Stored, Policy], Plan]] = {
    "absent": _decide_absent,
    "orphaned": _decide_orphaned,
    "released": _decide_released,
}


def _without_entries(stored: Stored) -> Change:
    """Return the change that removes the managed entries. The secret stays managed."""
    removed = {
        key: None for key in (managed_metadata.EXPIRES_AT, managed_metadata.FINGERPRINT) if key in stored.annotations
    }
    return Change(annotations={**removed, managed_metadata.REGISTRIES: ""}, auths=dict.fromkeys(stored.managed_entries))
