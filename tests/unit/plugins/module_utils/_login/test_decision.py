# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import datetime as dt

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils._login import decision
from ansible_collections.freshpull.ecr_public.plugins.module_utils._login.clients import Login
from ansible_collections.freshpull.ecr_public.plugins.module_utils._login.decision import (
    ExpiryRecord,
    LoginPolicy,
    StoredLogin,
    decide,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._token import Token
from unit.cases import login

HOUR = dt.timedelta(hours=1)
NOW = dt.datetime(2026, 1, 1, 6, tzinfo=dt.timezone.utc)
REGISTRY = "public.ecr.aws"
OLD, NEW = Login("AWS", "stored2"), Login("AWS", "hunter2")


def stored(*, left: float = 10, life: float = 12, registry: str = REGISTRY) -> StoredLogin:
    """Build a managed login. left: its remaining hours. life: its whole lifetime."""
    expiry = NOW + left * HOUR
    return StoredLogin(registry, True, OLD, ExpiryRecord(expiry, expiry - life * HOUR, OLD.fingerprint))


def token(left: float = 12) -> Token:
    return Token(NOW + left * HOUR, NEW.username, NEW.password)


def test_cases_are_many_and_named_once() -> None:
    names = [case.name for case in login.CASES]
    assert len(names) == len(set(names)) > 20


@pytest.mark.parametrize("case", login.CASES, ids=lambda case: case.name)
def test_one_registry(case: login.Case) -> None:
    plan = decide([case.stored], case.mode, case.policy, login.NOW, case.token, owners=case.owners)
    assert (plan.action, plan.reason) == case.expect
    assert plan.needs_token is (case.token is None and plan.action in ("created", "renewed"))
    assert plan.writes is (plan.action != "unchanged")


@pytest.mark.parametrize("case", login.CASES, ids=lambda case: case.name)
def test_what_was_done_is_not_done_again(case: login.Case) -> None:
    valid = case.token or login.token(12)
    (step,) = decide([case.stored], case.mode, case.policy, login.NOW, valid).steps
    if step.action == "removed":
        after = StoredLogin(step.registry, own_login=case.stored.own_login)
    elif step.writes:
        after = StoredLogin(step.registry, True, step.login, step.record)
    else:
        after = case.stored
    owners = [case.policy.owned(owner) for owner in case.owners]
    again = decide([after], case.policy.mode if case.mode else None, case.policy, login.NOW, valid, owners=owners)
    assert again.action == "unchanged"


def test_a_fresh_login_is_used_for_another_registry() -> None:
    other = StoredLogin("ecr-public.aws.com")
    plan = decide([other, stored()], 0o600, LoginPolicy(registries=("ecr-public.aws.com", REGISTRY)), NOW)
    assert not plan.needs_token
    assert [(step.action, step.login) for step in plan.steps] == [("created", OLD), ("unchanged", OLD)]
    assert plan.steps[0].expires_at == plan.steps[1].expires_at


def test_a_login_that_is_due_is_not_used_for_another_registry() -> None:
    plan = decide([StoredLogin("ecr-public.aws.com"), stored(left=7)], 0o600, LoginPolicy(), NOW)
    assert [step.needs_token for step in plan.steps] == [True, True]


def test_one_registry_is_renewed_and_the_other_stays() -> None:
    other = stored(left=9, registry="ecr-public.aws.com")
    plan = decide([stored(left=1), other], 0o600, LoginPolicy(), NOW, token())
    assert [(step.action, step.login) for step in plan.steps] == [("renewed", NEW), ("unchanged", OLD)]
    assert decision.fingerprint(plan.steps) is None
    assert (plan.action, plan.reason) == ("renewed", "due")


def test_renew_before_is_at_most_two_thirds_of_the_lifetime() -> None:
    assert decide([stored(left=0.8, life=1)], 0o600, LoginPolicy(), NOW).action == "unchanged"
    assert decide([stored(left=0.6, life=1)], 0o600, LoginPolicy(), NOW).action == "renewed"


def test_repr_shows_no_password() -> None:
    shown = repr(decide([stored()], 0o644, LoginPolicy(), NOW, token()))
    assert "stored2" not in shown
    assert "hunter2" not in shown
