# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pulls of an image that the node does not have, and the registry's requests for them."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Any

from support.aws import FakeAws
from support.workloads import Pull, Workloads

# Before a pull a client sends a request without a token (401), and can try another way to get a token (405).
DISCOVERY = {401, 405}


def pull_new_image(
    aws: FakeAws, workloads: Workloads, namespace: str, secret: str = ""
) -> tuple[Pull, list[dict[str, Any]]]:
    """Let a pod pull a new image. Return the result and the registry's requests for it.

    secret: the pull secret of the pod; without it the pod uses those of its service account.
    """
    name = secrets.token_hex(4)
    repository = f"test/{name}"
    # With another path the layer is new, too.
    aws.add_image(repository, "1", {f"/{name}": Path(os.environ["FRESHPULL_TEST_PAUSE_BINARY"])}, [f"/{name}"])
    pull = workloads.pull(namespace, f"public.ecr.aws/{repository}:1", [secret] if secret else [])
    requests = [request for request in aws.registry_requests if repository in str(request)]
    return pull, [request for request in requests if request["status"] not in DISCOVERY]
