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
from ansible_collections.freshpull.ecr_public.plugins.module_utils._pull_secret.secret_writer import SecretWriter
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher import main
from ansible_collections.freshpull.ecr_public.plugins.module_utils._time import format_time
from ansible_collections.freshpull.ecr_public.plugins.module_utils._token import Token
from unit.cases import decide as cases
from unit.plugins.module_utils._refresher.test_settings import mounted
from unit.plugins.modules.scripted import Call, Script, error, listed

NOW = dt.datetime.now(dt.timezone.utc)
OWNER = "ecr-public-refresher"
"""That of the settings in the cases."""
EXPIRED = NOW - dt.timedelta(hours=1)


class Server:
    """An API server with one secret for each namespace. ahead: of its clock. reject: method -> status."""

    host = "https://cluster.example"

    def __init__(self, **secrets: dt.datetime) -> None:
        self.secrets = {
            name: cases.secret(namespace=name, owner=OWNER, expires_at=format_time(expires_at))
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
                return 404, {"kind": "Status", "message": "not found"}
            return 200, {"metadata": {"name": name, "deletionTimestamp": self.namespaces[name]}}
        if request.method in self.reject:
            return self.reject[request.method], {"kind": "Status", "message": "no"}
        if name not in self.secrets:
            return 404, {"kind": "Status", "message": "not found"}
        if request.method == "PATCH":
            self.written.append(name)
        return 200, self.secrets[name]


def run(
    server: Server, directory: Path, monkeypatch: pytest.MonkeyPatch, token: Token | None = None
) -> tuple[int, str, dict[str, tuple[str, str]]]:
    """Run for namespace a. Return exit status, termination message, and action and reason by namespace.

    token: None if AWS returns no token.
    """

    def fetch(_cli: main.AwsCli) -> Token:
        if token is None:
            raise AwsError("AWS is down.")
        return token

    monkeypatch.setattr(main, "PodTransport", lambda *_args, **_options: server)
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


# --- A selector and service accounts, over a script of the calls

TOKEN = Token(NOW + dt.timedelta(hours=12), "AWS", "new-never-shown")
NAMESPACES_PATH, SECRETS_PATH, NAME = "/api/v1/namespaces", "/api/v1/secrets", "ecr-public-secret"
SELECTOR = "ecr-public=enabled"


def run_script(
    case: str, directory: Path, monkeypatch: pytest.MonkeyPatch, *calls: Call
) -> tuple[int, str, list[dict[str, Any]], Script]:
    """Run with a token; return status, message, lines and script. Fails unless it makes these calls."""
    script = Script(calls)
    monkeypatch.setattr(main, "PodTransport", lambda *_args, **_options: script)
    monkeypatch.setattr(main.AwsCli, "token", lambda _cli: TOKEN)
    mounted(directory, case)
    if case != "selector":
        (directory / "namespaces").write_text("a\n")
    out = io.StringIO()
    environment = {"FRESHPULL_CONFIG": str(directory), "KUBERNETES_SERVICE_HOST": "127.0.0.1"}
    status, words = main.run(environment, out)
    assert (script.left, script.unexpected) == ([], [])
    assert "never-shown" not in out.getvalue() + words
    return status, words, [json.loads(line) for line in out.getvalue().splitlines()], script


def actions(lines: list[dict[str, Any]]) -> dict[str, tuple[str, str]]:
    return {line["namespace"]: (line["action"], line["reason"]) for line in lines if "namespace" in line}


def stored(namespace: str, left: float = 1, **changes: Any) -> dict[str, Any]:
    """Build a managed secret with this many hours of remaining lifetime."""
    renewed_at, expires_at = (format_time(NOW + dt.timedelta(hours=hours)) for hours in (left - 12, left))
    times = {"renewed_at": renewed_at, "expires_at": expires_at}
    return cases.secret(namespace=namespace, **{"owner": OWNER, **times, **changes})


def secret_path(namespace: str) -> str:
    return f"{NAMESPACES_PATH}/{namespace}/secrets/{NAME}"


def selected(*names: str, terminating: str = "", **query: str) -> Call:
    found = [{"metadata": {"name": name}} for name in names]
    if terminating:
        found.append({"metadata": {"name": terminating, "deletionTimestamp": "2026-01-01T00:00:00Z"}})
    return listed(NAMESPACES_PATH, *found, labelSelector=SELECTOR, **query)


def secrets(*found: dict[str, Any]) -> Call:
    return listed(SECRETS_PATH, *found, fieldSelector=f"metadata.name={NAME}")


def test_selected_namespaces_are_served_and_orphans_lose_their_entries(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    status, _words, lines, script = run_script(
        *("selector", tmp_path, monkeypatch),
        selected("a", "b", "c", terminating="d"),
        secrets(stored("b"), stored("c", managed=False), stored("d"), stored("x"), stored("y", managed=False)),
        Call("PATCH", secret_path("a")),
        Call("PATCH", secret_path("b")),
        selected("a", "b", "c", terminating="d"),
        Call("GET", secret_path("x"), body=stored("x")),
        Call("PATCH", secret_path("x")),
    )
    assert status == 0
    assert actions(lines) == {
        "a": ("created", "missing"),
        "b": ("renewed", "due"),
        "c": ("skipped", "unmanaged"),
        "d": ("skipped", "terminating"),
        "x": ("removed", "orphaned"),
    }
    kinds = {each.path: each.content_type for each in script.sent if each.method == "PATCH"}
    # A create by server-side apply has the name in its path, so that RBAC restricts it to that name.
    assert kinds[secret_path("a")] == "application/apply-patch+yaml"
    assert kinds[secret_path("b")] == kinds[secret_path("x")] == "application/merge-patch+json"


UNMANAGED: dict[str, tuple[dict[str, Any], str]] = {
    "unmanaged": ({"managed": False}, "unmanaged"),
    "of another owner": ({"owner": "them"}, "other_owner"),
    "of no owner": ({"owner": ""}, "other_owner"),
    "a copy": ({"written_for": "b"}, "copy"),
}


@pytest.mark.parametrize("case", UNMANAGED)
@pytest.mark.parametrize("left", [-1, 1])
def test_a_secret_that_it_does_not_manage_is_skipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str, left: float
) -> None:
    changes, reason = UNMANAGED[case]
    (tmp_path / "listed").mkdir()
    (tmp_path / "selector").mkdir()
    read = Call("GET", secret_path("a"), body=stored("a", left, **changes))
    status, _words, lines, _script = run_script("listed", tmp_path / "listed", monkeypatch, read)
    assert (status, actions(lines)) == (0, {"a": ("skipped", reason)})
    # In a selected namespace, and in one that is not.
    calls = [selected("a"), secrets(stored("a", left, **changes), stored("x", left, **changes))]
    status, _words, lines, _script = run_script("selector", tmp_path / "selector", monkeypatch, *calls)
    assert (status, actions(lines)) == (0, {"a": ("skipped", reason)})


@pytest.mark.parametrize("case", ["listed", "selector"])
def test_a_secret_that_is_being_deleted_loses_its_entries_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    for number, auths in enumerate(({"public.ecr.aws": "old"}, {})):
        directory = tmp_path / str(number)
        directory.mkdir()
        held = stored("a", 11, terminating=True, auths=auths)
        reads = [selected("a"), secrets(held)] if case == "selector" else [Call("GET", secret_path("a"), body=held)]
        calls = [*reads, *([Call("PATCH", secret_path("a"))] if auths else [])]
        status, _words, lines, _script = run_script(case, directory, monkeypatch, *calls)
        assert (status, actions(lines)) == (0, {"a": ("skipped", "terminating")})


def test_a_namespace_that_was_labelled_during_the_run_keeps_its_entries(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = [selected("a"), secrets(stored("a", 11), stored("x")), selected("a", "x")]
    status, _words, lines, _script = run_script("selector", tmp_path, monkeypatch, *calls)
    assert (status, actions(lines)) == (0, {"a": ("unchanged", "fresh")})


REJECTED: dict[str, tuple[Call, tuple[str, str]]] = {
    "the label is gone": (selected(fieldSelector="metadata.name=a"), ("skipped", "not_selected")),
    "the namespace is going": (
        selected(terminating="a", fieldSelector="metadata.name=a"),
        ("skipped", "terminating"),
    ),
    "it is still selected": (selected("a", fieldSelector="metadata.name=a"), ("failed", "forbidden")),
    "it cannot be read": (
        error(
            *("GET", NAMESPACES_PATH, 403),
            labelSelector=SELECTOR,
            fieldSelector="metadata.name=a",
            limit="500",
        ),
        ("failed", "forbidden"),
    ),
}


@pytest.mark.parametrize("case", REJECTED)
def test_a_selected_namespace_is_read_if_its_secret_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str
) -> None:
    look, expected = REJECTED[case]
    rejected = error("PATCH", secret_path("a"), 403, "denied")
    calls = [selected("a"), secrets(stored("a")), rejected, look]
    status, _words, lines, _script = run_script("selector", tmp_path, monkeypatch, *calls)
    assert (status, actions(lines)) == (int(expected[0] == "failed"), {"a": expected})


def test_without_the_list_of_namespaces_nothing_is_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rejected = error("GET", NAMESPACES_PATH, 403, "no list", labelSelector=SELECTOR, limit="500")
    status, words, lines, _script = run_script("selector", tmp_path, monkeypatch, rejected)
    assert (status, actions(lines)) == (1, {})
    assert "no list" in words


ACCOUNT_PATH = f"{NAMESPACES_PATH}/a/serviceaccounts/default"


def test_service_accounts_get_the_secret_in_the_same_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    account = {"metadata": {"namespace": "a", "name": "default", "uid": "u", "resourceVersion": "1"}}
    status, _words, lines, script = run_script(
        *("service-accounts", tmp_path, monkeypatch),
        Call("GET", secret_path("a"), body=stored("a", 11)),
        Call("GET", ACCOUNT_PATH, body=account),
        Call("PATCH", ACCOUNT_PATH),
    )
    assert status == 0
    assert lines[0]["service_accounts"] == [{"name": "default", "action": "attached"}]
    body = script.sent[-1].body
    assert body is not None
    assert body["imagePullSecrets"] == [{"name": NAME}]


def test_a_list_of_another_tool_is_one_line_of_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written_at = format_time(NOW + dt.timedelta(minutes=-1))
    owned = {"manager": "argocd-controller", "operation": "Apply", "time": written_at}
    metadata = {
        "namespace": "a",
        "name": "default",
        "uid": "u",
        "resourceVersion": "1",
        "creationTimestamp": "2026-01-01T00:00:00Z",
        "labels": {"argocd.argoproj.io/instance": "shop"},
        "managedFields": [{**owned, "fieldsV1": {"f:imagePullSecrets": {}}}],
    }
    _status, words, lines, _script = run_script(
        *("service-accounts", tmp_path, monkeypatch),
        Call("GET", secret_path("a"), body=stored("a", 11)),
        Call("GET", ACCOUNT_PATH, body={"metadata": metadata, "imagePullSecrets": [{"name": "theirs"}]}),
        Call("PATCH", ACCOUNT_PATH),
    )
    assert [set(line) for line in lines[1:]] == [{"warning"}, {"summary", "expires_at"}]
    warning = lines[1]["warning"]
    assert warning.startswith("Argo CD writes imagePullSecrets of service accounts from a list without ")
    assert f"the secret {NAME}: a/default (application shop). " in warning
    assert "which removed the entry if an earlier run had attached it: a/default (application shop)." in warning
    assert "Argo CD" not in words


def test_a_service_account_that_cannot_be_read_fails_its_namespace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    status, words, lines, _script = run_script(
        *("service-accounts", tmp_path, monkeypatch),
        Call("GET", secret_path("a"), body=stored("a", 11)),
        error("GET", ACCOUNT_PATH, 403, "no accounts"),
        Call("GET", f"{NAMESPACES_PATH}/a", body={"metadata": {"name": "a"}}),
    )
    assert (status, actions(lines)["a"][0]) == (1, "failed")
    assert "no accounts" in words


def test_a_mistake_fails_the_namespace_without_its_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: object, **_more: object) -> None:
        raise RuntimeError("new-never-shown")

    monkeypatch.setattr(SecretWriter, "decide", fail)
    found = Call("GET", secret_path("a"), body=stored("a"))
    status, words, lines, _script = run_script("listed", tmp_path, monkeypatch, found)
    assert (status, actions(lines)) == (1, {"a": ("failed", "internal_error")})
    assert "RuntimeError in test_refresher.py, line " in words
