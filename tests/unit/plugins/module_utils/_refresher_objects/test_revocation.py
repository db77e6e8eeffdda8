# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The wait until permissions are revoked, over a script of the calls."""

from __future__ import annotations

import concurrent.futures
from typing import Any

from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes import kinds
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.api import Cluster
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects import policies, revocation
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.existing import Existing
from support.refresher_settings import CASES, objects
from unit.plugins.modules.refreshers import OWN, former
from unit.plugins.modules.scripted import Call, Script


def review(place: str, allowed: bool) -> Call:
    body = {"kind": "LocalSubjectAccessReview", "status": {"allowed": allowed}}
    return Call("POST", kinds.path("LocalSubjectAccessReview", place), 201, body)


def wait(case: str, *reviews: Call) -> tuple[Script, list[float]]:
    """Wait after the removal of the policies of a refresher with these settings."""
    settings = CASES[case]
    stored = [{**body, "metadata": {**body["metadata"], "uid": "u"}} for body in objects(settings)]
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        found = Existing(Cluster(Script(tuple(former(stored)))), OWN, pool)
    script, pauses = Script(reviews), list[float]()
    unwanted = [each.policy for each in policies.restrictions(settings)]
    revocation.wait_until_revoked(Cluster(script), OWN, found, unwanted, pauses.append)
    assert script.left == []
    return script, pauses


def attributes(script: Script) -> list[dict[str, Any]]:
    return [each.body["spec"]["resourceAttributes"] for each in script.sent if each.body]


def test_several_reviews_must_deny_before_the_policy_is_removed() -> None:
    """If several API servers share an address, one of them can still allow the request."""
    script, pauses = wait("selector", *[review(OWN, False)] * revocation.REVIEWS)
    assert pauses == []
    (asked,) = {tuple(sorted(each.items())) for each in attributes(script)}
    assert dict(asked) == {"verb": "create", "resource": "secrets", "name": "ecr-public-secret", "namespace": OWN}
    assert script.sent[0].body is not None
    assert script.sent[0].body["spec"]["user"] == f"system:serviceaccount:{OWN}:refresh-ecr-public-token"


def test_a_permission_that_is_still_allowed_is_reviewed_again_after_a_pause() -> None:
    _script, pauses = wait("selector", *[review(OWN, True)] * 2, *[review(OWN, False)] * revocation.REVIEWS)
    assert len(pauses) == 2


def test_service_accounts_are_reviewed_where_they_were_bound() -> None:
    script, _pauses = wait("service-accounts", *[review("team-a", False)] * revocation.REVIEWS)
    assert {(each["verb"], each["resource"], each["name"]) for each in attributes(script)} == {
        ("patch", "serviceaccounts", "default")
    }


def test_without_a_policy_there_is_nothing_to_wait_for() -> None:
    script, pauses = wait("listed")
    assert (script.sent, pauses) == ([], [])
