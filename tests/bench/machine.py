# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The machine and versions of a benchmark."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import re
import subprocess
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path


def machine(kubernetes: str, load_before: float) -> dict[str, str]:
    """Return titles and texts for the page. kubernetes: the API server's version. load_before: before the run."""
    return {
        "Day": f"{datetime.now(timezone.utc):%Y-%m-%d}",
        "Machine": f"{os.cpu_count()} processors ({_processor()}), {_memory()} GiB, Linux {platform.release()}",
        "Other load": f"load average {load_before:.1f} before the run (processes that run or wait for a processor)",
        "Kubernetes": kubernetes,
        "Ansible": f"ansible-core {_package('ansible-core')}, Python {platform.python_version()}",
        "Collections": f"kubernetes.core {_collection('kubernetes/core')}, amazon.aws {_collection('amazon/aws')}",
        "Libraries": f"kubernetes {_package('kubernetes')}, urllib3 {_package('urllib3')}, boto3 {_package('boto3')}",
        "Programs": f"kubectl {_kubectl()}, aws {_package('awscli')}, {_h2load()}",
    }


def _processor() -> str:
    found = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.MULTILINE)
    return found[1] if found else platform.machine()


def _memory() -> int:
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3)


def _package(name: str) -> str:
    return importlib.metadata.version(name)


def _collection(directory: str) -> str:
    module = importlib.import_module(f"ansible_collections.{directory.replace('/', '.')}")
    manifest: Mapping[str, Mapping[str, str]] = json.loads((Path(module.__path__[0]) / "MANIFEST.json").read_text())
    return manifest["collection_info"]["version"]


def _kubectl() -> str:
    return str(json.loads(_output("kubectl", "version", "--client", "--output=json"))["clientVersion"]["gitVersion"])


def _h2load() -> str:
    return _output("h2load", "--version").strip().replace("nghttp2/", "")


def _output(*command: str) -> str:
    return subprocess.check_output(command, text=True)
