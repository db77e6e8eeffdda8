# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How this machine reaches package registries: its clients' configuration, for a new system on the same network."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

_VARIABLES = re.compile(
    r"""
    (HTTP|HTTPS|ALL|NO|FTP)_PROXY
    | PIP_(INDEX_URL|EXTRA_INDEX_URL|TRUSTED_HOST|PROXY|CERT|DEFAULT_TIMEOUT|RETRIES)
    | GO(PROXY|NOPROXY|SUMDB|NOSUMDB|PRIVATE|INSECURE)
    | SSL_CERT_FILE | SSL_CERT_DIR | REQUESTS_CA_BUNDLE | CURL_CA_BUNDLE
    """,
    re.VERBOSE | re.IGNORECASE,
)
_SYSTEM_FILES = ("etc/pip.conf", "etc/resolv.conf", "etc/hosts")
_HOME_FILES = (".config/pip/pip.conf", ".pip/pip.conf", ".config/go/env")
_CERTIFICATES = Path("usr/local/share/ca-certificates")
_NO_APT_CONFIGURATION = 'Dir::Etc::main "/dev/null"; Dir::Etc::parts "/dev/null";'


def client_variables(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that name registries, proxies and trusted authorities."""
    return {name: value for name, value in environment.items() if _VARIABLES.fullmatch(name)}


def apt_options() -> str:
    """Return how this machine's apt downloads packages, without the defaults, as a configuration file."""
    with tempfile.NamedTemporaryFile("w") as empty:
        empty.write(_NO_APT_CONFIGURATION)
        empty.flush()
        defaults = set(_dump({**os.environ, "APT_CONFIG": empty.name}))
    return "".join(f"{line}\n" for line in _dump(os.environ) if line not in defaults)


def copy_client_files(root: Path, home: str) -> None:
    """Copy configuration files of clients and authorities that the administrator added. home: the user's in root."""
    for source, target in [(Path("/", name), root / name) for name in _SYSTEM_FILES] + [
        (Path.home() / name, root / home.lstrip("/") / name) for name in _HOME_FILES
    ]:
        if source.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.unlink(missing_ok=True)
            shutil.copyfile(source, target)
    if (Path("/") / _CERTIFICATES).exists():
        shutil.copytree(Path("/") / _CERTIFICATES, root / _CERTIFICATES, dirs_exist_ok=True)


def _dump(environment: Mapping[str, str]) -> list[str]:
    done = subprocess.run(
        ["apt-config", "dump", "Acquire"], env=dict(environment), capture_output=True, text=True, check=True
    )
    # Which indexes are downloaded depends on the programs that are installed here.
    return [line for line in done.stdout.splitlines() if not line.startswith("Acquire::IndexTargets")]
