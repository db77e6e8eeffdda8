# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The images of the node: the pause container, and a replacement of the official aws-cli image.

Tests can import another image, with the oldest Python that the refresher supports.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import platform
import subprocess
import tarfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from .cache import cache_root, content_key, locked, unfinished
from .debian import codename, mirror
from .errors import ClusterError
from .progress import report, run_with_progress

# The tag that the role's default image names.
AWS_CLI_IMAGE = "public.ecr.aws/aws-cli/aws-cli:2.36.7"
PYTHON39_IMAGE = "freshpull.invalid/aws-cli-python3.9:1"
PAUSE_IMAGE = "freshpull.invalid/pause:1"

# Its AWS CLI supports AWS_ENDPOINT_URL_ECR_PUBLIC (2.13 or newer). The one of bookworm does not.
_SUITE = "trixie"
# The newest suite with Python 3.9. Its AWS CLI has version 1.
_PYTHON39_SUITE = "bullseye"
_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}

# The descriptions of 400 AWS services would be half of the image. The refresher needs the first two. The CLI does not
# start without the others: the last step of the recipe checks that it starts.
_SERVICES = ("ecr-public", "sts", "codedeploy", "config", "opsworkscm", "s3", "sso", "sso-oidc")
_PYTHON39_SERVICES = (*_SERVICES, "sagemaker-runtime", "sdb", "sms-voice")


def _recipe(botocore: str, services: Sequence[str]) -> tuple[str, ...]:
    """Return options for mmdebstrap. botocore: its path below dist-packages. services: whose descriptions are kept."""
    keep_services = (
        f'find "$1/usr/lib/python3/dist-packages/{botocore}/data" -mindepth 1 -maxdepth 1 -type d '
        + " ".join(f"! -name {name}" for name in services)
        + " -exec rm -r {} +"
    )
    return (
        "--mode=root",
        "--format=tar",
        "--variant=essential",
        "--include=awscli,ca-certificates",
        "--dpkgopt=path-exclude=/usr/share/doc/*",
        "--dpkgopt=path-exclude=/usr/share/locale/*",
        "--dpkgopt=path-exclude=/usr/share/man/*",
        "--dpkgopt=path-exclude=/usr/lib/python3/dist-packages/awscli/examples/*",
        "--customize-hook=" + keep_services,
        '--customize-hook=mkdir "$1/aws"',
        '--customize-hook=chroot "$1" aws --version',
    )


_RECIPE = _recipe("awscli/botocore", _SERVICES)
_PYTHON39_RECIPE = _recipe("botocore", _PYTHON39_SERVICES)
_AWS_CLI_CONFIG = {"Entrypoint": ["aws"], "WorkingDir": "/aws", "Env": [_PATH]}

_PAUSE_SOURCE = """\
#include <signal.h>
#include <unistd.h>
int main(void) {
    signal(SIGTERM, _exit);
    for (;;) pause();
}
"""


def aws_cli_image() -> Path:
    """Return an archive with the replacement of the official aws-cli image. Build it if it is missing.

    :raises ClusterError: it could not be built.
    """
    key = content_key(AWS_CLI_IMAGE, _SUITE, *_RECIPE, json.dumps(_AWS_CLI_CONFIG), platform.machine())
    return cached(f"aws-cli-{key}.tar", _build_aws_cli)


def python39_image() -> Path | None:
    """Return an archive with an image with Python 3.9. Build it if it is missing. None if it cannot be built.

    Debian will remove this old suite from its mirrors. Then only the tests that need the image fail.
    """
    key = content_key(
        PYTHON39_IMAGE, _PYTHON39_SUITE, *_PYTHON39_RECIPE, json.dumps(_AWS_CLI_CONFIG), platform.machine()
    )
    try:
        return cached(f"python39-{key}.tar", _build_python39)
    except ClusterError as error:
        report(str(error))
        return None


def pause_binary() -> Path:
    """Return a static program that sleeps until SIGTERM. Build it if it is missing."""
    return cached(f"pause-{content_key(_PAUSE_SOURCE, platform.machine())}", _build_pause)


def write_pause_image(path: Path, binary: Path) -> None:
    """Write an archive with the pause image."""
    layer = path.with_suffix(".layer")
    with tarfile.open(layer, "w") as archive:
        archive.add(binary, "pause", filter=by_root)
    write_image(path, layer, name=PAUSE_IMAGE, config={"Entrypoint": ["/pause"]})
    layer.unlink()


def write_image(path: Path, layer: Path, *, name: str, config: dict[str, Any]) -> None:
    """Write an image with one layer (a tar file) in the format of `docker save`, for `ctr images import`."""
    with layer.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    description = {
        "architecture": _ARCHITECTURES.get(platform.machine(), platform.machine()),
        "os": "linux",
        "config": config,
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]},
    }
    manifest = [{"Config": "config.json", "RepoTags": [name], "Layers": ["layer.tar"]}]
    with tarfile.open(path, "w") as archive:
        for member, content in (("manifest.json", manifest), ("config.json", description)):
            data = json.dumps(content).encode()
            info = tarfile.TarInfo(member)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        archive.add(layer, "layer.tar")


def cached(name: str, build: Callable[[Path], None]) -> Path:
    """Return a file of the cache. Build it if it is missing."""
    directory = cache_root() / "images"
    path = directory / name
    if not path.exists():
        with locked(directory, "images"):
            if not path.exists():
                with unfinished(directory) as made:
                    build(made / name)
                    os.replace(made / name, path)
    return path


def _build_aws_cli(path: Path) -> None:
    layer = path.with_suffix(".layer")
    own_suite = codename()
    suites = [_SUITE] + ([own_suite] if own_suite and own_suite != _SUITE else [])
    for suite in suites:
        try:
            _mmdebstrap(_RECIPE, suite, layer)
        except ClusterError as error:
            if suite == suites[-1]:
                raise
            report(f"{error}\ntrying {suites[-1]} instead")
        else:
            break
    write_image(path, layer, name=AWS_CLI_IMAGE, config=_AWS_CLI_CONFIG)


def _build_python39(path: Path) -> None:
    layer = path.with_suffix(".layer")
    _mmdebstrap(_PYTHON39_RECIPE, _PYTHON39_SUITE, layer)
    write_image(path, layer, name=PYTHON39_IMAGE, config=_AWS_CLI_CONFIG)


def _mmdebstrap(recipe: Sequence[str], suite: str, layer: Path) -> None:
    # Without a mirror mmdebstrap uses its default for the suite.
    own_mirror = mirror(codename())
    run_with_progress(
        ["mmdebstrap", *recipe, suite, str(layer), *([own_mirror] if own_mirror else [])],
        what=f"building the aws-cli image from Debian {suite}",
    )


def _build_pause(path: Path) -> None:
    compiler = ["gcc", "-static", "-Os", "-s", "-x", "c", "-", "-o", str(path)]
    done = subprocess.run(compiler, input=_PAUSE_SOURCE, capture_output=True, text=True, check=False)
    if done.returncode:
        raise ClusterError(f"gcc cannot build a static program:\n{done.stderr}")


def by_root(info: tarfile.TarInfo) -> tarfile.TarInfo:
    """Return the entry of a program that root owns, as a filter for archives."""
    info.uid = info.gid = 0
    info.uname = info.gname = ""
    info.mode = 0o755
    return info
