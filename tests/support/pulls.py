# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pulls of an image that no node has seen yet, and what the registry saw of them."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Any

from support.aws import FakeAws
from support.workloads import Pull, Workloads

# To learn where to get a token, every client first asks without one (401) and tries another way to get it (405).
ASKING = {401, 405}


def pull_new_image(
    aws: FakeAws, workloads: Workloads, namespace: str, secret: str = ""
) -> tuple[Pull, list[dict[str, Any]]]:
    """Let a pod pull an image that is new in the registry. Returns the registry's requests for it, too.

    secret: the pod's own pull secret; without one it has those of its service account.
    """
    name = secrets.token_hex(4)
    repository = f"test/{name}"
    # With a path of its own the layer is new, too.
    aws.add_image(repository, "1", {f"/{name}": Path(os.environ["FRESHPULL_TEST_PAUSE_BINARY"])}, [f"/{name}"])
    pull = workloads.pull(namespace, f"public.ecr.aws/{repository}:1", [secret] if secret else [])
    requests = [request for request in aws.registry_requests if repository in str(request)]
    return pull, [request for request in requests if request["status"] not in ASKING]
