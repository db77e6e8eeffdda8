# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs a module's main() in this process, over a script of the calls that it must make to the API server.

A call that the script does not have fails the test, and so does a call of the script that the module does not make.
Modules work in parallel, so the script has no order; Result.sent has the order.
"""

from __future__ import annotations

import copy
import dataclasses
import json
import os
import threading
from collections.abc import Mapping
from types import ModuleType
from typing import Any

import pytest
from ansible.module_utils import basic
from ansible.module_utils.common.parameters import PASS_VARS

from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes import client, connect
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.retry import RetryBudget
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.transport import (
    NoResponseError,
    Request,
    Response,
)

HOST = "https://cluster.example"
API_KEY = "api-key-never-shown"
CONNECTION = {"host": HOST, "api_key": API_KEY}
"""The options that name the cluster of the script."""
DRY_RUN = ("dryRun", "All")
MASKS = ("VALUE_SPECIFIED_IN_NO_LOG_PARAMETER", "********")
"""What Ansible puts in the place of the values of options."""

_PAGE = {"limit": "500"}


@dataclasses.dataclass(frozen=True)
class Call:
    """One call and its response. body: None returns the request's own body, as the API server does after a write.

    query: besides the field manager of a write. lost: whether no response comes.
    """

    method: str
    path: str
    status: int = 200
    body: Any = None
    query: Mapping[str, str] = dataclasses.field(default_factory=dict)
    lost: bool = False

    def matches(self, request: Request) -> bool:
        query = {name: value for name, value in request.query if name not in ("fieldManager", "force")}
        return (self.method, self.path, dict(self.query)) == (request.method, request.path, query)


def listed(path: str, *items: Mapping[str, Any], **query: str) -> Call:
    """A list with a single page."""
    return Call("GET", path, body={"metadata": {}, "items": list(items)}, query={**query, **_PAGE})


def error(method: str, path: str, status: int, message: str = "rejected", **query: str) -> Call:
    """A call that the API server rejects."""
    return Call(method, path, status, {"kind": "Status", "message": message}, query)


class Script:
    """A transport that has only these calls. Safe to use from many threads."""

    def __init__(self, calls: tuple[Call, ...]) -> None:
        self.host = ""
        """The address that the module connected to; "" if it did not."""
        self.left = list(calls)
        self.unexpected: list[str] = []
        self.sent: list[Request] = []
        self._lock = threading.Lock()

    def send(self, request: Request) -> Response:
        """Return the response of the first call that is left and matches."""
        with self._lock:
            self.sent.append(request)
            call = next((each for each in self.left if each.matches(request)), None)
            if call is None:
                self.unexpected.append(f"{request.method} {request.path} {dict(request.query)}")
                raise AssertionError(f"The script has no such call: {self.unexpected[-1]}")
            self.left.remove(call)
        if call.lost:
            raise NoResponseError("the response was lost")
        return Response(call.status, {}, json.dumps(_stored(request) if call.body is None else call.body).encode())


def _stored(request: Request) -> dict[str, Any]:
    body = copy.deepcopy(dict(request.body or {}))
    return {**body, "metadata": {"uid": "new-uid", **body.get("metadata", {})}}


@dataclasses.dataclass(frozen=True)
class Result:
    """What a module printed, and what it sent. text: all that it printed."""

    returncode: int
    values: dict[str, Any]
    text: str
    warnings: list[str]
    script: Script

    @property
    def contacted(self) -> bool:
        """Whether the module had a connection to the API server."""
        return bool(self.script.host)

    @property
    def sent(self) -> list[Request]:
        """All requests, in order."""
        return self.script.sent

    @property
    def writes(self) -> list[Request]:
        """The requests that change something, in order."""
        return [each for each in self.sent if each.method != "GET" and DRY_RUN not in each.query]

    @property
    def actions(self) -> dict[str, tuple[str, str]]:
        """Namespace to action and reason."""
        return {each["namespace"]: (each["action"], each["reason"]) for each in self.values["namespaces"]}


class Runner:
    """Runs modules. secrets: texts that no module may print, whatever its options are."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys
        self.secrets = [API_KEY]
        self._clock = 0.0
        for name in [name for name in os.environ if name.startswith("K8S_AUTH_")]:
            monkeypatch.delenv(name)

    def __call__(
        self,
        module: ModuleType,
        options: Mapping[str, Any],
        *calls: Call,
        check_mode: bool = False,
        diff: bool = False,
        masked: bool = False,
    ) -> Result:
        """Run the module. Fails unless it makes these calls and no others, and prints none of the secrets.

        masked: whether a part of the result is masked. Otherwise a mask is a failure: it hides a secret that the module
        would print if it did not come from an option.
        """
        script = Script(calls)
        warnings: list[str] = []
        self._give(options, check_mode, diff)
        self._monkeypatch.setattr(basic.AnsibleModule, "warn", lambda _self, msg, **_more: warnings.append(msg))
        self._monkeypatch.setattr(client, "direct", lambda configuration, _secrets: _connect(script, configuration))
        self._monkeypatch.setattr(
            connect, "RetryBudget", lambda: RetryBudget(now=lambda: self._clock, sleep=self._sleep)
        )
        self._capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            module.main()
        printed = self._capsys.readouterr()
        text = printed.out + printed.err
        assert script.unexpected == []
        assert script.left == []
        assert [secret for secret in self.secrets if secret in text + " ".join(warnings)] == []
        assert ended.value.code in (0, 1)
        result = Result(int(ended.value.code), json.loads(printed.out), text, warnings, script)
        shown = json.dumps({name: value for name, value in result.values.items() if name != "invocation"})
        assert any(mask in shown for mask in MASKS) is masked
        return result

    def _give(self, options: Mapping[str, Any], check_mode: bool, diff: bool) -> None:
        """Hand the options to the next AnsibleModule, as ansible.module_utils.testing does where it exists."""
        arguments = {**options, "_ansible_check_mode": check_mode, "_ansible_diff": diff}
        if "inject_invocation" in PASS_VARS:
            # Older versions always add the invocation to the result.
            arguments["_ansible_inject_invocation"] = True
        self._monkeypatch.setattr(basic, "_ANSIBLE_ARGS", json.dumps({"ANSIBLE_MODULE_ARGS": arguments}).encode())
        self._monkeypatch.setattr(basic, "_ANSIBLE_PROFILE", "legacy", raising=False)

    def _sleep(self, seconds: float) -> None:
        """Time passes only while a module waits."""
        self._clock += seconds


def _connect(script: Script, configuration: Any) -> Script:
    script.host = configuration.host
    return script
