# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Print versions as JSON: versions.py [PREFIX] those of this Python, versions.py --cluster that of the cluster.

It runs in the virtual environments of all cells, the oldest of which has Python 3.9.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import sys
import sysconfig
from pathlib import Path

PACKAGES = ("ansible-core", "boto3", "botocore", "kubernetes")
COLLECTIONS = ("amazon.aws", "kubernetes.core")


def installed() -> dict[str, str]:
    """Return the versions of Python, packages and collections that are installed here."""
    found = {"Python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    root = Path(sysconfig.get_path("purelib"), "ansible_collections")
    for collection in COLLECTIONS:
        manifest = root.joinpath(*collection.split("."), "MANIFEST.json")
        if manifest.exists():
            found[collection] = json.loads(manifest.read_text(encoding="utf-8"))["collection_info"]["version"]
    return found


def of_the_cluster() -> dict[str, str]:
    """Return the version that the API server of the test cluster reports."""
    from kubernetes import client, config  # not in every environment

    api = client.VersionApi(config.new_client_from_config(os.environ["FRESHPULL_TEST_KUBECONFIG"]))
    return {"Kubernetes": api.get_code().git_version.lstrip("v")}


if __name__ == "__main__":
    if sys.argv[1:] == ["--cluster"]:
        print(json.dumps(of_the_cluster()))
    else:
        print(json.dumps({"".join(sys.argv[1:]) + name: version for name, version in installed().items()}))
