# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The decision about one pull secret, as pure functions. Private to this collection.

decide() is the only place where it is settled what happens to a secret: the modules and the refresher act on its plan,
and check mode and diff show it.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import typing as t

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _docker_config
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret import managed_metadata
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.stored import Secret, Stored
from ansible_collections.freshpull.ecr_public.plugins.module_utils._time import format_time
from ansible_collections.freshpull.ecr_public.plugins.module_utils._token import UNKNOWN, Token

TOKEN_ACTIONS = ("created", "renewed", "adopted", "recreated")
"""Those that write a token."""


@dataclasses.dataclass(frozen=True)
class Policy:
    """What the user wants, the same for every namespace. Durations are positive.

    state: present, absent, or emptied: managed entries are removed, and the secret stays managed, since the refresher
    may delete nothing. keep_metadata: labels and annotations are for new secrets, since it may not change them either.
    """

    name: str
    state: str = "present"
    registries: tuple[str, ...] = (_docker_config.DEFAULT_REGISTRY,)
    renew_before: dt.timedelta = dt.timedelta(hours=8)
    force_renew: bool = False
    fail_open: bool = True
    fail_open_before: dt.timedelta = dt.timedelta(hours=1)
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
    """What a plan writes, in the shape of a JSON merge patch: None takes a key away.

    An entry of `auths` that is empty stands for the token that is not there yet.
    """

    labels: t.Mapping[str, str | None] = dataclasses.field(default_factory=dict)
    annotations: t.Mapping[str, str | None] = dataclasses.field(default_factory=dict)
    auths: t.Mapping[str, _docker_config.Entry | None] = dataclasses.field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.labels or self.annotations or self.auths)


@dataclasses.dataclass(frozen=True)
class Plan:
    """What is to be done with one secret, and why. `msg` holds the next step for whoever reads a failure."""

    action: str
    reason: str
    msg: str = ""
    change: Change = dataclasses.field(default_factory=Change)
    needs_token: bool = False
    expires_at: dt.datetime | None = None

    @property
    def writes(self) -> bool:
        return self.action not in ("unchanged", "skipped", "failed")


def decide(
    secret: Secret | None,
    policy: Policy,
    now: dt.datetime,
    token: Token | None = None,
    *,
    outage: bool = False,
    clocks_agree: bool = True,
) -> Plan:
    """The plan for one secret; None where the namespace has none of this name. A token, if given, is still good.

    With an outage no token can be had: a plan never needs one then. Unless the clocks agree, no token is removed for
    its age.
    """
    stored = Stored(secret) if secret else None
    if policy.state == "absent":
        return _decide_absent(stored)
    if policy.state == "emptied":
        return _decide_emptied(stored)
    if stored is None and policy.placeholder:
        return Plan("reserved", "missing", change=_first_change(policy, {}, {}))
    if stored is None:
        plan = _with_token("created", "missing", policy, now, token, None)
    elif policy.placeholder:
        plan = Plan("unchanged", "exists", expires_at=stored.expires_at)
    else:
        plan = _decide_present(stored, policy, now, token)
    return _without_token(stored, policy, now, clocks_agree) if plan.needs_token and outage else plan


def _decide_present(stored: Stored, policy: Policy, now: dt.datetime, token: Token | None) -> Plan:
    may_touch = stored.ours or policy.adopt
    if stored.type != _docker_config.DOCKERCONFIG_TYPE:
        if policy.recreate and may_touch:
            return _with_token("recreated", "wrong_type", policy, now, token, stored)
        return Plan("failed", "wrong_type", _wrong_type(stored))
    if not may_touch:
        return Plan("failed", "unmanaged", _FOREIGN)
    if stored.malformed:
        return Plan("failed", "malformed", _malformed(stored))
    plan = _decide_content(stored, policy, now, token)
    if stored.immutable and plan.change.auths:
        if policy.recreate:
            return dataclasses.replace(plan, action="recreated", reason="immutable")
        return Plan("failed", "immutable", _IMMUTABLE)
    return plan


def _decide_content(stored: Stored, policy: Policy, now: dt.datetime, token: Token | None) -> Plan:
    if not stored.ours:
        return _with_token("adopted", "unmanaged", policy, now, token, stored)
    expires_at = stored.expires_at
    renewal = _renewal(stored, policy, now)
    not_later = token is not None and expires_at is not None and token.expires_at <= expires_at
    if renewal and not not_later:
        return _with_token("renewed", renewal, policy, now, token, stored)
    change, reason = _update(stored, policy)
    if change:
        return Plan("updated", reason, change=change, expires_at=expires_at)
    return Plan("unchanged", "not_later" if renewal else "fresh", expires_at=expires_at)


def _renewal(stored: Stored, policy: Policy, now: dt.datetime) -> str:
    """Why this secret of ours needs a token, or nothing."""
    return "forced" if policy.force_renew else _ailment(stored, policy, now)


def _ailment(stored: Stored, policy: Policy, now: dt.datetime) -> str:
    """What is wrong with the token in this secret of ours, or nothing."""
    if not stored.entries:
        return "restored" if stored.failed_open else "empty"
    if not stored.genuine:
        return "modified"
    if stored.expires_at is None:
        return "unknown_expiry"
    if stored.expires_at <= now:
        return "expired"
    if stored.expires_at - now < stored.renew_before(policy.renew_before):
        return "due"
    return ""


def _without_token(stored: Stored | None, policy: Policy, now: dt.datetime, clocks_agree: bool) -> Plan:
    """What becomes of a plan whose token cannot be had. A stale token is worse than none: registries refuse it, where
    they serve anonymous pulls. So what dies before the next run is taken out, and an expiry that cannot be believed
    counts as past: a renewal would have replaced that token as well.
    """
    if stored is None or (stored.ours and stored.type == _docker_config.DOCKERCONFIG_TYPE and not stored.entries):
        return Plan("failed", "token_unavailable", _ANONYMOUS)
    if not stored.ours or stored.type != _docker_config.DOCKERCONFIG_TYPE:
        return Plan("failed", "token_unavailable", _UNTOUCHED)
    expires_at = stored.expires_at
    if expires_at and expires_at - now > stored.fail_open_before(policy.fail_open_before):
        return Plan("failed", "kept", _KEPT, expires_at=expires_at)
    if not clocks_agree:
        return Plan("failed", "clocks", _CLOCKS, expires_at=expires_at)
    if not policy.fail_open:
        return Plan("failed", "fail_open_disabled", _DYING, expires_at=expires_at)
    if stored.immutable:
        return Plan("failed", "immutable", _IMMUTABLE_AND_DYING, expires_at=expires_at)
    change = _without_entries(stored)
    marks = {**change.annotations, managed_metadata.FAILED_OPEN_AT: format_time(now)}
    return Plan(
        "failed_open",
        _ailment(stored, policy, now),
        _FAILED_OPEN,
        change=dataclasses.replace(change, annotations=marks),
    )


def _update(stored: Stored, policy: Policy) -> tuple[Change, str]:
    """What differs though the token is good. A registry that is added gets the stored entry: it serves them all."""
    labels, annotations = _changed_metadata(policy, stored)
    if set(policy.registries) == set(stored.registries) == set(stored.entries):
        return Change(labels, annotations), "metadata"
    entry = next(iter(stored.entries.values()))
    auths = _replace_entries(policy, stored, entry)
    marks = {
        managed_metadata.REGISTRIES: ",".join(policy.registries),
        managed_metadata.FINGERPRINT: _docker_config.fingerprint(dict.fromkeys(policy.registries, entry)),
    }
    return Change(labels, {**annotations, **marks}, auths), "registries"


def _with_token(
    action: str, reason: str, policy: Policy, now: dt.datetime, token: Token | None, stored: Stored | None
) -> Plan:
    """A plan that writes the token; without one it stands for what would be written."""
    entry = token.entry if token else {}
    entries = dict.fromkeys(policy.registries, entry)
    marks = {
        managed_metadata.EXPIRES_AT: format_time(token.expires_at) if token else UNKNOWN,
        managed_metadata.RENEWED_AT: format_time(now),
        managed_metadata.RENEWED_BY: policy.actor,
        managed_metadata.FINGERPRINT: _docker_config.fingerprint(entries) if token else UNKNOWN,
        managed_metadata.REGISTRIES: ",".join(policy.registries),
    }
    if stored is None:
        change = _first_change(policy, marks, entries)
    else:
        healed = {mark: None for mark in (managed_metadata.FAILED_OPEN_AT,) if mark in stored.annotations}
        labels, annotations = _changed_metadata(policy, stored)
        change = Change(
            labels=labels,
            annotations={**healed, **annotations, **_differing(marks, stored.annotations)},
            auths=_replace_entries(policy, stored, entry),
        )
    expires_at = token.expires_at if token else None
    return Plan(action, reason, change=change, needs_token=True, expires_at=expires_at)


def _first_change(policy: Policy, marks: t.Mapping[str, str], entries: t.Mapping[str, _docker_config.Entry]) -> Change:
    made = {managed_metadata.CREATED: "true", managed_metadata.REGISTRIES: ""}
    return Change(_wanted_labels(policy, created=True), {**policy.annotations, **made, **marks}, entries)


def _changed_metadata(policy: Policy, stored: Stored) -> tuple[dict[str, str | None], dict[str, str | None]]:
    """The labels and the annotations, but for the marks, that differ from what the user wants."""
    if policy.keep_metadata:
        return {}, {}
    labels = _differing(_wanted_labels(policy, stored.created), stored.labels)
    return labels, _differing(policy.annotations, stored.annotations)


def _wanted_labels(policy: Policy, created: bool) -> dict[str, str]:
    made = {managed_metadata.MANAGED_BY_LABEL: managed_metadata.MANAGED_BY} if created else {}
    return {**made, **policy.labels, managed_metadata.MANAGED_LABEL: "true"}


def _replace_entries(
    policy: Policy, stored: Stored, entry: _docker_config.Entry
) -> dict[str, _docker_config.Entry | None]:
    dropped = {registry: None for registry in stored.entries if registry not in policy.registries}
    return {**dropped, **dict.fromkeys(policy.registries, entry)}


def _differing(wanted: t.Mapping[str, str], present: t.Mapping[str, str]) -> dict[str, str | None]:
    return {key: value for key, value in wanted.items() if present.get(key) != value}


def _decide_absent(stored: Stored | None) -> Plan:
    if stored is None:
        return Plan("unchanged", "missing")
    if not stored.ours:
        return Plan("unchanged", "unmanaged")
    if stored.type != _docker_config.DOCKERCONFIG_TYPE:
        return Plan("failed", "wrong_type", _wrong_type(stored))
    if stored.malformed:
        return Plan("failed", "malformed", _malformed(stored))
    if stored.created and stored.alone:
        return Plan("removed", "managed")
    if stored.immutable and stored.entries:
        return Plan("failed", "immutable", "The secret is immutable and holds more than our keys: delete it by hand.")
    labels: dict[str, str | None] = {managed_metadata.MANAGED_LABEL: None}
    if stored.created and stored.labels.get(managed_metadata.MANAGED_BY_LABEL) == managed_metadata.MANAGED_BY:
        labels[managed_metadata.MANAGED_BY_LABEL] = None
    marks = {mark: None for mark in managed_metadata.ANNOTATIONS if mark in stored.annotations}
    return Plan("removed", "shared", change=Change(labels, marks, dict.fromkeys(stored.entries)))


def _decide_emptied(stored: Stored | None) -> Plan:
    """Nobody renews it any more. Without managed entries pulls are anonymous, and no token can expire in it."""
    if stored is None:
        return Plan("unchanged", "missing")
    if not stored.ours:
        return Plan("unchanged", "unmanaged")
    if stored.type != _docker_config.DOCKERCONFIG_TYPE:
        return Plan("unchanged", "wrong_type")
    if stored.malformed:
        return Plan("failed", "malformed", _malformed(stored))
    if not stored.entries:
        return Plan("unchanged", "orphaned")
    if stored.immutable:
        return Plan("failed", "immutable", _IMMUTABLE_AND_NOT_SELECTED)
    return Plan("removed", "orphaned", change=_without_entries(stored))


def _without_entries(stored: Stored) -> Change:
    """The secret stays managed."""
    dropped = {
        mark: None for mark in (managed_metadata.EXPIRES_AT, managed_metadata.FINGERPRINT) if mark in stored.annotations
    }
    return Change(annotations={**dropped, managed_metadata.REGISTRIES: ""}, auths=dict.fromkeys(stored.entries))


_FOREIGN = (
    f"A secret of this name exists without our mark (label {managed_metadata.MANAGED_LABEL}). "
    "Choose another name, or set adopt: true to add our keys to it and keep all else."
)
_IMMUTABLE = (
    "The secret is immutable, so its token cannot be renewed in place. "
    "Set recreate: true to have it deleted and made anew, or do so by hand."
)
_ANONYMOUS = (
    "AWS gave no token, and none of ours is here: pulls are anonymous. Run again when AWS answers, or leave it to the "
    "next run."
)
_UNTOUCHED = "AWS gave no token, so the secret was left as it is. Run again when AWS answers."
_KEPT = (
    "AWS gave no token, so the one in the secret was kept: more than fail_open_before of its life is left. Run again "
    "before it ends."
)
_CLOCKS = (
    "AWS returned no token, so the one in the secret was kept: the clocks are too far apart to tell whether it has "
    "expired. Set the clocks, and run again."
)
_DYING = (
    "AWS gave no token, and the one in the secret has ended or is about to. It was kept since fail_open is false: "
    "pulls with it are refused once it has ended. Take it out with state: absent, or run again when AWS answers."
)
_IMMUTABLE_AND_NOT_SELECTED = (
    "Nobody renews this secret any more, and its token cannot be removed since the secret is immutable. Delete the "
    "secret: pulls are anonymous without it, and refused with a token that has ended."
)
_IMMUTABLE_AND_DYING = (
    "AWS gave no token, the one in the secret has ended or is about to, and it cannot be taken out since the secret is "
    "immutable. Delete the secret: pulls are anonymous without it, and refused with a token that has ended."
)
_FAILED_OPEN = (
    "AWS gave no token, and the one in the secret had ended or was about to: it was taken out, so that pulls are "
    "anonymous instead of refused. The next good token is put back."
)


def _wrong_type(stored: Stored) -> str:
    legacy = " (the legacy format)" if stored.type == _docker_config.LEGACY_TYPE else ""
    options = "recreate: true" if stored.ours else "recreate: true and adopt: true"
    return (
        f"The secret has type {stored.type}{legacy}, which cannot be changed in place; the kubelet needs "
        f"{_docker_config.DOCKERCONFIG_TYPE}. Choose another name, or set {options} to have it made anew."
    )


def _malformed(stored: Stored) -> str:
    return (
        f"The secret's {_docker_config.DATA_KEY} cannot be read: {stored.malformed}. It is left as it is, since "
        "it may hold other logins; and with it the kubelet refuses pulls from every registry. Repair or delete it, "
        "then run again."
    )
