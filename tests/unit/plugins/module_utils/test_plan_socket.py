# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module's end of the connection: it sends a plan, and gets options, a cancellation or nothing."""

from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils import _plan_socket
from ansible_collections.freshpull.ecr_public.plugins.module_utils._plan_socket import NoResponseError, Plugin

PLAN = {"changed": True, "namespaces": [{"namespace": "a"}]}
TOKEN = {"username": "AWS", "password": "never-shown", "expires_at": "2030-01-01T00:00:00Z", "registry": None}


@pytest.fixture
def respond(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[bytes], list[bytes]]]:
    """A function that lets the action plugin respond so, and returns the plans that it gets."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "plan"))
    listener.listen(1)
    monkeypatch.setenv(_plan_socket.SOCKET, str(tmp_path / "plan"))
    received: list[bytes] = []

    def serve(response: bytes) -> None:
        connection, _address = listener.accept()
        with connection, connection.makefile("rwb") as stream:
            received.append(stream.readline())
            stream.write(response)

    def start(response: bytes) -> list[bytes]:
        threading.Thread(target=serve, args=(response,), daemon=True).start()
        return received

    with listener:
        yield start


def module(**params: Any) -> Any:
    return SimpleNamespace(params=params, no_log_values=set())


def plugin() -> Plugin:
    found = _plan_socket.waiting_plugin()
    assert found
    return found


def test_no_plugin_waits_on_another_host() -> None:
    assert _plan_socket.waiting_plugin() is None


def test_the_plugin_takes_one_plan(respond: Callable[[bytes], list[bytes]]) -> None:
    """Neither a second plan of the module nor a program that it starts finds the socket."""
    assert plugin()
    assert _plan_socket.waiting_plugin() is None
    assert _plan_socket.SOCKET not in os.environ


def test_the_plan_is_carried_out_with_the_options_of_the_plugin(respond: Callable[[bytes], list[bytes]]) -> None:
    received = respond(json.dumps({"options": {"token": TOKEN, "expired_only": True}}).encode() + b"\n")
    task = module(name="a", token=None, expired_only=False)
    assert plugin().complete(task, PLAN)
    assert task.params == {"name": "a", "token": TOKEN, "expired_only": True}
    assert [json.loads(plan) for plan in received] == [PLAN]


def test_only_the_secrets_of_a_token_are_hidden_in_the_result(respond: Callable[[bytes], list[bytes]]) -> None:
    """As for an option: "AWS" would be hidden in each word that has it."""
    respond(json.dumps({"options": {"token": TOKEN}}).encode() + b"\n")
    task = module()
    plugin().complete(task, PLAN)
    assert task.no_log_values == {"never-shown"}


def test_a_plan_without_a_token_needs_no_option(respond: Callable[[bytes], list[bytes]]) -> None:
    respond(b'{"options": {}}\n')
    task = module(token=None)
    assert plugin().complete(task, PLAN)
    assert task.params == {"token": None}


def test_a_plan_can_be_cancelled(respond: Callable[[bytes], list[bytes]]) -> None:
    respond(json.dumps(_plan_socket.CANCELLED).encode() + b"\n")
    task = module(token=None)
    assert not plugin().complete(task, PLAN)
    assert task.params == {"token": None}


@pytest.mark.parametrize("response", [b"", b'{"options": {"token"', b'{"options"\n'], ids=repr)
def test_a_plugin_that_ends_is_an_error(respond: Callable[[bytes], list[bytes]], response: bytes) -> None:
    respond(response)
    with pytest.raises(NoResponseError, match="Nothing was written"):
        plugin().complete(module(), PLAN)


def test_a_socket_that_is_gone_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(NoResponseError, match="Nothing was written"):
        Plugin(str(tmp_path / "plan")).complete(module(), PLAN)
