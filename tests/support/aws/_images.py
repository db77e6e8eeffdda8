# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Container images of one layer, built in memory."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import platform
import tarfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
CONFIG = "application/vnd.docker.container.image.v1+json"
LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
_EPOCH = "1970-01-01T00:00:00Z"


@dataclass(frozen=True)
class Blob:
    """Bytes with their media type."""

    content: bytes
    media_type: str

    @property
    def digest(self) -> str:
        return "sha256:" + hashlib.sha256(self.content).hexdigest()

    def describe(self) -> dict[str, str | int]:
        return {"mediaType": self.media_type, "size": len(self.content), "digest": self.digest}


class Images:
    """Manifests by repository and tag or digest, blobs by repository and digest."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._manifests: dict[tuple[str, str], Blob] = {}
        self._blobs: dict[tuple[str, str], Blob] = {}

    def add(self, repository: str, tag: str, files: Mapping[str, bytes], entrypoint: Sequence[str]) -> str:
        """Build an image of C(files) (absolute path to content, all executable) and return its manifest's digest."""
        layer_tar = _tar(files)
        layer = Blob(gzip.compress(layer_tar, mtime=0), LAYER)
        machine = platform.machine()
        config = {
            "created": _EPOCH,
            "architecture": _ARCHITECTURES.get(machine, machine),
            "os": "linux",
            "config": {"Entrypoint": list(entrypoint), "Env": ["PATH=/"], "WorkingDir": "/"},
            "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(layer_tar).hexdigest()]},
            "history": [{"created": _EPOCH, "created_by": "freshpull tests"}],
        }
        config_blob = Blob(json.dumps(config).encode(), CONFIG)
        manifest = {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": config_blob.describe(),
            "layers": [layer.describe()],
        }
        manifest_blob = Blob(json.dumps(manifest).encode(), MANIFEST)
        with self._lock:
            for blob in (layer, config_blob):
                self._blobs[repository, blob.digest] = blob
            for reference in (tag, manifest_blob.digest):
                self._manifests[repository, reference] = manifest_blob
        return manifest_blob.digest

    def manifest(self, repository: str, reference: str) -> Blob | None:
        with self._lock:
            return self._manifests.get((repository, reference))

    def blob(self, repository: str, digest: str) -> Blob | None:
        with self._lock:
            return self._blobs.get((repository, digest))


def _tar(files: Mapping[str, bytes]) -> bytes:
    """Return a tar archive of the files and their directories, owned by root, without times: its digest is stable."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        directories: set[str] = set()
        for path, content in sorted(files.items()):
            pure = PurePosixPath(path.lstrip("/"))
            for directory in list(reversed(pure.parents))[1:]:
                if str(directory) not in directories:
                    directories.add(str(directory))
                    entry = tarfile.TarInfo(str(directory))
                    entry.type, entry.mode = tarfile.DIRTYPE, 0o755
                    tar.addfile(entry)
            member = tarfile.TarInfo(str(pure))
            member.size, member.mode = len(content), 0o755
            tar.addfile(member, io.BytesIO(content))
    return archive.getvalue()
