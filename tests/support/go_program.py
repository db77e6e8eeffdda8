# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Small programs in Go: the clients' own code, the kubelet's own code, and the Amazon ECR credential helper."""

from __future__ import annotations

import os
from pathlib import Path

from .cluster.build import MODULE
from .cluster.cache import content_key
from .cluster.golang import go_build, module_key
from .cluster.images import cached

_ECR_LOGIN = "docker-credential-ecr-login"
_ECR_LOGIN_PACKAGE = f"github.com/awslabs/amazon-ecr-credential-helper/ecr-login/cli/{_ECR_LOGIN}"


def go_program(module: Path, package: str, what: str) -> Path:
    """Return the program of a package. Build it if it is missing (20 to 30 seconds).

    :raises ClusterError: there is no Go, or the build failed.
    """

    def build(path: Path) -> None:
        go_build(module, str(path), [package], "-trimpath", what=f"building {what} (20 seconds)")

    code = [path.read_bytes() for path in sorted(module.glob("*.go"))]
    return cached(f"{module.name}-{content_key(module_key(module), *code)}", build)


def ecr_login() -> Path:
    """Return the Amazon ECR credential helper. Build it if it is missing."""
    return go_program(Path(__file__).parent / "ecr_login", _ECR_LOGIN_PACKAGE, "the Amazon ECR credential helper")


def kubernetes_program(main: Path, what: str) -> Path:
    """Return the program of a main.go that imports the Kubernetes of the test cluster. Build it if it is missing.

    It shares its packages with the build of the cluster, and takes a minute after it.

    :raises ClusterError: there is no Go, or the build failed.
    """

    def build(path: Path) -> None:
        go_build(MODULE, str(path), [str(main)], what=f"building {what} (a minute)")

    return cached(f"{main.parent.name}-{content_key(module_key(MODULE), main.read_bytes())}", build)


def add_ecr_login(directory: Path) -> None:
    """Put the Amazon ECR credential helper into a directory of PATH."""
    os.symlink(ecr_login(), directory / _ECR_LOGIN)
