# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A cluster of the user. It must contain a ConfigMap that allows tests."""

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
    """Return the kubeconfig in FRESHPULL_TEST_KUBECONFIG, None if it is unset.

    :raises ClusterError: the cluster is not reachable, or does not have the ConfigMap that allows tests.
    """
    given = os.environ.get(KUBECONFIG)
    if not given:
        return None
    kubeconfig = Path(given).absolute()
    arguments = ["get", "configmap", "--namespace", _NAMESPACE, _CONFIG_MAP, "--output", "name"]
    done = subprocess.run(
        [_kubectl(), f"--kubeconfig={kubeconfig}", "--request-timeout=20s", *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise ClusterError(
            f"{KUBECONFIG}: the ConfigMap {_CONFIG_MAP} was not found in the cluster of {kubeconfig}. "
            f"Tests create and delete objects in the cluster. To allow this: "
            f"kubectl create configmap --namespace {_NAMESPACE} {_CONFIG_MAP}\n{done.stderr.strip()}"
        )
    return kubeconfig


def _kubectl() -> str:
    beside_python = str(Path(sys.executable).parent)
    found = shutil.which("kubectl", path=os.pathsep.join([beside_python, os.environ.get("PATH", os.defpath)]))
    if not found:
        raise ClusterError(f"kubectl is missing: it is needed for the cluster of {KUBECONFIG}. Install it.")
    return found
