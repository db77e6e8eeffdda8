# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole runs with an API server in memory. A test sets its clock, its rejections and its namespaces."""

from __future__ import annotations

import datetime as dt
import email.utils
import io
import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils._aws_errors import AwsError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.transport import Request, Response
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher import main
from ansible_collections.freshpull.ecr_public.plugins.module_utils._time import format_time
from ansible_collections.freshpull.ecr_public.plugins.module_utils._token import Token
from unit.cases import decide as cases
from unit.plugins.module_utils._refresher.test_settings import mounted

NOW = dt.datetime.now(dt.timezone.utc)
EXPIRED = NOW - dt.timedelta(hours=1)


class Server:
    """An API server with one secret for each namespace. ahead: of its clock. reject: method -> status."""

    host = "https://cluster.example"

    def __init__(self, **secrets: dt.datetime) -> None:
        self.secrets = {
            name: cases.secret(namespace=name, expires_at=format_time(expires_at))
            for name, expires_at in secrets.items()
        }
        self.ahead = dt.timedelta()
        self.reject: dict[str, int] = {}
        self.namespaces: dict[str, str | None] = dict.fromkeys(secrets)
        """Name -> the start of its deletion, or None."""
        self.written: list[str] = []

    def send(self, request: Request) -> Response:
        status, body = self._respond(request)
        date = email.utils.format_datetime(dt.datetime.now(dt.timezone.utc) + self.ahead, usegmt=True)
        return Response(status, {"Date": date}, json.dumps(body).encode())

    def _respond(self, request: Request) -> tuple[int, dict[str, Any]]:
        parts = request.path.split("/")
        name = parts[4]
        if len(parts) == 5:
            if name not in self.namespaces:
                return 404, {"message": "not found"}
            return 200, {"metadata": {"name": name, "deletionTimestamp": self.namespaces[name]}}
        if request.method in self.reject:
            return self.reject[request.method], {"message": "no"}
        if name not in self.secrets:
            return 404, {"message": "not found"}
        if request.method == "PATCH":
            self.written.append(name)
        return 200, self.secrets[name]


def run(
    server: Server, directory: Path, monkeypatch: pytest.MonkeyPatch, token: Token | None = None
) -> tuple[int, str, dict[str, tuple[str, str]]]:
    """Run for the namespace a. Return exit status, termination message, and action and reason by namespace.

    token: None if AWS returns no token.
    """

    def fetch(_cli: main.AwsCli) -> Token:
        if token is None:
            raise AwsError("AWS is down.")
        return token

    monkeypatch.setattr(main, "PodTransport", lambda *_arguments: server)
    monkeypatch.setattr(main.AwsCli, "token", fetch)
    (mounted(directory) / "namespaces").write_text("a\n")
    out = io.StringIO()
    environment = {"FRESHPULL_CONFIG": str(directory), "KUBERNETES_SERVICE_HOST": "127.0.0.1"}
    status, words = main.run(environment, out)
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    return status, words, {line["namespace"]: (line["action"], line["reason"]) for line in lines if "namespace" in line}


@pytest.mark.parametrize("ahead", [dt.timedelta(days=2), dt.timedelta(hours=-11)], ids=["ahead", "behind"])
def test_clocks_that_are_far_apart_remove_no_token(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ahead: dt.timedelta
) -> None:
    server = Server(a=EXPIRED)
    server.ahead = ahead
    status, words, results = run(server, tmp_path, monkeypatch)
    assert (status, results, server.written) == (1, {"a": ("failed", "clocks")}, [])
    assert words.startswith("By the API server's clock it is ")
    assert "AWS is down." in words

    token = Token(NOW + dt.timedelta(hours=12), "AWS", "new")
    status, words, results = run(server, tmp_path, monkeypatch, token)
    assert (status, results, server.written) == (1, {"a": ("renewed", "expired")}, ["a"])
    assert words.startswith("By the API server's clock it is ")


def test_clocks_that_agree_remove_a_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = Server(a=EXPIRED)
    server.ahead = dt.timedelta(minutes=9)
    status, words, results = run(server, tmp_path, monkeypatch)
    assert (status, results, server.written) == (1, {"a": ("failed_open", "expired")}, ["a"])
    assert "clock" not in words


NAMESPACES: dict[str, tuple[dict[str, int], dict[str, str | None], tuple[str, str]]] = {
    "the secret is gone": ({}, {"a": None}, ("failed", "missing")),
    "the namespace is gone": ({}, {}, ("skipped", "missing_namespace")),
    "the namespace is being deleted": ({}, {"a": "2026-01-01T00:00:00Z"}, ("skipped", "terminating")),
    "no permission": ({"GET": 403}, {"a": None}, ("failed", "forbidden")),
    "no permission, since it is gone": ({"GET": 403}, {}, ("skipped", "missing_namespace")),
}


@pytest.mark.parametrize("case", NAMESPACES)
def test_a_namespace_is_read_if_its_secret_cannot_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    reject, namespaces, expected = NAMESPACES[case]
    server = Server()
    server.reject, server.namespaces = reject, namespaces
    status, _words, results = run(server, tmp_path, monkeypatch)
    assert (status, results) == (1 if expected[0] == "failed" else 0, {"a": expected})
