# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A cluster of the user's own, taken only if it says itself that tests may use it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from .environment import KUBECONFIG
from .errors import ClusterError

_NAMESPACE = "kube-public"
_CONFIG_MAP = "freshpull-test-allowed"


def user_cluster() -> Path | None:
    """The kubeconfig that FRESHPULL_TEST_KUBECONFIG names, None where it is unset.

    :raises ClusterError: the cluster cannot be reached, or does not have the ConfigMap that allows tests.
    """
    given = os.environ.get(KUBECONFIG)
    if not given:
        return None
    kubeconfig = Path(given).absolute()
    question = ["get", "configmap", "--namespace", _NAMESPACE, _CONFIG_MAP, "--output", "name"]
    answer = subprocess.run(
        [_kubectl(), f"--kubeconfig={kubeconfig}", "--request-timeout=20s", *question],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if answer.returncode:
        raise ClusterError(
            f"{KUBECONFIG} is {kubeconfig}, but no permission to test was found there. Tests write to a cluster "
            f"and remove things; if it is made for that, say so in it: "
            f"kubectl create configmap --namespace {_NAMESPACE} {_CONFIG_MAP}\n{answer.stderr.strip()}"
        )
    return kubeconfig


def _kubectl() -> str:
    beside_python = str(Path(sys.executable).parent)
    found = shutil.which("kubectl", path=os.pathsep.join([beside_python, os.environ.get("PATH", os.defpath)]))
    if not found:
        raise ClusterError(f"kubectl is missing: it is needed to look at the cluster of {KUBECONFIG}.")
    return found
