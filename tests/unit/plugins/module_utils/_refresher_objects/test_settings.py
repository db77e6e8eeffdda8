# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects.settings import (
    AwsAccess,
    Renewal,
    Schedule,
)
from support.refresher_settings import ARN, KEYS, WITH_KEYS, settings


def test_the_name_of_each_cluster_wide_object_holds_the_namespace() -> None:
    """One cluster may have several refreshers."""
    first, second = settings(namespace="a"), settings(namespace="b")
    for name in ("permissions", "namespaces_permission", "policy", "accounts_policy", "user"):
        assert getattr(first, name) != getattr(second, name)
    assert first.labels != second.labels
    assert len({first.permissions, first.namespaces_permission}) == 2
    assert len({first.policy, first.accounts_policy}) == 2


def test_names_of_policies_have_no_colon() -> None:
    assert ":" not in settings().policy + settings().accounts_policy


# Kind -> whether AWS keys reach the pod, and whether the AWS CLI assumes the role.
ACCESS = {
    "secret": (True, True),
    "existing_secret": (True, True),
    "irsa": (False, False),
    "web_identity": (False, False),
    "pod_identity": (False, True),
    "ambient": (False, True),
    "roles_anywhere": (False, False),
}


@pytest.mark.parametrize("kind", ACCESS)
def test_how_each_kind_gets_credentials(kind: str) -> None:
    access = AwsAccess(kind, role_arn=ARN)
    assert (access.has_keys, access.assumes_role) == ACCESS[kind]
    assert not AwsAccess(kind).assumes_role


def test_the_secret_key_is_in_no_representation() -> None:
    assert KEYS["aws_secret_key"] not in repr(WITH_KEYS) + repr(settings())


def test_the_program_stops_before_its_pod_and_the_pod_before_its_job() -> None:
    schedule = Schedule("0 * * * *", active_deadline=180)
    assert schedule.active_deadline > schedule.pod_deadline > schedule.program_deadline > 0


def test_the_labels_of_the_options_replace_no_managed_one() -> None:
    given = {"team": "a", "ecr-public.freshpull/managed": "false", "ecr-public.freshpull/owner": "them"}
    labels = Renewal("s", "us", labels=given).all_labels
    assert labels == {
        "app.kubernetes.io/managed-by": "freshpull",
        "team": "a",
        "ecr-public.freshpull/managed": "true",
        "ecr-public.freshpull/owner": "us",
    }
