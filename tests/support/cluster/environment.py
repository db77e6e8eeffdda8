# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The environment of the user's command: with the test cluster, without the caller's clusters and accounts."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

KUBECONFIG = "FRESHPULL_TEST_KUBECONFIG"
TIMES = "FRESHPULL_TEST_TIMES"
"""The file to which the tests append their times: the only FRESHPULL_TEST_ variable that the caller sets."""

_CREDENTIALS = re.compile(
    r"""
    KUBECONFIG | KUBERNETES_.* | K8S_AUTH_.* | AWS_.* | BOTO_CONFIG
    | ANSIBLE_.*(PASS|TOKEN|SECRET|PRIVATE_KEY|VAULT).*
    | (HTTP|HTTPS|ALL|NO)_PROXY  # no traffic of the tests leaves this machine
    """,
    re.VERBOSE | re.IGNORECASE,
)


def command_environment(caller: Mapping[str, str], kubeconfig: Path, values: Mapping[str, str]) -> dict[str, str]:
    """Return the caller's environment without its clusters, accounts and proxies, and with the test cluster.

    KUBECONFIG and the AWS files are set: without these variables clients would use the files in the home directory.

    :param values: the other FRESHPULL_TEST_* variables.
    """
    kept = {
        name: value
        for name, value in caller.items()
        if not _CREDENTIALS.fullmatch(name) and (name == TIMES or not name.startswith("FRESHPULL_TEST_"))
    }
    return {
        **kept,
        **values,
        KUBECONFIG: str(kubeconfig),
        "KUBECONFIG": str(kubeconfig),
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def directory_values(scratch: Path, *, address: str, audit_log: Path | None = None) -> dict[str, str]:
    """Create the directories of a run and return the variables that every kind of cluster has.

    :param address: at which pods, or without a node local clients, reach servers that the command starts.
    :param audit_log: None for a cluster whose log is not readable.
    """
    values = {"FRESHPULL_TEST_ADDRESS": address}
    for variable, name in (("FRESHPULL_TEST_LOGS", "logs"), ("FRESHPULL_TEST_SCRATCH", "scratch")):
        (scratch / name).mkdir(exist_ok=True)
        values[variable] = str(scratch / name)
    if audit_log:
        values["FRESHPULL_TEST_AUDIT_LOG"] = str(audit_log)
    return values
