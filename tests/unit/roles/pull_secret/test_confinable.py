# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the role says to a cluster that is too old for a namespace selector: it looks at what APIs there are."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from support.playbook import Ansible

APIS: dict[str, dict[str, Any]] = {
    "/version": {"major": "1", "minor": "29"},
    "/api": {"kind": "APIVersions", "versions": ["v1"]},
    "/apis": {"kind": "APIGroupList", "groups": []},
    "/api/v1": {"kind": "APIResourceList", "groupVersion": "v1", "resources": []},
}


class Old(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        answer = APIS.get(self.path.partition("?")[0].rstrip("/"))
        self.send_response(HTTPStatus.OK if answer else HTTPStatus.NOT_FOUND)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(answer or {}).encode())

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def old_cluster() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Old)
    threading.Thread(target=server.serve_forever).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def test_refused(old_cluster: str, tmp_path: Path) -> None:
    task = {
        "name": "Check",
        "ansible.builtin.include_role": {"name": "freshpull.ecr_public.pull_secret", "tasks_from": "confinable.yml"},
    }
    run = Ansible(tmp_path, kubeconfig="").tasks([task], env={"K8S_AUTH_HOST": old_cluster, "K8S_AUTH_API_KEY": "any"})
    assert run.returncode != 0
    assert "needs ValidatingAdmissionPolicy (admissionregistration.k8s.io/v1, Kubernetes 1.30)" in run.output
