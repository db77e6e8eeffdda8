# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.nodes import Node

DIGEST = "sha256:" + "0a" * 32
NODE = {
    "metadata": {"name": "worker-1"},
    "status": {
        "nodeInfo": {"kubeletVersion": "v1.37.2"},
        "images": [
            {"names": [f"public.ecr.aws/team/app@{DIGEST}", "public.ecr.aws/team/app:1.0"], "sizeBytes": 1},
            {"names": ["docker.io/library/nginx:latest"]},
            {"names": None},
        ],
    },
}

IMAGES = {
    "public.ecr.aws/team/app:1.0": True,
    f"public.ecr.aws/team/app@{DIGEST}": True,
    f"public.ecr.aws/team/app:2.0@{DIGEST}": True,
    "public.ecr.aws/team/app:2.0": False,
    "public.ecr.aws/team/app": False,
    "public.ecr.aws/team:1.0": False,
    "nginx": True,
    "docker.io/nginx:latest": True,
}


@pytest.mark.parametrize("image", IMAGES)
def test_whether_a_node_has_an_image(image: str) -> None:
    assert Node.from_object(NODE).has(image) == IMAGES[image]


VERSIONS = {
    "v1.34.9": False,
    "v1.35.0": True,
    "v1.37.2-eks-1a2b3c": True,
    "1.36": True,
    "v2.0.0": True,
    "v1.9.0": False,
    "": False,
    "v" + "9" * 5_000: False,
}


@pytest.mark.parametrize("version", VERSIONS)
def test_whether_a_kubelet_verifies_credentials(version: str) -> None:
    assert Node("a", version).verifies == VERSIONS[version]


def test_a_node_without_a_status() -> None:
    found = Node.from_object({"metadata": {"name": "new"}})
    assert (found.kubelet, found.images, found.verifies) == ("", frozenset(), False)
