# Copyright (c) 2026, freshpull contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole program without a cluster: imports, start and end. The e2e tests cover the rest."""

from __future__ import annotations

import io
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.api import ClusterError
from ansible_collections.freshpull.ecr_public.plugins.module_utils._kubernetes.retry import RetryBudget
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher import main
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher.settings import DEADLINE_STATUS
from ansible_collections.freshpull.ecr_public.plugins.module_utils._refresher_objects import program
from support.cluster.pki import Authority
from support.program import MODULE_UTILS, ProgramProcess, closure, imports
from unit.plugins.module_utils._refresher.test_settings import mounted


def test_nothing_but_the_standard_library_is_imported() -> None:
    for name, path in closure().items():
        others = {module.partition(".")[0] for module in imports(path)} - {"ansible_collections", "__future__"}
        assert others - sys.stdlib_module_names == set(), name


def test_no_module_of_the_collection_is_missing_from_the_closure() -> None:
    found = closure()
    wanted = {module for path in found.values() for module in imports(path) if module.startswith("ansible_collections")}
    packages = {name.rpartition(".")[0] for name in found}
    # The others are names that are imported from modules.
    assert {name for name in wanted if name not in found and name not in packages} == {
        name for name in wanted if name.rpartition(".")[0] in found
    }


def test_the_pod_has_exactly_the_imported_files() -> None:
    assert {str(path.relative_to(MODULE_UTILS)) for path in closure().values()} == set(program.FILES)


@pytest.fixture
def files(tmp_path: Path) -> ProgramProcess:
    return ProgramProcess(tmp_path)


def start(
    files: ProgramProcess, *, port: int = 1, environment: Mapping[str, str] | None = None
) -> subprocess.Popen[str]:
    return subprocess.Popen(
        files.install(),
        env={**files.environment(urlsplit(f"https://127.0.0.1:{port}")), **(environment or {})},
        cwd=files.settings,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


ENDS: dict[str, tuple[dict[str, Any], dict[str, str], str]] = {
    "settings": ({"name": None}, {}, "policy.json: name is missing. Run the role again."),
    "no pod": ({}, {"KUBERNETES_SERVICE_HOST": ""}, "KUBERNETES_SERVICE_HOST is not set"),
    "a port": ({}, {"KUBERNETES_SERVICE_PORT": "x"}, "KUBERNETES_SERVICE_PORT is not a number."),
    "no authority": ({}, {}, "ca.crt contains no certificate"),
}


@pytest.mark.parametrize("case", ENDS)
def test_a_failed_start_is_reported(files: ProgramProcess, case: str) -> None:
    """The program runs with -I and only its own files."""
    changes, environment, expected = ENDS[case]
    mounted(files.settings, **changes)
    with start(files, environment=environment) as process:
        output, errors = process.communicate(timeout=30)
    words = files.termination_log.read_text()
    assert (process.returncode, errors) == (1, "")
    assert json.loads(output) == {"problem": words.strip()}
    assert expected in words


def test_a_signal_stops_it_in_time_even_if_a_worker_hangs(files: ProgramProcess) -> None:
    """The API server accepts connections and never responds."""
    mounted(files.settings)
    (files.api / "token").write_text("t")
    (files.api / "ca.crt").write_bytes(Authority().certificate)
    with socket.create_server(("127.0.0.1", 0)) as silent, start(files, port=silent.getsockname()[1]) as process:
        silent.accept()
        process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        process.communicate(timeout=30)
    assert process.returncode == 1
    assert time.monotonic() - began < main.SECONDS_ONCE_STOPPED + 2
    words = files.termination_log.read_text()
    assert words.startswith("Stopped by SIGTERM before the end. Its pod was deleted, ")


def test_its_deadline_stops_it_even_if_a_worker_hangs(files: ProgramProcess) -> None:
    mounted(files.settings, deadline=1)
    (files.api / "token").write_text("t")
    (files.api / "ca.crt").write_bytes(Authority().certificate)
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        start(files, port=silent.getsockname()[1]) as process,
    ):
        process.communicate(timeout=30)
    assert process.returncode == DEADLINE_STATUS
    words = files.termination_log.read_text()
    assert words.startswith("Stopped by its deadline after 1 s, before the end: see active_deadline.")


def test_an_unexpected_error_before_the_work_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_arguments: object) -> None:
        raise RuntimeError("never-said")

    monkeypatch.setattr(main, "read", fail)
    monkeypatch.setattr(os, "_exit", lambda _status: None)
    monkeypatch.setenv("FRESHPULL_TERMINATION_LOG", str(tmp_path / "termination-log"))
    main.main()
    printed = capsys.readouterr().out + (tmp_path / "termination-log").read_text()
    assert "RuntimeError in test_main.py, line " in printed
    assert "never-said" not in printed


def test_an_unexpected_error_is_reported_without_its_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_self: main.Refresher) -> None:
        raise RuntimeError("never-said")

    monkeypatch.setattr(main.Refresher, "run", fail)
    monkeypatch.setattr(main, "PodTransport", lambda *_args, **_options: None)
    environment = {"FRESHPULL_CONFIG": str(mounted(tmp_path)), "KUBERNETES_SERVICE_HOST": "127.0.0.1"}
    out = io.StringIO()
    status, words = main.run(environment, out)
    assert status == 1
    assert "RuntimeError in test_main.py, line " in words
    assert "never-said" not in words + out.getvalue()
    assert json.loads(out.getvalue().splitlines()[0])["problem"] in words


def test_a_long_termination_message_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[int] = []
    monkeypatch.setattr(main, "run", lambda _environment, _out: (1, "ü" * 5000))
    monkeypatch.setattr(os, "_exit", ended.append)
    monkeypatch.setenv("FRESHPULL_TERMINATION_LOG", str(tmp_path / "termination-log"))
    main.main()
    assert ended == [1]
    assert len((tmp_path / "termination-log").read_bytes()) <= 4096


# --- In this process

START: dict[str, tuple[dict[str, Any], dict[str, str], str]] = {
    **ENDS,
    "no settings at all": ({}, {"FRESHPULL_CONFIG": "/nowhere"}, "/nowhere/policy.json"),
    "an unknown setting": ({"nam": "x"}, {}, "unknown settings: nam"),
    "a setting of another type": ({"workers": "32"}, {}, "workers"),
}


@pytest.mark.parametrize("case", START)
def test_a_run_that_cannot_start_returns_why(tmp_path: Path, case: str) -> None:
    changes, environment, said = START[case]
    defaults = {
        "FRESHPULL_CONFIG": str(mounted(tmp_path, **changes)),
        "FRESHPULL_API_ACCESS": str(tmp_path),
        "KUBERNETES_SERVICE_HOST": "127.0.0.1",
    }
    out = io.StringIO()
    status, words = main.run({**defaults, **environment}, out)
    assert status == 1
    assert said in words
    assert json.loads(out.getvalue()) == {"problem": words}


@pytest.fixture
def released() -> Iterator[threading.Event]:
    """An event that a worker which hangs waits for, set at the end of the test."""
    event = threading.Event()
    yield event
    event.set()


def run_in_process(
    directory: Path, monkeypatch: pytest.MonkeyPatch, work: Callable[[], object], seconds: float = 1, **changes: Any
) -> tuple[int, str, list[dict[str, Any]]]:
    """Run with this work; return status, termination message and lines. seconds: the clock's step at each read."""
    reads = itertools.count()
    monkeypatch.setattr(main, "RetryBudget", lambda: RetryBudget(now=lambda: next(reads) * seconds))
    monkeypatch.setattr(main, "PodTransport", lambda *_args, **_options: None)
    monkeypatch.setattr(main.Refresher, "run", lambda _refresher: work())
    out = io.StringIO()
    environment = {"FRESHPULL_CONFIG": str(mounted(directory, **changes)), "KUBERNETES_SERVICE_HOST": "127.0.0.1"}
    status, words = main.run(environment, out)
    return status, words, [json.loads(line) for line in out.getvalue().splitlines()]


def test_a_run_with_no_namespace_is_a_success(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    status, words, lines = run_in_process(tmp_path, monkeypatch, lambda: None)
    assert (status, words) == (0, "no namespace")
    assert lines == [{"summary": {}, "expires_at": None}]


def test_an_error_of_the_cluster_is_a_problem_of_the_whole_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise ClusterError("unreachable", "Could not list namespaces at https://cluster.example: refused")

    status, words, lines = run_in_process(tmp_path, monkeypatch, fail)
    assert status == 1
    assert "Could not list namespaces at https://cluster.example: refused" in words
    assert lines[0] == {"problem": words.strip()}


def test_a_signal_is_named_and_ends_a_worker_that_hangs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, released: threading.Event
) -> None:
    returned: list[bool] = []

    def hang() -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        returned.append(released.wait(30))

    status, words, lines = run_in_process(tmp_path, monkeypatch, hang)
    assert (status, returned) == (1, [])
    assert words.startswith("Stopped by SIGTERM")
    assert lines[0] == {"problem": words.strip()}
    assert lines[-1] == {"summary": {}, "expires_at": None}


def test_the_deadline_has_an_exit_status_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, released: threading.Event
) -> None:
    status, words, lines = run_in_process(tmp_path, monkeypatch, lambda: released.wait(30), seconds=10, deadline=15)
    assert status == DEADLINE_STATUS
    assert words.startswith("Stopped by its deadline after 15 s")
    assert "active_deadline" in lines[0]["problem"]


def test_a_termination_log_that_cannot_be_written_changes_no_status(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The log of the pod has the same text."""
    ended: list[int] = []
    monkeypatch.setattr(main, "run", lambda _environment, _out: (DEADLINE_STATUS, "words"))
    monkeypatch.setattr(os, "_exit", ended.append)
    monkeypatch.setenv("FRESHPULL_TERMINATION_LOG", str(tmp_path))
    main.main()
    assert ended == [DEADLINE_STATUS]
