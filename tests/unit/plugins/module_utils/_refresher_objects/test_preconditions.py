# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a cluster lacks is named before anything is written."""

from __future__ import annotations

import json

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.api import Cluster, ClusterError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.transport import Request, Response
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects import preconditions
from support.refresher_settings import CASES


class OldCluster:
    """Kubernetes before 1.30: it knows no kind of the API for policies. It only lists."""

    host = "https://old.invalid"

    def __init__(self) -> None:
        self.paths: list[str] = []

    def send(self, request: Request) -> Response:
        assert request.method == "GET"
        self.paths.append(request.path)
        if "validatingadmissionpolicies" in request.path:
            return Response(404, {}, json.dumps({"message": "the server could not find the resource"}).encode())
        return Response(200, {}, b'{"metadata": {}, "items": []}')


def test_a_selector_needs_admission_policies() -> None:
    with pytest.raises(ClusterError, match=r"Kubernetes 1\.30.*https://old\.invalid does not have.*push mode"):
        preconditions.check(Cluster(OldCluster()), CASES["selector"])


@pytest.mark.parametrize("case", ["listed", "web-identity", "proxy"])
def test_what_needs_nothing_asks_for_nothing(case: str) -> None:
    old = OldCluster()
    preconditions.check(Cluster(old), CASES[case])
    assert old.paths == []
