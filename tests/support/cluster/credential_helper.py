# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""AWS's credential helper for IAM Roles Anywhere, built from its Go module, as a replacement of its official image."""

from __future__ import annotations

import json
import platform
import tarfile
from pathlib import Path

from .cache import content_key
from .golang import go_build, module_key
from .images import by_root, cached, write_image

MODULE = Path(__file__).parent / "go-credential-helper"
# The tag that the role's default image names.
CREDENTIAL_HELPER_IMAGE = "public.ecr.aws/rolesanywhere/credential-helper:1.8.1-2026.04.09.16.01"

_PACKAGE = "github.com/aws/rolesanywhere-credential-helper"
# The image has no C library. The helper needs cgo, for smart cards.
_FLAGS = ("-trimpath", "-tags=netgo,osusergo", "-ldflags=-s -w -linkmode external -extldflags -static")
# As in docker_image_resources/Dockerfile of the helper.
_PROGRAM = "usr/local/bin/aws_signing_helper"
_CONFIG = {"Entrypoint": [f"/{_PROGRAM}"], "User": "65532:65532"}


def credential_helper_image() -> Path:
    """Return an archive with the replacement of the official image. Build it if it is missing.

    :raises ClusterError: there is no Go, or the build failed.
    """
    key = content_key(module_key(MODULE), CREDENTIAL_HELPER_IMAGE, *_FLAGS, json.dumps(_CONFIG), platform.machine())
    return cached(f"credential-helper-{key}.tar", _build)


def extract_credential_helper(directory: Path) -> Path:
    """Write the program of the image into the directory and return its path."""
    with tarfile.open(credential_helper_image()) as archive:
        layer = archive.extractfile("layer.tar")
        with tarfile.open(fileobj=layer) as files:
            files.extract(_PROGRAM, directory, filter="tar")
    return directory / _PROGRAM


def _build(path: Path) -> None:
    binary, layer = path.with_suffix(".binary"), path.with_suffix(".layer")
    go_build(
        MODULE,
        str(binary),
        [_PACKAGE],
        *_FLAGS,
        what="building AWS's credential helper (about a minute on 2 cores the first time)",
        cgo=True,
    )
    with tarfile.open(layer, "w") as archive:
        archive.add(binary, _PROGRAM, filter=by_root)
    write_image(path, layer, name=CREDENTIAL_HELPER_IMAGE, config=_CONFIG)
