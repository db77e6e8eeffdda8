# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The admission policies as objects. The golden files have their expressions, and e2e their effect."""

from __future__ import annotations

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects import policies
from support.refresher_settings import CASES, settings

# The settings -> the kinds that need a policy.
RESTRICTED = {
    "listed": [],
    "selector": ["Secret"],
    "service-accounts": ["ServiceAccount"],
    "everything": ["Secret", "ServiceAccount"],
}


@pytest.mark.parametrize("case", RESTRICTED)
def test_what_rbac_cannot_restrict_has_a_policy(case: str) -> None:
    assert [each.kind for each in policies.restrictions(CASES[case])] == RESTRICTED[case]


def test_a_policy_fails_closed_and_its_binding_denies() -> None:
    for each in policies.restrictions(CASES["everything"]):
        spec = each.policy["spec"]
        assert spec["failurePolicy"] == "Fail"
        (rule,) = spec["matchConstraints"]["resourceRules"]
        assert rule["operations"] == ["CREATE", "UPDATE", "DELETE"]
        assert each.binding["spec"] == {"policyName": each.name, "validationActions": ["Deny"]}
        assert each.binding["metadata"]["name"] == each.policy["metadata"]["name"] == each.name


def test_a_probe_is_denied_by_this_version_of_the_policy_alone() -> None:
    """The probe's name has a digest of the checks, so an older policy does not deny it."""
    first, second = (
        policies.restrictions(settings(places=CASES[case].places))[0] for case in ("selector", "everything")
    )
    assert first.probe["metadata"]["name"] != second.probe["metadata"]["name"]
    for each in (first, second):
        (condition,) = each.policy["spec"]["matchConditions"]
        assert f"'{each.probe['metadata']['name']}'" in condition["expression"]
        assert each.probe["metadata"]["namespace"] == each.settings.namespace


def test_each_refresher_has_its_own_policy() -> None:
    wanted = {"places": CASES["selector"].places}
    names = {policies.restrictions(settings(namespace=name, **wanted))[0].name for name in ("a", "b")}
    assert len(names) == 2


def test_secrets_of_a_former_name_are_permitted_while_they_are_kept() -> None:
    with_former, without = (
        str(policies.restrictions(CASES["selector"], kept)[0].validations) for kept in ({"former"}, set())
    )
    assert '"former"' in with_former
    assert '"former"' not in without
