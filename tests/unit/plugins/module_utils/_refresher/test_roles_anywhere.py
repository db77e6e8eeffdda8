# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The session of the sidecar, from a server that responds as AWS's credential helper does."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils._aws_errors import (
    AwsError,
    CredentialsError,
    UnreachableError,
)
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher import roles_anywhere

SESSION = {"AccessKeyId": "ASIAX", "SecretAccessKey": "never-said", "Token": "never-said", "Code": "Success"}
EMPTY = {"AccessKeyId": "", "SecretAccessKey": "", "Token": "", "Code": "Success", "Expiration": "0001-01-01T00:00:00Z"}
ROLES = "/latest/meta-data/iam/security-credentials/"


class Helper(ThreadingHTTPServer):
    """The server of the helper. document: what it serves as credentials, or None if it waits for AWS."""

    def __init__(self, document: str | None, port: int) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.document = document
        self.stopped = threading.Event()
        self.requests: list[str] = []


class _Handler(BaseHTTPRequestHandler):
    server: Helper

    def do_PUT(self) -> None:
        assert 1 <= int(self.headers["x-aws-ec2-metadata-token-ttl-seconds"]) <= 21600
        self._send("a-token")

    def do_GET(self) -> None:
        if self.headers.get("x-aws-ec2-metadata-token") != "a-token":
            self.send_error(401)
        elif self.path == ROLES:
            self._send("ecr-public-pull")
        elif self.path == f"{ROLES}ecr-public-pull":
            if self.server.document is None:
                self.server.stopped.wait()
            self._send(self.server.document or "")
        else:
            self.send_error(404)

    def _send(self, text: str) -> None:
        self.server.requests.append(f"{self.command} {self.path}")
        self.send_response(200)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *args: object) -> None:
        """Print nothing."""


@pytest.fixture
def helpers() -> Iterator[Any]:
    """A function that starts a helper."""
    started: list[Helper] = []

    def start(document: object, port: int = 0) -> Helper:
        helper = Helper(document if isinstance(document, str | None) else json.dumps(document), port)
        threading.Thread(target=helper.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        started.append(helper)
        return helper

    yield start
    for helper in started:
        helper.stopped.set()
        helper.shutdown()
        helper.server_close()


def wait(port: int, seconds: float = 5) -> str:
    """Wait for a session. Return the message of the error, or ""."""
    try:
        roles_anywhere.await_session(time.monotonic() + seconds, port)
    except AwsError as exc:
        return f"{type(exc).__name__}: {exc}"
    return ""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def test_a_session_is_read_once(helpers: Any) -> None:
    helper = helpers(SESSION)
    assert wait(helper.server_port) == ""
    assert helper.requests == ["PUT /latest/api/token", f"GET {ROLES}", f"GET {ROLES}ecr-public-pull"]


@pytest.mark.parametrize("document", [EMPTY, {}, [], "null", '"x"'], ids=repr)
def test_empty_keys_are_no_session(helpers: Any, document: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOSTNAME", "refresh-1")
    message = wait(helpers(document).server_port)
    assert message.startswith(f"{CredentialsError.__name__}: Roles Anywhere returned no session. ")
    assert message.endswith("read the sidecar's log: kubectl logs refresh-1 -c roles-anywhere.")


@pytest.mark.parametrize("document", ["", "never-said", "[" * 100000])
def test_a_response_that_is_not_json_is_not_quoted(helpers: Any, document: str) -> None:
    message = wait(helpers(document).server_port)
    assert "The sidecar roles-anywhere gave no credentials within 5 s" in message
    assert "never-said" not in message


def test_a_sidecar_that_does_not_respond(helpers: Any) -> None:
    """It requests a session for the response, and AWS may not respond."""
    began = time.monotonic()
    message = wait(helpers(None).server_port, seconds=1)
    assert time.monotonic() - began < 3
    assert message.startswith(f"{UnreachableError.__name__}: The sidecar roles-anywhere gave no credentials within 1 s")
    assert "rolesanywhere.REGION.amazonaws.com" in message


def test_a_sidecar_that_does_not_listen() -> None:
    message = wait(free_port(), seconds=0.5)
    assert message.startswith(f"{UnreachableError.__name__}: The sidecar roles-anywhere does not listen on 127.0.0.1:")
    assert "kubectl logs" in message


def test_a_sidecar_that_listens_later(helpers: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    port = free_port()
    clock = SimpleNamespace(monotonic=time.monotonic, sleep=lambda _seconds: helpers(SESSION, port=port))
    monkeypatch.setattr(roles_anywhere, "time", clock)
    assert wait(port) == ""
