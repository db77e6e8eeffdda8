# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The replay of the pulls of many pods."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from support.playbook import PULL_SECRET_INFO

from .candidates import Candidate, Job, namespaces, play
from .cluster import SECRET, BenchCluster, secret
from .results import REPLAY

PODS = 10
"""Pods in each namespace."""


class PullReplay(Candidate):
    """One task of the info module. The pods are never scheduled, and each names the secret."""

    title = f"**the info module**, replaying the pulls of {PODS} pods in each namespace"
    sizes = (100, 1000, 5000)
    operations = (REPLAY,)

    def __init__(self, cluster: BenchCluster) -> None:
        super().__init__(cluster)
        self._with_pods = 0

    def prepare(self, job: Job, directory: Path) -> Sequence[str]:
        token = self.cluster.new_token()
        self.cluster.create_all((f"/api/v1/namespaces/{name}/secrets", secret(name, token)) for name in job.namespaces)
        self.cluster.create_all(self._pods(job.namespaces[self._with_pods :]))
        self._with_pods = len(job.namespaces)
        options = {"kubeconfig": self.cluster.kubeconfig, "name": SECRET, "namespaces": namespaces(job), "pod": "*"}
        return play(directory, [{"name": "Pulls", PULL_SECRET_INFO: options}])

    def _pods(self, names: Sequence[str]) -> Iterator[tuple[str, dict[str, Any]]]:
        for namespace in names:
            for number in range(PODS):
                spec = {
                    "schedulerName": "none",
                    "imagePullSecrets": [{"name": SECRET}],
                    "containers": [{"name": "app", "image": f"public.ecr.aws/team/app:{number}"}],
                }
                yield f"/api/v1/namespaces/{namespace}/pods", {"metadata": {"name": f"app-{number}"}, "spec": spec}
