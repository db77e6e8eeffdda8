# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server with the built artifact, in place of Galaxy: the requests of `ansible-galaxy collection install`."""

from __future__ import annotations

import hashlib
import json
import sysconfig
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

DEPENDENCIES = ("amazon", "kubernetes")
"""The namespaces of the collections that this one depends on."""


@contextmanager
def installable(artifact: Path, directory: Path) -> Iterator[dict[str, str]]:
    """Serve an artifact. Yields variables with which ansible-galaxy installs it into directory/collections.

    ansible-galaxy finds the collections that it depends on there. With the variables, Ansible finds no others: the
    virtual environment of the tests has a link to the checkout.
    """
    collections = directory / "collections"
    link_dependencies(collections)
    with serving(artifact) as url:
        yield {
            "ANSIBLE_GALAXY_SERVER": url,
            "ANSIBLE_GALAXY_CACHE_DIR": str(directory / "cache"),
            "ANSIBLE_COLLECTIONS_PATH": str(collections),
            "ANSIBLE_COLLECTIONS_SCAN_SYS_PATH": "false",
        }


def link_dependencies(collections: Path) -> None:
    """Link the collections that this one depends on into a directory: the tests have no network to install them."""
    target = collections / "ansible_collections"
    target.mkdir(parents=True, exist_ok=True)
    for name in DEPENDENCIES:
        (target / name).symlink_to(Path(sysconfig.get_path("purelib"), "ansible_collections", name))


def metadata_of(artifact: Path) -> dict[str, Any]:
    """Return the metadata in an artifact's MANIFEST.json: namespace, name, version, dependencies and more."""
    with tarfile.open(artifact) as archive:
        manifest = archive.extractfile("MANIFEST.json")
        assert manifest
        found: dict[str, Any] = json.load(manifest)["collection_info"]
    return found


def responses(artifact: Path, url: str) -> dict[str, bytes]:
    """Return path, without a slash at its end, to body."""
    info = metadata_of(artifact)
    content = artifact.read_bytes()
    collection = f"/api/v3/collections/{info['namespace']}/{info['name']}"
    version = {"version": info["version"], "href": f"{collection}/versions/{info['version']}/"}
    detail = {
        **version,
        "download_url": f"{url}/{artifact.name}",
        "artifact": {"sha256": hashlib.sha256(content).hexdigest(), "filename": artifact.name},
        "namespace": {"name": info["namespace"]},
        "collection": {"name": info["name"]},
        "metadata": {"dependencies": info["dependencies"]},
        "signatures": [],
    }
    documents: dict[str, Any] = {
        "/api": {"available_versions": {"v3": "v3/"}},
        collection: {"created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z"},
        f"{collection}/versions": {"meta": {"count": 1}, "links": {"next": None}, "data": [version]},
        f"{collection}/versions/{info['version']}": detail,
    }
    return {path: json.dumps(body).encode() for path, body in documents.items()} | {f"/{artifact.name}": content}


@contextmanager
def serving(artifact: Path) -> Iterator[str]:
    """Serve an artifact on loopback. Yields the URL of the server."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.server.responses.get(self.path.partition("?")[0].rstrip("/"))  # type: ignore[attr-defined]
            self.send_response(404 if body is None else 200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *_arguments: object) -> None:
            """Print nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        url = f"http://127.0.0.1:{server.server_port}"
        server.responses = responses(artifact, url)  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield url
        finally:
            server.shutdown()
            thread.join()
