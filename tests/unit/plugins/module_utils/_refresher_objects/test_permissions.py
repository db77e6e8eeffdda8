# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The refresher's permissions in the cluster."""

from __future__ import annotations

from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects import permissions, policies
from support.refresher_settings import CASES


def test_listed_namespaces_need_two_verbs_for_one_name() -> None:
    [rule] = permissions.cluster_roles(CASES["listed"])[0]["rules"]
    assert rule == {
        "apiGroups": [""],
        "resources": ["secrets"],
        "resourceNames": ["ecr-public-secret"],
        "verbs": ["get", "patch"],
    }


def test_a_selector_needs_one_name_and_a_list_of_namespaces() -> None:
    secrets, namespaces = permissions.cluster_roles(CASES["selector"])[0]["rules"]
    assert secrets == {
        "apiGroups": [""],
        "resources": ["secrets"],
        "resourceNames": ["ecr-public-secret"],
        "verbs": ["get", "list", "create", "patch"],
    }
    assert namespaces == {"apiGroups": [""], "resources": ["namespaces"], "verbs": ["list"]}


def test_the_policy_permits_one_type_of_secret() -> None:
    validations = policies.restrictions(CASES["selector"])[0].policy["spec"]["validations"]
    first = validations[0]["expression"]
    assert "object.type == 'kubernetes.io/dockerconfigjson'" in first
    assert 'request.name in ["ecr-public-secret"]' in first


def test_permissions_for_secrets_of_a_former_name_are_for_those_names() -> None:
    role = permissions.cluster_roles(CASES["listed"], {"b", "a"})[0]
    assert role["rules"][0]["resourceNames"] == ["ecr-public-secret", "a", "b"]
    first = policies.restrictions(CASES["selector"], {"b", "a"})[0].policy["spec"]["validations"][0]["expression"]
    assert 'request.name in ["ecr-public-secret", "a", "b"]' in first
    assert policies.restrictions(CASES["selector"], {"a"})[0].probe != policies.restrictions(CASES["selector"])[0].probe
