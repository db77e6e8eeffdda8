# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes import kinds

PATHS: dict[tuple[str, str, str], str] = {
    ("Namespace", "", ""): "/api/v1/namespaces",
    ("Namespace", "", "a"): "/api/v1/namespaces/a",
    ("Secret", "", ""): "/api/v1/secrets",
    ("Secret", "a", "b.c"): "/api/v1/namespaces/a/secrets/b.c",
    ("CronJob", "a", "b"): "/apis/batch/v1/namespaces/a/cronjobs/b",
    # A colon, as in the names of ClusterRoles, would be one of a URL.
    ("ClusterRole", "", "a:b"): "/apis/rbac.authorization.k8s.io/v1/clusterroles/a%3Ab",
    ("Secret", "a", "../b"): "/api/v1/namespaces/a/secrets/..%2Fb",
}


@pytest.mark.parametrize("parts", PATHS, ids=" ".join)
def test_paths(parts: tuple[str, str, str]) -> None:
    assert kinds.path(*parts) == PATHS[parts]


def test_a_kind_that_is_not_used_has_no_path() -> None:
    with pytest.raises(KeyError):
        kinds.path("Deployment", "a", "b")
